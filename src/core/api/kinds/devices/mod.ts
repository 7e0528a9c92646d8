// The door of kinds/devices.
export { deviceClass } from "./device-class.ts";
export { resourceClaim } from "./resource-claim.ts";
export { resourceClaimTemplate } from "./resource-claim-template.ts";
export { resourceSlice } from "./resource-slice.ts";

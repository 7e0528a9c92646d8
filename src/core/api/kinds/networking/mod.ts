// The door of kinds/networking.
export { ipAddress } from "./ip-address.ts";
export { serviceCIDR } from "./service-cidr.ts";

export { startEndpointSliceMirroring } from "./loop.ts";

export { blankSlice } from "./blank-slice.ts";
export { startEndpointSlices } from "./loop.ts";
export { portsKey, type Slice, SliceDraft, slicePortsKey } from "./slice-draft.ts";
export { managedByLabel, serviceNameLabel } from "./slice-labels.ts";

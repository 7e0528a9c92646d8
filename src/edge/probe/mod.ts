export { createProbeClient } from "./probe-client.ts";

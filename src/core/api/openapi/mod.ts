export { packageOf } from "./definition-names.ts";
export type { DescribedKind } from "./operations.ts";
export type { Descriptions } from "./schemas.ts";
export * from "./v2.ts";
export { encodeOpenApiV2 } from "./v2-protobuf.ts";
export { type OpenApiSource, openApiV3Document, openApiV3Index } from "./v3.ts";

export * from "./api-server.ts";
export { ensureBootstrapObjects, ensureClasses } from "./bootstrap.ts";
export * from "./bootstrap-keeper.ts";
export type * from "./connect.ts";
export type { AdmissionPlugin, ApiCore, Reserve, UserInfo, WriteContext } from "./context.ts";
export { expireEvents } from "./event-expiry.ts";
export type { SubresourceHandler } from "./subresource.ts";
export { createTokenSigner, type TokenSigner } from "./tokens/mod.ts";

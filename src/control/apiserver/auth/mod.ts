export * from "./authenticator.ts";
export * from "./impersonation.ts";
export * from "./issuer.ts";

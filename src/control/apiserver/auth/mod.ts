export * from "./authenticator.ts";
export * from "./caller.ts";
export * from "./issuer.ts";

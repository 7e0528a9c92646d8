export * from "./token-request.ts";
export * from "./token-signer.ts";
export * from "./token-verifier.ts";

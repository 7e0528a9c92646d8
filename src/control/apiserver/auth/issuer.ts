// What others need to verify service account tokens: the issuer's OpenID configuration and public keys (OpenID Connect Discovery).
import type { TokenSigner } from "../tokens/mod.ts";

export const keysPath = "/openid/v1/jwks";
export const configurationPath = "/.well-known/openid-configuration";

/** `server` is the URL under which clients reach the API server. */
export function issuerConfiguration(signer: TokenSigner, server: string): object {
  return {
    issuer: signer.issuer,
    jwks_uri: `${server}${keysPath}`,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256"],
  };
}

import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { createAuthority, createSigningKey } from "./certificates.ts";

test("a server certificate names its addresses and verifies against the authority", async () => {
  const ca = await createAuthority("portolan-test");
  const pair = await ca.issue({
    commonName: "kube-apiserver",
    dnsNames: ["kubernetes"],
    addresses: ["127.0.0.1", "10.96.0.1"],
  });
  const cert = new X509Certificate(pair.cert);
  assert.ok(cert.verify(new X509Certificate(ca.cert).publicKey));
  assert.equal(cert.subjectAltName, "DNS:kubernetes, IP Address:127.0.0.1, IP Address:10.96.0.1");
  assert.ok(cert.checkPrivateKey(createPrivateKey(pair.key)));
});

test("a client certificate carries user and groups", async () => {
  const ca = await createAuthority("portolan-test");
  const pair = await ca.issue({ commonName: "kubernetes-admin", organizations: ["system:masters"] });
  assert.equal(new X509Certificate(pair.cert).subject, "O=system:masters\nCN=kubernetes-admin");
});

test("a signing key is a P-256 pair", async () => {
  const { publicKey, privateKey } = await createSigningKey();
  assert.equal(createPublicKey(publicKey).asymmetricKeyDetails?.namedCurve, "prime256v1");
  assert.equal(
    createPublicKey(createPrivateKey(privateKey)).export({ type: "spki", format: "pem" }).toString().trim(),
    publicKey.trim(),
  );
});

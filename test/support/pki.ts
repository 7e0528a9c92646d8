// Certificates for tests: one throw-away authority, signed in this process, trusted by nobody else.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

export interface TestPki {
  ca: string;
  /** A serving certificate for these addresses or names. */
  serving(...hosts: string[]): Promise<{ cert: string; key: string }>;
  client(commonName: string, ...organizations: string[]): Promise<{ cert: string; key: string }>;
}

// The library types the platform's crypto as a browser's.
type BrowserCrypto = Parameters<typeof x509.cryptoProvider.set>[0];
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

async function pem(key: webcrypto.CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey("pkcs8", key);
  return x509.PemConverter.encode(der, "PRIVATE KEY");
}

export async function createTestPki(): Promise<TestPki> {
  x509.cryptoProvider.set(webcrypto as unknown as BrowserCrypto);
  const keys = await newKeys();
  const notBefore = new Date(Date.now() - 3_600_000);
  const notAfter = new Date(Date.now() + 3_600_000);
  let serial = 1;
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: "01",
    name: "CN=test-ca",
    notBefore,
    notAfter,
    signingAlgorithm: algorithm,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  });
  async function issue(
    subject: string,
    extensions: x509.Extension[],
  ): Promise<{ cert: string; key: string }> {
    const pair = await newKeys();
    serial++;
    const cert = await x509.X509CertificateGenerator.create({
      serialNumber: serial.toString(16).padStart(2, "0"),
      subject,
      issuer: ca.subject,
      notBefore,
      notAfter,
      signingAlgorithm: algorithm,
      publicKey: pair.publicKey,
      signingKey: keys.privateKey,
      extensions,
    });
    return { cert: cert.toString("pem"), key: await pem(pair.privateKey) };
  }
  return {
    ca: ca.toString("pem"),
    serving: (...hosts) =>
      issue("CN=test-server", [
        new x509.SubjectAlternativeNameExtension(
          hosts.map((value) => ({
            type: /^[\d.]+$|:/.test(value) ? ("ip" as const) : ("dns" as const),
            value,
          })),
        ),
      ]),
    client: (commonName, ...organizations) =>
      issue([...organizations.map((o) => `O=${o}`), `CN=${commonName}`].join(", "), []),
  };
}

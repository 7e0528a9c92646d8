// The cluster's certificate authority and what it signs: X.509 v3 with ECDSA P-256 (an RSA-2048 pair takes 3,000 times longer).
import { webcrypto } from "node:crypto";
import "reflect-metadata";
import {
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

const crypto = webcrypto as unknown as Parameters<typeof cryptoProvider.set>[0];
type KeyPair = Awaited<ReturnType<typeof newKeys>>;
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const year = 365 * 24 * 3600 * 1000;

/** A certificate and its private key (PKCS #8), both PEM. */
export interface PemPair {
  cert: string;
  key: string;
}

export interface Authority extends PemPair {
  issue(options: IssueOptions): Promise<PemPair>;
}

export interface IssueOptions {
  /** CN: the user's name. */
  commonName: string;
  /** O: the user's groups. */
  organizations?: readonly string[];
  /** DNS names and IP addresses of a server; without them the certificate is a client's. */
  dnsNames?: readonly string[];
  addresses?: readonly string[];
}

async function exportKey(key: KeyPair["privateKey"]): Promise<string> {
  return PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}

const newKeys = () => webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);

/** RFC 5280: 20 octets at most, positive. */
const serialNumber = (): string =>
  `4${Buffer.from(webcrypto.getRandomValues(new Uint8Array(15))).toString("hex")}0`;

/** Makes a new authority, valid for ten years. */
export async function createAuthority(commonName: string): Promise<Authority> {
  cryptoProvider.set(crypto);
  const keys = await newKeys();
  const notBefore = new Date(Date.now() - 3600_000);
  const name = `CN=${commonName}`;
  const authority = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: name,
    issuer: name,
    notBefore,
    notAfter: new Date(notBefore.getTime() + 10 * year),
    signingKey: keys.privateKey,
    publicKey: keys.publicKey,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(
        KeyUsageFlags.keyCertSign | KeyUsageFlags.digitalSignature | KeyUsageFlags.cRLSign,
        true,
      ),
      await SubjectKeyIdentifierExtension.create(keys.publicKey, false, crypto),
    ],
  });

  async function issue(options: IssueOptions): Promise<PemPair> {
    const own = await newKeys();
    const names: JsonGeneralName[] = [
      ...(options.dnsNames ?? []).map((value) => ({ type: "dns" as const, value })),
      ...(options.addresses ?? []).map((value) => ({ type: "ip" as const, value })),
    ];
    const usages = [ExtendedKeyUsage.clientAuth];
    if (names.length > 0) usages.push(ExtendedKeyUsage.serverAuth);
    const subject = [...(options.organizations ?? []).map((o) => ({ O: [o] })), { CN: [options.commonName] }];
    const cert = await X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject,
      issuer: name,
      notBefore,
      notAfter: new Date(notBefore.getTime() + 10 * year),
      signingKey: keys.privateKey,
      publicKey: own.publicKey,
      signingAlgorithm: algorithm,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension(usages),
        ...(names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []),
      ],
    });
    return { cert: cert.toString("pem"), key: await exportKey(own.privateKey) };
  }

  return { cert: authority.toString("pem"), key: await exportKey(keys.privateKey), issue };
}

/** A bare ECDSA P-256 key pair in PEM, for signing service account tokens. */
export async function createSigningKey(): Promise<{ publicKey: string; privateKey: string }> {
  const keys = await newKeys();
  const spki = await webcrypto.subtle.exportKey("spki", keys.publicKey);
  return { publicKey: PemConverter.encode(spki, "PUBLIC KEY"), privateKey: await exportKey(keys.privateKey) };
}

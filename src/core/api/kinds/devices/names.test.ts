import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldErrorMessage } from "../../status.ts";
import {
  validateDriverName,
  validateFullyQualifiedName,
  validatePoolName,
  validateQualifiedName,
  validateUID,
} from "./names.ts";

const domain = "a".repeat(60);
const subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const identifier =
  "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')";
const invalid = (value: string, detail: string): string =>
  `f: Invalid value: ${JSON.stringify(value)}: ${detail}`;
const uidForm =
  "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters";

const rows: [name: string, check: typeof validateUID, value: string, messages: string[]][] = [
  ["driver", validateDriverName, "gpu.example.com", []],
  ["driver with capitals", validateDriverName, "GPU.example.com", []],
  ["driver without a name", validateDriverName, "", ["f: Required value"]],
  ["driver too long", validateDriverName, `${domain}.com`, ["f: Too long: may not be more than 63 bytes"]],
  ["driver with a space", validateDriverName, "a b", [invalid("a b", subdomain)]],
  ["pool", validatePoolName, "example.com/node-1/a", []],
  ["pool without a name", validatePoolName, "", ["f: Required value"]],
  ["pool with an empty part", validatePoolName, "a//b", [invalid("", subdomain)]],
  [
    "pool too long",
    validatePoolName,
    Array(5).fill(domain).join("/"),
    ["f: Too long: may not be more than 253 bytes"],
  ],
  ["attribute", validateQualifiedName, "model", []],
  ["attribute of a domain", validateQualifiedName, "gpu.example.com/model", []],
  [
    "attribute without a domain",
    validateQualifiedName,
    "/model",
    [invalid("", "the domain must not be empty")],
  ],
  ["attribute of a domain, empty", validateQualifiedName, "a/", [invalid("", "the name must not be empty")]],
  ["attribute with a dash", validateQualifiedName, "a-b", [invalid("a-b", identifier)]],
  [
    "attribute too long",
    validateQualifiedName,
    "a".repeat(33),
    ["f: Too long: may not be more than 32 bytes"],
  ],
  ["attribute with two slashes", validateQualifiedName, "a/b/c", []],
  ["attribute in full", validateFullyQualifiedName, "a/b", []],
  [
    "attribute in full without a domain",
    validateFullyQualifiedName,
    "b",
    [invalid("b", "a fully qualified name must be a domain and a name separated by a slash")],
  ],
  ["uid", validateUID, "00000000-1111-2222-3333-0123456789ab", []],
  [
    "uid with capitals",
    validateUID,
    "00000000-1111-2222-3333-0123456789AB",
    [invalid("00000000-1111-2222-3333-0123456789AB", uidForm)],
  ],
  [
    "uid in braces",
    validateUID,
    "{00000000-1111-2222-3333-0123456789ab}",
    [invalid("{00000000-1111-2222-3333-0123456789ab}", uidForm)],
  ],
  ["uid too short", validateUID, "abc", [invalid("abc", "error validating uid: invalid UUID length: 3")]],
  [
    "uid of other letters",
    validateUID,
    "0000000g-1111-2222-3333-0123456789ab",
    [invalid("0000000g-1111-2222-3333-0123456789ab", "error validating uid: invalid UUID format")],
  ],
];
for (const [name, check, value, messages] of rows)
  test(`names: ${name}`, () => assert.deepEqual(check(value, "f").map(fieldErrorMessage), messages));

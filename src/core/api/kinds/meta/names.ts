// What a name may look like (RFC 1123, and Kubernetes' own grammars): each check returns what is wrong, worded as
// apimachinery's util/validation words it; none means valid.
export { labelKeyErrors as qualifiedName, labelValueErrors as labelValue } from "../../selector/mod.ts";

const regexError = (message: string, format: string, ...examples: string[]): string => {
  const eg = examples.map((e) => `'${e}', `).join(" or ");
  return examples.length === 0
    ? `${message} (regex used for validation is '${format}')`
    : `${message} (e.g. ${eg}regex used for validation is '${format}')`;
};
const maxLength = (n: number): string => `must be no more than ${n} characters`;
const byteLength = (s: string): number => Buffer.byteLength(s);

const label1123 = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const subdomain1123 = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const subdomainUnderscore = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*";
const wildcard1123 = `\\*\\.${subdomain1123}`;
const whole = (format: string): RegExp => new RegExp(`^(?:${format})$`);
const label1123Re = whole(label1123);
const subdomain1123Re = whole(subdomain1123);
const subdomainUnderscoreRe = whole(subdomainUnderscore);
const wildcard1123Re = whole(wildcard1123);

export function dns1123Label(value: string): string[] {
  const errors = byteLength(value) > 63 ? [maxLength(63)] : [];
  if (label1123Re.test(value)) return errors;
  if (subdomain1123Re.test(value)) return [...errors, "must not contain dots"];
  const text =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
  return [...errors, regexError(text, label1123, "my-name", "123-abc")];
}

export function dns1123Subdomain(value: string): string[] {
  const errors = byteLength(value) > 253 ? [maxLength(253)] : [];
  if (subdomain1123Re.test(value)) return errors;
  const text =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
  return [...errors, regexError(text, subdomain1123, "example.com")];
}

export function dns1123SubdomainWithUnderscore(value: string): string[] {
  const errors = byteLength(value) > 253 ? [maxLength(253)] : [];
  if (subdomainUnderscoreRe.test(value)) return errors;
  const text =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character";
  return [...errors, regexError(text, subdomainUnderscore, "example.com")];
}

/** `*.` and a subdomain: any one label in front of it. */
export function wildcardDns1123Subdomain(value: string): string[] {
  const errors = byteLength(value) > 253 ? [maxLength(253)] : [];
  if (wildcard1123Re.test(value)) return errors;
  const text =
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
  return [...errors, regexError(text, wildcard1123, "*.example.com")];
}

/** A name that can stand alone in a URL's path. */
export function pathSegment(value: string): string[] {
  if (value === "." || value === "..") return [`may not be '${value}'`];
  return ["/", "%"].filter((c) => value.includes(c)).map((c) => `may not contain '${c}'`);
}

export function portNumber(value: number): string[] {
  return Number.isInteger(value) && value >= 1 && value <= 65535
    ? []
    : ["must be between 1 and 65535, inclusive"];
}

export const inRange = (value: number, low: number, high: number): string[] =>
  value >= low && value <= high ? [] : [`must be between ${low} and ${high}, inclusive`];

/** IANA service name (RFC 6335): what ports are called. */
export function portName(value: string): string[] {
  const errors: string[] = [];
  if (byteLength(value) > 15) errors.push(maxLength(15));
  if (!/^[-a-z0-9]+$/.test(value))
    errors.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!/[a-z]/.test(value)) errors.push("must contain at least one letter (a-z)");
  if (value.includes("--")) errors.push("must not contain consecutive hyphens");
  if (value.startsWith("-") || value.endsWith("-")) errors.push("must not begin or end with a hyphen");
  return errors;
}

const identifier = "[A-Za-z_][A-Za-z0-9_]*";
const identifierRe = whole(identifier);

/** A name that a programming language takes as it is; its length is the caller's business. */
export function cIdentifier(value: string): string[] {
  if (identifierRe.test(value)) return [];
  const text =
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'";
  return [regexError(text, identifier, "my_name", "MY_NAME", "MyName")];
}

const reason = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?";
const reasonRe = whole(reason);

export function conditionReason(value: string): string[] {
  if (reasonRe.test(value)) return [];
  const text =
    "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'";
  return [regexError(text, reason, "my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB")];
}

function parentPrefix(value: string): string[] {
  if (value === "." || value === "..") return [`must not be '${value}'`];
  return value.startsWith("..") ? ["must not start with '..'"] : [];
}

const configKey = "[-._a-zA-Z0-9]+";
const configKeyRe = whole(configKey);

/** A key of a ConfigMap or Secret: it can be a file's name. */
export function configMapKey(value: string): string[] {
  const errors = byteLength(value) > 253 ? [maxLength(253)] : [];
  if (!configKeyRe.test(value)) {
    const text = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
    errors.push(regexError(text, configKey, "key.name", "KEY_NAME", "key-name"));
  }
  return [...errors, ...parentPrefix(value)];
}

/** The relaxed rule, the default since 1.34 (RelaxedEnvironmentVariableValidation). */
export function envVarName(value: string): string[] {
  if (value === "") return ["environment variable name must be non-empty"];
  if (/^[\x20-\x3c\x3e-\x7e]*$/.test(value)) return [];
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

export function httpHeaderName(value: string): string[] {
  if (/^[-A-Za-z0-9]+$/.test(value)) return [];
  const text = "a valid HTTP header must consist of alphanumeric characters or '-'";
  return [regexError(text, "[-A-Za-z0-9]+", "X-Header-Name")];
}

export function percent(value: string): string[] {
  if (/^[0-9]+%$/.test(value)) return [];
  const text = "a valid percent string must be a numeric string followed by an ending '%'";
  return [regexError(text, "[0-9]+%", "1%", "93%")];
}

const MAX_ID = 2147483647;
export const userID = (value: number): string[] => inRange(value, 0, MAX_ID);
export const groupID = userID;

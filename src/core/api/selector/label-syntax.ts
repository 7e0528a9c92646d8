// What a label key and a label value may look like (apimachinery api/validate/content: IsLabelKey, IsLabelValue).

const dnsLabel = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const dnsSubdomain = `${dnsLabel}(\\.${dnsLabel})*`;
const name = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const dnsSubdomainPattern = new RegExp(`^${dnsSubdomain}$`);
const namePattern = new RegExp(`^${name}$`);
const valuePattern = new RegExp(`^(${name})?$`);

const nameMessage = `must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${name}')`;
const prefixMessage = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${dnsSubdomain}')`;
const valueMessage = `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(${name})?')`;

/** What is wrong with a label key (a qualified name); empty when nothing is. */
export function labelKeyErrors(key: string): string[] {
  const parts = key.split("/");
  if (parts.length > 2)
    return [
      `a valid label key ${nameMessage} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  const errors: string[] = [];
  const last = parts.at(-1)!;
  if (parts.length === 2) {
    const prefix = parts[0]!;
    if (prefix === "") errors.push("prefix part must be non-empty");
    else {
      if (prefix.length > 253) errors.push("prefix part must be no more than 253 bytes");
      if (!dnsSubdomainPattern.test(prefix)) errors.push(`prefix part ${prefixMessage}`);
    }
  }
  if (last === "") errors.push("name part must be non-empty");
  else if (Buffer.byteLength(last) > 63) errors.push("name part must be no more than 63 bytes");
  if (!namePattern.test(last)) errors.push(`name part ${nameMessage}`);
  return errors;
}

/** What is wrong with a label value; empty when nothing is. */
export function labelValueErrors(value: string): string[] {
  const errors: string[] = [];
  if (Buffer.byteLength(value) > 63) errors.push("must be no more than 63 bytes");
  if (!valuePattern.test(value)) errors.push(valueMessage);
  return errors;
}

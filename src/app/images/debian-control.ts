// The paragraphs that `apt-cache show` prints (deb-control(5)): which package, which version, what it needs.

export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly depends: readonly (readonly string[])[];
  /** Virtual packages that this one stands for. */
  readonly provides: readonly string[];
}

function parsePackage(paragraph: string): DebianPackage | undefined {
  const fields = new Map<string, string>();
  for (const line of paragraph.replace(/\n[ \t]+/g, " ").split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const name = fields.get("Package");
  const version = fields.get("Version");
  if (!name || !version) return undefined;
  const depends = [fields.get("Pre-Depends"), fields.get("Depends")]
    .filter((d) => d !== undefined)
    .flatMap((d) => d.split(","))
    .map((d) => d.split("|").map((a) => a.trim().replace(/[ (:].*$/, "")))
    .filter((alternatives) => alternatives[0] !== "");
  const provides = (fields.get("Provides") ?? "").split(",").map((p) => p.trim().replace(/[ (:].*$/, ""));
  return { name, version, architecture: fields.get("Architecture") ?? "all", depends, provides };
}

/** By name; of a package printed several times the first, which is apt's candidate. */
export function parsePackages(text: string): Map<string, DebianPackage> {
  const found = new Map<string, DebianPackage>();
  for (const paragraph of text.split(/\n\n+/)) {
    const p = parsePackage(paragraph);
    if (p && !found.has(p.name)) found.set(p.name, p);
  }
  return found;
}

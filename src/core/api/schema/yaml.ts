// Reads a YAML body (application/yaml, application/apply-patch+yaml). Apart from the others because the parser is large:
// import it when the first such body comes.
import { isMap, isScalar, LineCounter, parseDocument, visit } from "yaml";
import { badRequest, type StatusError } from "../status.ts";

export interface ParsedYaml {
  readonly value: unknown;
  /** `yaml: unmarshal errors:\n  line 3: key "a" already set in map`, for strict decoding. */
  readonly strictErrors: string[];
}

/** Kubernetes lists no more of them in one error. */
const maxRepeats = 100;

const refused = (why: string): StatusError => badRequest(`error converting YAML to JSON: yaml: ${why}`);

function repeatedKeys(doc: ReturnType<typeof parseDocument>, lines: LineCounter): string[] {
  const out: string[] = [];
  visit(doc, {
    Map(_, map) {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        const name = isScalar(key) ? key.value : key;
        if (seen.has(name) && out.length < maxRepeats) {
          const at = isScalar(key) ? (key.range?.[0] ?? 0) : 0;
          out.push(`  line ${lines.linePos(at).line}: key ${JSON.stringify(name)} already set in map`);
        }
        seen.add(name);
      }
    },
  });
  return out;
}

/** YAML 1.2 with merge keys, at most a hundred aliases. Throws StatusError 400. */
export function parseYaml(text: string): ParsedYaml {
  try {
    const lineCounter = new LineCounter();
    // The parser's own check of keys takes time with the square of a map's size.
    const doc = parseDocument(text, { uniqueKeys: false, merge: true, logLevel: "silent", lineCounter });
    const error = doc.errors[0];
    if (error) throw refused(`line ${error.linePos?.[0].line ?? 1}: ${error.message.split(" at line")[0]}`);
    if (doc.contents !== null && isMap(doc.contents) && doc.contents.items.some((i) => !isScalar(i.key)))
      throw refused("line 1: a key must be a scalar");
    const repeated = repeatedKeys(doc, lineCounter);
    return {
      value: doc.toJS({ maxAliasCount: 100 }),
      strictErrors: repeated.length > 0 ? [`yaml: unmarshal errors:\n${repeated.join("\n")}`] : [],
    };
  } catch (e) {
    if (e instanceof RangeError) throw refused("exceeded max depth");
    if (e instanceof ReferenceError) throw refused(e.message);
    throw e;
  }
}

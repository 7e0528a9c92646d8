// What differs between two specs, in the manner of the difference that Kubernetes appends to its refusal.
import { semanticEqual } from "../../meta/mod.ts";

const goName = (key: string): string => key.charAt(0).toUpperCase() + key.slice(1);
const print = (value: unknown): string => (value === undefined ? "nil" : JSON.stringify(value));

/** One pair of lines for each field that differs; the others are counted. */
export function specDifference(was: object, now: object, type = "core.PodSpec"): string {
  const left = was as Record<string, unknown>;
  const right = now as Record<string, unknown>;
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  const differing = keys.filter((k) => !semanticEqual(left[k], right[k]));
  const same = keys.length - differing.length;
  return [
    `  ${type}{`,
    ...(same > 0 ? [`  \t... // ${same} identical fields`] : []),
    ...differing.flatMap((k) => [
      `- \t${goName(k)}: ${print(left[k])},`,
      `+ \t${goName(k)}: ${print(right[k])},`,
    ]),
    "  }\n",
  ].join("\n");
}

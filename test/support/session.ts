// A session in a document: commands with their output as it was printed. Addresses, ages, ports and generated names differ
// from run to run: they are matched by shape, and what a name or address became is carried on into later commands.

export interface SessionStep {
  command: string;
  /** The expected output's lines, without empty ones at the end. */
  output: string[];
}

/** The steps of every code block below the heading whose lines begin with `$ `. */
export function parseSession(document: string, heading: string): SessionStep[] {
  const start = document.indexOf(`\n${heading}\n`);
  if (start < 0) throw new Error(`no heading ${JSON.stringify(heading)}`);
  const body = document.slice(start + heading.length + 2);
  const section = body.slice(0, /^## /m.exec(body)?.index ?? body.length);
  const steps: SessionStep[] = [];
  for (const block of section.matchAll(/^```\n([\s\S]*?)^```$/gm))
    for (const line of block[1]!.trimEnd().split("\n")) {
      if (line.startsWith("$ ")) steps.push({ command: line.slice(2), output: [] });
      else steps.at(-1)?.output.push(line);
    }
  for (const step of steps) while (step.output.at(-1) === "") step.output.pop();
  return steps;
}

/** What differs from run to run, as one alternation of named shapes. */
const varying =
  /(?<address>\b(?:10|172)\.\d+\.\d+\.\d+\b)|(?<age>(?<=[\s(])(?:\d+[dhms])+(?= ago|\s|$))|(?<port>\b3[0-2]\d{3}\b)|(?<suffix>-[a-z0-9]{5}\b(?=\s))/g;

const shapes: Record<string, string> = {
  address: "((?:10|172)\\.\\d+\\.\\d+\\.\\d+)",
  age: "((?:\\d+[dhms])+)",
  port: "(3[0-2]\\d{3})",
  suffix: "(-[a-z0-9]{5})",
};

const literally = (text: string): string =>
  text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "\\s+");

/** True when the actual line is the expected one but for what varies; notes what each varying word became. */
export function matchLine(expected: string, actual: string, became: Map<string, string>): boolean {
  const words: string[] = [];
  let pattern = "";
  let at = 0;
  for (const m of expected.trimEnd().matchAll(varying)) {
    const [kind] = Object.entries(m.groups!).find(([, v]) => v !== undefined)!;
    pattern += literally(expected.slice(at, m.index)) + shapes[kind];
    words.push(m[0]);
    at = m.index + m[0].length;
  }
  const found = new RegExp(`^${pattern}${literally(expected.slice(at).trimEnd())}$`).exec(actual.trimEnd());
  if (!found) return false;
  for (const [i, word] of words.entries()) became.set(word, found[i + 1]!);
  return true;
}

/** The first difference between expected and actual output, or undefined. Lines of generated order are compared as sets. */
export function compareOutput(
  step: SessionStep,
  actual: string,
  became: Map<string, string>,
): string | undefined {
  const lines = actual.split("\n").filter((l) => l.trim() !== "");
  const wanted = step.output.filter((l) => l.trim() !== "");
  for (const expected of wanted) {
    const at = lines.findIndex((l) => matchLine(expected, l, became));
    if (at < 0) return `expected the line\n  ${expected}\nin\n${actual}`;
    lines.splice(at, 1);
  }
  return lines.length === 0 ? undefined : `not expected:\n  ${lines.join("\n  ")}`;
}

/** The command with every word that has become another one replaced. */
export function translate(command: string, became: ReadonlyMap<string, string>): string {
  return command.replace(varying, (word) => became.get(word) ?? word);
}

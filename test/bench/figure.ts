// One measured figure beside its floor or peer of the same run. Absolute times are noisy; the ratio is what counts.

export interface Figure {
  what: string;
  /** Ours. */
  value: number;
  unit: string;
  /** What it is held against, measured in the same run. */
  against?: { what: string; value: number };
  /** The figure to reach, and whether ours does. */
  goal?: string;
  met?: boolean;
}

export interface Bench {
  name: string;
  run(): Promise<Figure[]>;
}

const number = (n: number): string =>
  n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n >= 0.1 ? n.toFixed(2) : n.toPrecision(2);

export function printFigure(f: Figure): string {
  const ratio = f.against
    ? `   ${number(f.value / f.against.value)} x ${f.against.what} (${number(f.against.value)} ${f.unit})`
    : "";
  const goal = f.goal ? `   goal: ${f.goal}${f.met === undefined ? "" : f.met ? " ✓" : " ✗"}` : "";
  return `  ${f.what.padEnd(56)} ${number(f.value).padStart(8)} ${f.unit}${ratio}${goal}`;
}

/** The q-quantile (0 to 1) of the samples. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

// Counters, gauges and histograms by label values, printed in Prometheus' text exposition format 0.0.4.

export interface Counter {
  /** Default 1. */
  add(by?: number): void;
}

export interface Gauge {
  set(value: number): void;
}

export interface Histogram {
  observe(value: number): void;
}

/** One metric of a name. `with` takes a value for each label name, in their order, and gives the same object each time. */
export interface Family<T> {
  with(...values: string[]): T;
  /** Forgets every combination of labels. */
  clear(): void;
}

export interface MetricPage {
  counter(name: string, help: string, labels?: readonly string[]): Family<Counter>;
  gauge(name: string, help: string, labels?: readonly string[]): Family<Gauge>;
  /** `buckets` are upper bounds in rising order, without +Inf. */
  histogram(
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: readonly string[],
  ): Family<Histogram>;
  /** Called before the page is printed, to set what is known elsewhere. */
  onText(refresh: () => void): void;
  text(): string;
}

export const linearBuckets = (from: number, step: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => from + i * step);

export const exponentialBuckets = (from: number, factor: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => from * factor ** i);

const escaped = (text: string): string =>
  text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');

/** Go prints these three so, and Prometheus reads them so. */
const number = (n: number): string =>
  n === Number.POSITIVE_INFINITY ? "+Inf" : n === Number.NEGATIVE_INFINITY ? "-Inf" : String(n);

const pairs = (names: readonly string[], values: readonly string[]): string[] =>
  names.map((name, i) => `${name}="${escaped(values[i] ?? "")}"`);

const labelled = (name: string, labels: readonly string[], value: number): string =>
  `${name}${labels.length > 0 ? `{${labels.join(",")}}` : ""} ${number(value)}\n`;

interface Cell {
  labels: string[];
  lines(name: string): string;
}

export function createMetricPage(): MetricPage {
  const families: (() => string)[] = [];
  const refreshes: (() => void)[] = [];

  function family<T>(
    kind: "counter" | "gauge" | "histogram",
    name: string,
    help: string,
    names: readonly string[],
    make: (labels: string[]) => T & Cell,
  ): Family<T> {
    const cells = new Map<string, T & Cell>();
    families.push(() => {
      let text = `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${kind}\n`;
      for (const cell of cells.values()) text += cell.lines(name);
      return cells.size === 0 ? "" : text;
    });
    const result: Family<T> = {
      with(...values) {
        const key = values.join("\0");
        let cell = cells.get(key);
        if (!cell) {
          cell = make(pairs(names, values));
          cells.set(key, cell);
        }
        return cell;
      },
      clear: () => cells.clear(),
    };
    // What has no labels is there from the start.
    if (names.length === 0) result.with();
    return result;
  }

  return {
    counter: (name, help, labels = []) =>
      family<Counter>("counter", name, help, labels, (own) => {
        let value = 0;
        return {
          labels: own,
          add(by = 1) {
            value += by;
          },
          lines: (of) => labelled(of, own, value),
        };
      }),
    gauge: (name, help, labels = []) =>
      family<Gauge>("gauge", name, help, labels, (own) => {
        let value = 0;
        return {
          labels: own,
          set(to) {
            value = to;
          },
          lines: (of) => labelled(of, own, value),
        };
      }),
    histogram: (name, help, buckets, labels = []) =>
      family<Histogram>("histogram", name, help, labels, (own) => {
        const counts = new Array<number>(buckets.length).fill(0);
        let sum = 0;
        let count = 0;
        return {
          labels: own,
          observe(value) {
            sum += value;
            count++;
            let i = 0;
            while (i < buckets.length && value > buckets[i]!) i++;
            if (i < buckets.length) counts[i]!++;
          },
          lines(of) {
            let text = "";
            let below = 0;
            for (const [i, bound] of buckets.entries()) {
              below += counts[i]!;
              text += labelled(`${of}_bucket`, [...own, `le="${number(bound)}"`], below);
            }
            text += labelled(`${of}_bucket`, [...own, 'le="+Inf"'], count);
            return `${text}${labelled(`${of}_sum`, own, sum)}${labelled(`${of}_count`, own, count)}`;
          },
        };
      }),
    onText: (refresh) => void refreshes.push(refresh),
    text() {
      for (const refresh of refreshes) refresh();
      return families.map((print) => print()).join("");
    },
  };
}

// The steps of a command, each printed with its time as it ends.

export interface Steps {
  /** Runs one step and prints its line; a failure is printed with the step's name and thrown on. */
  step<T>(title: string, work: () => Promise<T> | T): Promise<T>;
  /** Milliseconds since the first step began. */
  elapsed(): number;
}

const seconds = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`);

export function createSteps(out: (line: string) => void): Steps {
  const began = performance.now();
  return {
    async step(title, work) {
      const start = performance.now();
      try {
        const result = await work();
        out(` ✓ ${title.padEnd(44)} ${seconds(performance.now() - start).padStart(8)}`);
        return result;
      } catch (error) {
        out(` ✗ ${title.padEnd(44)} ${seconds(performance.now() - start).padStart(8)}`);
        throw error;
      }
    },
    elapsed: () => performance.now() - began,
  };
}

// What a call of the command line costs over starting Node: for a cluster that runs, and for one that is not there.
import { spawnSync } from "node:child_process";
import { startCluster } from "../support/cluster.ts";
import { type Bench, type Figure, quantile } from "./figure.ts";

const rounds = 21;

export const cli: Bench = {
  name: "cli",
  async run() {
    const cluster = await startCluster("bench-cli");
    const time = (command: string, args: string[]): number => {
      const start = performance.now();
      spawnSync(command, args, { stdio: "ignore", env: cluster.env });
      return performance.now() - start;
    };
    try {
      const figures: Figure[] = [];
      for (const [what, name] of [
        ["portolan status, of a running cluster", "bench-cli"],
        ["portolan status, of none", "bench-none"],
      ] as const) {
        const ours: number[] = [];
        const floor: number[] = [];
        for (let i = 0; i < rounds; i++) {
          ours.push(time("bin/portolan", ["status", "--name", name]));
          floor.push(time(process.execPath, ["-e", "0"]));
        }
        const [value, bare] = [quantile(ours, 0.5), quantile(floor, 0.5)];
        figures.push({
          what,
          value,
          unit: "ms",
          against: { what: "node -e 0", value: bare },
          goal: "≤ 70 ms more",
          met: value - bare <= 70,
        });
      }
      return figures;
    } finally {
      await cluster.down();
    }
  },
};

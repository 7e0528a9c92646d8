// What a call of the command line costs over starting Node.
import { spawnSync } from "node:child_process";
import { type Bench, quantile } from "./figure.ts";

const time = (command: string, args: string[]): number => {
  const start = performance.now();
  spawnSync(command, args, { stdio: "ignore" });
  return performance.now() - start;
};

export const cli: Bench = {
  name: "cli",
  async run() {
    const ours: number[] = [];
    const floor: number[] = [];
    for (let i = 0; i < 11; i++) {
      ours.push(time("bin/portolan", ["status", "--name", "bench-none"]));
      floor.push(time(process.execPath, ["-e", "0"]));
    }
    const [value, bare] = [quantile(ours, 0.5), quantile(floor, 0.5)];
    return [
      {
        what: "portolan status",
        value,
        unit: "ms",
        against: { what: "node -e 0", value: bare },
        goal: "≤ 70 ms more",
        met: value - bare <= 70,
      },
    ];
  },
};

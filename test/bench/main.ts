// Runs the benches that are named on the command line, or all of them.
import { api } from "./api.bench.ts";
import { clearUpAtEnd, clearUpBefore } from "./clear-up.ts";
import { cli } from "./cli.bench.ts";
import { dns } from "./dns.bench.ts";
import { endpoints } from "./endpoints.bench.ts";
import { type Bench, printFigure } from "./figure.ts";
import { packets } from "./packets.bench.ts";
import { podsBench } from "./pods.bench.ts";
import { proxy } from "./proxy.bench.ts";
import { scale } from "./scale.bench.ts";
import { upDown } from "./up.bench.ts";

const benches: Bench[] = [upDown, podsBench, endpoints, api, cli, dns, proxy, packets, scale];
const wanted = process.argv.slice(2);
const unknown = wanted.filter((w) => !benches.some((b) => b.name === w));
if (unknown.length > 0) {
  console.error(
    `no bench is called ${unknown.join(", ")}; there are: ${benches.map((b) => b.name).join(", ")}`,
  );
  process.exit(2);
}
const ending = clearUpAtEnd();
await clearUpBefore();
let missed = 0;
const broken: string[] = [];
for (const bench of benches.filter((b) => wanted.length === 0 || wanted.includes(b.name))) {
  console.log(`\n${bench.name}`);
  try {
    for (const figure of await bench.run()) {
      console.log(printFigure(figure));
      if (figure.met === false) missed++;
    }
  } catch (error) {
    // What it had started is being taken down under it.
    if (ending()) await new Promise(() => {});
    console.error(error);
    broken.push(bench.name);
  }
}
console.log(missed === 0 ? "\nevery goal is met" : `\n${missed} goals are missed`);
if (broken.length > 0) {
  console.log(`no figures: ${broken.join(", ")}`);
  process.exitCode = 1;
}

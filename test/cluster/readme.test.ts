// The README's first session, typed again and compared.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { runCommand, startCluster, type TestCluster } from "../support/cluster.ts";
import { compareOutput, parseSession, translate } from "../support/session.ts";

const steps = parseSession(readFileSync("README.md", "utf8"), "## A first session");
let cluster: TestCluster;

before(async () => {
  cluster = await startCluster("readme");
});
after(async () => {
  const { code, stdout, stderr } = await cluster.down();
  assert.equal(code, 0, stdout + stderr);
});

test("another output than the printed one is told of", () => {
  const step = { command: "kubectl get svc", output: ["web   ClusterIP   10.96.0.7   80/TCP   3s"] };
  assert.equal(compareOutput(step, "web  ClusterIP  10.96.9.9  80/TCP  12s\n", new Map()), undefined);
  assert.match(
    compareOutput(step, "web  NodePort  10.96.9.9  80/TCP  12s\n", new Map()) ?? "",
    /expected the line/,
  );
  assert.match(compareOutput({ ...step, output: [] }, "surprise\n", new Map()) ?? "", /not expected/);
});

test(`the README's first session prints what it says (${steps.length} commands)`, async () => {
  assert.ok(steps.length >= 10);
  const became = new Map<string, string>();
  const kubectl = process.env.KUBECTL ?? "kubectl";
  for (const step of steps) {
    const command = translate(step.command, became).replace(/^kubectl /, `${kubectl} `);
    const reading = /^(kubectl get|curl) /.test(step.command);
    const end = performance.now() + (reading ? 20_000 : 0);
    for (;;) {
      const r = await runCommand("sh", ["-c", command], {
        env: cluster.env,
        timeoutMs: 30_000,
      });
      // As a terminal shows it: what the API warns of comes before the result.
      const warnings = r.stderr.split("\n").filter((line) => line.startsWith("Warning: "));
      const difference = compareOutput(step, [...warnings, r.stdout].join("\n"), became);
      if (difference === undefined) break;
      assert.ok(performance.now() < end, `$ ${command}\n${difference}\n${r.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
});

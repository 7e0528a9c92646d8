import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gunzipSync } from "node:zlib";
import type { Pod } from "../../../core/api/types.ts";
import { planRotation, rotationSuffix, runLogRotation } from "./log-rotation.ts";

const dir = mkdtempSync(join(tmpdir(), "portolan-rotation-"));
after(() => rmSync(dir, { recursive: true }));

const plans: { name: string; files: string[]; max: number; compress: string[]; remove: string[] }[] = [
  { name: "nothing yet", files: ["0.log"], max: 5, compress: [], remove: [] },
  {
    name: "the youngest is compressed",
    files: ["0.log", "0.log.20260101-000000.gz", "0.log.20260102-000000"],
    max: 5,
    compress: ["0.log.20260102-000000"],
    remove: [],
  },
  {
    name: "the oldest goes",
    files: ["0.log", ...["1", "2", "3", "4"].map((d) => `0.log.2026010${d}-000000.gz`)],
    max: 5,
    compress: [],
    remove: ["0.log.20260101-000000.gz"],
  },
  {
    name: "two files: only the one that is set aside next",
    files: ["0.log", "0.log.20260101-000000"],
    max: 2,
    compress: [],
    remove: ["0.log.20260101-000000"],
  },
  {
    name: "what was interrupted is removed, other logs stay",
    files: ["0.log", "0.log.20260101-000000.tmp", "1.log", "1.log.20260101-000000", "0.log.mine"],
    max: 5,
    compress: [],
    remove: ["0.log.20260101-000000.tmp"],
  },
];
for (const { name, files, max, compress, remove } of plans)
  test(`plan: ${name}`, () => {
    assert.deepEqual(planRotation("0.log", files, max), { compress, remove });
  });

test("the suffix is the time", () => {
  assert.equal(rotationSuffix(Date.parse("2026-11-20T18:04:05.678Z")), "20261120-180405");
});

const pod = {
  metadata: { name: "p" },
  status: { containerStatuses: [{ name: "a", containerID: "containerd://c1", state: { running: {} } }] },
} as unknown as Pod;

test("a growing log is set aside, compressed and bounded; a small one stays", async () => {
  const path = join(dir, "0.log");
  writeFileSync(path, "small\n");
  const stop = new AbortController();
  let time = Date.parse("2026-01-01T00:00:00Z");
  let reopened = 0;
  const done = runLogRotation(
    {
      runtime: {
        pods: () => [pod],
        containerLog: async () => ({ path, running: true }),
        async reopenLog(id) {
          assert.equal(id, "c1");
          reopened++;
          writeFileSync(path, "");
        },
      },
      now() {
        time += 1000;
        return time;
      },
      maxSize: 100,
      maxFiles: 3,
      intervalMs: 5,
    },
    stop.signal,
  );
  await new Promise((r) => setTimeout(r, 30));
  assert.equal(reopened, 0);
  for (let i = 1; i <= 4; i++) {
    appendFileSync(path, `${i}`.repeat(200));
    for (let n = 0; n < 200 && reopened < i; n++) await new Promise((r) => setTimeout(r, 5));
    assert.equal(reopened, i);
  }
  stop.abort();
  await done;
  const files = readdirSync(dir).sort();
  assert.equal(files.length, 3);
  assert.equal(statSync(path).size, 0);
  const zipped = files.find((f) => f.endsWith(".gz"))!;
  assert.match(gunzipSync(readFileSync(join(dir, zipped))).toString(), /^3+$/);
});

test("a log whose runtime refuses keeps its place", async () => {
  const path = join(dir, "1.log");
  writeFileSync(path, "x".repeat(200));
  const stop = new AbortController();
  const errors: unknown[] = [];
  await runLogRotation(
    {
      runtime: {
        pods: () => [pod],
        containerLog: async () => ({ path, running: true }),
        async reopenLog() {
          stop.abort();
          throw new Error("no");
        },
      },
      now: () => 0,
      maxSize: 100,
      onError: (e) => errors.push(e),
    },
    stop.signal,
  );
  assert.equal(readFileSync(path, "utf8").length, 200);
  assert.match(String(errors), /no/);
});

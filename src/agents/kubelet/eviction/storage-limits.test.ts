import assert from "node:assert/strict";
import { test } from "node:test";
import { printQuantity } from "../../../core/api/quantity/mod.ts";
import type { Container, Pod } from "../../../core/api/types.ts";
import { excessOf, hasStorageLimit, podStorageLimit, type StorageUsage } from "./storage-limits.ts";

const mi = 2 ** 20;

const limited = (name: string, limit?: string, more: object = {}): Container =>
  ({
    name,
    ...(limit ? { resources: { limits: { "ephemeral-storage": limit } } } : {}),
    ...more,
  }) as Container;
const podOf = (spec: object): Pod =>
  ({ metadata: { name: "p" }, spec: { containers: [limited("c")], ...spec } }) as Pod;
const dir = (name: string, sizeLimit?: string, medium?: string): object => ({
  name,
  emptyDir: { ...(sizeLimit ? { sizeLimit } : {}), ...(medium ? { medium } : {}) },
});
const used = (writableLayer: number, logs = 0, name = "c") => ({ name, writableLayer, logs });
const usageOf = (usage: Partial<Omit<StorageUsage, "volumes">> & { volumes?: object }): StorageUsage => ({
  containers: [],
  rest: 0,
  ...usage,
  volumes: new Map(Object.entries(usage.volumes ?? {})),
});

const ofVolume = (name: string, limit: string) =>
  `Usage of EmptyDir volume "${name}" exceeds the limit "${limit}". `;
const ofPod = (limit: string) =>
  `Pod ephemeral local storage usage exceeds the total limit of containers ${limit}. `;
const ofContainer = (name: string, limit: string) =>
  `Container ${name} exceeded its local ephemeral storage limit "${limit}". `;

test("what a pod uses over its limits", () => {
  const two = { containers: [limited("a", "1Mi"), limited("b", "4Mi")] };
  const rows: [name: string, spec: object, usage: Parameters<typeof usageOf>[0], message?: string][] = [
    ["no limits", { volumes: [dir("v")] }, { volumes: { v: 1e12 }, containers: [used(1e12)] }],
    ["a volume at its limit", { volumes: [dir("v", "1Mi")] }, { volumes: { v: mi } }],
    ["a volume over it", { volumes: [dir("v", "1Mi")] }, { volumes: { v: mi + 1 } }, ofVolume("v", "1Mi")],
    ["a volume not seen", { volumes: [dir("v", "1Mi")] }, {}],
    ["a volume in memory", { volumes: [dir("v", "1Mi", "Memory")] }, { volumes: { v: 2 * mi } }],
    ["a volume limited to 0 has no limit", { volumes: [dir("v", "0")] }, { volumes: { v: mi } }],
    [
      "the second volume",
      { volumes: [dir("u", "3Mi"), dir("v", "1500k")] },
      { volumes: { u: mi, v: 2 * mi } },
      ofVolume("v", "1500k"),
    ],
    [
      "a volume before the pod",
      { containers: [limited("c", "1Mi")], volumes: [dir("v", "1Mi")] },
      { volumes: { v: 2 * mi }, containers: [used(2 * mi)] },
      ofVolume("v", "1Mi"),
    ],
    [
      "the only container is the pod",
      { containers: [limited("c", "1Mi")] },
      { containers: [used(mi, 1)] },
      ofPod("1Mi"),
    ],
    ["at its limit", { containers: [limited("c", "1Mi")] }, { containers: [used(mi - 1, 1)] }],
    ["one of two", two, { containers: [used(mi, 1, "a"), used(0, 0, "b")] }, ofContainer("a", "1Mi")],
    ["two together", two, { containers: [used(mi, 0, "a"), used(4 * mi, 1, "b")] }, ofPod("5Mi")],
    [
      "volumes and what is left count for the pod",
      { containers: [limited("c", "3Mi")], volumes: [dir("v")] },
      { volumes: { v: mi }, containers: [used(mi)], rest: mi + 1 },
      ofPod("3Mi"),
    ],
    [
      "a container without a limit counts against the others'",
      { containers: [limited("a", "1Mi"), limited("b")] },
      { containers: [used(0, 0, "a"), used(2 * mi, 0, "b")] },
      ofPod("1Mi"),
    ],
    [
      "an init container has no limit of its own",
      { containers: [limited("c", "5Mi")], initContainers: [limited("i", "1Mi")] },
      { containers: [used(2 * mi, 0, "i")] },
    ],
    ["a limit of 0 for the pod", { containers: [limited("c", "0")] }, { containers: [used(1)] }, ofPod("0")],
    ["nothing used of 0", { containers: [limited("c", "0")] }, { containers: [used(0)] }],
  ];
  for (const [name, spec, usage, message] of rows)
    assert.equal(excessOf(podOf(spec), usageOf(usage))?.message, message, name);
});

test("what all of a pod may use", () => {
  const always = { restartPolicy: "Always" };
  const rows: [name: string, spec: object, limit?: string][] = [
    ["nobody has a limit", {}],
    ["the containers' sum", { containers: [limited("a", "1Mi"), limited("b"), limited("c", "2Mi")] }, "3Mi"],
    ["the largest init container", { initContainers: [limited("i", "2Mi"), limited("j", "1Mi")] }, "2Mi"],
    [
      "init containers beside a larger sum",
      { containers: [limited("c", "3Mi")], initContainers: [limited("i", "2Mi")] },
      "3Mi",
    ],
    [
      "sidecars run with all that come later",
      {
        containers: [limited("c", "1Mi")],
        initContainers: [limited("s", "2Mi", always), limited("i", "4Mi")],
      },
      "6Mi",
    ],
    ["overhead", { containers: [limited("c", "1Mi")], overhead: { "ephemeral-storage": "1Mi" } }, "2Mi"],
    ["overhead alone is no limit", { overhead: { "ephemeral-storage": "1Mi" } }],
  ];
  for (const [name, spec, limit] of rows) {
    const found = podStorageLimit(podOf(spec));
    assert.equal(found && printQuantity(found), limit, name);
  }
});

test("whose usage is looked at", () => {
  const rows: [name: string, spec: object, looked: boolean][] = [
    ["no limits", { volumes: [dir("v")] }, false],
    ["a container's", { containers: [limited("c", "1Mi")] }, true],
    ["an emptyDir's", { volumes: [dir("v", "1Mi")] }, true],
    ["an emptyDir's in memory", { volumes: [dir("v", "1Mi", "Memory")] }, false],
    ["a critical pod's", { containers: [limited("c", "1Mi")], priority: 2_000_000_000 }, false],
  ];
  for (const [name, spec, looked] of rows) assert.equal(hasStorageLimit(podOf(spec)), looked, name);
});

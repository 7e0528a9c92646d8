import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeClient } from "../../../control/client/mod.ts";
import { notFound } from "../../../core/api/status.ts";
import type { Pod } from "../../../core/api/types.ts";
import { runtimeHandler } from "./runtime-handler.ts";

const classes = new Map([["fast", { metadata: { name: "fast" }, handler: "runc" }]]);
const client = {
  async get(ref: { group: string; resource: string }, name: string) {
    if (name === "unreachable") throw new Error("no answer");
    const found = classes.get(name);
    if (!found) throw notFound({ group: ref.group, resource: ref.resource }, name);
    return found;
  },
} as unknown as Pick<KubeClient, "get">;
const pod = (runtimeClassName?: string): Pod => ({ metadata: {}, spec: { runtimeClassName } }) as Pod;

test("the handler is the class's; without a class it is the runtime's own", async () => {
  assert.equal(await runtimeHandler(client, pod()), undefined);
  assert.equal(await runtimeHandler(client, pod("fast")), "runc");
});

test("a class that is not there is named as the kubelet names it", async () => {
  await assert.rejects(runtimeHandler(client, pod("gone")), {
    name: "NoRuntimeClass",
    message: 'runtimeclass.node.k8s.io "gone" not found',
  });
  await assert.rejects(runtimeHandler(client, pod("unreachable")), {
    message: "failed to lookup RuntimeClass unreachable: no answer",
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../../../core/api/types.ts";
import { type Collect, decideCollect, type OwnerState } from "./decide.ts";

const owner = (uid: string, block = false) => ({
  apiVersion: "v1",
  kind: "X",
  name: uid,
  uid,
  blockOwnerDeletion: block,
});
function obj(
  t: { owners?: ReturnType<typeof owner>[]; finalizers?: string[]; deleting?: boolean } = {},
): KubeObject {
  return {
    metadata: {
      name: "it",
      uid: "it",
      ...(t.owners ? { ownerReferences: t.owners } : {}),
      ...(t.finalizers ? { finalizers: t.finalizers } : {}),
      ...(t.deleting ? { deletionTimestamp: "2030-01-01T00:00:00Z" } : {}),
    },
  };
}
const a = owner("a");
const b = owner("b");
const child = obj({ owners: [owner("it", true)] });
const looseChild = obj({ owners: [owner("it")] });
const waitingChild = obj({ owners: [owner("it", true)], finalizers: ["foregroundDeletion"], deleting: true });

test("what becomes of an object", async (t) => {
  const rows: [string, KubeObject, Record<string, OwnerState>, KubeObject[], Collect][] = [
    ["without owners", obj(), {}, [], { kind: "keep" }],
    ["owner there", obj({ owners: [a] }), { a: "solid" }, [], { kind: "keep" }],
    ["owner of an unknown kind", obj({ owners: [a] }), { a: "unknown" }, [], { kind: "keep" }],
    [
      "owner gone",
      obj({ owners: [a] }),
      { a: "absent" },
      [],
      { kind: "delete", policy: "Background", unblock: false },
    ],
    [
      "one of two gone",
      obj({ owners: [a, b] }),
      { a: "absent", b: "solid" },
      [],
      { kind: "drop owners", uids: ["a"] },
    ],
    [
      "one gone, one of an unknown kind",
      obj({ owners: [a, b] }),
      { a: "absent", b: "unknown" },
      [],
      { kind: "drop owners", uids: ["a"] },
    ],
    [
      "both gone",
      obj({ owners: [a, b] }),
      { a: "absent", b: "absent" },
      [],
      { kind: "delete", policy: "Background", unblock: false },
    ],
    [
      "owner waits, nothing below",
      obj({ owners: [a] }),
      { a: "waiting" },
      [],
      { kind: "delete", policy: "Background", unblock: false },
    ],
    [
      "owner waits, dependents below",
      obj({ owners: [a] }),
      { a: "waiting" },
      [child],
      { kind: "delete", policy: "Foreground", unblock: false },
    ],
    [
      "owner waits, in a circle",
      obj({ owners: [a] }),
      { a: "waiting" },
      [waitingChild],
      { kind: "delete", policy: "Foreground", unblock: true },
    ],
    [
      "owner gone, dependents to be orphaned",
      obj({ owners: [a], finalizers: ["orphan"] }),
      { a: "absent" },
      [child],
      { kind: "delete", policy: "Orphan", unblock: false },
    ],
    ["on its way already", obj({ owners: [a], deleting: true }), { a: "absent" }, [], { kind: "keep" }],
    [
      "foreground, blocked",
      obj({ finalizers: ["foregroundDeletion"], deleting: true }),
      {},
      [child, looseChild],
      { kind: "collect dependents", dependents: [child] },
    ],
    [
      "foreground, nothing blocks",
      obj({ finalizers: ["foregroundDeletion"], deleting: true }),
      {},
      [looseChild],
      { kind: "release", finalizer: "foregroundDeletion" },
    ],
    [
      "orphaning",
      obj({ finalizers: ["orphan"], deleting: true }),
      {},
      [child],
      { kind: "orphan dependents", dependents: [child] },
    ],
  ];
  for (const [name, o, states, dependents, expected] of rows)
    await t.test(name, () =>
      assert.deepEqual(decideCollect(o, new Map(Object.entries(states)), dependents), expected),
    );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { mountsBelow } from "./down.ts";

test("mounts below a directory come deepest first, others are left alone", () => {
  const mountinfo = [
    "22 1 254:0 / / rw - ext4 /dev/vda rw",
    "30 22 0:30 / /run/portolan/a/node-1/rootfs rw - overlay overlay rw",
    "31 30 0:31 / /run/portolan/a/node-1/rootfs/with\\040space rw - tmpfs tmpfs rw",
    "32 22 0:32 / /run/portolan/ab rw - tmpfs tmpfs rw",
  ].join("\n");
  assert.deepEqual(mountsBelow(["/run/portolan/a"], mountinfo), [
    "/run/portolan/a/node-1/rootfs/with space",
    "/run/portolan/a/node-1/rootfs",
  ]);
});

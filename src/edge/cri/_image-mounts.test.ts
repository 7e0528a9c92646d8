import assert from "node:assert/strict";
import { test } from "node:test";
import { CriError } from "./_channel.ts";
import { createImageMounts } from "./_image-mounts.ts";

const failure = (code: number): CriError =>
  new CriError("x", Object.assign(new Error("x"), { code, details: "of the runtime" }) as never);

/** A runtime that answers so, and what it was asked. */
function rig(answers: Record<string, () => unknown>) {
  const asked: string[] = [];
  const mounts = createImageMounts(
    {
      async call(method, request) {
        asked.push(`${method} ${JSON.stringify(request)}`);
        return answers[method]!();
      },
    },
    async () => "overlayfs",
  );
  return { asked, mounts };
}

const path = "/nonexistent/of-this-test";

test("what is not mounted any more leaves no view behind, nor one that was not there", async () => {
  for (const answer of [
    () => ({}),
    () => {
      throw failure(5);
    },
  ]) {
    const { asked, mounts } = rig({ Remove: answer });
    await mounts.unmount(path);
    assert.deepEqual(asked, [`Remove {"snapshotter":"overlayfs","key":"${path}"}`]);
  }
});

test("a view that cannot be removed is said, not forgotten", async () => {
  const { mounts } = rig({
    Remove: () => {
      throw failure(9);
    },
  });
  await assert.rejects(mounts.unmount(path), { message: "of the runtime" });
});

// Runs many equal calls in growing batches and stops at the first batch that fails: a quota that refuses one pod is not
// asked five hundred times (pkg/controller slowStartBatch).

/** Calls `call` up to `count` times in batches of 1, 2, 4…; returns how many succeeded and the first error. */
export async function slowStart(
  count: number,
  call: () => Promise<void>,
): Promise<{ succeeded: number; error: unknown }> {
  let succeeded = 0;
  for (let left = count, batch = Math.min(1, left); batch > 0; batch = Math.min(2 * batch, left)) {
    const results = await Promise.allSettled(Array.from({ length: batch }, call));
    const failed = results.filter((r) => r.status === "rejected");
    succeeded += batch - failed.length;
    if (failed[0]) return { succeeded, error: failed[0].reason };
    left -= batch;
  }
  return { succeeded, error: undefined };
}

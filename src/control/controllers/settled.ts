// Waits for everything before it says what failed: one refused write does not leave the others unobserved.

/** Resolves with the first rejection that counts, or undefined. */
export async function firstFailure(
  work: readonly Promise<unknown>[],
  counts: (reason: unknown) => boolean = () => true,
): Promise<unknown> {
  for (const result of await Promise.allSettled(work))
    if (result.status === "rejected" && counts(result.reason)) return result.reason;
  return undefined;
}

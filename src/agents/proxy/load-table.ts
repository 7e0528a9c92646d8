// The first load of a table that no packet meets: planned and loaded in steps, nft at work on one while the next is
// planned. Steps bound nft's memory, and whatever else the process does has its turn between two Services.
import type { ServicePlan, ServiceRouting } from "../../core/network/mod.ts";
import { printChange, printFrame, printHooks, printTable } from "../../core/nft/mod.ts";

/** nft takes 2 kB of memory an element while it runs. */
export const stepElements = 16_000;
/** Services that are planned in a row. */
const turn = 128;

/** Resolves when everybody else in the process had a turn. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Gives the plan these Services; others have their turn in between. Ends early when the signal aborts. */
export async function fillPlan(
  plan: ServicePlan,
  services: Iterable<readonly [key: string, routing: ServiceRouting | undefined]>,
  { signal, planned }: { signal: AbortSignal; planned?(): Promise<void> },
): Promise<void> {
  let count = 0;
  for (const [key, routing] of services) {
    plan.set(key, routing);
    if (++count % turn > 0) continue;
    await planned?.();
    await breathe();
    if (signal.aborted) return;
  }
}

/**
 * Gives a new plan these Services and the kernel its table, in place of one that no packet meets. The chains with hooks come
 * last: before them no packet meets the table, with them it is whole. What is small is one transaction.
 * @param apply runs one transaction; they come one after the other
 */
export async function loadTable(
  plan: ServicePlan,
  services: Iterable<readonly [key: string, routing: ServiceRouting | undefined]>,
  { apply, signal }: { apply(script: Iterable<string>): Promise<void>; signal: AbortSignal },
): Promise<void> {
  const { layout } = plan.table();
  let under: Promise<void> | undefined;
  async function planned(): Promise<void> {
    if (plan.waiting < stepElements) return;
    const change = plan.take();
    const frame = under ? [] : printFrame(layout);
    await under;
    under = apply(chain(frame, printChange(change)));
    // Its end is waited for before the next; that it may fail before then is no surprise.
    under.catch(() => {});
  }
  try {
    await fillPlan(plan, services, { signal, planned });
  } finally {
    await under?.catch(() => {});
  }
  if (signal.aborted) return;
  await under;
  const change = plan.take();
  await apply(under ? chain(printChange(change), printHooks(layout)) : printTable(plan.table()));
}

function* chain(...parts: Iterable<string>[]): Generator<string> {
  for (const part of parts) yield* part;
}

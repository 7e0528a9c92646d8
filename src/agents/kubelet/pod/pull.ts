// An image on its way, that is waited for a little and then beside the worker's other work.
import type { RuntimeImage } from "../runtime/mod.ts";

export interface Pull {
  readonly promise: Promise<RuntimeImage>;
  readonly settled: boolean;
}

const patienceMs = 250;

export function watchPull(promise: Promise<RuntimeImage>): Pull {
  const pull = { promise, settled: false };
  const settle = (): void => {
    pull.settled = true;
  };
  promise.then(settle, settle);
  return pull;
}

/** True when the image is there or has failed; false while it is being pulled: `wake` is called when that is over. */
export async function pullSettled(pull: Pull, wake: () => void): Promise<boolean> {
  if (pull.settled) return true;
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, patienceMs);
  });
  await Promise.race([pull.promise.catch(() => undefined), patience]);
  clearTimeout(timer);
  if (!pull.settled) void pull.promise.catch(() => undefined).then(wake);
  return pull.settled;
}

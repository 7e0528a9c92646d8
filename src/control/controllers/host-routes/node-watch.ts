// Which nodes answer, asked every second: a node's status says for 40 s that it lives after it has died.
import { pause } from "../../client/mod.ts";
import type { NodeAnswer } from "./ports.ts";

const everyMs = 1000;
/** So many questions in a row go unanswered before a node is taken for mute; one answer is enough to be back. */
const patience = 3;

export interface NodeWatch {
  /** Addresses where no proxy answers: nothing new is to be sent there. */
  readonly mute: ReadonlySet<string>;
  /** Those of them whose kernel says nothing either: what goes there is lost. */
  readonly silent: ReadonlySet<string>;
  /** Runs until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface NodeWatchOptions {
  probe(address: string): Promise<NodeAnswer>;
  /** The addresses to ask, as they are now; a cluster of one node has none to choose from. */
  addresses(): readonly string[];
  /** `mute` or `silent` is another. */
  changed(): void;
}

export function createNodeWatch({ probe, addresses, changed }: NodeWatchOptions): NodeWatch {
  const failures = new Map<string, number>();
  const mute = new Set<string>();
  const silent = new Set<string>();

  function put(set: Set<string>, address: string, there: boolean): boolean {
    if (set.has(address) === there) return false;
    if (there) set.add(address);
    else set.delete(address);
    return true;
  }

  function take(address: string, answer: NodeAnswer): boolean {
    const failed = answer === "serving" ? 0 : (failures.get(address) ?? 0) + 1;
    failures.set(address, failed);
    const isMute = failed >= patience;
    const muteIsNew = put(mute, address, isMute);
    return put(silent, address, isMute && answer === "silent") || muteIsNew;
  }

  function forgetOthers(known: readonly string[]): boolean {
    let any = false;
    for (const address of [...failures.keys()])
      if (!known.includes(address)) {
        failures.delete(address);
        silent.delete(address);
        any = mute.delete(address) || any;
      }
    return any;
  }

  async function round(): Promise<void> {
    const known = addresses();
    const asked = known.length > 1 ? known : [];
    const answers = await Promise.all(asked.map((a) => probe(a)));
    const news = asked.map((a, i) => take(a, answers[i]!));
    if (forgetOthers(asked) || news.includes(true)) changed();
  }

  return {
    mute,
    silent,
    async run(signal) {
      while (!signal.aborted) {
        await round();
        await pause(everyMs, signal);
      }
    },
  };
}

// Runs nft(8): small transactions through one that is held open, big ones each in a process of its own, input streamed.
import type { NftTables } from "../../agents/proxy/mod.ts";
import { type Family, parseListing } from "../../core/nft/mod.ts";
import { CommandError, run } from "../command/mod.ts";
import { readGeneration } from "./_generation.ts";
import { createHeldNetlink } from "./_held-netlink.ts";
import { createHeldNft } from "./held-nft.ts";

export interface NftOptions {
  /** Where nft is; default: by PATH. */
  command?: string;
  /** Put before the command, e.g. `nsenter --net=… --` in tests. */
  prefix?: readonly string[];
  /** Default 60 s. */
  timeoutMs?: number;
}

/** A table of some hundred thousand elements is listed in tens of megabytes. */
const maxListing = 256 << 20;

function runNft(options: NftOptions, args: readonly string[], input: Iterable<string>): Promise<string> {
  const { prefix = [], command = "nft", timeoutMs = 60_000 } = options;
  const [file, ...rest] = [...prefix, command, ...args] as [string, ...string[]];
  return run(file, rest, { input, timeoutMs, maxOutput: maxListing });
}

/** So often the generation is asked for while own transactions come in between, and after so many failures in a row never again. */
const generationTries = 3;

/** Longer input goes through a process of its own: a held nft reads it character by character. */
const heldLimit = 16_384;

/** The text of that table in a listing: from its head to the closing brace at the line's start. */
function tableText(listing: string, family: Family, table: string): string | undefined {
  const head = `table ${family} ${table} {\n`;
  const start = listing.startsWith(head) ? 0 : listing.indexOf(`\n${head}`);
  if (start < 0) return undefined;
  const end = listing.indexOf("\n}", start);
  return end < 0 ? undefined : listing.slice(start, end);
}

/** nftables of this process's network namespace (or of another one, through `prefix`). */
export function createNftTables(options: NftOptions = {}): NftTables {
  const held = createHeldNft(options.prefix ?? [], options.timeoutMs ?? 60_000);
  const netlink = createHeldNetlink(options.prefix ?? []);
  /** False when this nft cannot be held (another build may lack the interactive mode). */
  let canHold: boolean | undefined;

  async function tryHold(): Promise<boolean> {
    const probe = createHeldNft(options.prefix ?? [], 2000);
    const works = await probe.run("list flowtables").then(
      () => true,
      () => false,
    );
    probe.close();
    return works;
  }

  /** Transactions of this object: running, gone through, of unknown or no effect. */
  const own = { running: 0, done: 0, failed: 0 };
  let turn: Promise<unknown> = Promise.resolve();
  let generationFailures = 0;

  async function apply(script: Iterable<string>): Promise<void> {
    const pieces: string[] = [];
    let length = 0;
    const iterator = script[Symbol.iterator]();
    for (let next = iterator.next(); !next.done; next = iterator.next()) {
      pieces.push(next.value);
      length += next.value.length;
      if (length > heldLimit) break;
    }
    const rest = { [Symbol.iterator]: () => iterator };
    const small = length <= heldLimit && !pieces.some((p) => p.includes("{\n"));
    if (small) canHold ??= await tryHold();
    if (small && canHold) await held.run(pieces.join("").trimEnd().replaceAll("\n", "; "));
    else
      await runNft(
        options,
        ["-f", "-"],
        (function* () {
          yield* pieces;
          yield* rest;
        })(),
      );
  }

  return {
    async apply(script) {
      own.running++;
      // One at a time: the held nft has one conversation.
      const mine = turn.then(() => apply(script));
      turn = mine.catch(() => {});
      try {
        await mine;
        own.done++;
      } catch (error) {
        own.failed++;
        throw error;
      } finally {
        own.running--;
      }
    },
    async foreignMark() {
      try {
        for (let i = 0; i < generationTries && generationFailures < generationTries; i++) {
          await turn;
          const { done } = own;
          const generation = await readGeneration(netlink);
          generationFailures = 0;
          if (own.running === 0 && own.done === done) return `${own.failed}/${(generation - done) >>> 0}`;
        }
      } catch {
        generationFailures++;
      }
      return undefined;
    },
    close() {
      held.close();
      netlink.close();
    },
    async list(family, table) {
      try {
        return parseListing(await runNft(options, ["list", "table", family, table], []), family, table);
      } catch (error) {
        if (error instanceof CommandError && /No such file or directory/.test(error.stderr)) return undefined;
        throw error;
      }
    },
    async listRules(family, table) {
      // `list table` and `list chain` make nft 1.0.6 read every element even when terse; `list ruleset` does not.
      return tableText(await runNft(options, ["-t", "list", "ruleset", family], []), family, table);
    },
  };
}

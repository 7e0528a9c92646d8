// Walks the first packet of a connection through a table as the kernel would: base chains by hook and priority, NAT where a
// rule says so. Every rule that decided something is a step, so that a trace can be printed.
import { contains, mustParseCIDR, mustParseIP } from "../net/mod.ts";
import type { FakeTable } from "./fake-nft.ts";
import { parseRule, type Register, type Word } from "./rule.ts";

export interface Packet {
  readonly source: string;
  readonly destination: string;
  /** tcp, udp, sctp. */
  readonly protocol: string;
  readonly port: number;
}

export interface Surroundings {
  /** Addresses of the node itself. A packet from one of them starts at the output hook. */
  readonly local: ReadonlySet<string>;
  /** Draws 0 to n-1. */
  random(n: number): number;
  /** Seconds, for what the table remembers. */
  now: number;
}

export interface Step {
  readonly chain: string;
  readonly rule: string;
  /** What the rule did: `goto x`, `drop`, `dnat to 10.0.0.1:80`, `mark 0x1`. */
  readonly outcome: string;
}

export interface Walk {
  readonly verdict: "accept" | "drop" | "reject";
  /** Where the packet goes. */
  readonly destination: string;
  readonly port: number;
  /** The source becomes an address of the node. */
  readonly masqueraded: boolean;
  readonly steps: readonly Step[];
}

type Ending = "drop" | "reject" | "nat" | "end";

interface State {
  source: string;
  destination: string;
  protocol: string;
  port: number;
  registers: Record<Register, number>;
  dnat: boolean;
  masqueraded: boolean;
}

const hex = (n: number): string => `0x${(n >>> 0).toString(16).padStart(8, "0")}`;

function inSet(elements: ReadonlyMap<string, string>, key: string): boolean {
  if (elements.has(key)) return true;
  const dot = key.lastIndexOf(" . ");
  const [head, last] = dot < 0 ? ["", key] : [key.slice(0, dot + 3), key.slice(dot + 3)];
  const address = /^[0-9a-f.:]+$/i.test(last) && /[.:]/.test(last) ? mustParseIP(last) : undefined;
  if (!address) return false;
  for (const element of elements.keys()) {
    if (!element.startsWith(head) || !element.includes("/")) continue;
    if (contains(mustParseCIDR(element.slice(head.length)), address)) return true;
  }
  return false;
}

/** Remembered affinity ends: data is `mark @ second of expiry`. */
function remembered(elements: Map<string, string>, key: string, now: number): string | undefined {
  const data = elements.get(key);
  if (data === undefined) return undefined;
  const [value, expires] = data.split(" @ ");
  return expires !== undefined && Number(expires) <= now ? undefined : value;
}

export function walkPacket(table: FakeTable, packet: Packet, around: Surroundings): Walk {
  const state: State = {
    ...packet,
    registers: { meta: 0, ct: 0, priority: 0 },
    dnat: false,
    masqueraded: false,
  };
  const steps: Step[] = [];
  const elementsOf = (set: string): Map<string, string> => table.elements.get(set) ?? new Map();

  function evaluate(word: Word): string {
    switch (word.kind) {
      case "field":
        if (word.name === "saddr") return state.source;
        if (word.name === "daddr") return state.destination;
        if (word.name === "l4proto") return state.protocol;
        return `${state.port}`;
      case "mark": {
        let n = state.registers[word.of];
        if (word.and !== undefined) n &= word.and;
        if (word.or !== undefined) n |= word.or;
        return hex(n);
      }
      case "numgen":
        return hex(around.random(word.modulus));
      case "hash": {
        // Some hash, the same for the same value; not the kernel's.
        let h = 0;
        for (const c of evaluate(word.of)) h = (Math.imul(h, 31) + c.charCodeAt(0)) >>> 0;
        return hex(h % word.modulus);
      }
      case "constant":
        return hex(word.value);
      case "concat":
        return word.parts.map(evaluate).join(" . ");
    }
  }

  function run(name: string): Ending | "return" {
    const chain = table.chains.get(name);
    if (!chain) throw new RangeError(`no chain ${name}`);
    for (const rule of chain.rules) {
      const ending = runRule(name, rule);
      if (ending !== undefined) return ending;
    }
    return "return";
  }

  function runRule(chain: string, text: string): Ending | "return" | undefined {
    const step = (outcome: string): void => {
      steps.push({ chain, rule: text, outcome });
    };
    for (const part of parseRule(text)) {
      switch (part.kind) {
        case "match": {
          const value = evaluate(part.left);
          const hit =
            part.right.kind === "set"
              ? inSet(elementsOf(part.right.name), value)
              : part.right.values.includes(value);
          if (hit === part.not) return undefined;
          break;
        }
        case "flag":
          // The walk is a connection's first packet: never invalid.
          if (part.name === "ct state invalid") return undefined;
          if (part.name === "ct status dnat" && !state.dnat) return undefined;
          if (part.name === "fib saddr type local" && !around.local.has(state.source)) return undefined;
          break;
        case "set": {
          let value = evaluate(part.value);
          if (part.map !== undefined) {
            const data = remembered(elementsOf(part.map), value, around.now);
            if (data === undefined) return undefined;
            value = data;
          }
          state.registers[part.target] = Number(value);
          step(part.target === "priority" ? `meta priority ${value}` : `${part.target} mark ${value}`);
          break;
        }
        case "learn": {
          const elements = elementsOf(part.set);
          const key = evaluate(part.key);
          if (part.verb === "delete") elements.delete(key);
          else {
            const old = remembered(elements, key, around.now);
            elements.set(key, `${old ?? hex(state.registers.meta)} @ ${around.now + part.timeout}`);
          }
          break;
        }
        case "dnat": {
          const data = elementsOf(part.map).get(evaluate(part.key));
          if (data === undefined) return undefined;
          const [address, port] = data.split(" . ");
          state.destination = address!;
          state.port = Number(port);
          state.dnat = true;
          step(`dnat to ${data}`);
          return "nat";
        }
        case "vmap": {
          const verdict = elementsOf(part.map).get(evaluate(part.key));
          if (verdict === undefined) return undefined;
          step(verdict);
          if (verdict === "drop") return "drop";
          return run(verdict.replace(/^goto /, ""));
        }
        case "verdict":
          step(text);
          if (part.name === "masquerade") {
            state.masqueraded = true;
            return "nat";
          }
          if (part.name === "accept") return "end";
          return part.name;
        case "jump": {
          step(`${part.verb} ${part.chain}`);
          const ending = run(part.chain);
          if (part.verb === "goto" || ending !== "return") return ending;
          break;
        }
      }
    }
    return undefined;
  }

  const begin = around.local.has(packet.source) ? "output" : "prerouting";
  for (const hook of [begin, "route", "postrouting"]) {
    const here = hook === "route" ? (around.local.has(state.destination) ? "input" : "forward") : hook;
    if (begin === "output" && hook === "route") continue;
    if (here === "postrouting" && begin === "prerouting" && around.local.has(state.destination)) break;
    const chains = [...table.chains.values()]
      .filter((c) => c.hook?.hook === here)
      .sort((a, b) => a.hook!.priority - b.hook!.priority);
    for (const c of chains) {
      const ending = run(c.name);
      if (ending === "drop" || ending === "reject") return { ...pick(state), verdict: ending, steps };
    }
  }
  return { ...pick(state), verdict: "accept", steps };
}

const pick = (s: State): { destination: string; port: number; masqueraded: boolean } => ({
  destination: s.destination,
  port: s.port,
  masqueraded: s.masqueraded,
});

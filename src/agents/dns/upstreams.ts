// Asking upstream servers: in order, the next one when one fails; one that keeps failing is left alone for a while, so that
// a machine without an uplink gets SERVFAIL at once and not after time-outs.
import {
  FLAG,
  maxUdpSize,
  RCODE,
  type RelayedMessage,
  readRelayed,
  TYPE,
} from "../../core/network/dns/mod.ts";
import type { Clock, DnsSockets, Random, SocketAddress } from "./ports.ts";
import { createUpstreamCache } from "./upstream-cache.ts";

export interface UpstreamQuestion {
  /** Name, type and class as on the wire. */
  readonly question: Buffer;
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
}

export interface UpstreamAnswer {
  readonly message: RelayedMessage;
  /** Seconds since it came from upstream. */
  readonly age: number;
}

export interface Upstreams {
  /** Undefined where no server answered. Never rejects. */
  ask(question: UpstreamQuestion): Promise<UpstreamAnswer | undefined>;
  /** Asks each server something now, so that one beyond a dead uplink is known before the first question comes. */
  probe(): void;
  /** False where there is no server to ask. */
  readonly configured: boolean;
  readonly cacheSize: number;
  readonly counts: { hits: number; misses: number; failures: number };
}

interface Server {
  readonly at: SocketAddress;
  failures: number;
  /** Clock time until which it is left alone. */
  downUntil: number;
}

/** The root's name servers: any recursive server knows them. */
const rootQuestion: UpstreamQuestion = {
  question: Buffer.from([0, 0, 2, 0, 1]),
  dnssecOk: false,
  checkingDisabled: false,
};
const attemptMs = 1000;
const maxInFlight = 1000;

export function createUpstreams(options: {
  servers: readonly SocketAddress[];
  sockets: DnsSockets;
  clock: Clock;
  random: Random;
}): Upstreams {
  const { sockets, clock, random } = options;
  const servers: Server[] = options.servers.map((at) => ({ at, failures: 0, downUntil: 0 }));
  const cache = createUpstreamCache({ entries: 10_000, bytes: 4 << 20 });
  const inFlight = new Map<string, Promise<UpstreamAnswer | undefined>>();
  const counts = { hits: 0, misses: 0, failures: 0 };

  function failed(server: Server): void {
    counts.failures++;
    server.failures++;
    if (server.failures >= 2)
      server.downUntil = clock.now() + Math.min(30_000, 1000 * 2 ** Math.min(server.failures - 2, 5));
  }

  async function attempt(server: Server, q: UpstreamQuestion): Promise<RelayedMessage | undefined> {
    const query = writeUpstreamQuery(q, random(65536));
    const accepts = (message: Buffer): boolean => readRelayed(message, query) !== undefined;
    try {
      const first = await sockets.askUdp(server.at, query, { timeoutMs: attemptMs, accepts });
      let message = readRelayed(first, query);
      if (message?.truncated) {
        const whole = await sockets.askTcp(server.at, query, { timeoutMs: 2 * attemptMs });
        message = readRelayed(whole, query);
      }
      if (!message) throw new Error("an answer to something else");
      server.failures = 0;
      server.downUntil = 0;
      return message;
    } catch {
      failed(server);
      return undefined;
    }
  }

  /** A server whose rest is over is tried once beside the query, which does not wait for it. */
  function retryRested(key: string, q: UpstreamQuestion): void {
    const server = servers.find((s) => s.failures >= 2 && s.downUntil <= clock.now());
    if (!server) return;
    server.downUntil = clock.now() + 2 * attemptMs;
    void attempt(server, q).then((message) => message && cache.put(key, message, clock.now()));
  }

  async function askServers(key: string, q: UpstreamQuestion): Promise<RelayedMessage | undefined> {
    retryRested(key, q);
    let last: RelayedMessage | undefined;
    // A lone server gets a second chance: UDP loses packets.
    const rounds = servers.length === 1 ? 2 : 1;
    for (let round = 0; round < rounds; round++)
      for (const server of servers) {
        if (server.failures >= 2) continue;
        const message = await attempt(server, q);
        if (!message) continue;
        last = message;
        if (message.rcode === RCODE.NOERROR || message.rcode === RCODE.NXDOMAIN) return message;
      }
    return last;
  }

  return {
    counts,
    configured: servers.length > 0,
    probe() {
      for (const server of servers)
        void attempt(server, rootQuestion).then((m) => m || attempt(server, rootQuestion));
    },
    get cacheSize() {
      return cache.size;
    },
    async ask(q) {
      const flags = (q.dnssecOk ? 1 : 0) | (q.checkingDisabled ? 2 : 0);
      const key = `${flags}${q.question.toString("latin1").toLowerCase()}`;
      const now = clock.now();
      const cached = cache.get(key, now);
      if (cached) {
        counts.hits++;
        return { message: cached.message, age: Math.floor((now - cached.from) / 1000) };
      }
      counts.misses++;
      const waiting = inFlight.get(key);
      if (waiting) return waiting;
      if (servers.length === 0 || inFlight.size >= maxInFlight) return undefined;
      const asked = askServers(key, q)
        .then((message) => {
          if (!message) return undefined;
          cache.put(key, message, clock.now());
          return { message, age: 0 };
        })
        .finally(() => inFlight.delete(key));
      inFlight.set(key, asked);
      return asked;
    },
  };
}

/** A recursive query with EDNS. */
function writeUpstreamQuery(q: UpstreamQuestion, id: number): Buffer {
  const query = Buffer.alloc(12 + q.question.length + 11);
  query.writeUInt16BE(id, 0);
  query.writeUInt16BE(FLAG.RD | (q.checkingDisabled ? FLAG.CD : 0), 2);
  query[5] = 1;
  query[11] = 1;
  const opt = 12 + q.question.copy(query, 12);
  query[opt + 2] = TYPE.OPT;
  query.writeUInt16BE(maxUdpSize, opt + 3);
  query[opt + 7] = q.dnssecOk ? 0x80 : 0;
  return query;
}

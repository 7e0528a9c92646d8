// One query in, one answer out: ready answers first, then names of the cluster, then upstream.
import * as packet from "dns-packet";
import {
  type AnswerTable,
  appendOpt,
  CLASS,
  type ClusterDirectory,
  createAnswerTable,
  createQueryView,
  FLAG,
  maxUdpSize,
  parseQuery,
  type QueryView,
  questionLabels,
  RCODE,
  type ResourceRecord,
  readyAnswer,
  refusalCodes,
  resolveName,
  TYPE,
  writeAnswer,
  writeMessage,
  writeRefusal,
  type ZoneOptions,
} from "../../core/network/dns/mod.ts";
import type { MessageHandler } from "./ports.ts";
import type { UpstreamAnswer, Upstreams } from "./upstreams.ts";

export interface Responder {
  readonly udp: MessageHandler;
  readonly tcp: MessageHandler;
  readonly table: AnswerTable;
}

export interface ResponderOptions {
  directory: ClusterDirectory;
  zone: ZoneOptions;
  /** False until all of the cluster's objects are known. */
  synced(): boolean;
  /** Resolves when they are known, or when that takes too long: questions wait so long, then they are SERVFAIL. */
  whenSynced: Promise<void>;
  upstreams: Upstreams;
  /** Told of every answer: transport, question type, rcode. */
  count(transport: "udp" | "tcp", type: number, rcode: number): void;
  /** Told of every answer: the sizes of question and answer in bytes, and how long it took. */
  answered(transport: "udp" | "tcp", question: number, answer: number, milliseconds: number): void;
  /** Milliseconds, monotonic. */
  now(): number;
  /** Told of what should not happen: an exception while answering. */
  onError(error: unknown): void;
}

type Transport = "udp" | "tcp";

export function createResponder(options: ResponderOptions): Responder {
  const { directory, zone, upstreams, count } = options;
  const table = createAnswerTable();
  const view = createQueryView();
  const writing = { limit: 0, turn: 0 };
  const spare = Buffer.alloc(65535);

  function respond(message: Buffer, out: Buffer, transport: Transport): number | Promise<Buffer | undefined> {
    const parsed = parseQuery(view, message);
    if (parsed === "ignore") return 0;
    writing.limit = transport === "tcp" ? 65535 : Math.min(view.udpSize, maxUdpSize);
    writing.turn = (writing.turn + 1) & 0xffff;
    if (parsed === "query" && options.synced()) {
      const ready = table.find(view, directory.generation);
      if (ready) {
        count(transport, view.type, ready.rcode);
        return writeAnswer(ready, view, out, writing);
      }
    }
    if (parsed !== "query") return refuse(out, transport, refusalCodes[parsed]);
    if (view.class !== CLASS.IN && view.class !== CLASS.ANY) return refuse(out, transport, RCODE.REFUSED);
    if (view.type === TYPE.AXFR || view.type === TYPE.IXFR) return refuse(out, transport, RCODE.REFUSED);
    if (view.type === TYPE.OPT || view.type === 0) return refuse(out, transport, RCODE.FORMERR);
    return resolve(out, transport);
  }

  function refuse(out: Buffer, transport: Transport, rcode: number): number {
    count(transport, view.type, rcode);
    const unread = rcode === RCODE.FORMERR || rcode === RCODE.NOTIMP;
    const length = writeRefusal(view, out, rcode, !unread);
    return view.hasEdns ? appendOpt(out, length, view.dnssecOk, rcode >> 4) : length;
  }

  function resolve(out: Buffer, transport: Transport): number | Promise<Buffer | undefined> {
    const labels = questionLabels(view);
    const resolution = resolveName(directory, zone, labels, view.type);
    if (resolution.kind === "outside") return forward(transport);
    if (!options.synced()) return later(transport);
    if (resolution.kind === "alias") return chase(transport, resolution.answers, resolution.target);
    const ready = readyAnswer(view, resolution, zone.serial);
    table.put(view, directory.generation, ready);
    count(transport, view.type, ready.rcode);
    return writeAnswer(ready, view, out, writing);
  }

  /** A question that comes before the cluster is known: after a restart that is a matter of milliseconds. */
  async function later(transport: Transport): Promise<Buffer | undefined> {
    const message = view.bytes;
    await options.whenSynced;
    const out = Buffer.allocUnsafe(transport === "tcp" ? 65535 : maxUdpSize);
    parseQuery(view, message);
    const result = options.synced()
      ? guarded(message, out, transport)
      : refuse(out, transport, RCODE.SERVFAIL);
    return typeof result === "number" ? out.subarray(0, result) : result;
  }

  /** The view is used for other queries while upstream thinks: what is needed later is kept. */
  const keep = (): QueryView => ({ ...view });

  async function forward(transport: Transport): Promise<Buffer | undefined> {
    const query = keep();
    const limit = writing.limit;
    const answer = await upstreams.ask({
      question: Buffer.from(query.bytes.subarray(12, query.nameEnd + 4)),
      dnssecOk: query.dnssecOk,
      checkingDisabled: (query.flags & FLAG.CD) !== 0,
    });
    count(transport, query.type, answer?.message.rcode ?? RCODE.SERVFAIL);
    return answer ? relay(query, answer, limit) : servfail(query);
  }

  function servfail(query: QueryView): Buffer {
    const out = Buffer.alloc(query.nameEnd + 4 + 11);
    const length = writeRefusal(query, out, RCODE.SERVFAIL, true);
    return out.subarray(0, query.hasEdns ? appendOpt(out, length, query.dnssecOk, 0) : length);
  }

  /** Asks upstream where an ExternalName leads, and puts that behind the CNAMEs. */
  async function chase(
    transport: Transport,
    aliases: readonly ResourceRecord[],
    target: string,
  ): Promise<Buffer | undefined> {
    const query = keep();
    const limit = writing.limit;
    const head = writeMessage({
      questionName: query.bytes.subarray(12, query.nameEnd),
      type: query.type,
      class: query.class,
      flags: FLAG.QR | FLAG.AA | FLAG.RA | (query.flags & (FLAG.RD | FLAG.CD)),
      answers: aliases,
      authorities: [],
      additional: [],
    }).bytes;
    const name = packet.encode({ type: "query", questions: [{ name: target, type: "A" }] }).subarray(12, -4);
    const answer = await upstreams.ask({
      question: Buffer.concat([name, query.bytes.subarray(query.nameEnd, query.nameEnd + 4)]),
      dnssecOk: query.dnssecOk,
      checkingDisabled: (query.flags & FLAG.CD) !== 0,
    });
    const joined = answer && joinMessages(head, answer);
    const message = joined ?? head;
    // The rcode is that of the chain's end (RFC 6604); a cluster without upstream servers knows no more than the CNAME.
    const rcode = joined ? answer.message.rcode : upstreams.configured ? RCODE.SERVFAIL : RCODE.NOERROR;
    message[3] = (message[3]! & 0xf0) | (rcode & 15);
    count(transport, query.type, rcode);
    return finish(query, message, limit, query.nameEnd + 4);
  }

  function relay(query: QueryView, { message, age }: UpstreamAnswer, limit: number): Buffer {
    const bytes = Buffer.from(message.bytes);
    for (const at of message.ttlOffsets) bytes.writeUInt32BE(Math.max(0, bytes.readUInt32BE(at) - age), at);
    query.bytes.copy(bytes, 12, 12, query.nameEnd);
    const kept = bytes.readUInt16BE(2) & (FLAG.AD | 15);
    bytes.writeUInt16BE(FLAG.QR | FLAG.RA | (query.flags & (FLAG.RD | FLAG.CD)) | kept, 2);
    return finish(query, bytes, limit, message.questionEnd);
  }

  /** Id, EDNS, and TC where the client has not the room. */
  function finish(query: QueryView, message: Buffer, limit: number, questionEnd: number): Buffer {
    let length = message.length;
    message.copy(spare);
    query.bytes.copy(spare, 0, 0, 2);
    if (length + (query.hasEdns ? 11 : 0) > limit) {
      length = questionEnd;
      spare[2] = spare[2]! | (FLAG.TC >> 8);
      spare.fill(0, 6, 12);
    }
    if (query.hasEdns && length + 11 <= spare.length) length = appendOpt(spare, length, query.dnssecOk, 0);
    return Buffer.from(spare.subarray(0, length));
  }

  /** A mistake of ours costs one answer, not the process. */
  function guarded(message: Buffer, out: Buffer, transport: Transport): number | Promise<Buffer | undefined> {
    try {
      return respond(message, out, transport);
    } catch (error) {
      options.onError(error);
      return refuse(out, transport, RCODE.SERVFAIL);
    }
  }

  function tell(transport: Transport, question: number, answer: number, began: number): void {
    if (answer > 0) options.answered(transport, question, answer, options.now() - began);
  }

  /** A function of its own: what a closure needs is made anew in every call of the function around it. */
  function tellLater(
    result: Promise<Buffer | undefined>,
    transport: Transport,
    question: number,
    began: number,
  ): void {
    result.then((bytes) => tell(transport, question, bytes?.length ?? 0, began), options.onError);
  }

  function timed(message: Buffer, out: Buffer, transport: Transport): number | Promise<Buffer | undefined> {
    const began = options.now();
    const result = guarded(message, out, transport);
    if (typeof result === "number") tell(transport, message.length, result, began);
    else tellLater(result, transport, message.length, began);
    return result;
  }

  return {
    table,
    udp: (message, out) => timed(message, out, "udp"),
    tcp: (message, out) => timed(message, out, "tcp"),
  };
}

/** The records of `answer` after those of `head`; names in it point into it, so it is read and written anew. */
function joinMessages(head: Buffer, { message, age }: UpstreamAnswer): Buffer | undefined {
  const aged = (records: packet.Answer[] | undefined): packet.Answer[] =>
    (records ?? []).map((r) => ("ttl" in r ? { ...r, ttl: Math.max(0, (r.ttl ?? 0) - age) } : r));
  try {
    const ours = packet.decode(head);
    const theirs = packet.decode(message.bytes);
    return packet.encode({
      ...ours,
      flags: head.readUInt16BE(2) & 0x7fff,
      type: "response",
      answers: [...(ours.answers ?? []), ...aged(theirs.answers)],
      authorities: aged(theirs.authorities),
      additionals: [],
    });
  } catch {
    // Well-formed as far as it was measured, but some record's data cannot be read.
    return undefined;
  }
}

// One stream of a SPDY connection as a Duplex. Its end in either direction is a frame's FIN; a reset by the peer ends what
// can be read and swallows what is written.
import { Duplex } from "node:stream";
import type { Frame } from "../../../core/spdy/mod.ts";

/** RST_STREAM status: not wanted any more. */
const cancel = 5;

/** What a stream asks of its connection. */
export interface Wire {
  readonly role: "client" | "server";
  send(frame: Exclude<Frame, { kind: "other" | "data" }>): void;
  /** Calls back when more may be written. */
  sendData(id: number, fin: boolean, bytes: Buffer, done: () => void): void;
  /** The stream's reader wants more, or has enough. */
  want(stream: SpdyStream, more: boolean): void;
  forget(id: number): void;
}

export class SpdyStream extends Duplex {
  readonly headers: ReadonlyMap<string, string>;
  readonly id: number;
  readonly #wire: Wire;
  #peerDone = false;
  #wrote = false;
  #gone = false;

  constructor(id: number, headers: ReadonlyMap<string, string>, wire: Wire) {
    super({ allowHalfOpen: true, autoDestroy: true, highWaterMark: 256 * 1024 });
    this.id = id;
    this.headers = headers;
    this.#wire = wire;
  }
  receive(bytes: Buffer, fin: boolean): void {
    if (this.#peerDone) return;
    if (bytes.length > 0 && !this.push(bytes)) this.#wire.want(this, false);
    if (fin) this.finish();
  }
  /** Nothing more comes. What came is still to be read. */
  finish(): void {
    if (this.#peerDone) return;
    this.#peerDone = true;
    this.push(null);
  }
  /** The peer, or the whole connection, is done with this stream: what is written from now on is lost. */
  abandon(): void {
    this.#gone = true;
    this.finish();
  }
  override _read(): void {
    this.#wire.want(this, true);
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#wrote = true;
    if (this.#gone) done();
    else this.#wire.sendData(this.id, false, chunk, done);
  }
  override _final(done: () => void): void {
    if (this.#gone) done();
    else this.#wire.sendData(this.id, true, Buffer.alloc(0), done);
  }
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // The output of a command that has ended is no matter of the server's any more; telling it could only meet a closed
    // connection, whose error would hide what is still to be read.
    const told = this.writableFinished || (this.#wire.role === "client" && !this.#wrote);
    if (!this.#gone && !(this.#peerDone && told))
      this.#wire.send({ kind: "rst-stream", id: this.id, status: cancel });
    this.#gone = true;
    this.#wire.want(this, true);
    this.#wire.forget(this.id);
    done(error);
  }
}

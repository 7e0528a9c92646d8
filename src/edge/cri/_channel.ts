// One gRPC connection to containerd's socket, with every call typed by name and bound by a time limit.
import { Client, type ClientReadableStream, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import * as loader from "@grpc/proto-loader";
import { enums, messages, services } from "./_messages.ts";

/** The message table as the JSON descriptor that proto-loader reads. */
function descriptor(): Parameters<typeof loader.fromJSON>[0] {
  const nested: Record<string, object> = {};
  for (const [name, values] of Object.entries(enums))
    nested[name] = { values: Object.fromEntries(values.map((v, i) => [v, i])) };
  for (const [name, fields] of Object.entries(messages)) {
    const out: Record<string, object> = {};
    for (const [field, text] of Object.entries(fields)) {
      const [id, type = ""] = text.split(" ");
      if (type === "map") out[field] = { keyType: "string", type: "string", id: Number(id) };
      else if (type.startsWith("*")) out[field] = { rule: "repeated", type: type.slice(1), id: Number(id) };
      else out[field] = { type, id: Number(id) };
    }
    nested[name] = { fields: out };
  }
  const methods: Record<string, object> = {};
  for (const service of Object.values(services))
    for (const [name, [requestType, responseType, stream]] of Object.entries<readonly string[]>(service))
      methods[name] = { requestType, responseType, responseStream: stream === "stream" };
  return { nested: { node: { nested: { ...nested, All: { methods } } } } } as Parameters<
    typeof loader.fromJSON
  >[0];
}

type Services = typeof services;
export type Method = { [S in keyof Services]: keyof Services[S] }[keyof Services];

const pathOf = new Map<string, string>();
for (const [service, methods] of Object.entries(services))
  for (const method of Object.keys(methods)) pathOf.set(method, `/${service}/${method}`);

export interface Channel {
  /** Rejects with the runtime's own words (grpc details) as message. */
  // biome-ignore lint/suspicious/noExplicitAny: the wire shapes stand in the message table; the runtime adapter types them
  call(method: Method, request: object, limitMs: number): Promise<any>;
  /** Calls back for every message until the stream ends or fails; resolves at its end. */
  stream(
    method: Method,
    request: object,
    // biome-ignore lint/suspicious/noExplicitAny: as above
    onMessage: (message: any) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** Reads a message of the table from bytes (events carry them). */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  decode(type: "TaskExit" | "TaskOOM", bytes: Buffer): any;
  close(): void;
}

/** A failed call: `code` is gRPC's status code (5 not found, 14 unavailable, 4 deadline exceeded). */
export class CriError extends Error {
  readonly code: number;
  constructor(method: string, error: ServiceError) {
    super(error.details || error.message, { cause: error });
    this.name = `CriError(${method})`;
    this.code = error.code;
  }
}

export function openChannel(socket: string): Channel {
  const definition = loader.fromJSON(descriptor(), {
    keepCase: true,
    longs: Number,
    enums: String,
    defaults: true,
    arrays: true,
    objects: true,
  });
  const all = definition["node.All"] as loader.AnyDefinition as unknown as Record<
    string,
    loader.MethodDefinition<object, object>
  >;
  const client = new Client(`unix:${socket}`, credentials.createInsecure(), {
    "grpc.max_receive_message_length": 16 << 20,
    "grpc.max_send_message_length": 16 << 20,
    "grpc.initial_reconnect_backoff_ms": 50,
    "grpc.min_reconnect_backoff_ms": 50,
    "grpc.max_reconnect_backoff_ms": 1000,
  });
  const metadata = (): Metadata => {
    const m = new Metadata({ waitForReady: true });
    m.set("containerd-namespace", "k8s.io");
    return m;
  };

  return {
    call(method, request, limitMs) {
      const m = all[method]!;
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          pathOf.get(method)!,
          m.requestSerialize,
          m.responseDeserialize,
          request,
          metadata(),
          { deadline: Date.now() + limitMs },
          (error, response) => (error ? reject(new CriError(method, error)) : resolve(response)),
        );
      });
    },
    stream(method, request, onMessage, signal) {
      const m = all[method]!;
      return new Promise((resolve, reject) => {
        const stream: ClientReadableStream<object> = client.makeServerStreamRequest(
          pathOf.get(method)!,
          m.requestSerialize,
          m.responseDeserialize,
          request,
          metadata(),
        );
        const cancel = (): void => stream.cancel();
        signal.addEventListener("abort", cancel, { once: true });
        const done = (error?: ServiceError): void => {
          signal.removeEventListener("abort", cancel);
          if (error && !signal.aborted) reject(new CriError(method, error));
          else resolve();
        };
        stream.on("data", onMessage);
        stream.on("error", done);
        stream.on("end", () => done());
        if (signal.aborted) cancel();
      });
    },
    decode(type, bytes) {
      return decoders[type](bytes);
    },
    close: () => client.close(),
  };
}

/** Reads the length-delimited and varint fields that TaskExit and TaskOOM consist of (protobuf encoding). */
const decoders = {
  TaskExit: (bytes: Buffer) => ({
    containerId: fieldText(bytes, 1),
    id: fieldText(bytes, 2),
  }),
  TaskOOM: (bytes: Buffer) => ({ containerId: fieldText(bytes, 1) }),
};

function fieldText(bytes: Buffer, wanted: number): string {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; at < bytes.length; shift += 7) {
      const b = bytes[at++]!;
      value += (b & 0x7f) * 2 ** shift;
      if (b < 0x80) break;
    }
    return value;
  };
  while (at < bytes.length) {
    const tag = varint();
    if ((tag & 7) === 0) varint();
    else if ((tag & 7) === 2) {
      const size = varint();
      if (tag >> 3 === wanted) return bytes.toString("utf8", at, at + size);
      at += size;
    } else break;
  }
  return "";
}

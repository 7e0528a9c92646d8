// A stand-in for containerd's streaming server: speaks SPDY through our own framing and runs a few made-up commands.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  createSpdyConnection,
  type SpdyStream,
} from "../../src/control/apiserver/connect/spdy-connection.ts";

export interface FakeRuntime {
  port: number;
  /** Streams' types of every exec and attach so far, in the order in which they were opened. */
  opened: string[][];
  /** Number of connections that are open now. */
  readonly connections: number;
  close(): void;
}

const success = '{"metadata":{},"status":"Success"}';
const exitStatus = (code: number): string =>
  JSON.stringify({
    metadata: {},
    status: "Failure",
    message: `command terminated with non-zero exit code: exit status ${code}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(code) }] },
  });

/** Commands: `cat`, `exit N`, `fill BYTES`, `size` (echoes resizes), `stderr TEXT`, `break` (cuts the connection). */
async function run(command: string[], streams: Map<string, SpdyStream>, cut: () => void): Promise<string> {
  const [name, arg = ""] = command;
  const stdout = streams.get("stdout");
  switch (name) {
    case "cat": {
      for await (const chunk of streams.get("stdin")!)
        if (!stdout!.write(chunk)) await new Promise((r) => stdout!.once("drain", r));
      return success;
    }
    case "exit":
      return exitStatus(Number(arg));
    case "fill": {
      const block = Buffer.alloc(32 * 1024, "x");
      for (let left = Number(arg); left > 0; left -= block.length)
        if (!stdout!.write(block.subarray(0, Math.min(left, block.length))))
          await new Promise((r) => stdout!.once("drain", r));
      return success;
    }
    case "size": {
      const resize = streams.get("resize")!;
      const [first] = await Promise.all([new Promise((r) => resize.once("data", r))]);
      stdout!.write(String(first));
      return success;
    }
    case "stderr":
      streams.get("stderr")!.write(arg);
      return success;
    case "break":
      cut();
      return "";
    default:
      return JSON.stringify({
        status: "Failure",
        message: `${name}: not found`,
        code: 500,
        reason: "InternalError",
      });
  }
}

export async function startFakeRuntime(): Promise<FakeRuntime> {
  const opened: string[][] = [];
  let connections = 0;
  const server: Server = createServer((_, response) => response.writeHead(400).end("no upgrade"));
  server.on("upgrade", (request, socket, head) => {
    connections++;
    socket.on("close", () => connections--);
    socket.on("error", () => {});
    const url = new URL(request.url ?? "/", "http://runtime");
    const asked = request.headersDistinct["x-stream-protocol-version"] ?? [];
    const forward = url.pathname === "/portforward";
    const picked = forward ? "portforward.k8s.io" : "v4.channel.k8s.io";
    if (!asked.join(",").includes(picked)) {
      socket.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
      return;
    }
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${picked}\r\n\r\n`,
    );
    const expected = Number(url.searchParams.get("streams"));
    const command = url.searchParams.getAll("command");
    const streams = new Map<string, SpdyStream>();
    const types: string[] = [];
    opened.push(types);
    const connection = createSpdyConnection(socket, {
      role: "server",
      head,
      onStream(stream) {
        const type = stream.headers.get("streamtype") ?? "";
        if (forward) {
          // Sends back what comes, with the port in front.
          if (type !== "data") return;
          stream.write(`${stream.headers.get("port")}:`);
          stream.pipe(stream);
          return;
        }
        streams.set(type, stream);
        types.push(type);
        if (streams.size < expected) return;
        void run(command, streams, () => connection.destroy()).then(async (status) => {
          if (status === "") return;
          streams.get("error")!.end(status);
          streams.get("stdout")?.end();
          streams.get("stderr")?.end();
          connection.close();
        });
      },
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    opened,
    get connections() {
      return connections;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

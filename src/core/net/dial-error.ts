// Says why a peer could not be reached in the words that Go's net package uses, which clients of Kubernetes know.

const words: Record<string, string> = {
  ECONNREFUSED: "connect: connection refused",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  ETIMEDOUT: "i/o timeout",
  ECONNRESET: "read: connection reset by peer",
  EPIPE: "write: broken pipe",
};

/** `target` is `host:port`. */
export function dialErrorMessage(error: unknown, target: string): string {
  for (let e = error; e instanceof Error; e = e.cause) {
    const code = (e as NodeJS.ErrnoException).code;
    const said = code === undefined ? undefined : words[code];
    if (said !== undefined) return `dial tcp ${target}: ${said}`;
  }
  return error instanceof Error ? error.message : String(error);
}

// Splits a byte stream at newlines and parses each line as JSON: the framing of a Kubernetes watch.

/** Values in order. A last line without newline is an interrupted one and is dropped; a line over `maxLine` bytes throws. */
export async function* parseLines(
  chunks: AsyncIterable<Buffer>,
  maxLine = 64 * 2 ** 20,
): AsyncGenerator<unknown> {
  let pending: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(0x0a, from);
      if (end < 0) break;
      const part = chunk.subarray(from, end);
      const line = pending.length === 0 ? part : Buffer.concat([...pending, part]);
      pending = [];
      size = 0;
      from = end + 1;
      if (line.length > 0) yield JSON.parse(line.toString("utf8"));
    }
    if (from < chunk.length) {
      pending.push(chunk.subarray(from));
      size += chunk.length - from;
      if (size > maxLine) throw new Error(`a watch event is larger than ${maxLine} bytes`);
    }
  }
}

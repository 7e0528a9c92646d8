// From a resolution to the answer as it will be sent: flags, sections, SOA of a negative answer (RFC 2308).
import type { ReadyAnswer } from "./answer-table.ts";
import { FLAG, RCODE } from "./constants.ts";
import { writeMessage } from "./message-writer.ts";
import type { QueryView } from "./query.ts";
import type { Resolution, ResourceRecord } from "./record.ts";
import { soaRecord } from "./resolve-name.ts";

type Ours = Exclude<Resolution, { kind: "outside" }>;

export function readyAnswer(view: QueryView, resolution: Ours, serial: number): ReadyAnswer {
  const rcode = resolution.kind === "nxdomain" ? RCODE.NXDOMAIN : RCODE.NOERROR;
  const negative = resolution.kind === "nxdomain" || resolution.kind === "nodata";
  const answers = negative ? [] : resolution.answers;
  const authorities = negative ? [soaRecord(resolution.zone, serial)] : [];
  const additional = resolution.kind === "answer" ? resolution.additional : [];
  const { bytes, offsets } = writeMessage({
    questionName: view.bytes.subarray(12, view.nameEnd),
    type: view.type,
    class: view.class,
    flags: FLAG.QR | FLAG.AA | FLAG.RA | rcode,
    answers,
    authorities,
    additional,
  });
  const kept = (bytes[6]! << 8) | bytes[7]!;
  const main = kept + ((bytes[8]! << 8) | bytes[9]!);
  return {
    bytes,
    offset: 0,
    length: bytes.length,
    rcode,
    withoutAdditional: offsets[main]!,
    rotate: mayRotate(answers)
      ? { start: offsets[0]!, size: offsets[1]! - offsets[0]!, count: kept }
      : { start: 0, size: 0, count: 0 },
  };
}

/** Addresses of one name and one kind: each record is as long as the next and nothing points into it. */
function mayRotate(answers: readonly ResourceRecord[]): boolean {
  const first = answers[0];
  if (answers.length < 2 || (first!.data.kind !== "A" && first!.data.kind !== "AAAA")) return false;
  return answers.every((r) => r.data.kind === first!.data.kind && r.name === first!.name);
}

/** Header, question where there is one, and rcode: for what cannot be answered otherwise. Returns the length. */
export function writeRefusal(view: QueryView, out: Buffer, rcode: number, question: boolean): number {
  view.bytes.copy(out, 0, 0, 12);
  const flags = FLAG.QR | (view.flags & (0x7800 | FLAG.RD | FLAG.CD)) | FLAG.RA | (rcode & 15);
  out[2] = flags >> 8;
  out[3] = flags & 255;
  out.fill(0, 4, 12);
  if (!question) return 12;
  out[5] = 1;
  return 12 + view.bytes.copy(out, 12, 12, view.nameEnd + 4);
}

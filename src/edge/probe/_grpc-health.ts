// One call of grpc.health.v1.Health/Check (gRPC health checking protocol); its two messages are a string and an enum.
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { joinHostPort } from "../../core/net/mod.ts";

const unimplemented = 12;
const words = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

/** HealthCheckRequest: field 1, length-delimited. */
function encode(service: string): Buffer {
  if (service === "") return Buffer.alloc(0);
  const text = Buffer.from(service, "utf8");
  const size: number[] = [];
  for (let n = text.length; ; n >>>= 7) {
    if (n < 0x80) {
      size.push(n);
      break;
    }
    size.push((n & 0x7f) | 0x80);
  }
  return Buffer.concat([Buffer.from([0x0a, ...size]), text]);
}

/** HealthCheckResponse: field 1, a small varint; absent means 0. */
const decode = (bytes: Buffer): number => (bytes[0] === 0x08 ? (bytes[1] ?? 0) : 0);

export function grpcHealth(host: string, port: number, service: string, timeoutMs: number): Promise<string> {
  const address = joinHostPort(host, port);
  const client = new Client(address, credentials.createInsecure(), { "grpc.enable_retries": 0 });
  return new Promise<string>((resolve, reject) => {
    client.makeUnaryRequest(
      "/grpc.health.v1.Health/Check",
      encode,
      decode,
      service,
      { deadline: Date.now() + timeoutMs } as never,
      (error: ServiceError | null, status?: number) => {
        if (!error) resolve(words[status ?? 0] ?? "UNKNOWN");
        else if (error.code === unimplemented)
          reject(
            new Error(
              `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${error.details}`,
            ),
          );
        else
          reject(
            new Error(
              `timeout: failed to connect service "${address}" within ${timeoutMs / 1000}s: ${error.details}`,
            ),
          );
      },
    );
  }).finally(() => client.close());
}

// DNS over UDP and TCP, and plain HTTP pages, on Node's sockets (RFC 1035 4.2, RFC 7766).
import type { DnsSockets } from "../../agents/dns/mod.ts";
import { askTcp } from "./ask-tcp.ts";
import { createAskUdp } from "./ask-udp.ts";
import { listenHttp } from "./listen-http.ts";
import { listenTcp } from "./listen-tcp.ts";
import { listenUdp } from "./listen-udp.ts";

export const createDnsSockets = (): DnsSockets => ({
  listenUdp,
  listenTcp,
  askUdp: createAskUdp(),
  askTcp,
  listenHttp,
});

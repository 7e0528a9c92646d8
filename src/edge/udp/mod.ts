// The door of edge/udp: the sockets that cluster DNS asks for.
export * from "./dns-sockets.ts";

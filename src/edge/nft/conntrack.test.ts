import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFlow } from "./conntrack.ts";

test("a translated, answered flow", () => {
  assert.deepEqual(
    parseFlow(
      "udp      17 28 src=10.244.0.3 dst=10.96.0.50 sport=40000 dport=53 src=10.244.0.2 dst=10.244.0.3 sport=8080 dport=40000 [ASSURED] mark=1048577 use=1",
    ),
    {
      source: "10.244.0.3",
      sourcePort: 40000,
      destination: "10.96.0.50",
      destinationPort: 53,
      replySource: "10.244.0.2",
      replySourcePort: 8080,
      mark: 1048577,
    },
  );
});

test("a flow without an answer yet", () => {
  const flow = parseFlow(
    "udp      17 29 src=172.30.0.1 dst=172.30.0.11 sport=1 dport=30053 [UNREPLIED] src=10.244.0.2 dst=172.30.0.11 sport=8080 dport=9 mark=0 use=1",
  );
  assert.equal(flow?.replySource, "10.244.0.2");
  assert.equal(flow?.replySourcePort, 8080);
});

test("other lines are no flows", () => {
  assert.equal(parseFlow("conntrack v1.4.7 (conntrack-tools): 10 flow entries have been shown."), undefined);
  assert.equal(parseFlow("tcp 6 118 TIME_WAIT src=1.1.1.1 dst=2.2.2.2 sport=1 dport=2"), undefined);
});

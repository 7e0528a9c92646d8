import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createClaims } from "./claims.ts";
import { placeInSlots } from "./groups.ts";
import { type NodeFacts, type ServiceRouting, staleFlows, type UdpFlow } from "./mod.ts";
import type { EndpointState } from "./routing.ts";
import { guardRanges } from "./source-ranges.ts";

describe("placeInSlots", () => {
  const rows: [string, string[], string[], string[]][] = [
    ["new group", [], ["a", "b"], ["a", "b"]],
    ["one more goes to the end", ["a", "b"], ["c", "a", "b"], ["a", "b", "c"]],
    ["the last fills the hole", ["a", "b", "c"], ["b", "c"], ["c", "b"]],
    ["replaced in place", ["a", "b"], ["a", "x"], ["a", "x"]],
    ["all replaced", ["a", "b"], ["x"], ["x"]],
  ];
  for (const [name, old, endpoints, want] of rows)
    test(name, () => assert.deepEqual(placeInSlots(old, endpoints), want));
});

describe("guardRanges", () => {
  const rows: [string, string[] | undefined, string[] | undefined][] = [
    ["none given: no guard", undefined, undefined],
    ["empty: no guard", [], undefined],
    ["canonical", [" 10.1.2.3/8 ", "192.0.2.1/32"], ["10.0.0.0/8", "192.0.2.1"]],
    ["one inside another is left out", ["10.1.0.0/16", "10.0.0.0/8", "10.0.0.0/8"], ["10.0.0.0/8"]],
    ["everybody: no guard", ["10.0.0.0/8", "0.0.0.0/0"], undefined],
    ["only the other family: no guard", ["fd00::/8"], undefined],
    ["of both families: this one's", ["fd00::/8", "10.0.0.0/8"], ["10.0.0.0/8"]],
  ];
  for (const [name, ranges, want] of rows)
    test(name, () => assert.deepEqual(guardRanges(ranges, "ip"), want));
});

describe("claims", () => {
  function recorded() {
    const log: string[] = [];
    const claims = createClaims((set, key, before, after) =>
      log.push(`${set} ${key}: ${before} -> ${after}`),
    );
    return { claims, log };
  }
  const claim = (data: string, ...ranges: string[]) => ({
    set: "f",
    key: "k",
    data,
    ...(ranges.length > 0 ? { with: ranges.map((key) => ({ set: "r", key, data: "" })) } : {}),
  });
  test("the first claimant counts, the next takes over with all that belongs to it", () => {
    const { claims, log } = recorded();
    claims.replace("a", [], [claim("1", "x")]);
    claims.replace("b", [], [claim("2", "y")]);
    claims.replace("a", [claim("1", "x")], []);
    claims.replace("b", [claim("2", "y")], []);
    assert.deepEqual(log, [
      "f k: undefined -> 1",
      "r x: undefined -> ",
      "f k: 1 -> 2",
      "r x:  -> undefined",
      "r y: undefined -> ",
      "f k: 2 -> undefined",
      "r y:  -> undefined",
    ]);
  });
  test("a waiting claimant that leaves leaves nothing", () => {
    const { claims, log } = recorded();
    claims.replace("a", [], [claim("1")]);
    claims.replace("b", [], [claim("2")]);
    claims.replace("b", [claim("2")], []);
    claims.replace("a", [claim("1")], [claim("1")]);
    assert.deepEqual(log, ["f k: undefined -> 1"]);
    assert.deepEqual([...claims.elements().get("f")!], [["k", "1"]]);
  });
});

describe("staleFlows", () => {
  const facts: NodeFacts = {
    family: "ip",
    nodeName: "n0",
    zone: "",
    nodeAddresses: ["172.30.0.11"],
    podRanges: ["10.244.0.0/24"],
    serviceRanges: ["10.96.0.0/16"],
    localAddresses: ["10.96.0.10"],
  };
  const endpoint = (address: string, state: EndpointState) => ({ address, port: 8080, state });
  const ready = endpoint("10.244.0.2", "ready");
  const services = [
    {
      key: "default/dns",
      ports: [
        {
          name: "",
          protocol: "udp",
          frontends: [
            { kind: "cluster-ip", address: "10.96.0.1", port: 53, group: "cluster", source: "keep-pods" },
            { kind: "node-port", port: 30053, group: "cluster", source: "node" },
          ],
          endpoints: [
            ready,
            endpoint("10.244.1.4", "terminating"),
            endpoint("10.244.1.5", "serving"),
            endpoint("10.244.1.6", "not-ready"),
          ],
          groups: { cluster: [ready], local: [] },
          affinitySeconds: undefined,
        },
      ],
    },
  ] as unknown as ServiceRouting[];
  const flow = (to: string, by: string, mark = 0): UdpFlow => {
    const [destination, destinationPort] = to.split(" ");
    const [replySource, replySourcePort] = by.split(" ");
    return {
      source: "10.244.0.9",
      sourcePort: 40000,
      destination: destination!,
      destinationPort: Number(destinationPort),
      replySource: replySource!,
      replySourcePort: Number(replySourcePort),
      mark,
    };
  };
  const ours = 0x00100001;
  const rows: [name: string, to: string, by: string, stale: boolean, mark?: number][] = [
    ["answered by an endpoint", "10.96.0.1 53", "10.244.0.2 8080", false],
    ["answered by one that left", "10.96.0.1 53", "10.244.0.3 8080", true],
    ["answered by one that serves while it ends", "10.96.0.1 53", "10.244.1.4 8080", false],
    ["the same by the node port", "172.30.0.11 30053", "10.244.1.4 8080", false],
    ["answered by one that serves and is not ready", "10.96.0.1 53", "10.244.1.5 8080", false],
    ["answered by one that no longer serves", "10.96.0.1 53", "10.244.1.6 8080", true],
    ["answered by the right address on another port", "10.96.0.1 53", "10.244.0.2 9090", true],
    ["older than the Service: not translated", "10.96.0.1 53", "10.96.0.1 53", true],
    ["node port, right", "172.30.0.11 30053", "10.244.0.2 8080", false],
    ["node port, older than the Service", "172.30.0.11 30053", "172.30.0.11 30053", true],
    ["translated, to a cluster IP that nobody has", "10.96.0.7 53", "10.244.0.2 8080", true],
    ["translated, to a node port that was given up", "172.30.0.11 30099", "10.244.0.2 8080", true, ours],
    ["translated by somebody else (a host port)", "172.30.0.11 5353", "10.244.0.2 53", false],
    ["cluster DNS, answered by the node", "10.96.0.10 53", "10.96.0.10 53", false],
    ["none of ours", "192.0.2.1 123", "192.0.2.1 123", false],
  ];
  for (const [name, to, by, stale, mark] of rows)
    test(name, () => {
      const got = staleFlows([flow(to, by, mark)], services, facts);
      assert.equal(got.length === 1, stale);
    });
});

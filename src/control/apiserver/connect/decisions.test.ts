// The pure decisions behind the connect handlers.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { StatusError } from "../../../core/api/status.ts";
import type { EndpointSlice, Node, Pod, Service } from "../../../core/api/types.ts";
import { dialErrorMessage } from "../../../core/net/mod.ts";
import { channelProtocols, parseMessage, printMessage, printStatus } from "./channels.ts";
import { chooseContainer } from "./container-choice.ts";
import { type ProxyPlace, rewriteHtml, rewriteLink } from "./link-rewriting.ts";
import { kubeletAddressOf } from "./node-address.ts";
import { tunnelledProtocols } from "./port-forward-tunnel.ts";
import { isProxyableAddress } from "./proxied-address.ts";
import { splitSchemeNamePort } from "./scheme-name-port.ts";
import { endpointChoices, servicePortName } from "./service-endpoint.ts";

const names: [id: string, expected: string | undefined][] = [
  ["web", "|web|"],
  ["web:80", "|web|80"],
  ["web:http", "|web|http"],
  ["https:web:443", "https|web|443"],
  ["http:web:", "http|web|"],
  [":web:80", "|web|80"],
  ["ftp:web:80", undefined],
  ["", undefined],
  [":80", undefined],
  ["a:b:c:d", undefined],
];
for (const [id, expected] of names)
  test(`scheme, name and port of "${id}"`, () => {
    const got = splitSchemeNamePort(id);
    assert.equal(got && `${got.scheme}|${got.name}|${got.port}`, expected);
  });

const podOf = (spec: object): Pod => ({ metadata: { name: "p" }, spec }) as unknown as Pod;
const containers: { name: string; spec: object; asked: string; got: string }[] = [
  { name: "the only one", spec: { containers: [{ name: "a" }] }, asked: "", got: "a" },
  {
    name: "the only one beside init containers",
    spec: { containers: [{ name: "a" }], initContainers: [{ name: "i" }] },
    asked: "",
    got: "a",
  },
  {
    name: "an ephemeral one",
    spec: { containers: [{ name: "a" }], ephemeralContainers: [{ name: "e" }] },
    asked: "e",
    got: "e",
  },
  {
    name: "none of two",
    spec: { containers: [{ name: "a" }, { name: "b" }], initContainers: [{ name: "i" }] },
    asked: "",
    got: "a container name must be specified for pod p, choose one of: [i a b]",
  },
  {
    name: "an unknown one",
    spec: { containers: [{ name: "a" }] },
    asked: "z",
    got: "container z is not valid for pod p",
  },
];
for (const { name, spec, asked, got } of containers)
  test(`container: ${name}`, () => {
    const choice = chooseContainer(podOf(spec), asked);
    assert.equal(typeof choice === "string" ? choice : `${choice.message}`, got);
    if (choice instanceof StatusError) assert.equal(choice.code, 400);
  });

test("the kubelet is found by its internal address first", () => {
  const node = (addresses: object[], port?: number): Node =>
    ({
      metadata: {},
      status: { addresses, daemonEndpoints: { kubeletEndpoint: { Port: port } } },
    }) as unknown as Node;
  const hostname = { type: "Hostname", address: "n" };
  assert.deepEqual(kubeletAddressOf(node([hostname, { type: "InternalIP", address: "1.2.3.4" }], 1)), {
    host: "1.2.3.4",
    port: 1,
  });
  assert.deepEqual(kubeletAddressOf(node([hostname])), { host: "n", port: 10250 });
  assert.equal(kubeletAddressOf(node([])), undefined);
});

const service = {
  metadata: { name: "web" },
  spec: { ports: [{ port: 80, name: "http" }, { port: 81 }] },
} as unknown as Service;
test("a port's number stands for its name", () => {
  assert.equal(servicePortName(service, "80"), "http");
  assert.equal(servicePortName(service, "81"), "");
  assert.equal(servicePortName(service, "http"), "http");
  const refused = servicePortName(service, "9");
  assert.ok(refused instanceof StatusError);
  assert.deepEqual([refused.code, refused.message], [503, 'no service port 9 found for service "web"']);
});

test("endpoints: ready pods of the port, from any start", () => {
  const endpoint = (ip: string, over: object = {}) => ({
    addresses: [ip],
    conditions: { ready: true },
    targetRef: { kind: "Pod", name: `pod-${ip}` },
    ...over,
  });
  const slices = [
    {
      addressType: "IPv4",
      ports: [{ name: "http", port: 8080 }, { port: 1 }],
      endpoints: [
        endpoint("10.0.0.1"),
        endpoint("10.0.0.2", { conditions: { ready: false } }),
        endpoint("10.0.0.3", { targetRef: undefined }),
        endpoint("10.0.0.4", { conditions: {} }),
      ],
    },
    { addressType: "IPv4", ports: [{ name: "other", port: 9 }], endpoints: [endpoint("10.0.0.5")] },
    { addressType: "FQDN", ports: [{ name: "http", port: 9 }], endpoints: [endpoint("example.org")] },
    { addressType: "IPv6", ports: [{ name: "http", port: 8086 }], endpoints: [endpoint("fd00::1")] },
  ] as unknown as EndpointSlice[];
  const service = (...ipFamilies: string[]): Service => ({ metadata: { name: "web" }, spec: { ipFamilies } });
  const dual = service("IPv4", "IPv6");
  const hosts = (start: number, of = dual) =>
    endpointChoices(of, slices, "http", start).map((c) => `${c.host} ${c.port}`);
  assert.deepEqual(hosts(0), ["10.0.0.1 8080", "10.0.0.4 8080"]);
  assert.deepEqual(hosts(0.99), ["10.0.0.4 8080", "10.0.0.1 8080"]);
  assert.deepEqual(hosts(0, service("IPv6", "IPv4")), ["fd00::1 8086"]);
  assert.deepEqual(endpointChoices(dual, slices, "nix", 0.5), []);
});

const addresses: [string, boolean][] = [
  ["10.244.0.5", true],
  ["fd00::5", true],
  ["127.0.0.1", false],
  ["0.0.0.0", false],
  ["169.254.169.254", false],
  ["224.0.0.1", false],
  ["255.255.255.255", false],
  ["::1", false],
  ["::", false],
  ["fe80::1", false],
  ["ff02::1", false],
  ["::ffff:127.0.0.1", false],
  ["", false],
  ["example.org", false],
];
for (const [address, expected] of addresses)
  test(`proxying to "${address}" is ${expected ? "allowed" : "refused"}`, () => {
    assert.equal(isProxyableAddress(address), expected);
  });

const place: ProxyPlace = { backendHost: "10.0.0.1:80", requestHost: "api:6443", prefix: "/p/proxy" };
const links: [link: string, expected: string][] = [
  ["/a/b?q=1#f", "/p/proxy/a/b?q=1#f"],
  ["/", "/p/proxy/"],
  ["/dir/", "/p/proxy/dir/"],
  ["/p/proxy/a", "/p/proxy/a"],
  ["relative", "relative"],
  ["../up", "../up"],
  ["", ""],
  ["#top", "#top"],
  ["http://10.0.0.1:80/a", "/p/proxy/a"],
  ["//10.0.0.1:80/a", "/p/proxy/a"],
  ["https://api:6443/a", "https://api:6443/p/proxy/a"],
  ["http://example.org/a", "http://example.org/a"],
  ["mailto:x@y", "mailto:x@y"],
];
for (const [link, expected] of links)
  test(`link "${link}"`, () => {
    assert.equal(rewriteLink(link, place), expected);
  });

const pages: { name: string; page: string; expected: string }[] = [
  {
    name: "links, whatever their quotes",
    page: `<A HREF="/a">x</A><img src='/b' alt="/c"><link href=/d>`,
    expected: `<A HREF="/p/proxy/a">x</A><img src="/p/proxy/b" alt="/c"><link href="/p/proxy/d">`,
  },
  { name: "entities", page: `<a href="/a?x=1&amp;y=2">`, expected: `<a href="/p/proxy/a?x=1&amp;y=2">` },
  {
    name: "comments and scripts stay",
    page: `<!-- <a href="/a"> --><script src="/s">var a = '<a href="/x">';</script><a href="/b">`,
    expected: `<!-- <a href="/a"> --><script src="/p/proxy/s">var a = '<a href="/x">';</script><a href="/p/proxy/b">`,
  },
  {
    name: "text with < and >",
    page: `1 < 2 && 3 > 2 <a href="/a">`,
    expected: `1 < 2 && 3 > 2 <a href="/p/proxy/a">`,
  },
  {
    name: "other attributes",
    page: `<a title="href=/x" href="b">`,
    expected: `<a title="href=/x" href="b">`,
  },
  { name: "a tag that never ends", page: `<a href="/a" title='`, expected: `<a href="/a" title='` },
  { name: "an end tag", page: `</a href="/a"><p>`, expected: `</a href="/a"><p>` },
];
for (const { name, page, expected } of pages)
  test(`page: ${name}`, () => {
    assert.equal(rewriteHtml(page, place), expected);
  });

test("a hostile page is rewritten in time", () => {
  const started = performance.now();
  rewriteHtml(`<a '`.repeat(200_000), place);
  rewriteHtml("<script>".repeat(200_000), place);
  rewriteHtml("<!--".repeat(200_000), place);
  rewriteHtml("<".repeat(800_000), place);
  assert.ok(performance.now() - started < 2000);
});

test("a page without absolute links stays as it is", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("<", ">", "a", " ", "=", '"', "'", "!", "-", "x") }),
      (page) => {
        assert.equal(rewriteHtml(page, place), page);
      },
    ),
  );
});

test("channel messages survive every protocol", () => {
  for (const protocol of channelProtocols)
    fc.assert(
      fc.property(fc.nat(4), fc.uint8Array({ maxLength: 100 }), (id, data) => {
        const sent = printMessage(protocol, id, Buffer.from(data));
        assert.deepEqual(parseMessage(protocol, Buffer.from(sent as string)), {
          kind: "data",
          channel: id,
          bytes: Buffer.from(data),
        });
      }),
      { numRuns: 30 },
    );
});

test("only v5 closes channels; nonsense says nothing", () => {
  const [v5, v4, base64] = channelProtocols as [
    (typeof channelProtocols)[number],
    (typeof channelProtocols)[number],
    (typeof channelProtocols)[number],
  ];
  assert.deepEqual(parseMessage(v5, Buffer.of(255, 0)), { kind: "close", channel: 0 });
  assert.equal(parseMessage(v4, Buffer.of(255, 0))?.kind, "data");
  assert.equal(parseMessage(v5, Buffer.of(255)), undefined);
  assert.equal(parseMessage(v5, Buffer.alloc(0)), undefined);
  assert.equal(parseMessage(base64, Buffer.from("0!!")), undefined);
});

test("before v4, success is silence", () => {
  const v4 = channelProtocols[1]!;
  const v1 = channelProtocols[3]!;
  const success = '{"status":"Success"}';
  assert.equal(String(printStatus(v4, success)), success);
  assert.equal(printStatus(v1, success), undefined);
  assert.equal(String(printStatus(v1, '{"status":"Failure","message":"no"}')), "no");
});

test("tunnelled protocols lose their prefix", () => {
  assert.deepEqual(tunnelledProtocols(["SPDY/3.1+portforward.k8s.io", "v4.channel.k8s.io", "SPDY/3.1+x"]), [
    "portforward.k8s.io",
  ]);
});

test("a peer that cannot be reached is said as Go says it", () => {
  const error = new Error("outer", { cause: Object.assign(new Error("x"), { code: "ECONNREFUSED" }) });
  assert.equal(dialErrorMessage(error, "10.0.0.1:80"), "dial tcp 10.0.0.1:80: connect: connection refused");
  assert.equal(dialErrorMessage(new Error("odd"), "10.0.0.1:80"), "odd");
});

// Creating, changing and deleting over HTTP: what is stored, what is refused and in which words.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type RequestOptions, startTestServer, type TestServer } from "../support/api-server.ts";

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.close());

const core = "/api/v1/namespaces/default";
const cms = `${core}/configmaps`;
const merge = { "Content-Type": "application/merge-patch+json" };
const post = (path: string, body: unknown, o: RequestOptions = {}) =>
  server.request("POST", path, { body, ...o });

interface Bad {
  name: string;
  method: string;
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
  status: number;
  reason?: string;
  message: RegExp;
}
const cm = (name: unknown) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } });

const bad: Bad[] = [
  {
    name: "malformed JSON",
    method: "POST",
    path: cms,
    body: '{"metadata": {',
    status: 400,
    reason: "BadRequest",
    message:
      /the object provided is unrecognized \(must be of type ConfigMap\).*unexpected end of JSON input/,
  },
  {
    name: "malformed YAML",
    method: "POST",
    path: cms,
    body: "a: [b",
    headers: { "Content-Type": "application/yaml" },
    status: 400,
    reason: "BadRequest",
    message: /error converting YAML to JSON/,
  },
  {
    name: "an empty body",
    method: "POST",
    path: cms,
    body: "",
    status: 400,
    message: /unexpected end of JSON/,
  },
  {
    name: "a body that is no object",
    method: "POST",
    path: cms,
    body: "[1]",
    status: 400,
    message: /cannot unmarshal array/,
  },
  {
    name: "a body of 10 MB",
    method: "POST",
    path: cms,
    body: { ...cm("big"), data: { a: "x".repeat(10 << 20) } },
    status: 413,
    reason: "RequestEntityTooLarge",
    message: /Request entity too large: limit is 3145728/,
  },
  {
    name: "a wrong type",
    method: "POST",
    path: cms,
    body: cm(7),
    status: 400,
    message: /json: cannot unmarshal number into Go struct field ObjectMeta\.metadata\.name of type string/,
  },
  {
    name: "another kind",
    method: "POST",
    path: cms,
    body: { ...cm("a"), kind: "Secret" },
    status: 400,
    message: /Secret in version "v1" cannot be handled as a ConfigMap/,
  },
  {
    name: "another version",
    method: "POST",
    path: cms,
    body: { ...cm("a"), apiVersion: "v2" },
    status: 400,
    message: /the API version in the data \(v2\) does not match the expected API version \(v1\)/,
  },
  {
    name: "another namespace",
    method: "POST",
    path: cms,
    body: { metadata: { name: "a", namespace: "other" } },
    status: 400,
    message: /the namespace of the provided object does not match the namespace sent on the request/,
  },
  {
    name: "a name that is no DNS subdomain",
    method: "POST",
    path: cms,
    body: cm("Not_Valid"),
    status: 422,
    reason: "Invalid",
    message:
      /ConfigMap "Not_Valid" is invalid: metadata\.name: Invalid value: "Not_Valid": a lowercase RFC 1123 subdomain/,
  },
  {
    name: "no name",
    method: "POST",
    path: cms,
    body: {},
    status: 422,
    message: /metadata\.name: Required value: name or generateName is required/,
  },
  {
    name: "a namespace that is not there",
    method: "POST",
    path: "/api/v1/namespaces/nowhere/configmaps",
    body: cm("a"),
    status: 404,
    message: /namespaces "nowhere" not found/,
  },
  {
    name: "an unknown resource",
    method: "GET",
    path: "/api/v1/foos",
    status: 404,
    reason: "NotFound",
    message: /the server could not find the requested resource/,
  },
  {
    name: "an unknown group",
    method: "GET",
    path: "/apis/nope.example.com/v1",
    status: 404,
    message: /the server could not find the requested resource/,
  },
  {
    name: "an unknown subresource",
    method: "GET",
    path: `${cms}/a/nope`,
    status: 404,
    message: /the server could not find the requested resource/,
  },
  {
    name: "an unknown media type",
    method: "POST",
    path: cms,
    body: "x",
    headers: { "Content-Type": "application/x-foo" },
    status: 415,
    reason: "UnsupportedMediaType",
    message: /unknown format/,
  },
  {
    name: "a patch of an unknown type",
    method: "PATCH",
    path: `${cms}/a`,
    body: "{}",
    headers: { "Content-Type": "application/json" },
    status: 415,
    message: /application\/merge-patch\+json/,
  },
  {
    name: "a missing object",
    method: "GET",
    path: `${cms}/none`,
    status: 404,
    message: /configmaps "none" not found/,
  },
  {
    name: "a method that is not served",
    method: "PUT",
    path: cms,
    body: {},
    status: 405,
    reason: "MethodNotAllowed",
    message: /does not allow this method/,
  },
  {
    name: "a version on create",
    method: "POST",
    path: cms,
    body: { metadata: { name: "a", resourceVersion: "5" } },
    status: 500,
    message: /resourceVersion should not be set on objects to be created/,
  },
  {
    name: "an unknown field, strictly",
    method: "POST",
    path: `${cms}?fieldValidation=Strict`,
    body: { ...cm("a"), foo: 1 },
    status: 400,
    message: /strict decoding error: unknown field "foo"/,
  },
  {
    name: "an unknown dryRun",
    method: "POST",
    path: `${cms}?dryRun=Some`,
    body: cm("a"),
    status: 422,
    message: /dryRun: Unsupported value/,
  },
];
for (const b of bad)
  test(`refused: ${b.name}`, async () => {
    const answer = await server.request(b.method, b.path, {
      ...(b.body === undefined ? {} : { body: b.body }),
      ...(b.headers ? { headers: b.headers } : {}),
    });
    assert.equal(answer.status, b.status, answer.text.slice(0, 500));
    assert.equal(answer.body.kind, "Status");
    assert.equal(answer.body.code, b.status);
    if (b.reason) assert.equal(answer.body.reason, b.reason);
    assert.match(answer.body.message, b.message);
    assert.equal((await server.request("GET", "/livez")).text, "ok");
  });

test("keys of JavaScript's own prototypes are plain data", async () => {
  const text = `{"metadata":{"name":"proto","labels":{"constructor":"a"}},"data":{"__proto__":"c","toString":"d"}}`;
  const created = await post(cms, text);
  assert.equal(created.status, 201, created.text);
  assert.match(created.text, /"__proto__":"c"/);
  const found = await server.request("GET", `${cms}?labelSelector=constructor%3Da`);
  assert.equal(found.body.items.length, 1);
  assert.equal((await server.request("GET", `${cms}?labelSelector=toString`)).body.items.length, 0);
  const patched = await server.request("PATCH", `${cms}/proto`, {
    body: '{"data":{"__proto__":"e"}}',
    headers: merge,
  });
  assert.match(patched.text, /"__proto__":"e"/);
  assert.equal(({} as Record<string, unknown>).e, undefined);
});

test("generateName makes a new name each time", async () => {
  const made = await Promise.all(
    Array.from({ length: 20 }, () => post(cms, { metadata: { generateName: "gen-" } })),
  );
  assert.ok(made.every((m) => /^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/.test(m.body.metadata.name)));
  assert.equal(new Set(made.map((m) => m.body.metadata.name)).size, 20);
});

test("a second create is AlreadyExists", async () => {
  await post(cms, cm("twice"));
  const again = await post(cms, cm("twice"));
  assert.equal(again.status, 409);
  assert.equal(again.body.reason, "AlreadyExists");
  assert.equal(again.body.message, 'configmaps "twice" already exists');
  assert.deepEqual(again.body.details, { name: "twice", kind: "configmaps" });
});

test("dryRun answers as if, and stores nothing", async () => {
  const made = await post(`${cms}?dryRun=All`, cm("dry"));
  assert.equal(made.status, 201);
  assert.match(made.body.metadata.uid, /-4[0-9a-f]{3}-/);
  assert.equal((await server.request("GET", `${cms}/dry`)).status, 404);
  await post(cms, cm("wet"));
  const deleted = await server.request("DELETE", `${cms}/wet?dryRun=All`);
  assert.equal(deleted.status, 200);
  assert.equal((await server.request("GET", `${cms}/wet`)).status, 200);
});

test("unknown fields are warned of by default and dropped", async () => {
  const made = await post(cms, { ...cm("warned"), foo: 1 });
  assert.equal(made.status, 201);
  assert.equal(made.headers.warning, '299 - "unknown field \\"foo\\""');
  assert.equal(made.body.foo, undefined);
});

test("an update with an old version conflicts; without one it overwrites; with the same content it changes nothing", async () => {
  const one = await post(cms, cm("upd"));
  const two = await server.request("PUT", `${cms}/upd`, { body: { ...one.body, data: { a: "1" } } });
  assert.equal(two.status, 200, two.text);
  const stale = await server.request("PUT", `${cms}/upd`, { body: { ...one.body, data: { a: "2" } } });
  assert.equal(stale.status, 409);
  assert.equal(
    stale.body.message,
    'Operation cannot be fulfilled on configmaps "upd": the object has been modified; please apply your changes to the latest version and try again',
  );
  const blind = await server.request("PUT", `${cms}/upd`, { body: { ...cm("upd"), data: { a: "3" } } });
  assert.equal(blind.status, 200);
  assert.equal(blind.body.metadata.uid, one.body.metadata.uid);
  const same = await server.request("PUT", `${cms}/upd`, { body: blind.body });
  assert.equal(same.body.metadata.resourceVersion, blind.body.metadata.resourceVersion);
  const other = await server.request("PUT", `${cms}/upd`, { body: cm("else") });
  assert.match(
    other.body.message,
    /the name of the object \(else\) does not match the name on the URL \(upd\)/,
  );
});

test("many patches at once are all applied", async () => {
  await post(cms, cm("many"));
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, i) =>
      server.request("PATCH", `${cms}/many`, { body: { data: { [`k${i}`]: "v" } }, headers: merge }),
    ),
  );
  assert.ok(answers.every((a) => a.status === 200));
  const final = await server.request("GET", `${cms}/many`);
  assert.equal(Object.keys(final.body.data).length, 60);
});

test("a patch that does not apply", async () => {
  await post(cms, cm("unpatched"));
  const answer = await server.request("PATCH", `${cms}/unpatched`, {
    body: [{ op: "test", path: "/data/x", value: "1" }],
    headers: { "Content-Type": "application/json-patch+json" },
  });
  assert.equal(answer.status, 422, answer.text);
});

test("status and spec are changed each by its own endpoint, generation counts spec", async () => {
  const pods = `${core}/pods`;
  const made = await post(pods, {
    metadata: { name: "two" },
    spec: { containers: [{ name: "c", image: "i" }] },
    status: { phase: "Running" },
  });
  assert.equal(made.body.status.phase, "Pending");
  const status = await server.request("PATCH", `${pods}/two/status`, {
    body: { status: { phase: "Running" }, spec: { nodeName: "sneaky" } },
    headers: merge,
  });
  assert.equal(status.body.status.phase, "Running", status.text);
  assert.equal(status.body.spec.nodeName, undefined);
  const rc = `${core}/replicationcontrollers`;
  const template = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } };
  const first = await post(rc, {
    metadata: { name: "rc" },
    spec: { replicas: 1, selector: { a: "b" }, template },
  });
  assert.equal(first.body.metadata.generation, 1, first.text);
  const scaled = await server.request("PATCH", `${rc}/rc/scale`, {
    body: { spec: { replicas: 3 } },
    headers: merge,
  });
  assert.equal(scaled.body.kind, "Scale", scaled.text);
  assert.equal(scaled.body.spec.replicas, 3);
  assert.equal((await server.request("GET", `${rc}/rc`)).body.metadata.generation, 2);
});

test("events are one thing under two names", async () => {
  await post(`${core}/events`, {
    metadata: { name: "ev" },
    involvedObject: { kind: "Pod", name: "p", namespace: "default" },
    message: "hello",
    reason: "R",
    type: "Normal",
  });
  const other = await server.request("GET", "/apis/events.k8s.io/v1/namespaces/default/events/ev");
  assert.equal(other.body.note, "hello", other.text);
  assert.equal(other.body.regarding.name, "p");
  assert.equal(other.body.apiVersion, "events.k8s.io/v1");
});

test("nobody without credentials sees more than health and version", async () => {
  const anonymous = { anonymous: true };
  assert.equal((await server.request("GET", "/version", anonymous)).body.gitVersion, "v1.36.0");
  for (const path of ["/livez", "/readyz", "/healthz"])
    assert.equal((await server.request("GET", path, anonymous)).status, 200);
  for (const path of ["/api", cms, "/openapi/v3"]) {
    const answer = await server.request("GET", path, anonymous);
    assert.equal(answer.status, 401);
    assert.equal(answer.body.reason, "Unauthorized");
  }
  const bearer = { anonymous: true, headers: { Authorization: "Bearer nonsense" } };
  assert.equal((await server.request("GET", cms, bearer)).status, 401);
});

test("a token is good as long as its account and pod are", async () => {
  await post(`${core}/serviceaccounts`, { metadata: { name: "robot" } });
  const pod = await post(`${core}/pods`, {
    metadata: { name: "bound" },
    spec: { serviceAccountName: "robot", containers: [{ name: "c", image: "i" }] },
  });
  const { uid } = pod.body.metadata;
  const asked = await post(`${core}/serviceaccounts/robot/token`, {
    spec: { expirationSeconds: 3607, boundObjectRef: { kind: "Pod", apiVersion: "v1", name: "bound", uid } },
  });
  assert.equal(asked.status, 201, asked.text);
  const o = { anonymous: true, headers: { Authorization: `Bearer ${asked.body.status.token}` } };
  assert.equal((await server.request("GET", cms, o)).status, 200);
  const who = await server.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {
    ...o,
    body: {},
  });
  assert.equal(who.body.status.userInfo.username, "system:serviceaccount:default:robot");
  await server.request("DELETE", `${core}/pods/bound`);
  assert.equal((await server.request("GET", cms, o)).status, 401);
  const short = await post(`${core}/serviceaccounts/robot/token`, { spec: { expirationSeconds: 10 } });
  assert.match(short.body.message, /may not specify a duration less than 10 minutes/);
});

test("what cannot be answered in the wanted form is not written", async () => {
  const refused = await post(cms, cm("unseen"), { headers: { Accept: "application/xml" } });
  assert.equal(refused.status, 406);
  assert.equal((await server.request("GET", `${cms}/unseen`)).status, 404);
});

test("a known user may ask as somebody else", async () => {
  const as = (headers: Record<string, string>) =>
    server.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", { body: {}, headers });
  const jane = await as({
    "Impersonate-User": "jane",
    "Impersonate-Group": "dev",
    "Impersonate-Extra-scopes": "a",
  });
  assert.deepEqual(jane.body.status.userInfo, {
    username: "jane",
    groups: ["dev", "system:authenticated"],
    extra: { scopes: ["a"] },
  });
  const robot = await as({ "Impersonate-User": "system:serviceaccount:ns:robot" });
  assert.deepEqual(robot.body.status.userInfo.groups, [
    "system:serviceaccounts",
    "system:serviceaccounts:ns",
    "system:authenticated",
  ]);
  assert.equal((await as({ "Impersonate-User": "system:anonymous" })).status, 403);
  assert.equal((await as({ "Impersonate-Group": "dev" })).status, 400);
});

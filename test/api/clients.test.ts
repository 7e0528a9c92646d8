// Real clients: the official JavaScript client with its informer, and every kubectl that is found ($KUBECTL, a list apart by
// colons, or kubectl on the PATH).
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { accessSync, constants, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { after, before, test } from "node:test";
import type { KubeConfig, V1Secret } from "@kubernetes/client-node";
import { startTestServer, type TestServer } from "../support/api-server.ts";
import { k8s } from "../support/official-client.ts";

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.close());

function config(): KubeConfig {
  const kc = new k8s.KubeConfig();
  kc.loadFromFile(server.kubeconfig);
  return kc;
}

test("the JavaScript client: create, read, patch, list, delete, and refusals as exceptions", async () => {
  const api = config().makeApiClient(k8s.CoreV1Api);
  const namespace = "default";
  const made = await api.createNamespacedConfigMap({
    namespace,
    body: { metadata: { name: "js", labels: { from: "js" } }, data: { a: "1" } },
  });
  assert.ok(made.metadata?.creationTimestamp instanceof Date);
  const list = await api.listNamespacedConfigMap({ namespace, labelSelector: "from=js" });
  assert.equal(list.items.length, 1);
  const patched = await api.patchNamespacedConfigMap(
    { namespace, name: "js", body: { data: { b: "2" } } },
    k8s.setHeaderOptions("Content-Type", k8s.PatchStrategy.MergePatch),
  );
  assert.deepEqual(patched.data, { a: "1", b: "2" });
  await assert.rejects(
    api.createNamespacedConfigMap({ namespace, body: { metadata: { name: "js" } } }),
    (e: { code?: number }) => e.code === 409,
  );
  const gone = await api.deleteNamespacedConfigMap({ namespace, name: "js" });
  assert.equal(gone.status, "Success");
});

test("the JavaScript client's informer sees each change once, in order", { timeout: 20_000 }, async () => {
  const kc = config();
  const api = kc.makeApiClient(k8s.CoreV1Api);
  const namespace = "default";
  const informer = k8s.makeInformer(
    kc,
    "/api/v1/namespaces/default/secrets",
    () => api.listNamespacedSecret({ namespace }),
    undefined,
  );
  const seen: string[] = [];
  for (const verb of ["add", "update", "delete"] as const)
    informer.on(verb, (o: V1Secret) => seen.push(`${verb} ${o.metadata?.name}`));
  await api.createNamespacedSecret({ namespace, body: { metadata: { name: "before" } } });
  await informer.start();
  await api.createNamespacedSecret({ namespace, body: { metadata: { name: "live" } } });
  await api.patchNamespacedSecret(
    { namespace, name: "live", body: { stringData: { a: "b" } } },
    k8s.setHeaderOptions("Content-Type", k8s.PatchStrategy.MergePatch),
  );
  await api.deleteNamespacedSecret({ namespace, name: "live" });
  while (seen.length < 4) await new Promise((r) => setTimeout(r, 20));
  assert.deepEqual(seen, ["add before", "add live", "update live", "delete live"]);
  await informer.stop();
});

function kubectls(): string[] {
  const named = (process.env.KUBECTL ?? "").split(delimiter).filter((f) => f !== "");
  if (named.length > 0) return named;
  for (const dir of (process.env.PATH ?? "").split(delimiter)) {
    try {
      accessSync(join(dir, "kubectl"), constants.X_OK);
      return [join(dir, "kubectl")];
    } catch {}
  }
  return [];
}

interface Ran {
  code: number | null;
  out: string;
  err: string;
}

function run(kubectl: string, args: readonly string[], input = ""): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, KUBECONFIG: server.kubeconfig, HOME: server.dir };
    const child = spawn(kubectl, args, { env, timeout: 30_000 });
    const ran: Ran = { code: null, out: "", err: "" };
    child.stdout.setEncoding("utf8").on("data", (d: string) => (ran.out += d));
    child.stderr.setEncoding("utf8").on("data", (d: string) => (ran.err += d));
    child.on("error", reject);
    child.on("close", (code) => resolve({ ...ran, code }));
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

const manifest = (port: number): string => `
apiVersion: v1
kind: Service
metadata: {name: NAME}
spec:
  selector: {app: web}
  ports: [{port: ${port}, name: http}]
`;

interface Step {
  args: string;
  input?: string;
  out?: RegExp;
  err?: RegExp;
  code?: number;
}

const migrating = (selector: string): string =>
  manifest(81).replace("name: NAME", "name: NAME-ssa").replace("app: web", selector);

/** NAME is a name of the run's own. */
const session: Step[] = [
  { args: "create namespace NAME", out: /^namespace\/NAME created$/m },
  { args: "create configmap NAME --from-literal=a=b", out: /^configmap\/NAME created$/m },
  { args: "create configmap NAME", code: 1, err: /configmaps "NAME" already exists/ },
  { args: "get configmap NAME", out: /^NAME {2,}DATA {2,}AGE\nNAME {2,}1 {2,}\d+s$/m },
  { args: "get configmap NAME -o jsonpath={.data.a}", out: /^b$/ },
  { args: "label configmap NAME x=y", out: /configmap\/NAME labeled/ },
  { args: "get configmaps -l x=y -o name", out: /^configmap\/NAME$/m },
  {
    args: "get configmap nope-NAME",
    code: 1,
    err: /Error from server \(NotFound\): configmaps "nope-NAME" not found/,
  },
  { args: "get nonsense", code: 1, err: /the server doesn't have a resource type "nonsense"/ },
  { args: "apply -f -", input: manifest(80), out: /^service\/NAME created$/m },
  { args: "apply -f -", input: manifest(80), out: /^service\/NAME unchanged$/m },
  { args: "diff -f -", input: manifest(81), code: 1, out: /^\+ {2}.*port: 81$/m },
  { args: "apply -f -", input: manifest(81), out: /^service\/NAME configured$/m },
  {
    args: "get service NAME",
    out: /^NAME {2,}ClusterIP {2,}10\.96\.\d+\.\d+ {2,}<none> {2,}81\/TCP {2,}\d+s$/m,
  },
  {
    args: "apply -f -",
    input: manifest(81).replace("selector", "selectorr"),
    code: 1,
    err: /unknown field "spec\.selectorr"/,
  },
  {
    args: "apply --server-side --field-manager=other -f -",
    input: manifest(81).replace("app: web", "app: other"),
    code: 1,
    err: /conflict with "kubectl-client-side-apply".*: \.spec\.selector/,
  },
  {
    args: "apply --server-side --force-conflicts --field-manager=other -f -",
    input: manifest(81).replace("app: web", "app: other"),
    out: /^service\/NAME serverside-applied$/m,
  },
  { args: "apply -f -", input: migrating("app: web"), out: /^service\/NAME-ssa created$/m },
  {
    args: "apply --server-side -f -",
    input: migrating("app: b"),
    out: /^service\/NAME-ssa serverside-applied$/m,
  },
  { args: "apply view-last-applied service NAME-ssa", out: /^ {4}app: b$/m },
  { args: 'patch service NAME -p {"spec":{"type":"NodePort"}}', out: /^service\/NAME patched$/m },
  { args: "describe service NAME", out: /^NodePort: +http +3\d{4}\/TCP$/m },
  { args: "explain service.spec.clusterIP", out: /clusterIP is the IP address of the service/ },
  { args: "create deployment NAME --image=nginx --replicas=2", out: /^deployment\.apps\/NAME created$/m },
  { args: "scale deployment NAME --replicas=5", out: /^deployment\.apps\/NAME scaled$/m },
  { args: "get deployment NAME", out: /^NAME {2,}0\/5 {2,}0 {2,}0 {2,}\d+s$/m },
  { args: "set image deployment/NAME nginx=nginx:2", out: /^deployment\.apps\/NAME image updated$/m },
  { args: "rollout restart deployment/NAME", out: /^deployment\.apps\/NAME restarted$/m },
  { args: "expose deployment NAME --name=NAME-2 --port=80", out: /^service\/NAME-2 exposed$/m, err: /^$/ },
  {
    args: "create service clusterip NAME-x --tcp=80:80 --dry-run=server",
    out: /^service\/NAME-x created \(server dry run\)$/m,
    err: /^Warning: spec\.selector: no pod has app=NAME-x; a pod template has app=NAME$/m,
  },
  {
    args: 'patch service NAME-2 -p {"spec":{"ports":[{"port":80,"targetPort":"web"}]}}',
    err: /^Warning: .*: no selected pod has a TCP port named "web" \(they name none\)$/m,
  },
  {
    args: "apply --server-side --force-conflicts --field-manager=other -f -",
    input: manifest(81).replace("app: web", "app: NAME-svc"),
    err: /^Warning: spec\.selector: no pod has app=NAME-svc; a pod template has app=NAME$/m,
  },
  {
    args: "create service externalname NAME-x --external-name=10.0.0.1 --dry-run=server",
    err: /^Warning: spec\.externalName: 10\.0\.0\.1 is an address/m,
  },
  {
    args: "run NAME-y --image=nginx --port=80 --expose --dry-run=server",
    out: /^service\/NAME-y created/m,
    err: /^$/,
  },
  { args: "wait --for=jsonpath={.spec.replicas}=5 deployment/NAME --timeout=5s", out: /condition met/ },
  { args: "run NAME --image=nginx --restart=Never", out: /^pod\/NAME created$/m },
  { args: "get pod NAME", out: /^NAME {2,}0\/1 {2,}Pending {2,}0 {2,}\d+s$/m },
  { args: "create token default", out: /^eyJ/ },
  { args: "auth can-i create pods", out: /^yes$/m },
  { args: "get pods,services,deployments -A", out: /service\/kubernetes/ },
  { args: "api-resources -o name", out: /^endpointslices\.discovery\.k8s\.io$/m },
  { args: "delete pod NAME", out: /^pod "NAME" deleted/m },
  {
    args: "delete configmap,service,deployment NAME NAME-2 --ignore-not-found",
    out: /deployment\.apps "NAME" deleted/,
  },
];

const found = kubectls();
test("a kubectl is here to try", {
  skip: found.length === 0 && "no kubectl: name some in $KUBECTL",
}, () => {});
for (const [i, kubectl] of found.entries())
  test(`a session with ${kubectl.split("/").at(-1)}`, { timeout: 120_000 }, async (t) => {
    const name = `kc-${i}`;
    writeFileSync(join(server.dir, "empty"), "");
    for (const step of session)
      await t.test(step.args, async () => {
        const args = step.args.replaceAll("NAME", name).split(" ");
        const ran = await run(kubectl, args, step.input?.replaceAll("NAME", name));
        const own = (r: RegExp): RegExp => new RegExp(r.source.replaceAll("NAME", name), r.flags);
        assert.equal(ran.code, step.code ?? 0, `${ran.out}${ran.err}`);
        // The header of a Table has NAME in it, too.
        if (step.out) assert.match(ran.out.replace(/^NAME /gm, `${name} `), own(step.out));
        if (step.err) assert.match(ran.err, own(step.err));
      });
  });

test("nothing of all this was unexpected", () => assert.deepEqual(server.unexpected, []));

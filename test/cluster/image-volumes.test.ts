// Image volumes on real containers: what a container sees of an image, what it may not do there, how a pod fails whose image
// is not to be had, and that nothing stays mounted, whoever died meanwhile.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { findProcesses } from "../../src/app/cluster/processes.ts";
import { eventually, startCluster, type TestCluster } from "../support/cluster.ts";
import { writeLayeredImage } from "../support/layered-image.ts";

const layered = "registry.example/files/layered:1";
let cluster: TestCluster;

before(async () => {
  cluster = await startCluster("image-volumes");
  const archive = join(cluster.env.HOME!, "layered.tar");
  await writeLayeredImage(
    layered,
    [
      { "data.json": "lower", "etc/os-release": "NAME=Layered", "run.sh": "#!/bin/sh\necho ran\n" },
      { "data.json": "upper", "link/to-etc": "-> /etc", "link/out": "-> ../../../../../../etc" },
    ],
    archive,
  );
  const { code, stdout, stderr } = await cluster.portolan("images", "load", "--name", cluster.name, archive);
  assert.equal(code, 0, stdout + stderr);
});
after(async () => {
  const { code, stdout, stderr } = await cluster.down();
  assert.equal(code, 0, stdout + stderr);
  assert.deepEqual(mountsOf(cluster.env.HOME!), []);
});

/** Image volumes mounted on this machine in paths that contain the text. */
function mountsOf(text: string): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, , , , at]) => at?.includes(text) && at.includes("kubernetes.io~image"))
    .map(([, , , , at, flags]) => `${at} ${flags}`);
}

/** Lines that containerd's own command says. */
function ctr(...args: string[]): string[] {
  const socket = join(cluster.env.PORTOLAN_RUN_DIR!, cluster.name, "node-1/containerd.sock");
  return spawnSync("ctr", ["-a", socket, "-n", "k8s.io", ...args], { encoding: "utf8" }).stdout.split("\n");
}

/** containerd's views of images. */
const views = (): string[] => ctr("snapshots", "ls").filter((line) => line.includes("kubernetes.io~image"));

interface Volume {
  name: string;
  image: { reference: string; pullPolicy?: string };
}
const image = (name: string, reference: string, pullPolicy?: string): Volume => ({
  name,
  image: { reference, ...(pullPolicy ? { pullPolicy } : {}) },
});
const container = (name: string, volumeMounts: object[], more: object = {}): object => ({
  name,
  image: "busybox",
  imagePullPolicy: "IfNotPresent",
  // Ends when it is told to.
  command: ["sh", "-c", 'trap "exit 1" TERM; while :; do sleep 0.2; done'],
  volumeMounts,
  ...more,
});

async function create(name: string, volumes: Volume[], ...containers: object[]): Promise<void> {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: { terminationGracePeriodSeconds: 0, volumes, containers },
  };
  const { code, stderr } = await cluster.kubectlWith({ input: JSON.stringify(pod) }, "create", "-f", "-");
  assert.equal(code, 0, stderr);
}

interface Status {
  metadata: { uid: string };
  spec: { volumes: Volume[] };
  status: {
    containerStatuses: {
      restartCount: number;
      state: { running?: object; waiting?: { reason: string; message: string } };
    }[];
  };
}
const get = async (name: string): Promise<Status> =>
  JSON.parse(await cluster.ok("get", "pod", name, "-o", "json")) as Status;

async function waiting(pod: string, reason: string, index = 0): Promise<string> {
  return eventually(`${pod} waiting for ${reason}`, 30_000, async () => {
    const state = (await get(pod)).status.containerStatuses?.[index]?.state.waiting;
    return state?.reason === reason ? state.message : undefined;
  });
}

const ready = (pod: string): Promise<string> =>
  cluster.ok("wait", "--for=condition=Ready", `pod/${pod}`, "--timeout=30s");

/** Standard output and error of a command in a container, whatever its exit code. */
async function sh(pod: string, script: string, name = "c"): Promise<string> {
  const { stdout, stderr } = await cluster.kubectl("exec", pod, "-c", name, "--", "sh", "-c", script);
  return (stdout + stderr).trim();
}

async function events(pod: string): Promise<string[]> {
  const list = JSON.parse(
    await cluster.ok("get", "events", "--field-selector", `involvedObject.name=${pod}`, "-o", "json"),
  ) as { items: { reason: string; message: string }[] };
  return list.items.map((e) => `${e.reason}: ${e.message}`);
}

const gone = (uid: string): Promise<boolean> =>
  eventually(`mounts of ${uid} gone`, 20_000, async () =>
    mountsOf(uid).length === 0 && !views().some((v) => v.includes(uid)) ? true : undefined,
  );

test("containers see the files of images, whole and in part, and change and execute none", async () => {
  await create(
    "sees",
    [image("web", "nginx"), image("box", "busybox:latest", "IfNotPresent"), image("layers", layered)],
    container(
      "c",
      [
        { name: "web", mountPath: "/web" },
        { name: "box", mountPath: "/box" },
        { name: "layers", mountPath: "/layers" },
        { name: "layers", mountPath: "/part", subPath: "etc" },
        { name: "layers", mountPath: "/file", subPath: "data.json" },
        { name: "layers", mountPath: "/expanded", subPathExpr: "$(WHERE)" },
        { name: "layers", mountPath: "/linked", subPath: "link/to-etc" },
        { name: "layers", mountPath: "/out", subPath: "link/out" },
      ],
      { env: [{ name: "WHERE", value: "etc/os-release" }] },
    ),
    container("second", [{ name: "layers", mountPath: "/layers" }]),
  );
  await ready("sees");
  const { metadata, spec } = await get("sees");
  assert.deepEqual(
    spec.volumes.filter((v) => v.image).map((v) => v.image.pullPolicy),
    ["Always", "IfNotPresent", "IfNotPresent"],
  );
  assert.match(await sh("sees", "cat /web/etc/nginx/nginx.conf"), /http \{/);
  assert.equal(await sh("sees", "cat /layers/data.json /file"), "upperupper");
  for (const path of ["/layers/etc/os-release", "/part/os-release", "/expanded", "/linked/os-release"])
    assert.equal(await sh("sees", `cat ${path}`), "NAME=Layered", path);
  assert.equal(
    await sh("sees", "cat /out/os-release"),
    "NAME=Layered",
    "a link cannot lead out of the image",
  );
  assert.equal(await sh("sees", "cat /layers/data.json", "second"), "upper");
  for (const dir of ["/web", "/box", "/layers", "/part"])
    assert.match(await sh("sees", `touch ${dir}/x`), /Read-only file system/, dir);
  assert.match(await sh("sees", "echo >> /file"), /Read-only file system/);
  for (const program of ["/box/bin/busybox", "/layers/run.sh"])
    assert.match(await sh("sees", program), /Permission denied/, program);
  assert.equal(mountsOf(metadata.uid).length, 3);
  for (const mount of mountsOf(metadata.uid)) assert.match(mount, / ro,.*noexec/);
  assert.equal(views().filter((v) => v.includes(metadata.uid)).length, 3);
  await cluster.ok("delete", "pod", "sees");
  await gone(metadata.uid);
});

test("an image that is not to be had: ErrImagePull, then ImagePullBackOff, for those who mount it", async () => {
  const missing = "localhost/invalid";
  await create(
    "missing",
    [image("v", missing)],
    container("c", [{ name: "v", mountPath: "/v" }]),
    container("other", []),
  );
  const message = await waiting("missing", "ImagePullBackOff");
  assert.match(message, /^Back-off pulling image "localhost\/invalid": ErrImagePull: /);
  assert.ok((await get("missing")).status.containerStatuses[1]!.state.running);
  for (const words of [
    /^Failed: Failed to pull image "localhost\/invalid": /,
    /^Failed: Error: ErrImagePull$/,
    /^Failed: Error: ImagePullBackOff$/,
    /^BackOff: Back-off pulling image "localhost\/invalid"$/,
  ])
    await eventually(`event ${words}`, 10_000, async () =>
      (await events("missing")).find((e) => words.test(e)),
    );

  await create("never", [image("v", missing, "Never")], container("c", [{ name: "v", mountPath: "/v" }]));
  assert.match(await waiting("never", "ErrImageNeverPull"), /is not present with pull policy of Never$/);

  await create("unused", [image("v", missing)], container("c", []));
  await ready("unused");
  await cluster.ok("delete", "pod", "missing", "never", "unused");
});

test("a sub-path that the image does not have", async () => {
  await create(
    "subless",
    [image("v", layered)],
    container("c", [{ name: "v", mountPath: "/v", subPath: "no/such" }]),
  );
  assert.match(await waiting("subless", "CreateContainerError"), /subPath "no\/such" does not exist/);
  const { uid } = (await get("subless")).metadata;
  await cluster.ok("delete", "pod", "subless");
  await gone(uid);
});

test("a killed node process finds its mounts again, and takes away those of pods that went meanwhile", async () => {
  const volumes = [image("v", layered)];
  const reader = container("c", [{ name: "v", mountPath: "/v" }]);
  for (const name of ["kept", "forced", "lost"]) await create(name, volumes, reader);
  const uids = new Map<string, string>();
  for (const name of ["kept", "forced", "lost"]) {
    await ready(name);
    uids.set(name, (await get(name)).metadata.uid);
  }
  // A mount that goes missing, as by a reboot, is made again.
  for (const mount of mountsOf(uids.get("lost")!)) spawnSync("umount", ["-l", mount.split(" ")[0]!]);
  const nodes = findProcesses(cluster.name).filter((p) => p.role === "node-1/node");
  assert.equal(nodes.length, 1);
  process.kill(nodes[0]!.pid, "SIGSTOP");
  await cluster.ok("delete", "pod", "forced", "--force", "--grace-period=0");
  process.kill(nodes[0]!.pid, "SIGKILL");
  await gone(uids.get("forced")!);

  const before = mountsOf(uids.get("kept")!);
  assert.equal(before.length, 1);
  for (const name of ["kept", "lost"]) {
    await sh(name, "kill 1");
    await eventually(`${name} restarted`, 30_000, async () => {
      const [c] = (await get(name)).status.containerStatuses;
      return c!.restartCount > 0 && c!.state.running ? true : undefined;
    });
    assert.equal(await sh(name, "cat /v/data.json"), "upper", name);
  }
  assert.deepEqual(mountsOf(uids.get("kept")!), before);
  assert.equal(mountsOf(uids.get("lost")!).length, 1);

  // The image may go: what is mounted of it stays.
  const id = before[0]!.split(" ")[0]!.split("/").at(-1)!;
  const own = ctr("images", "ls", "-q").filter((name) => name === layered || name.startsWith(`sha256:${id}`));
  assert.equal(own.length, 2);
  ctr("images", "rm", "--sync", ...own);
  // Of a file that nobody has read yet: the kernel remembers the others.
  assert.equal(await sh("kept", "cat /v/etc/os-release"), "NAME=Layered");
  await cluster.ok("delete", "pod", "kept");
  await gone(uids.get("kept")!);
  // This one stays until the cluster is taken down.
  assert.equal(mountsOf(uids.get("lost")!).length, 1);
});

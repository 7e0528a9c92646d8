// Image volumes in a pod's life.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../../../test/support/eventually.ts";
import { at, isGone, podOf, reasons, runs, until, workerRig } from "../../../../test/support/worker-rig.ts";
import { pods } from "../../../core/api/refs.ts";

test("image volumes: shown read-only and not to be executed, until the pod goes, also while the kubelet was away", async (t) => {
  const { client, runtime, files, startNode } = await workerRig(t);
  const stop = await startNode();
  const volumes = [{ name: "v", image: { reference: "busybox", pullPolicy: "IfNotPresent" } }];
  const volumeMounts = [
    { name: "v", mountPath: "/v" },
    { name: "v", mountPath: "/w", subPathExpr: "$(DIR)" },
  ];
  const container = { volumeMounts, env: [{ name: "DIR", value: "etc" }] };
  for (const name of ["stays", "forced"]) await client.create(pods, podOf(name, { volumes }, container), at);
  const { uid } = (await until(client, "stays", runs(0))).metadata;
  await until(client, "forced", runs(0));
  const base = `/root/pods/${uid}/volumes/kubernetes.io~image/v/b00`;
  const own = [...runtime.containers.values()].find((c) => c.podUid === uid)!;
  assert.deepEqual(
    own.config.mounts.slice(0, 2),
    [
      ["/v", base],
      ["/w", `${base}/etc`],
    ].map(([containerPath, hostPath]) => ({
      containerPath,
      hostPath,
      readonly: true,
      noexec: true,
      propagation: "PROPAGATION_PRIVATE",
    })),
  );
  const shown = (): string[] =>
    [...files.files.keys()].filter((path) => path.includes("kubernetes.io~image"));
  assert.equal(shown().length, 2);

  await stop();
  await client.delete(pods, "forced", { ...at, gracePeriodSeconds: 0 });
  await startNode();
  await eventually(() => assert.deepEqual(shown(), [`${base}/etc/passwd`]));
  await client.delete(pods, "stays", { ...at, gracePeriodSeconds: 1 });
  await isGone(client, "stays");
  assert.deepEqual(shown(), []);
  assert.ok(files.removed.includes(base));
});

test("an image volume that is not to be had, or in part, keeps only those waiting who mount it", async (t) => {
  const { client, startNode } = await workerRig(t);
  await startNode();
  const rows: [name: string, image: object, mount: object, reason: string, message: RegExp][] = [
    [
      "absent",
      { reference: "a.example/x:1" },
      {},
      "ImagePullBackOff",
      /^Back-off pulling image "a.example\/x:1": ErrImagePull: .*registry a.example cannot be reached$/,
    ],
    ["never", { reference: "x", pullPolicy: "Never" }, {}, "ErrImageNeverPull", /with pull policy of Never$/],
    ["no name", { reference: "X!" }, {}, "InvalidImageName", /^Failed to apply default image tag "X!"/],
    [
      "no path",
      { reference: "busybox" },
      { subPath: "no" },
      "CreateContainerError",
      /^ImageVolumeMountFailed: subPath "no" does not exist in the image$/,
    ],
    [
      "no variable",
      { reference: "busybox" },
      { subPathExpr: "$(NO)" },
      "CreateContainerConfigError",
      /missing value for "NO"/,
    ],
  ];
  for (const [words, image, mount, reason, message] of rows) {
    const name = words.replace(" ", "-");
    const second = { name: "free", image: "busybox", imagePullPolicy: "IfNotPresent" };
    const pod = podOf(name, { volumes: [{ name: "v", image }] });
    const { spec } = pod as unknown as { spec: { containers: object[] } };
    Object.assign(spec.containers[0]!, { volumeMounts: [{ name: "v", mountPath: "/v", ...mount }] });
    spec.containers.push(second);
    await client.create(pods, pod, at);
    await until(client, name, (c, p) => {
      assert.equal(c.state?.waiting?.reason, reason, words);
      assert.match(c.state?.waiting?.message ?? "", message, words);
      assert.ok(p.status?.containerStatuses?.[1]?.state?.running, words);
    });
    await eventually(async () => assert.ok((await reasons(client, name)).includes("Failed"), words));
  }
});

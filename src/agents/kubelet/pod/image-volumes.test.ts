import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container, Pod } from "../../../core/api/types.ts";
import { ImageError } from "../runtime/mod.ts";
import { createPodImageVolumes } from "./image-volumes.ts";
import type { PodParts } from "./parts.ts";

/** A pod with a volume of each image; `bad…` cannot be pulled, `unmountable` not mounted. */
function rig(...references: string[]) {
  const asked: string[] = [];
  const counted: string[] = [];
  const said: string[] = [];
  const parts = {
    context: {
      images: {
        async ensure(_: Pod, wish: { image: string; pullPolicy: string }) {
          asked.push(`${wish.image} ${wish.pullPolicy}`);
          if (wish.image.startsWith("bad")) throw new ImageError("ErrImagePull", `no ${wish.image}`, 7);
          return { id: `sha256:${wish.image}`, repoTags: [], repoDigests: [], sizeBytes: 1 };
        },
      },
      imageMounts: {
        async mount(imageId: string) {
          if (imageId.endsWith("unmountable")) throw new Error("no such layers");
        },
      },
      metrics: { imageVolumes: (what: string, count: number) => void counted.push(`${what} ${count}`) },
    },
    events: {},
    volumes: { podDir: "/p" },
    pod: () =>
      ({
        spec: {
          volumes: [
            { name: "none", emptyDir: {} },
            ...references.map((reference) => ({
              name: reference,
              image: { reference, pullPolicy: "Always" },
            })),
          ],
        },
      }) as unknown as Pod,
  } as unknown as PodParts;
  const say = {
    normal() {},
    warning: (reason: string, text: string) => void said.push(`${reason}: ${text}`),
  };
  return { asked, counted, said, say, volumes: createPodImageVolumes(parts, async () => []) };
}

const mounting = (...names: string[]): Container =>
  ({ name: "c", volumeMounts: names.map((name, i) => ({ name, mountPath: `/${i}` })) }) as Container;

test("each volume is asked for once a round, whoever mounts it, and again in the next", async () => {
  const { asked, volumes } = rig("a", "b");
  volumes.ask();
  volumes.ask();
  assert.deepEqual(asked, ["a Always", "b Always"]);
  await Promise.all(volumes.pullsOf(mounting("a", "b")).map((p) => p.promise));
  volumes.endRound();
  volumes.ask();
  assert.equal(asked.length, 4);
});

test("a container waits for what it mounts, and has each volume once", async () => {
  const { counted, volumes, say } = rig("a", "b", "bad");
  volumes.ask();
  assert.equal(volumes.pullsOf(mounting("none", "b", "a", "b")).length, 2);
  const images = await volumes.pulled(mounting("none", "b", "a", "b"), say);
  assert.deepEqual(
    [...images].map(([name, image]) => `${name} ${image.id}`),
    ["b sha256:b", "a sha256:a"],
  );
  assert.deepEqual(counted, ["requested 2"]);
});

test("of images that are not to be had each is told, and the last is the container's reason", async () => {
  const { counted, said, volumes, say } = rig("bad1", "a", "bad2");
  volumes.ask();
  await assert.rejects(volumes.pulled(mounting("bad1", "a", "bad2"), say), {
    reason: "ErrImagePull",
    message: "no bad2",
    retryAt: 7,
  });
  assert.deepEqual(said, ["Failed: Error: ErrImagePull", "Failed: Error: ErrImagePull"]);
  assert.deepEqual(counted, []);
});

test("each image of a volume has a place of its own; one that cannot be mounted says so in CRI's word", async () => {
  const { counted, volumes } = rig();
  const image = (id: string) => ({ id, repoTags: [], repoDigests: [], sizeBytes: 1 });
  assert.equal(await volumes.show("v", image("sha256:1")), "/p/volumes/kubernetes.io~image/v/1");
  assert.equal(await volumes.show("v", image("sha256:2")), "/p/volumes/kubernetes.io~image/v/2");
  await assert.rejects(volumes.show("v", image("sha256:unmountable")), {
    name: "ImageVolumeError",
    message: "ImageVolumeMountFailed: no such layers",
  });
  assert.deepEqual(counted, ["mounted 1", "mounted 1", "failed 1"]);
});

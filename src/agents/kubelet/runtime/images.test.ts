import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "../../../core/api/types.ts";
import type { ProbeClient } from "../probes/probe-client.ts";
import { createImages, ImageError } from "./images.ts";
import type { PodRuntime, RuntimeImage } from "./runtime.ts";

const image = (name: string): RuntimeImage => ({
  id: `sha256:${name}`,
  repoTags: [name],
  repoDigests: [],
  sizeBytes: 5,
});

/** A runtime with some images, and a registry that has others, is away, or breaks. */
function rig(options: { local?: string[]; registry?: string[]; reachable?: boolean; pullError?: string }) {
  const have = new Set(options.local);
  let at = 1_000_000;
  const told: string[] = [];
  let pulls = 0;
  const runtime = {
    image: async (name: string) => (have.has(name) ? image(name) : undefined),
    async pullImage(name: string) {
      pulls++;
      if (options.pullError) throw new Error(options.pullError);
      if (!options.registry?.includes(name)) throw new Error(`${name}: not found`);
      have.add(name);
      return name;
    },
  } as unknown as PodRuntime;
  const probe = { reachable: async () => options.reachable ?? true } as unknown as ProbeClient;
  const images = createImages(runtime, probe, () => at);
  const pod = { metadata: { uid: "u" } } as unknown as Pod;
  const say = {
    normal: (reason: string, message: string) => void told.push(`${reason}: ${message}`),
    warning: (reason: string, message: string) => void told.push(`${reason}! ${message}`),
  };
  return {
    told,
    pulls: () => pulls,
    later: (ms: number) => {
      at += ms;
    },
    async ensure(name: string, pullPolicy: string): Promise<string> {
      try {
        return (
          await images.ensure(pod, { image: name, pullPolicy }, { events: say, secrets: async () => [] })
        ).id;
      } catch (error) {
        if (!(error instanceof ImageError)) throw error;
        return `${error.reason}: ${error.message}`;
      }
    },
  };
}

const nginx = "docker.io/library/nginx:latest";

test("IfNotPresent takes what is there without asking anyone", async () => {
  const r = rig({ local: [nginx], reachable: false });
  assert.equal(await r.ensure("nginx", "IfNotPresent"), `sha256:${nginx}`);
  assert.deepEqual(r.told, [
    'Pulled: Container image "nginx" already present on machine and can be accessed by the pod',
  ]);
});

test("Always pulls where a registry answers", async () => {
  const r = rig({ local: [nginx], registry: [nginx] });
  assert.equal(await r.ensure("nginx", "Always"), `sha256:${nginx}`);
  assert.equal(r.pulls(), 1);
  assert.match(
    r.told.join("\n"),
    /^Pulling: Pulling image "nginx"\nPulled: Successfully pulled image "nginx" in 0s/,
  );
});

test("Always falls back to the local image where no registry can be reached, and says so", async () => {
  for (const away of [
    { reachable: false },
    { pullError: "dial tcp: lookup registry-1.docker.io: i/o timeout" },
  ]) {
    const r = rig({ local: [nginx], ...away });
    assert.equal(await r.ensure("nginx", "Always"), `sha256:${nginx}`);
    assert.match(
      r.told.at(-1)!,
      /^Pulled: Container image "nginx" already present on machine; used without a pull/,
    );
  }
});

test("a refusal of the registry is no reason to fall back", async () => {
  const r = rig({ local: [nginx], registry: [] });
  assert.equal(await r.ensure("nginx", "Always"), `ErrImagePull: ${nginx}: not found`);
});

test("a pull that failed backs off: ErrImagePull, then ImagePullBackOff until its time", async () => {
  const r = rig({});
  const failed = "ErrImagePull: docker.io/a/b:1: not found";
  assert.equal(await r.ensure("a/b:1", "IfNotPresent"), failed);
  assert.equal(
    await r.ensure("a/b:1", "IfNotPresent"),
    `ImagePullBackOff: Back-off pulling image "a/b:1": ${failed}`,
  );
  assert.equal(r.pulls(), 1);
  r.later(10_001);
  assert.equal(await r.ensure("a/b:1", "IfNotPresent"), failed);
  r.later(10_001);
  assert.match(await r.ensure("a/b:1", "IfNotPresent"), /^ImagePullBackOff/);
  assert.equal(r.pulls(), 2);
});

test("Never and names that are none", async () => {
  const r = rig({});
  assert.equal(
    await r.ensure("a", "Never"),
    'ErrImageNeverPull: Container image "a" is not present with pull policy of Never',
  );
  assert.match(await r.ensure("A!", "Always"), /^InvalidImageName: Failed to apply default image tag "A!"/);
});

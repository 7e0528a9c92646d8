// Makes sure that an image is there, a container's or a volume's: pull policy, back-off, the words of its events (kubelet images/image_manager),
// and where no registry can be reached the local image of that name, said in an event.
import type { Pod, Secret } from "../../../core/api/types.ts";
import { fallbackImageFor } from "../../../core/oci/mod.ts";
import { createBackOff } from "../back-off.ts";
import { goDuration } from "../go-duration.ts";
import type { ProbeClient } from "../probes/mod.ts";
import { type ImageName, parseImageName } from "./image-name.ts";
import { authsFor } from "./registry-auth.ts";
import type { PodRuntime, RegistryAuth, RuntimeImage } from "./runtime.ts";

/** An image that cannot be had now: `reason` and `message` go into the container's waiting state. */
export class ImageError extends Error {
  override readonly name = "ImageError";
  readonly reason: string;
  readonly retryAt: number;
  constructor(reason: string, message: string, retryAt: number) {
    super(message);
    this.reason = reason;
    this.retryAt = retryAt;
  }
}

export type PullSecrets = () => Promise<readonly Secret[]>;

export interface ImageEvents {
  normal(reason: string, message: string): void;
  warning(reason: string, message: string): void;
}

/** An image as a pod's spec asks for it. */
export interface ImageWish {
  image: string | undefined;
  pullPolicy: string | undefined;
}

export interface Images {
  /** Throws ImageError. `secrets` gives the pod's imagePullSecrets, asked for only when there is something to pull. */
  ensure(
    pod: Pod,
    wish: ImageWish,
    options: { events: ImageEvents; secrets: PullSecrets },
  ): Promise<RuntimeImage>;
  /** Finds out ahead of time whether a registry can be reached. */
  warm(registry: string): void;
  /** Forgets a deleted pod's back-offs. */
  forget(podUid: string): void;
}

const reachMs = 1500;
const reachForMs = { yes: 300_000, no: 20_000 };
const pullLimitMs = 600_000;
/** Errors of an unreachable registry, however the runtime words them. */
const unreachable =
  /dial tcp|i\/o timeout|no such host|network is unreachable|no route to host|connection refused|TLS handshake timeout|context deadline exceeded|server misbehaving/i;

const registryHost = (registry: string): { host: string; port: number } => {
  const name = registry === "docker.io" ? "registry-1.docker.io" : registry;
  const [host = "", port] = name.split(":");
  return { host, port: port ? Number(port) : 443 };
};

export function createImages(runtime: PodRuntime, probe: ProbeClient, now: () => number = Date.now): Images {
  const backOffs = new Map<string, ReturnType<typeof createBackOff>>();
  const failed = new Map<string, { at: number; text: string }>();
  const reach = new Map<string, { until: number; answer: boolean }>();
  const asking = new Map<string, Promise<boolean>>();
  const pulls = new Map<string, Promise<string>>();

  function ask(registry: string): Promise<boolean> {
    const going = asking.get(registry);
    if (going) return going;
    const { host, port } = registryHost(registry);
    const answer = probe.reachable(host, port, reachMs).then((yes) => {
      asking.delete(registry);
      reach.set(registry, { until: now() + (yes ? reachForMs.yes : reachForMs.no), answer: yes });
      return yes;
    });
    asking.set(registry, answer);
    return answer;
  }

  /** Whether the registry's host can be reached. `hurried`: what was known last will do, while it is asked again. */
  async function reachable(registry: string, hurried: boolean): Promise<boolean> {
    const known = reach.get(registry);
    if (known && known.until > now()) return known.answer;
    const answer = ask(registry);
    return known && hurried ? known.answer : answer;
  }

  /** One pull of an image at a time; who asks meanwhile shares it. */
  function pull(name: string, auths: (RegistryAuth | undefined)[]): Promise<string> {
    const going = pulls.get(name);
    if (going) return going;
    const work = (async () => {
      let last: unknown;
      for (const auth of auths) {
        try {
          return await runtime.pullImage(name, auth, pullLimitMs);
        } catch (error) {
          last = error;
        }
      }
      throw last;
    })().finally(() => pulls.delete(name));
    pulls.set(name, work);
    return work;
  }

  async function inspect(
    name: string,
    image: string,
    events: ImageEvents,
  ): Promise<RuntimeImage | undefined> {
    try {
      return await runtime.image(name);
    } catch (error) {
      const message = `Failed to inspect image "${image}": ${(error as Error).message}`;
      events.warning("InspectFailed", message);
      throw new ImageError("ImageInspectError", message, now() + 10_000);
    }
  }

  async function ensure(
    pod: Pod,
    wish: ImageWish,
    { events, secrets }: { events: ImageEvents; secrets: PullSecrets },
  ): Promise<RuntimeImage> {
    const image = wish.image ?? "";
    const parsed = parseImageName(image);
    if ("error" in parsed) {
      const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": ${parsed.error}`;
      events.warning("InspectFailed", message);
      throw new ImageError("InvalidImageName", message, now() + 15_000);
    }
    const policy = wish.pullPolicy ?? "IfNotPresent";
    const local = await inspect(parsed.full, image, events);
    if (local && policy !== "Always") {
      events.normal(
        "Pulled",
        `Container image "${image}" already present on machine and can be accessed by the pod`,
      );
      return local;
    }
    if (policy === "Never") {
      const message = `Container image "${image}" is not present with pull policy of Never`;
      events.warning("ErrImageNeverPull", message);
      throw new ImageError("ErrImageNeverPull", message, now() + 15_000);
    }
    return pullOrFallBack(pod, image, parsed, local, events, secrets);
  }

  async function pullOrFallBack(
    pod: Pod,
    image: string,
    parsed: ImageName,
    local: RuntimeImage | undefined,
    events: ImageEvents,
    secrets: PullSecrets,
  ): Promise<RuntimeImage> {
    const uid = pod.metadata.uid!;
    const key = `${uid}/${image}`;
    let backOff = backOffs.get(uid);
    if (!backOff) {
      backOff = createBackOff();
      backOffs.set(uid, backOff);
    }
    const last = failed.get(key);
    const until = last && backOff.until(key, last.at, now());
    if (until) {
      events.normal("BackOff", `Back-off pulling image "${image}"`);
      throw new ImageError("ImagePullBackOff", `Back-off pulling image "${image}": ${last.text}`, until);
    }
    const began = now();
    let why: string;
    if (!(await reachable(parsed.registry, local !== undefined))) {
      why = `failed to pull image "${parsed.full}": registry ${parsed.registry} cannot be reached`;
      const here = local ?? (await standIn(parsed.full));
      if (here) return fallBack(image, parsed, here, why, events);
      events.normal("Pulling", `Pulling image "${image}"`);
    } else {
      events.normal("Pulling", `Pulling image "${image}"`);
      try {
        await pull(parsed.full, authsFor(parsed.registry, await secrets()));
        const got = await runtime.image(parsed.full);
        if (!got) throw new Error(`image "${parsed.full}" is not there after its pull`);
        const took = goDuration(now() - began);
        events.normal(
          "Pulled",
          `Successfully pulled image "${image}" in ${took} (${took} including waiting). Image size: ${got.sizeBytes} bytes.`,
        );
        failed.delete(key);
        backOff.reset(key);
        return got;
      } catch (error) {
        why = (error as Error).message;
        const here = unreachable.test(why) ? (local ?? (await standIn(parsed.full))) : undefined;
        if (here) {
          reach.delete(parsed.registry);
          return fallBack(image, parsed, here, why, events);
        }
      }
    }
    backOff.next(key, now(), now());
    failed.set(key, { at: now(), text: `ErrImagePull: ${why}` });
    events.warning("Failed", `Failed to pull image "${image}": ${why}`);
    throw new ImageError("ErrImagePull", why, now() + 1000);
  }

  /** A local image that does the same work: the same repository with another tag, or a known equivalent. */
  async function standIn(name: string): Promise<RuntimeImage | undefined> {
    const images = await runtime.images().catch(() => []);
    const found = fallbackImageFor(
      name,
      images.flatMap((i) => i.repoTags),
    );
    return images.find((i) => found !== undefined && i.repoTags.includes(found));
  }

  function fallBack(
    image: string,
    parsed: ImageName,
    here: RuntimeImage,
    why: string,
    events: ImageEvents,
  ): RuntimeImage {
    const other = here.repoTags.includes(parsed.full) ? undefined : here.repoTags[0];
    const message = other
      ? `Container image "${other}" used in place of "${image}" (${why})`
      : `Container image "${image}" already present on machine; used without a pull (${why})`;
    events.normal("Pulled", message);
    return here;
  }

  return {
    warm: (registry) => void ask(registry),
    ensure,
    forget(podUid) {
      backOffs.delete(podUid);
      for (const key of failed.keys()) if (key.startsWith(`${podUid}/`)) failed.delete(key);
    },
  };
}

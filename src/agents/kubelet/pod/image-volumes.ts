// The image volumes of one pod: their images are pulled for all that starts in one round, whoever mounts them, and a
// container that mounts one whose image is not to be had fails as for an image of its own (kubelet kuberuntime_manager
// getImageVolumes).
import type { Container } from "../../../core/api/types.ts";
import { ImageVolumeError, imageVolumePath } from "../content/mod.ts";
import type { Say } from "../pod-events.ts";
import { ImageError, type PullSecrets, type RuntimeImage } from "../runtime/mod.ts";
import type { PodParts } from "./parts.ts";
import { type Pull, watchPull } from "./pull.ts";

/** The images that one container mounts, by volume, each of them on this machine. */
export type PulledImages = ReadonlyMap<string, RuntimeImage>;

export interface PodImageVolumes {
  /** Asks for the image of every image volume that this round has not asked for yet. */
  ask(): void;
  /** What a container has to wait for, in the order of its mounts. */
  pullsOf(container: Container): Pull[];
  /** Rejects with the last ImageError among the container's volumes, each of them told. */
  pulled(container: Container, say: Say): Promise<PulledImages>;
  /** Shows a volume's files on this machine; resolves with where. Rejects with ImageVolumeError. */
  show(volume: string, image: RuntimeImage): Promise<string>;
  /** The next round asks anew, as pull policies want. */
  endRound(): void;
}

export function createPodImageVolumes(parts: PodParts, secrets: PullSecrets): PodImageVolumes {
  const { context, events, volumes } = parts;
  const pulls = new Map<string, Pull>();

  const mountedBy = (container: Container): string[] => [
    ...new Set((container.volumeMounts ?? []).map((m) => m.name).filter((name) => pulls.has(name))),
  ];

  return {
    ask() {
      const pod = parts.pod();
      for (const { name, image } of pod.spec?.volumes ?? []) {
        if (!image || pulls.has(name)) continue;
        const wish = { image: image.reference, pullPolicy: image.pullPolicy };
        pulls.set(name, watchPull(context.images.ensure(pod, wish, { events, secrets })));
      }
    },
    pullsOf: (container) => mountedBy(container).map((name) => pulls.get(name)!),
    async pulled(container, say) {
      const images = new Map<string, RuntimeImage>();
      let last: ImageError | undefined;
      for (const name of mountedBy(container)) {
        try {
          images.set(name, await pulls.get(name)!.promise);
        } catch (error) {
          if (!(error instanceof ImageError)) throw error;
          say.warning("Failed", `Error: ${error.reason}`);
          last = error;
        }
      }
      if (last) throw last;
      context.metrics.imageVolumes("requested", images.size);
      return images;
    },
    async show(volume, image) {
      const path = imageVolumePath(volumes.podDir, volume, image.id);
      try {
        await context.imageMounts.mount(image.id, path);
      } catch (error) {
        context.metrics.imageVolumes("failed", 1);
        throw new ImageVolumeError((error as Error).message);
      }
      context.metrics.imageVolumes("mounted", 1);
      return path;
    },
    endRound() {
      for (const [name, pull] of pulls) if (pull.settled) pulls.delete(name);
    },
  };
}

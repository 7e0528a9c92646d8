// The volumes of one pod over its life: set up before its first container starts, kept up to date while it runs.
import type { PersistentVolume, Pod } from "../../../core/api/types.ts";
import type { KubeletContext } from "../kubelet-context.ts";
import type { Say } from "../pod-events.ts";
import type { PodObjects } from "./environment.ts";
import { claimedVolumes } from "./pod-claims.ts";
import { createPodTokens } from "./pod-objects.ts";
import { type ContentInput, hasContent } from "./volume-content.ts";
import { podDirectory, setUpVolume } from "./volumes.ts";

export interface PodVolumes {
  readonly podDir: string;
  /** Objects as they were when last fetched. */
  readonly objects: PodObjects;
  /** Fetches what the pod refers to and sets up every volume. False: FailedMount was told; try again at `retryAt`. */
  prepare(pod: Pod, say: Say): Promise<boolean>;
  readonly retryAt: number;
  /** Something changed: the next `prepare` need not wait. */
  retryNow(): void;
  /** Brings the content of configMap, secret, downwardAPI and projected volumes up to date; never rejects. */
  update(pod: Pod): Promise<void>;
  /** When a token wants renewal. */
  nextRefresh(): number | undefined;
}

const retryMs = { first: 500, most: 120_000 };
const nothing: PodObjects = { configMaps: new Map(), secrets: new Map() };

export function createPodVolumes(context: KubeletContext, uid: string): PodVolumes {
  const { files, facts } = context;
  const podDir = podDirectory(facts.rootDir, uid);
  const tokens = createPodTokens(context.client, context.now);
  let ready = false;
  let retryAt = 0;
  let pause = retryMs.first;
  let objects = nothing;

  const content = async (pod: Pod): Promise<ContentInput> => ({
    pod,
    objects,
    tokens: await tokens.current(pod),
    // Volumes can name no address: the downward API forbids it.
    addresses: { podIPs: [], hostIPs: facts.addresses, nodeName: facts.nodeName },
    allocatable: facts.allocatable,
  });

  /** Rejects with a FailedMount message. */
  async function setUp(pod: Pod): Promise<void> {
    const volumes = pod.spec?.volumes ?? [];
    const projected = volumes.find((v) => v.projected)?.name ?? volumes[0]?.name ?? "";
    let input: ContentInput;
    let claimed: ReadonlyMap<string, PersistentVolume>;
    try {
      claimed = await claimedVolumes(context.client, pod, facts.nodeName);
    } catch (error) {
      const waiting = volumes.filter((v) => v.persistentVolumeClaim).map((v) => v.name);
      throw new Error(
        `Unable to attach or mount volumes: unmounted volumes=[${waiting.join(" ")}], unattached volumes=[${waiting.join(" ")}], failed to process volumes=[${waiting.join(" ")}]: ${(error as Error).message}`,
      );
    }
    try {
      objects = await context.objects.fetch(pod, true);
      input = await content(pod);
    } catch (error) {
      throw new Error(`MountVolume.SetUp failed for volume "${projected}" : ${(error as Error).message}`);
    }
    await Promise.all(
      volumes.map(async (volume) => {
        try {
          await setUpVolume(pod, volume, { podDir, files, content: input, claimed });
        } catch (error) {
          throw new Error(
            `MountVolume.SetUp failed for volume "${volume.name}" : ${(error as Error).message}`,
          );
        }
      }),
    );
  }

  return {
    podDir,
    get objects() {
      return objects;
    },
    get retryAt() {
      return retryAt;
    },
    retryNow() {
      retryAt = 0;
    },
    async prepare(pod, say) {
      if (ready) return true;
      if (retryAt > context.now()) return false;
      try {
        await setUp(pod);
        ready = true;
        return true;
      } catch (error) {
        say.warning("FailedMount", (error as Error).message);
        retryAt = context.now() + pause;
        pause = Math.min(pause * 2, retryMs.most);
        return false;
      }
    },
    async update(pod) {
      if (!ready) return;
      try {
        objects = await context.objects.fetch(pod, false);
        const input = await content(pod);
        for (const volume of pod.spec?.volumes ?? []) {
          if (!hasContent(volume)) continue;
          // An object that was deleted leaves the last content in place.
          await setUpVolume(pod, volume, { podDir, files, content: input, claimed: new Map() }).catch(
            (error: Error) =>
              context.log("a volume keeps its last content", {
                pod: uid,
                volume: volume.name,
                error: error.message,
              }),
          );
        }
      } catch (error) {
        context.log("volumes not updated", { pod: uid, error: (error as Error).message });
      }
    },
    nextRefresh: () => tokens.nextRefresh(),
  };
}

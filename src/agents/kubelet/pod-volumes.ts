// The volumes of one pod over its life: set up before its first container starts, kept up to date while it runs.
import type { Pod } from "../../core/api/types.ts";
import type { PodObjects } from "./environment.ts";
import type { KubeletContext } from "./kubelet-context.ts";
import { createPodTokens, fetchObjects } from "./pod-objects.ts";
import { type ContentInput, hasContent } from "./volume-content.ts";
import { podDirectory, setUpVolume } from "./volumes.ts";

export interface PodVolumes {
  readonly ready: boolean;
  readonly podDir: string;
  /** Objects as they were when last fetched. */
  readonly objects: PodObjects;
  /** Fetches what the pod refers to and sets up every volume; rejects with a FailedMount message. */
  setUp(pod: Pod): Promise<void>;
  /** Brings the content of configMap, secret, downwardAPI and projected volumes up to date; never rejects. */
  update(pod: Pod): Promise<void>;
  /** When a token wants renewal. */
  nextRefresh(): number | undefined;
}

const nothing: PodObjects = { configMaps: new Map(), secrets: new Map() };

export function createPodVolumes(context: KubeletContext, uid: string): PodVolumes {
  const { files, facts } = context;
  const podDir = podDirectory(facts.rootDir, uid);
  const tokens = createPodTokens(context.client, context.now);
  let ready = false;
  let objects = nothing;

  const content = async (pod: Pod): Promise<ContentInput> => ({
    pod,
    objects,
    tokens: await tokens.current(pod),
    // Volumes can name no address: the downward API forbids it.
    addresses: { podIPs: [], hostIPs: [facts.address], nodeName: facts.nodeName },
    allocatable: facts.allocatable,
  });

  return {
    get ready() {
      return ready;
    },
    podDir,
    get objects() {
      return objects;
    },
    async setUp(pod) {
      const volumes = pod.spec?.volumes ?? [];
      const projected = volumes.find((v) => v.projected)?.name ?? volumes[0]?.name ?? "";
      let input: ContentInput;
      try {
        objects = await fetchObjects(context, pod, true);
        input = await content(pod);
      } catch (error) {
        throw new Error(`MountVolume.SetUp failed for volume "${projected}" : ${(error as Error).message}`);
      }
      await Promise.all(
        volumes.map(async (volume) => {
          try {
            await setUpVolume(pod, volume, { podDir, files, content: input });
          } catch (error) {
            throw new Error(
              `MountVolume.SetUp failed for volume "${volume.name}" : ${(error as Error).message}`,
            );
          }
        }),
      );
      ready = true;
    },
    async update(pod) {
      if (!ready) return;
      try {
        objects = await fetchObjects(context, pod, false);
        const input = await content(pod);
        for (const volume of pod.spec?.volumes ?? []) {
          if (!hasContent(volume)) continue;
          // An object that was deleted leaves the last content in place.
          await setUpVolume(pod, volume, { podDir, files, content: input }).catch(() => undefined);
        }
      } catch (error) {
        context.log("volumes not updated", { pod: uid, error: (error as Error).message });
      }
    },
    nextRefresh: () => tokens.nextRefresh(),
  };
}

// How much of this machine's disk a pod uses: containers' writable layers by the runtime, logs and volumes by the files.
import type { Pod } from "../../../core/api/types.ts";
import { type PodFiles, podDirectory, volumePath } from "../content/mod.ts";
import { logDirectory, type PodRuntime, type RuntimeContainer } from "../runtime/mod.ts";
import { isOnDisk, type StorageUsage } from "./storage-limits.ts";

export interface StorageFacts {
  rootDir: string;
  podLogDir: string;
}

/** `running`: the pod's containers that run now. Asks the runtime once and the disk once. */
export async function measureStorage(
  { runtime, files, facts }: { runtime: PodRuntime; files: PodFiles; facts: StorageFacts },
  pod: Pod,
  running: readonly RuntimeContainer[],
): Promise<StorageUsage> {
  const uid = pod.metadata.uid!;
  const podDir = podDirectory(facts.rootDir, uid);
  const volumes = new Map(
    (pod.spec?.volumes ?? []).filter(isOnDisk).map((v) => [v.name, volumePath(podDir, v)]),
  );
  const logDir = logDirectory(facts.podLogDir, pod);
  const logs = new Map<string, string[]>();
  for (const { name } of running) {
    const dir = `${logDir}/${name}`;
    logs.set(
      name,
      (await files.list(dir)).map((file) => `${dir}/${file}`),
    );
  }
  const hosts = `${podDir}/etc-hosts`;
  const [layers, bytes] = await Promise.all([
    runtime.writableLayers(uid),
    files.diskUsage([...volumes.values(), ...[...logs.values()].flat(), hosts]),
  ]);
  const on = (path: string): number => bytes.get(path) ?? 0;
  return {
    volumes: new Map([...volumes].map(([name, path]) => [name, on(path)])),
    containers: running.map((c) => ({
      name: c.name,
      writableLayer: layers.get(c.id) ?? 0,
      logs: (logs.get(c.name) ?? []).reduce((sum, path) => sum + on(path), 0),
    })),
    rest: on(hosts),
  };
}

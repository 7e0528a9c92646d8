// Runs controllers beside the real API server, in process and with its store in memory.
import { createApiServer } from "../../src/control/apiserver/mod.ts";
import type { KubeClient } from "../../src/control/client/mod.ts";
import type { StartController } from "../../src/control/controllers/context.ts";
import { createMemoryLog, openStore } from "../../src/control/store/mod.ts";
import { definitions } from "../../src/core/api/kinds/mod.ts";
import { namespaces } from "../../src/core/api/refs.ts";
import { testCluster } from "./api-server.ts";
import { type Controllers, type RigOptions, runControllers } from "./controller-rig.ts";
import { testSchema } from "./schema.ts";

export interface ApiRig extends Omit<Controllers, "stop"> {
  client: KubeClient;
}

export async function startApiRig(
  t: { after(f: () => Promise<void>): void },
  starts: readonly StartController[],
  options: RigOptions & { prepare?: (client: KubeClient) => Promise<void> } = {},
): Promise<ApiRig> {
  const store = openStore(createMemoryLog());
  const { client } = createApiServer({
    store,
    schema: await testSchema(),
    definitions,
    cluster: testCluster,
  });
  await client.create(namespaces, { metadata: { name: "default" } });
  await options.prepare?.(client);
  const { stop, ...controllers } = await runControllers(client, starts, options);
  t.after(async () => {
    await stop();
    await store.close();
  });
  return { client, ...controllers };
}

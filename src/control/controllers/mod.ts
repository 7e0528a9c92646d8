// The controllers of a cluster, run together: one informer a resource, one loop a controller.
import type { ClusterFacts } from "../../core/cluster/config.ts";
import { createInformers, errorFields, type KubeClient, type Log, type QueueWatcher } from "../client/mod.ts";
import type { ControllerContext, StartController } from "./context.ts";
import { startCronJobs } from "./cronjob/mod.ts";
import { startDaemonSets } from "./daemonset/mod.ts";
import { startDeployments } from "./deployment/mod.ts";
import { startDisruption } from "./disruption/mod.ts";
import { startEndpoints } from "./endpoints/mod.ts";
import { startEndpointSlices } from "./endpointslice/mod.ts";
import { startEndpointSliceMirroring } from "./endpointslicemirroring/mod.ts";
import { startGarbageCollector } from "./garbagecollector/mod.ts";
import { startHostRoutes } from "./host-routes/mod.ts";
import type { HostRoutes } from "./host-routes/ports.ts";
import { startJobs } from "./job/mod.ts";
import { startLoadBalancers } from "./load-balancer/mod.ts";
import { startNamespaces } from "./namespace/mod.ts";
import { startNodeLifecycle } from "./nodelifecycle/mod.ts";
import { startPersistentVolumes } from "./persistentvolume/mod.ts";
import { startPodCollection } from "./podgc/mod.ts";
import { startReplicaSets } from "./replicaset/mod.ts";
import { startReplicationControllers } from "./replicationcontroller/mod.ts";
import { startResourceQuotas } from "./resourcequota/mod.ts";
import { startRootCertificates } from "./rootca/mod.ts";
import { startServiceCIDRs } from "./service-cidrs/mod.ts";
import { startServiceConditions } from "./service-conditions/mod.ts";
import { startServiceAccounts } from "./serviceaccount/mod.ts";
import { startStatefulSets } from "./statefulset/mod.ts";
import { startTaintEviction } from "./tainteviction/mod.ts";

export interface ControllersOptions {
  client: KubeClient;
  cluster: ClusterFacts;
  /** PEM of the cluster's certificate authority. */
  caCert: string;
  log: Log;
  /** The host's routes into the cluster; absent: they are left alone. */
  hostRoutes?: HostRoutes | undefined;
  /** Watches the controllers' queues by their names. */
  queues?: ((name: string) => QueueWatcher) | undefined;
}

const controllers: readonly StartController[] = [
  startEndpointSlices,
  startEndpoints,
  startEndpointSliceMirroring,
  startLoadBalancers,
  startServiceCIDRs,
  startServiceConditions,
  startHostRoutes,
  startNodeLifecycle,
  startTaintEviction,
  startPodCollection,
  startNamespaces,
  startServiceAccounts,
  startRootCertificates,
  startDeployments,
  startDaemonSets,
  startJobs,
  startCronJobs,
  startStatefulSets,
  startPersistentVolumes,
  startResourceQuotas,
  startDisruption,
  startReplicaSets,
  startReplicationControllers,
  startGarbageCollector,
];

/** Runs every controller until the signal aborts. Rejects only for a mistake in the code. */
export async function startControllers(options: ControllersOptions, signal: AbortSignal): Promise<void> {
  const { client, cluster, caCert, log, hostRoutes, queues } = options;
  const informers = createInformers(client, (resource, error) =>
    log.warn({ resource, ...errorFields(error) }, "the controllers' watch was interrupted"),
  );
  const context: ControllerContext = {
    client,
    informers,
    log,
    now: Date.now,
    cluster,
    caCert,
    hostRoutes,
    queues,
  };
  const runs = controllers.map((start) => start(context));
  const caches = informers.run(signal);
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await Promise.race([informers.synced(), stopped]);
  if (!signal.aborted) await Promise.all(runs.map((run) => run(signal)));
  await caches;
}

// Keeps portolan.dev/Programmed and portolan.dev/Serving on every Service: wakes a Service for what concerns it, judges it
// (decide.ts), writes what differs, and no faster than its pace.
import { addressesOf } from "../../../core/advice/mod.ts";
import { jsonEqual } from "../../../core/api/patch/mod.ts";
import { endpointSlices, services as servicesRef } from "../../../core/api/refs.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import type { EndpointSlice, Pod, Service } from "../../../core/api/types.ts";
import { hostAddresses } from "../../../core/cluster/ip-families.ts";
import { isSameToProxies, isUnproxied } from "../../../core/network/mod.ts";
import { objectKey, pause, type WorkQueue } from "../../client/mod.ts";
import { controllerQueue, type StartController } from "../context.ts";
import { selectedPods } from "../service-pods/mod.ts";
import { createCoverage } from "./coverage.ts";
import { decideConditions, isNameOnly, programmedCondition, type Verdict } from "./decide.ts";
import { followNodes } from "./follow-nodes.ts";
import { createPace, type Pace, processLoad } from "./pace.ts";
import { watchProbeFailures } from "./probe-failures.ts";
import { hasReadyEndpoint, slicesFollow } from "./slices-follow.ts";
import { createSurroundings } from "./surroundings.ts";
import { createTroubled } from "./troubled.ts";

/** Changes of pods and slices are gathered for so long. */
const gatherMs = 200;
/** A node that has not moved for so long while something waits for it is stuck. */
const stuckMs = 10_000;
/** Between two writes that change nothing but a message. */
const rewordMs = 10_000;
const writesPerSecond = 500;
/** Of new Services, while others are being made or the process has no rest. */
const writesWhileBusy = 20;
const writesAtOnce = 50;
/** New Services within a look of the pace, more of which are a burst. */
const burstOfServices = 5;
const busyLoad = 0.8;

const serviceName = "kubernetes.io/service-name";
const sliceKey = (s: EndpointSlice): string =>
  `${s.metadata.namespace}/${s.metadata.labels?.[serviceName] ?? ""}`;
export const startServiceConditions: StartController = (context) => {
  const { client, informers, now, cluster } = context;
  const { services, pods, podsOf, servicesOf } = selectedPods(informers);
  const slices = informers.of(endpointSlices);
  services.index("address", addressesOf);
  services.index("local-policy", ({ spec }) =>
    spec?.externalTrafficPolicy === "Local" || spec?.internalTrafficPolicy === "Local" ? ["yes"] : [],
  );
  slices.index("of-service", (s) => [sliceKey(s)]);

  const coverage = createCoverage({ now, stuckMs });
  let made = 0;
  const load = processLoad();
  function isBusy(): boolean {
    const many = made > burstOfServices;
    made = 0;
    return load() > busyLoad || many;
  }
  const rate = { perSecond: writesPerSecond, burst: writesAtOnce, now };
  const freshPace = createPace({ ...rate, perSecondBusy: writesWhileBusy, isBusy });
  const knownPace = createPace({ ...rate, perSecondBusy: writesPerSecond, isBusy: () => false });
  const queueAt = (pace: Pace, workers: number): WorkQueue =>
    controllerQueue(context, "service-conditions", { workers, work: (key) => reconcile(key, pace) });
  /** New Services wait here, so that thousands of them do not keep a change of one that is known waiting. */
  const fresh = queueAt(freshPace, 8);
  const known = queueAt(knownPace, 4);
  const surroundings = createSurroundings({ informers, pods });
  const troubled = createTroubled();
  const reworded = new Map<string, number>();
  let stop = new AbortController().signal;
  const probes = watchProbeFailures(
    client,
    (podKey) => {
      const pod = pods.get(podKey);
      if (pod) wakeAround(pod);
    },
    (error) => context.log.debug({ error: String(error) }, "the watch of failing probes was interrupted"),
  );

  const wake = (key: string, delayMs = 0): void => {
    const has = services.get(key)?.status?.conditions?.some((c) => c.type === programmedCondition);
    (has ? known : fresh).add(key, delayMs);
  };
  const gather = (key: string): void => wake(key, gatherMs);
  /** The Service whose new version this controller has just written. */
  let echo: string | undefined;
  /** What proxies do not watch needs no node. */
  const isProxied = (s: Service): boolean => !isNameOnly(s) && !isUnproxied(s);
  const serviceNeeds = (s: Service): void => {
    if (isProxied(s)) coverage.changed(objectKey(s), "services", Number(s.metadata.resourceVersion));
    else coverage.forget(objectKey(s));
  };
  const sliceNeeds = (key: string, s: Service, slice: EndpointSlice): void => {
    if (isProxied(s) && !isUnproxied(slice))
      coverage.changed(key, "slices", Number(slice.metadata.resourceVersion));
  };
  function needs(service: Service): void {
    const key = objectKey(service);
    serviceNeeds(service);
    for (const slice of slices.byIndex("of-service", key)) sliceNeeds(key, service, slice);
  }
  function wakeSharing(service: Service): void {
    const { loadBalancerIP, externalIPs = [] } = service.spec ?? {};
    if (!loadBalancerIP && externalIPs.length === 0) return;
    for (const address of addressesOf(service))
      for (const other of services.byIndex("address", address)) gather(objectKey(other));
  }
  services.on({
    added(service) {
      made++;
      needs(service);
      gather(objectKey(service));
      wakeSharing(service);
    },
    updated(service, old) {
      const key = objectKey(service);
      if (!isSameToProxies(service, old)) {
        serviceNeeds(service);
        wakeSharing(old);
        wakeSharing(service);
      } else if (key === echo || jsonEqual(service.status?.conditions, old.status?.conditions)) return;
      gather(key);
    },
    deleted(service) {
      const key = objectKey(service);
      coverage.forget(key);
      troubled.forget(key);
      reworded.delete(key);
      wakeSharing(service);
    },
  });

  function sliceChanged(slice: EndpointSlice): void {
    const service = services.get(sliceKey(slice));
    if (!service) return;
    sliceNeeds(objectKey(service), service, slice);
    gather(objectKey(service));
  }
  slices.on({
    added: sliceChanged,
    updated(slice, old) {
      sliceChanged(slice);
      if (sliceKey(old) !== sliceKey(slice))
        sliceChanged({ ...old, metadata: { ...slice.metadata, labels: old.metadata.labels! } });
    },
    deleted: sliceChanged,
  });

  function wakeAround(pod: Pod): void {
    for (const service of servicesOf(pod)) gather(objectKey(service));
  }
  const comesOrGoes = (pod: Pod): void => {
    wakeAround(pod);
    for (const key of troubled.lonely(pod.metadata.namespace ?? "")) gather(key);
  };
  pods.on({
    added: comesOrGoes,
    updated(pod, old) {
      if (jsonEqual(pod.metadata.labels, old.metadata.labels)) return wakeAround(pod);
      comesOrGoes(pod);
      comesOrGoes(old);
    },
    deleted: comesOrGoes,
  });

  const nodes = followNodes({
    informers,
    coverage,
    changed() {
      // A node that came, or came back, may be behind with anything.
      for (const service of services.list()) needs(service);
      for (const service of services.byIndex("local-policy", "yes")) gather(objectKey(service));
    },
    covered: wake,
  });

  async function reconcile(key: string, pace: Pace): Promise<void> {
    await pace.turn();
    const service = services.get(key);
    if (!service || service.metadata.deletionTimestamp) return;
    const { conditions, rewordingOnly } = judge(service);
    if (conditions.length === 0) return;
    if (rewordingOnly) {
      const rest = (reworded.get(key) ?? Number.NEGATIVE_INFINITY) + rewordMs - now();
      if (rest > 0) return wake(key, rest);
      reworded.set(key, now());
    }
    await pace.write(stop);
    await write(service, conditions);
  }

  function judge(service: Service): Verdict {
    const key = objectKey(service);
    const selected = podsOf(service);
    const own = slices.byIndex("of-service", key);
    const findings = troubled.judge(service, {
      service,
      pods: selected.filter((p) => !p.metadata.deletionTimestamp),
      templates: [],
      slices: own,
      sharing: addressesOf(service).flatMap((a) => services.byIndex("address", a)),
      nodes: nodes.ready(),
      hosts: hostAddresses(cluster),
      probeFailure: probes.of,
      surroundings: () => surroundings.of(service),
    });
    return decideConditions(
      {
        service,
        findings,
        slicesFollow: slicesFollow(service, selected, own),
        hasReadyEndpoint: hasReadyEndpoint(own),
        covered: coverage.isCovered(key),
        stuck: coverage.stuckNodes(key),
        answeredByNodes: service.spec?.clusterIP === cluster.dnsAddress && own.length === 0,
      },
      timestamp(now()),
    );
  }

  /** A Service newer than the one judged is a conflict, and judged again. */
  async function write(service: Service, conditions: Verdict["conditions"]): Promise<void> {
    const { name, namespace, resourceVersion } = service.metadata;
    const patch = { metadata: { resourceVersion }, status: { conditions } };
    const to = { namespace, subresource: "status", fieldManager: "portolan-service-conditions" };
    const wrote = await client.patch(servicesRef, name!, patch, { ...to, type: "strategic" });
    echo = objectKey(service);
    services.wrote(wrote);
    echo = undefined;
  }

  async function lookForStuck(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(1000, signal);
      for (const key of coverage.overdue()) wake(key);
    }
  }

  return async (signal) => {
    stop = signal;
    await Promise.all([fresh.run(signal), known.run(signal), probes.run(signal), lookForStuck(signal)]);
    nodes.stop();
  };
};

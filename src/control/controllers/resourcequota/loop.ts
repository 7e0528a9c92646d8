// The quota controller: counts what quotas limit.

import { printQuantity } from "../../../core/api/quantity/mod.ts";
import { resourceQuotas as quotasRef } from "../../../core/api/refs.ts";
import type { KubeObject } from "../../../core/api/types.ts";
import { type CountedKind, countsFor, hardNames, quotaUsage, usageOf } from "../../../core/quota/mod.ts";
import { type Informer, pause } from "../../client/mod.ts";
import type { StartController } from "../context.ts";
import { createKindLoop } from "../kind-loop.ts";
import { sameJson } from "../same-json.ts";
import { servedKinds } from "../served-kinds.ts";

const recountMs = 30_000;

export const startResourceQuotas: StartController = (context) => {
  const { informers, now } = context;
  const counted = new Map<CountedKind, Informer<KubeObject>>();
  for (const ref of servedKinds)
    if (ref.namespaced && ref.kind !== "Event")
      counted.set({ group: ref.group, plural: ref.resource }, informers.of(ref));
  const loop = createKindLoop(context, { ref: quotasRef, component: "resourcequota-controller", reconcile });
  const { objects: quotas, add } = loop;

  for (const [kind, informer] of counted) {
    const changed = (o: KubeObject): void => {
      for (const q of quotas.byIndex("namespace", o.metadata.namespace ?? ""))
        if (hardNames(q).some((name) => countsFor(kind, name))) add(q);
    };
    const amount = (o: KubeObject): unknown =>
      [...usageOf(kind, o, now())].map(([name, q]) => [name, printQuantity(q)]);
    informer.on({
      added: changed,
      updated(o, old) {
        if (quotas.byIndex("namespace", o.metadata.namespace ?? "").length === 0) return;
        if (!sameJson(amount(o), amount(old))) changed(o);
      },
      deleted: changed,
    });
  }

  async function reconcile(key: string): Promise<void> {
    const quota = quotas.get(key);
    if (!quota) return;
    const usage = quotaUsage(quota, [...counted.keys()], {
      objects: (kind) => counted.get(kind)!.byIndex("namespace", quota.metadata.namespace!),
      nowMs: now(),
    });
    const status = {
      hard: quota.spec?.hard ?? {},
      used: Object.fromEntries([...usage].map(([name, q]) => [name, printQuantity(q)])),
    };
    await loop.writeStatus(quota, status);
  }

  return async (signal) => {
    const running = loop.run(signal);
    while (!signal.aborted) {
      await pause(recountMs, signal);
      for (const q of quotas.list()) add(q);
    }
    await running;
  };
};

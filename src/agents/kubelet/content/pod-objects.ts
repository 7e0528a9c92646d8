// What a pod's spec refers to, from the API: ConfigMaps and Secrets, watched as long as the pod needs them, and tokens. A pod that
// starts asks the API itself, so that an object made a moment before is seen; afterwards what the watches told is enough.
import type { KubeClient } from "../../../control/client/mod.ts";
import { configMaps, type ResourceRef, secrets, serviceAccounts } from "../../../core/api/refs.ts";
import type { ConfigMap, KubeObject, Pod, Secret, TokenRequest } from "../../../core/api/types.ts";
import type { PodObjects } from "./environment.ts";
import { createObjectWatches, type ObjectWatches } from "./object-watches.ts";
import { referredObjects, type TokenWish, tokenKey, VolumeError, wantedTokens } from "./volume-content.ts";

/** The cluster's CA bundle never changes in a cluster's life: the copy is as good as the object. */
const steady = new Set(["kube-root-ca.crt"]);

/** The ConfigMaps and Secrets of this node's pods. */
export interface ReferredObjects {
  /** `fresh`: ask the API; else what the watches told last. Rejects when the API cannot be asked. Holds what the pod refers to. */
  fetch(pod: Pod, fresh: boolean): Promise<PodObjects>;
  /** The pod of that uid needs them no more. */
  release(uid: string): void;
  /** Watches until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** `changed` is told the uids of the pods that refer to an object which came, changed or went. */
export function createReferredObjects(
  client: KubeClient,
  options: { changed(uids: ReadonlySet<string>): void; onError(error: unknown): void },
): ReferredObjects {
  const maps = createObjectWatches<ConfigMap>(client, configMaps, { ...options, steady });
  const secretWatches = createObjectWatches<Secret>(client, secrets, options);

  async function collect<T extends KubeObject>(
    watches: ObjectWatches<T>,
    pod: Pod,
    names: ReadonlySet<string>,
    fresh: boolean,
  ): Promise<Map<string, T | null>> {
    const { namespace = "", uid = "" } = pod.metadata;
    watches.hold(uid, namespace, names);
    const get = async (name: string): Promise<[string, T | null]> => [
      name,
      await watches.get(uid, namespace, name, fresh),
    ];
    return new Map(await Promise.all([...names].map(get)));
  }

  return {
    async fetch(pod, fresh) {
      const names = referredObjects(pod);
      const [configMaps, secrets] = await Promise.all([
        collect(maps, pod, names.configMaps, fresh),
        collect(secretWatches, pod, names.secrets, fresh),
      ]);
      return { configMaps, secrets };
    },
    release(uid) {
      for (const watches of [maps, secretWatches]) watches.hold(uid, "", new Set());
    },
    async run(signal) {
      await Promise.all([maps.run(signal), secretWatches.run(signal)]);
    },
  };
}

/** The pod's imagePullSecrets that can be read, and the names of the others. */
export async function pullSecrets(
  client: KubeClient,
  pod: Pod,
): Promise<{ secrets: Secret[]; missing: string[] }> {
  const found: Secret[] = [];
  const missing: string[] = [];
  for (const { name } of pod.spec?.imagePullSecrets ?? []) {
    if (!name) continue;
    const secret = await client
      .get(secrets, name, { namespace: pod.metadata.namespace })
      .catch(() => undefined);
    if (secret) found.push(secret);
    else missing.push(name);
  }
  return { secrets: found, missing };
}

interface Token {
  text: string;
  refreshAt: number;
}

/** The service account tokens of one pod, renewed when four fifths of their life are over or a day has passed. */
export interface PodTokens {
  /** Throws VolumeError. */
  current(pod: Pod): Promise<Map<string, string>>;
  /** When the first of them wants renewal; undefined: the pod has none. */
  nextRefresh(): number | undefined;
}

const dayMs = 86_400_000;

export function createPodTokens(client: KubeClient, now: () => number): PodTokens {
  const tokens = new Map<string, Token>();

  async function request(pod: Pod, wish: TokenWish): Promise<Token> {
    const { namespace, name = "", uid = "" } = pod.metadata;
    const account = pod.spec?.serviceAccountName || "default";
    const body = {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      metadata: {},
      spec: {
        ...(wish.audience ? { audiences: [wish.audience] } : {}),
        expirationSeconds: wish.expirationSeconds,
        boundObjectRef: { kind: "Pod", apiVersion: "v1", name, uid },
      },
    };
    const asked = now();
    try {
      const ref = serviceAccounts as unknown as ResourceRef<TokenRequest>;
      const answer = await client.create<TokenRequest>(ref, body, {
        namespace,
        name: account,
        subresource: "token",
      });
      const { token = "", expirationTimestamp } = answer.status ?? {};
      const life = Math.max(0, Date.parse(expirationTimestamp as unknown as string) - asked);
      return { text: token, refreshAt: asked + Math.min(life * 0.8, dayMs) };
    } catch (error) {
      throw new VolumeError(`failed to fetch token: ${(error as Error).message}`);
    }
  }

  return {
    async current(pod) {
      const wishes = new Map(wantedTokens(pod).map((w) => [tokenKey(w), w]));
      await Promise.all(
        [...wishes].map(async ([key, wish]) => {
          const known = tokens.get(key);
          if (known && known.refreshAt > now()) return;
          try {
            tokens.set(key, await request(pod, wish));
          } catch (error) {
            // An old token that still lives is better than none.
            if (!known) throw error;
            known.refreshAt = now() + 60_000;
          }
        }),
      );
      return new Map([...wishes.keys()].map((key) => [key, tokens.get(key)!.text]));
    },
    nextRefresh() {
      let next: number | undefined;
      for (const { refreshAt } of tokens.values()) next = Math.min(next ?? refreshAt, refreshAt);
      return next;
    },
  };
}

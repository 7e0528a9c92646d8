// Fetches what a pod's spec refers to: ConfigMaps, Secrets and tokens. A pod that starts asks the API itself, so that an
// object made a moment before is seen; afterwards the informers' copies are enough.
import type { KubeClient } from "../../../control/client/mod.ts";
import { configMaps, type ResourceRef, secrets, serviceAccounts } from "../../../core/api/refs.ts";
import { isNotFound } from "../../../core/api/status.ts";
import type { KubeObject, Pod, Secret, TokenRequest } from "../../../core/api/types.ts";
import type { KubeletContext } from "../kubelet-context.ts";
import type { PodObjects } from "./environment.ts";
import { referredObjects, type TokenWish, tokenKey, VolumeError, wantedTokens } from "./volume-content.ts";

async function getOrNull<T extends KubeObject>(
  client: KubeClient,
  ref: ResourceRef<T>,
  namespace: string,
  name: string,
): Promise<T | null> {
  try {
    return await client.get(ref, name, { namespace });
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

/** The cluster's CA bundle never changes in a cluster's life: the copy is as good as the object. */
const steady = new Set(["kube-root-ca.crt"]);

/** `fresh`: ask the API; else take the informers' copies. */
export async function fetchObjects(
  context: Pick<KubeletContext, "client" | "configMaps" | "secrets">,
  pod: Pod,
  fresh: boolean,
): Promise<PodObjects> {
  const { client } = context;
  const namespace = pod.metadata.namespace!;
  const names = referredObjects(pod);
  const collect = async <T extends KubeObject>(
    ref: ResourceRef<T>,
    informer: { get(key: string): T | undefined },
    list: Set<string>,
  ): Promise<Map<string, T | null>> => {
    const entries = await Promise.all(
      [...list].map(async (name): Promise<[string, T | null]> => {
        const copy = informer.get(`${namespace}/${name}`);
        if (copy && (!fresh || steady.has(name))) return [name, copy];
        if (!fresh) return [name, null];
        return [name, await getOrNull(client, ref, namespace, name)];
      }),
    );
    return new Map(entries);
  };
  const [maps, secretMap] = await Promise.all([
    collect(configMaps, context.configMaps, names.configMaps),
    collect(secrets, context.secrets, names.secrets),
  ]);
  return { configMaps: maps, secrets: secretMap };
}

/** The pod's imagePullSecrets that exist. */
export function pullSecrets(context: Pick<KubeletContext, "secrets">, pod: Pod): Secret[] {
  return (pod.spec?.imagePullSecrets ?? []).flatMap((s) => {
    const secret = context.secrets.get(`${pod.metadata.namespace}/${s.name}`);
    return secret ? [secret] : [];
  });
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

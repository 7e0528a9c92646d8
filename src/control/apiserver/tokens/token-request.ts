// serviceaccounts/token: a new token for an account (authentication.k8s.io/v1 TokenRequest).
import { badRequest, conflict, type FieldError, invalid, notFound } from "../../../core/api/status.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import type { KubeObject, Pod, ServiceAccount, TokenRequest } from "../../../core/api/types.ts";
import type { ApiCore } from "../context.ts";
import { storedObject } from "../stored-object.ts";
import type { SubresourceHandler } from "../subresource.ts";
import type { BoundObject, TokenSigner } from "./token-signer.ts";

const minSeconds = 600;
const maxSeconds = 2 ** 32;
const defaultSeconds = 3600;
/** What the ServiceAccount admission asks for; such tokens live a year, with a warning once the asked time is over. */
export const projectedSeconds = 3607;
const extendedSeconds = 365 * 24 * 3600;

function requestErrors(r: TokenRequest): FieldError[] {
  const seconds = r.spec?.expirationSeconds;
  if (seconds == null) return [];
  const field = "spec.expirationSeconds";
  if (seconds < minSeconds)
    return [
      {
        type: "FieldValueInvalid",
        field,
        value: seconds,
        detail: "may not specify a duration less than 10 minutes",
      },
    ];
  if (seconds > maxSeconds)
    return [
      {
        type: "FieldValueInvalid",
        field,
        value: seconds,
        detail: "may not specify a duration larger than 2^32 seconds",
      },
    ];
  return [];
}

const key = (plural: string, namespace: string | undefined, name: string): string =>
  `/registry/core/${plural}/${namespace === undefined ? "" : `${namespace}/`}${name}`;

export function tokenHandler(core: ApiCore, signer: TokenSigner): SubresourceHandler {
  function stored<T extends KubeObject>(plural: string, namespace: string | undefined, name: string): T {
    const kv = core.store.get(key(plural, namespace, name));
    if (!kv) throw notFound({ group: "", resource: plural }, name);
    return storedObject(kv) as T;
  }

  function boundTo(
    account: ServiceAccount,
    ref: NonNullable<NonNullable<TokenRequest["spec"]>["boundObjectRef"]>,
  ): Partial<Record<"pod" | "node" | "secret", BoundObject>> {
    const { namespace } = account.metadata;
    const name = ref.name ?? "";
    const found: Partial<Record<"pod" | "node" | "secret", BoundObject>> = {};
    let object: KubeObject;
    let resource: string;
    if (ref.kind === "Pod" && ref.apiVersion === "v1") {
      resource = "pods";
      const pod = stored<Pod>("pods", namespace, name);
      object = pod;
      if ((pod.spec?.serviceAccountName || "default") !== account.metadata.name)
        throw badRequest(
          `cannot bind token for serviceaccount "${account.metadata.name}" to pod running with different serviceaccount name.`,
        );
      found.pod = { name, uid: pod.metadata.uid! };
      const nodeName = pod.spec?.nodeName;
      const node = nodeName ? core.store.get(key("nodes", undefined, nodeName)) : undefined;
      if (node) found.node = { name: nodeName!, uid: storedObject(node).metadata.uid! };
    } else if (ref.kind === "Secret" && ref.apiVersion === "v1") {
      resource = "secrets";
      object = stored("secrets", namespace, name);
      found.secret = { name, uid: object.metadata.uid! };
    } else if (ref.kind === "Node" && ref.apiVersion === "v1") {
      resource = "nodes";
      object = stored("nodes", undefined, name);
      found.node = { name, uid: object.metadata.uid! };
    } else {
      throw badRequest(`cannot bind token to object of type ${ref.apiVersion ?? ""}, Kind=${ref.kind ?? ""}`);
    }
    if (ref.uid && ref.uid !== object.metadata.uid)
      throw conflict(
        { group: "", resource },
        name,
        `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
      );
    return found;
  }

  return {
    body: {
      group: "authentication.k8s.io",
      version: "v1",
      kind: "TokenRequest",
      model: "authentication.v1.TokenRequest",
    },
    async POST({ namespace, name, context }, body) {
      const request = body as TokenRequest;
      if (request.metadata.name && request.metadata.name !== name)
        throw badRequest(
          `the name of the object (${request.metadata.name}) does not match the name on the URL (${name})`,
        );
      const account = stored<ServiceAccount>("serviceaccounts", namespace, name);
      const errors = requestErrors(request);
      if (errors.length > 0)
        throw invalid({ group: "authentication.k8s.io", kind: "TokenRequest" }, name, errors);
      const spec: NonNullable<TokenRequest["spec"]> = request.spec ?? {};
      const audiences = spec.audiences?.length ? spec.audiences : [signer.issuer];
      const seconds = spec.expirationSeconds ?? defaultSeconds;
      const bound = spec.boundObjectRef ? boundTo(account, spec.boundObjectRef) : {};
      const now = Math.floor(core.now() / 1000);
      const extend =
        bound.pod !== undefined && seconds === projectedSeconds && audiences.includes(signer.issuer);
      const token = context.dryRun
        ? ""
        : await signer.sign({
            namespace: namespace!,
            serviceAccount: { name, uid: account.metadata.uid! },
            ...bound,
            audiences,
            issuedAt: now,
            expiresAt: now + (extend ? extendedSeconds : seconds),
            warnAfter: extend ? now + seconds : undefined,
          });
      return {
        code: 201,
        object: {
          kind: "TokenRequest",
          apiVersion: "authentication.k8s.io/v1",
          metadata: { name, namespace, creationTimestamp: timestamp(core.now()) },
          spec: { audiences, expirationSeconds: seconds, boundObjectRef: spec.boundObjectRef ?? null },
          status: { token, expirationTimestamp: timestamp((now + seconds) * 1000) },
        },
      };
    },
  };
}

// Kinds that are questions: POST one and it comes back with its answer. Who may do what: everyone who has proved who they are may
// do everything, nobody else anything (authentication.k8s.io/v1, authorization.k8s.io/v1).
import { type FieldError, invalid } from "../../../core/api/status.ts";
import { timestamp } from "../../../core/api/timestamp.ts";
import type { KubeObject } from "../../../core/api/types.ts";
import type { UserInfo } from "../context.ts";
import type { VirtualResource } from "../discovery/mod.ts";
import type { BodyKind } from "../requests/mod.ts";
import type { TokenInspector } from "../tokens/mod.ts";

export interface ReviewContext {
  user: UserInfo;
  namespace: string | undefined;
  /** Milliseconds since the epoch. */
  now: number;
  inspect: TokenInspector | undefined;
  /** The audience that a token has to be for when the review names none. */
  audience: string;
}

export interface Review extends VirtualResource {
  body: BodyKind;
  /** The review with its status; code 201. */
  answer(review: KubeObject, context: ReviewContext): Promise<KubeObject> | KubeObject;
}

type Fields = Record<string, unknown>;
const specOf = (review: KubeObject): Fields => (review as unknown as { spec?: Fields }).spec ?? {};

const authn = "authentication.k8s.io";
const authz = "authorization.k8s.io";

function describe(
  group: string,
  kind: string,
  plural: string,
  namespaced: boolean,
  answer: Review["answer"],
): Review {
  const version = "v1";
  const body = { group, version, kind, model: `${group.split(".")[0]}.v1.${kind}` };
  const verbs = ["create"];
  return { group, version, kind, plural, singular: kind.toLowerCase(), namespaced, verbs, body, answer };
}

const withStatus = (review: KubeObject, status: Fields): KubeObject =>
  ({ ...review, status }) as unknown as KubeObject;

function userFields(user: UserInfo): Fields {
  return {
    username: user.name,
    ...(user.uid === "" ? {} : { uid: user.uid }),
    groups: user.groups,
    ...(Object.keys(user.extra).length === 0 ? {} : { extra: user.extra }),
  };
}

/** What the authorizer says: a person or machine that is known may do everything. */
const mayDoEverything = (groups: readonly string[]): boolean =>
  groups.includes("system:authenticated") || groups.includes("system:masters");

function requireOneKind(kind: string, spec: Fields): void {
  const errors: FieldError[] = [];
  if (spec.resourceAttributes && spec.nonResourceAttributes)
    errors.push({
      type: "FieldValueInvalid",
      field: "spec.nonResourceAttributes",
      value: spec.nonResourceAttributes,
      detail: "cannot be specified in combination with resourceAttributes",
    });
  if (!spec.resourceAttributes && !spec.nonResourceAttributes)
    errors.push({
      type: "FieldValueInvalid",
      field: "spec.resourceAttributes",
      value: spec.resourceAttributes ?? null,
      detail: "exactly one of nonResourceAttributes or resourceAttributes must be specified",
    });
  if (errors.length > 0) throw invalid({ group: authz, kind }, "", errors);
}

/** For another user than the one who asks: known by name, or by a group that only the known have. */
function subjectAllowed(spec: Fields): boolean {
  const groups = (spec.groups as string[] | undefined) ?? [];
  const user = (spec.user as string | undefined) ?? "";
  return mayDoEverything(groups) || (user !== "" && user !== "system:anonymous");
}

function subjectReview(kind: string, plural: string, namespaced: boolean): Review {
  return describe(authz, kind, plural, namespaced, (review) => {
    const spec = specOf(review);
    requireOneKind(kind, spec);
    if (!spec.user && !(spec.groups as string[] | undefined)?.length)
      throw invalid({ group: authz, kind }, "", [
        {
          type: "FieldValueInvalid",
          field: "spec.user",
          value: spec.user ?? "",
          detail: "at least one of user or group must be specified",
        },
      ]);
    return withStatus(review, { allowed: subjectAllowed(spec) });
  });
}

export const reviews: readonly Review[] = [
  describe(authn, "SelfSubjectReview", "selfsubjectreviews", false, (review, c) =>
    withStatus(
      { ...review, metadata: { ...review.metadata, creationTimestamp: timestamp(c.now) } },
      { userInfo: userFields(c.user) },
    ),
  ),
  describe(authn, "TokenReview", "tokenreviews", false, async (review, c) => {
    const { token = "", audiences = [] } = specOf(review) as { token?: string; audiences?: string[] };
    if (token === "")
      throw invalid({ group: authn, kind: "TokenReview" }, "", [
        {
          type: "FieldValueRequired",
          field: "spec.token",
          detail: "token is required for TokenReview in authentication",
        },
      ]);
    const found = await c.inspect?.(token, audiences.length > 0 ? audiences : [c.audience]);
    return withStatus(
      review,
      found
        ? { authenticated: true, user: userFields(found.user), audiences: found.audiences }
        : { user: {}, error: "invalid bearer token" },
    );
  }),
  describe(authz, "SelfSubjectAccessReview", "selfsubjectaccessreviews", false, (review, c) => {
    requireOneKind("SelfSubjectAccessReview", specOf(review));
    return withStatus(review, { allowed: mayDoEverything(c.user.groups) });
  }),
  describe(authz, "SelfSubjectRulesReview", "selfsubjectrulesreviews", false, (review, c) => {
    const all = mayDoEverything(c.user.groups);
    return withStatus(review, {
      resourceRules: all ? [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }] : [],
      nonResourceRules: all ? [{ verbs: ["*"], nonResourceURLs: ["*"] }] : [],
      incomplete: false,
    });
  }),
  subjectReview("SubjectAccessReview", "subjectaccessreviews", false),
  subjectReview("LocalSubjectAccessReview", "localsubjectaccessreviews", true),
];

// Subresources that answer with an object: what a handler gets and gives, and who handles what.
import type { ResourceDefinition } from "../../core/api/resource.ts";
import { failure, methodNotAllowed } from "../../core/api/status.ts";
import type { WriteContext } from "./context.ts";
import type { BodyKind } from "./requests/mod.ts";

export interface SubresourceCall {
  def: ResourceDefinition;
  namespace: string | undefined;
  name: string;
  subresource: string;
  method: "GET" | "POST" | "PUT" | "PATCH";
  context: WriteContext;
  /** For PATCH: gives the wanted object from the current one. */
  patch?: (current: unknown) => unknown;
}

export interface SubresourceAnswer {
  code: number;
  /** Of the subresource's kind, or a Status. */
  object: unknown;
}

export interface SubresourceHandler {
  /** Kind of the body, for decoding. Absent: the object's own kind. */
  body?: BodyKind;
  GET?(call: SubresourceCall): Promise<SubresourceAnswer> | SubresourceAnswer;
  POST?(call: SubresourceCall, body: unknown): Promise<SubresourceAnswer>;
  PUT?(call: SubresourceCall, body: unknown): Promise<SubresourceAnswer>;
  PATCH?(call: SubresourceCall): Promise<SubresourceAnswer>;
}

export interface Subresources {
  find(def: ResourceDefinition, subresource: string): SubresourceHandler | undefined;
  call(call: SubresourceCall, body: unknown): Promise<SubresourceAnswer>;
}

/** `handlers` by `resource/subresource`, `scale` for every kind that has one. */
export function createSubresources(handlers: Readonly<Record<string, SubresourceHandler>>): Subresources {
  const find = (def: ResourceDefinition, subresource: string): SubresourceHandler | undefined => {
    if (!def.subresources?.some((s) => s.name === subresource)) return undefined;
    const name = `${def.plural}/${subresource}`;
    if (Object.hasOwn(handlers, name)) return handlers[name];
    return Object.hasOwn(handlers, subresource) ? handlers[subresource] : undefined;
  };
  return {
    find,
    async call(call, body) {
      const handler = find(call.def, call.subresource);
      if (!handler) throw failure(404, "NotFound", "the server could not find the requested resource", {});
      const answer =
        call.method === "GET"
          ? handler.GET?.(call)
          : call.method === "PATCH"
            ? handler.PATCH?.(call)
            : handler[call.method]?.(call, body);
      if (!answer) throw methodNotAllowed();
      return answer;
    },
  };
}

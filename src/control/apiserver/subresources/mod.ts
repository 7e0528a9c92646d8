// The subresources that answer with an object, by `resource/subresource`; `scale` serves every kind that has one.
import type { ApiCore } from "../context.ts";
import type { SubresourceHandler } from "../subresource.ts";
import { bindingHandler } from "./binding.ts";
import { evictionHandler } from "./eviction.ts";
import { finalizeHandler } from "./finalize.ts";
import { ephemeralContainersHandler, resizeHandler } from "./pod-parts.ts";
import { scaleHandler } from "./scale.ts";

export function subresourceHandlers(core: ApiCore): Record<string, SubresourceHandler> {
  return {
    scale: scaleHandler(core),
    "pods/binding": bindingHandler(core),
    "pods/eviction": evictionHandler(core),
    "pods/ephemeralcontainers": ephemeralContainersHandler(core),
    "pods/resize": resizeHandler(core),
    "namespaces/finalize": finalizeHandler(core),
  };
}

// Which Services with topology mode Auto have hints, and the events that say when that changes.
import type { Service } from "../../../core/api/types.ts";
import type { Say } from "../context.ts";

export interface HintMemory {
  /** Keys of the Services with topology mode Auto. */
  services(): Iterable<string>;
  /** `now` has every family for which hints were asked for: undefined where they are given, else why not. */
  note(key: string, service: Service, now: ReadonlyMap<string, string | undefined>): void;
  forget(key: string): void;
}

export function createHintMemory(say: Say<Service>): HintMemory {
  /** The families that have hints, by Service. */
  const hintedFamilies = new Map<string, ReadonlySet<string>>();
  const tell = (service: Service, what: "Enabled" | "Disabled", why: string, family: string): void =>
    say(
      service,
      what === "Enabled" ? "Normal" : "Warning",
      `TopologyAwareHints${what}`,
      `${why}, addressType: ${family}`,
    );
  return {
    services: () => hintedFamilies.keys(),
    note(key, service, now) {
      const before = hintedFamilies.get(key);
      const hinted = [...now].filter(([, refused]) => refused === undefined).map(([family]) => family);
      if (now.size === 0) hintedFamilies.delete(key);
      else hintedFamilies.set(key, new Set(hinted));
      for (const [family, refused] of now)
        if (refused !== undefined) tell(service, "Disabled", refused, family);
        else if (!before?.has(family))
          tell(service, "Enabled", "Topology Aware Hints has been enabled", family);
      for (const family of before ?? [])
        if (!now.has(family)) tell(service, "Disabled", "Topology Aware Hints has been disabled", family);
    },
    forget: (key) => void hintedFamilies.delete(key),
  };
}

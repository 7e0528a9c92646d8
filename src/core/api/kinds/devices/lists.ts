// Lists and maps of bounded size. One that is too big is refused for that alone: its items are not looked at.
import type { FieldError } from "../../status.ts";
import { duplicate, tooMany } from "../meta/mod.ts";

type Validate<T> = (item: T, path: string) => FieldError[];

export interface ListRules<T> {
  max: number;
  item: Validate<T>;
  /** What no two items may share. */
  key?(item: T): unknown;
}

export function validateList<T>(
  items: readonly T[] | null | undefined,
  path: string,
  { max, item, key }: ListRules<T>,
): FieldError[] {
  const list = items ?? [];
  if (list.length > max) return [tooMany(path, list.length, max)];
  const errors = list.flatMap((x, i) => item(x, `${path}[${i}]`));
  const seen = new Set<string>();
  for (const [i, x] of key ? list.entries() : []) {
    const k = key!(x);
    const text = JSON.stringify(k) ?? "";
    if (seen.has(text)) errors.push(duplicate(`${path}[${i}]`, k));
    seen.add(text);
  }
  return errors;
}

export interface MapRules<T> {
  max: number;
  /** Longer keys are shortened in the paths of errors. */
  keyLength: number;
  key: Validate<string>;
  item: Validate<T>;
}

export function validateMap<T>(
  map: Readonly<Record<string, T>> | null | undefined,
  path: string,
  { max, keyLength, key, item }: MapRules<T>,
): FieldError[] {
  const entries = Object.entries(map ?? {});
  if (entries.length > max) return [tooMany(path, entries.length, max)];
  return entries.flatMap(([k, v]) => [...key(k, path), ...item(v, `${path}[${shortened(k, keyLength)}]`)]);
}

/** Without its middle. */
function shortened(key: string, max: number): string {
  if (key.length <= max) return key;
  const left = max - 3;
  return `${key.slice(0, Math.ceil(left / 2))}...${key.slice(key.length - Math.floor(left / 2))}`;
}

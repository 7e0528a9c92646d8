// The order of a list after a strategic merge: that of the patch for what it names, that of the server for the rest, and each
// server element before the patched one that it preceded (apimachinery strategicpatch, "preserve order in strategic merge").
import { jsonEqual } from "./json-patch.ts";

const keyOf = (v: unknown, key: string | undefined): unknown =>
  key !== undefined && typeof v === "object" && v !== null ? (v as Record<string, unknown>)[key] : v;

/** Whether an element with the same key (or the same value, without one) stands in a list. */
export function findByKey(list: readonly unknown[], item: unknown, key: string | undefined): boolean {
  return indexOf(list, item, key) >= 0;
}

function indexOf(list: readonly unknown[], item: unknown, key: string | undefined): number {
  const wanted = keyOf(item, key);
  return list.findIndex((v) => jsonEqual(keyOf(v, key), wanted));
}

export function partitionByOrder(
  list: readonly unknown[],
  order: readonly unknown[],
  key: string | undefined,
): { inOrder: unknown[]; others: unknown[] } {
  const inOrder: unknown[] = [];
  const others: unknown[] = [];
  for (const item of list) (findByKey(order, item, key) ? inOrder : others).push(item);
  return { inOrder, others };
}

function sorted(list: unknown[], order: readonly unknown[], key: string | undefined): unknown[] {
  const place = new Map(list.map((v) => [v, indexOf(order, v, key)]));
  return [...list].sort((a, b) => place.get(a)! - place.get(b)!);
}

/** Weaves `others` (in the server's order) into `inOrder` (in the patch's). */
export function orderList(
  inOrder: unknown[],
  others: unknown[],
  order: readonly unknown[],
  serverOrder: readonly unknown[],
  key: string | undefined,
): unknown[] {
  const left = sorted(others, serverOrder, key);
  const right = sorted(inOrder, order, key);
  const out: unknown[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    if (i >= left.length) out.push(right[j++]);
    else if (j >= right.length) out.push(left[i++]);
    else {
      const l = indexOf(serverOrder, left[i], key);
      const r = indexOf(serverOrder, right[j], key);
      out.push(l >= 0 && r >= 0 && l < r ? left[i++] : right[j++]);
    }
  }
  return out;
}

/**
 * The server's order as Kubernetes has it once a keyed list was patched: what stays moves up over what is deleted, and what is
 * new takes the places at the end that came free. So an element that replaces another comes after those that stay.
 */
export function orderAfterChanges(
  server: readonly unknown[],
  change: { deleted: readonly unknown[]; changed: readonly unknown[] },
  key: string,
): unknown[] {
  const places = [...server];
  let used = places.length;
  for (const item of change.deleted) {
    for (
      let i = indexOf(places.slice(0, used), item, key);
      i >= 0;
      i = indexOf(places.slice(0, used), item, key)
    ) {
      places.copyWithin(i, i + 1, used);
      used--;
    }
  }
  for (const item of change.changed) {
    if (indexOf(places.slice(0, used), item, key) >= 0) continue;
    if (used >= places.length) break;
    places[used++] = item;
  }
  return places;
}

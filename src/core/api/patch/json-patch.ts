// JSON Patch (RFC 6902) on JSON Pointers (RFC 6901), as lenient as Kubernetes is: `replace` sets a member that was not there,
// and such a member is null to `copy` and `test`. All or nothing: the document given is never changed. Written here because
// only own properties may be walked, and what is copied must have a bound.
import { setOwn } from "../schema/json-text.ts";

/** An operation that cannot be applied. */
export class PatchFailure extends Error {
  override readonly name = "PatchFailure";
}

export interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

/** What `copy` may add in all, in bytes of JSON (kube-apiserver's limit of a request). */
const maxCopiedBytes = 3 * 1024 * 1024;

type Container = Record<string, unknown> | unknown[];
const isContainer = (v: unknown): v is Container => typeof v === "object" && v !== null;

function parsePointer(pointer: string): string[] {
  if (pointer === "") return [];
  if (!pointer.startsWith("/")) throw new PatchFailure(`${pointer} is no JSON pointer`);
  return pointer
    .slice(1)
    .split("/")
    .map((t) => t.replace(/~1/g, "/").replace(/~0/g, "~"));
}

function index(list: unknown[], token: string, end: boolean): number {
  if (end && token === "-") return list.length;
  const n = /^(0|[1-9][0-9]*)$/.test(token) ? Number(token) : Number.NaN;
  if (!(n < list.length || (end && n === list.length)))
    throw new PatchFailure(`${token} is no index of a list of ${list.length}`);
  return n;
}

function child(parent: unknown, token: string): unknown {
  if (Array.isArray(parent)) return parent[index(parent, token, false)];
  if (isContainer(parent) && Object.hasOwn(parent, token)) return (parent as Record<string, unknown>)[token];
  throw new PatchFailure(`nothing at ${token}`);
}

/** A missing member of an object that is there is null to Kubernetes; what is missing on the way is an error. */
function get(document: unknown, path: readonly string[]): unknown {
  if (path.length === 0) return document;
  const parent = path.slice(0, -1).reduce(child, document);
  const last = path.at(-1)!;
  if (isContainer(parent) && !Array.isArray(parent) && !Object.hasOwn(parent, last)) return null;
  return child(parent, last);
}

/** Copies what stands on the way to a place, so that the original stays as it was. */
class Editor {
  document: unknown;
  readonly #own = new Set<unknown>();

  constructor(document: unknown) {
    this.document = document;
  }

  #owned(value: Container): Container {
    if (this.#own.has(value)) return value;
    const copy = Array.isArray(value) ? [...value] : { ...value };
    this.#own.add(copy);
    return copy;
  }

  /** The container of a place, ours to change. */
  parent(path: readonly string[]): Container {
    let value = this.document;
    if (!isContainer(value)) throw new PatchFailure("the document is no object");
    let here = this.#owned(value);
    this.document = here;
    for (const token of path.slice(0, -1)) {
      value = child(here, token);
      if (!isContainer(value)) throw new PatchFailure(`nothing below ${token}`);
      const next = this.#owned(value);
      if (Array.isArray(here)) here[Number(token)] = next;
      else setOwn(here, token, next);
      here = next;
    }
    return here;
  }

  add(path: readonly string[], value: unknown): void {
    if (path.length === 0) {
      this.document = value;
      return;
    }
    const parent = this.parent(path);
    const last = path.at(-1)!;
    if (Array.isArray(parent)) parent.splice(index(parent, last, true), 0, value);
    else setOwn(parent, last, value);
  }

  remove(path: readonly string[]): unknown {
    if (path.length === 0) throw new PatchFailure("the whole document cannot be removed");
    const parent = this.parent(path);
    const last = path.at(-1)!;
    const old = child(parent, last);
    if (Array.isArray(parent)) parent.splice(index(parent, last, false), 1);
    else delete parent[last];
    return old;
  }

  replace(path: readonly string[], value: unknown): void {
    if (path.length === 0) {
      this.document = value;
      return;
    }
    const parent = this.parent(path);
    const last = path.at(-1)!;
    if (Array.isArray(parent)) parent[index(parent, last, false)] = value;
    else setOwn(parent, last, value);
  }
}

/** Equality of JSON values; the order of keys does not count. */
export function jsonEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (!isContainer(a) || !isContainer(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  if (Array.isArray(a)) {
    const other = b as unknown[];
    return a.length === other.length && a.every((v, i) => jsonEqual(v, other[i]));
  }
  const keys = Object.keys(a);
  const other = b as Record<string, unknown>;
  return (
    keys.length === Object.keys(other).length &&
    keys.every((k) => Object.hasOwn(other, k) && jsonEqual(a[k], other[k]))
  );
}

function test(document: unknown, path: readonly string[], value: unknown): void {
  if (!jsonEqual(get(document, path), value))
    throw new PatchFailure(`testing value /${path.join("/")} failed`);
}

/** The patched document. Throws PatchFailure at the first operation that cannot be applied. */
export function applyJsonPatch(document: unknown, operations: readonly Operation[]): unknown {
  const editor = new Editor(document);
  let copied = 0;
  for (const o of operations) {
    if (typeof o.path !== "string") throw new PatchFailure("an operation without a path");
    const path = parsePointer(o.path);
    const from = (): string[] => {
      if (typeof o.from !== "string") throw new PatchFailure(`${o.op} without a from`);
      return parsePointer(o.from);
    };
    switch (o.op) {
      case "add":
        editor.add(path, o.value ?? null);
        break;
      case "remove":
        editor.remove(path);
        break;
      case "replace":
        editor.replace(path, o.value ?? null);
        break;
      case "move": {
        const source = from();
        if (path.length > source.length && source.every((t, i) => t === path[i]))
          throw new PatchFailure("a value cannot be moved into itself");
        editor.add(path, editor.remove(source));
        break;
      }
      case "copy": {
        const text = JSON.stringify(get(editor.document, from()));
        copied += text.length;
        if (copied > maxCopiedBytes) throw new PatchFailure("the copies are too large");
        editor.add(path, JSON.parse(text));
        break;
      }
      case "test":
        test(editor.document, path, o.value ?? null);
        break;
      default:
        throw new PatchFailure(`Unexpected kind: ${o.op}`);
    }
  }
  return editor.document;
}

// Merges a cluster's access into a kubeconfig and takes it out again. What else stands in the file stays as it is, comments
// included; the file is replaced in one step, under the same lock file that client-go uses.
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { type Document, isMap, isSeq, parseDocument, type YAMLMap, type YAMLSeq } from "yaml";

export interface Access {
  /** Name of cluster, user and context. */
  context: string;
  server: string;
  caCert: string;
  cert: string;
  key: string;
}

/** "portolan" for the default cluster, "portolan-NAME" for the others. */
export const contextName = (cluster: string): string =>
  cluster === "portolan" ? cluster : `portolan-${cluster}`;

/** The file that kubectl writes to: the first of $KUBECONFIG, else ~/.kube/config. */
export function defaultKubeconfig(env: NodeJS.ProcessEnv = process.env): string {
  const first = env.KUBECONFIG?.split(delimiter).find((f) => f !== "");
  return first ?? join(env.HOME || homedir(), ".kube", "config");
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** A kubeconfig that holds this access alone. */
export function renderKubeconfig(access: Access): string {
  return mergeAccess("", access);
}

function section(doc: Document, name: string): YAMLSeq {
  const found = doc.get(name);
  if (isSeq(found)) return found;
  doc.set(name, doc.createNode([]));
  return doc.get(name) as YAMLSeq;
}

function indexOfName(seq: YAMLSeq, name: string): number {
  return seq.items.findIndex((i) => isMap(i) && (i as YAMLMap).get("name") === name);
}

function put(doc: Document, list: string, name: string, value: object): void {
  const seq = section(doc, list);
  const node = doc.createNode({ name, ...value });
  const at = indexOfName(seq, name);
  seq.flow = false;
  if (at >= 0) seq.items[at] = node;
  else seq.items.push(node);
}

function parse(text: string): Document {
  const doc = parseDocument(text === "" ? "apiVersion: v1\nkind: Config\n" : text);
  if (doc.errors.length > 0) throw new Error(`not YAML: ${doc.errors[0]!.message.split("\n")[0]}`);
  if (!isMap(doc.contents)) throw new Error("expected a mapping with clusters, users and contexts");
  for (const list of ["clusters", "users", "contexts"]) {
    const found = doc.get(list);
    if (found !== undefined && found !== null && !isSeq(found)) throw new Error(`${list}: expected a list`);
  }
  return doc;
}

/** The text with the access added (or replaced) and made current. Throws on a file that is no kubeconfig. */
export function mergeAccess(text: string, access: Access): string {
  const doc = parse(text);
  const { context, server, caCert, cert, key } = access;
  put(doc, "clusters", context, { cluster: { "certificate-authority-data": base64(caCert), server } });
  put(doc, "users", context, {
    user: { "client-certificate-data": base64(cert), "client-key-data": base64(key) },
  });
  put(doc, "contexts", context, { context: { cluster: context, user: context } });
  doc.set("current-context", context);
  return doc.toString({ lineWidth: 0 });
}

/** The text without the access, or undefined when it is not in there. */
export function removeAccess(text: string, context: string): string | undefined {
  const doc = parse(text);
  let found = false;
  for (const list of ["clusters", "users", "contexts"]) {
    const seq = doc.get(list);
    if (!isSeq(seq)) continue;
    const at = indexOfName(seq, context);
    if (at < 0) continue;
    seq.items.splice(at, 1);
    if (seq.items.length === 0) seq.flow = true;
    found = true;
  }
  if (doc.get("current-context") === context) {
    doc.set("current-context", "");
    found = true;
  }
  return found ? doc.toString({ lineWidth: 0 }) : undefined;
}

/** The file itself: a link stays a link, also one whose target is still to be made. */
function targetOf(file: string): string {
  if (existsSync(file)) return realpathSync(file);
  const stat = lstatSync(file, { throwIfNoEntry: false });
  return stat?.isSymbolicLink() ? resolve(dirname(file), readlinkSync(file)) : file;
}

/** A lock is held for milliseconds: one this old was left by a program that was killed. */
function isStale(lock: string): boolean {
  const stat = statSync(lock, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs > 10_000;
}

/** Throws an Error with the cure when the file is there and an access cannot be merged into it. */
export function checkKubeconfig(file: string): void {
  if (!existsSync(file)) return;
  try {
    parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(
      `${file}: ${(error as Error).message}\nmend it, or choose another file: portolan up --kubeconfig FILE`,
      { cause: error },
    );
  }
}

/** Changes a file under its lock; `change` gets the text ("" when there is no file) and returns the new one or undefined. */
export async function editKubeconfig(
  file: string,
  change: (text: string) => string | undefined,
): Promise<void> {
  const path = targetOf(file);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`, { cause: error });
  }
  const lock = `${path}.lock`;
  for (let tries = 0; ; tries++) {
    try {
      closeSync(openSync(lock, "wx", 0o600));
      break;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== "EEXIST") throw new Error(`${file}: ${message}`, { cause: error });
      if (isStale(lock)) rmSync(lock, { force: true });
      else if (tries >= 100)
        throw new Error(`${file} is locked by another program; when that is over: rm ${lock}`, {
          cause: error,
        });
      await new Promise((r) => setTimeout(r, 20));
    }
  }
  try {
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    const next = change(text);
    if (next === undefined || next === text) return;
    const old = existsSync(path) ? statSync(path) : undefined;
    const mode = old ? old.mode & 0o777 : 0o600;
    const fresh = `${path}.portolan-${process.pid}`;
    try {
      writeFileSync(fresh, next, { mode });
      chmodSync(fresh, mode);
      // Under sudo the file is often another user's, who must be able to read it afterwards.
      if (old) chownSync(fresh, old.uid, old.gid);
      renameSync(fresh, path);
    } finally {
      rmSync(fresh, { force: true });
    }
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`, { cause: error });
  } finally {
    rmSync(lock, { force: true });
  }
}

// The node's log folder as the kubelet's /logs/ shows it: a listing of links for a folder, the bytes of a file.
import { createReadStream } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join, sep } from "node:path";
import { pipeline } from "node:stream/promises";

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&#34;",
  "'": "&#39;",
};
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => escapes[c]!);

/** Where the path leads, links followed; undefined when that is nowhere below the root. */
async function locate(root: string, path: readonly string[]): Promise<string | undefined> {
  if (path.some((name) => name === ".." || name.includes("/") || name.includes("\0"))) return undefined;
  try {
    const [top, found] = await Promise.all([realpath(root), realpath(join(root, ...path))]);
    return found === top || found.startsWith(top + sep) ? found : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Answers with the folder or file that `path` (decoded names; an empty last one stands for a closing slash) names below
 * `root`. False when there is none: nothing was answered then.
 */
export async function serveLogFolder(
  root: string,
  path: readonly string[],
  response: ServerResponse,
): Promise<boolean> {
  const found = await locate(root, path);
  const info = found === undefined ? undefined : await stat(found).catch(() => undefined);
  if (found === undefined || !info || !(info.isDirectory() || info.isFile())) return false;
  const closed = path.at(-1) === "";
  if (info.isDirectory() !== closed) {
    // As Go's file server: a folder's address ends with a slash, a file's does not.
    const last = encodeURIComponent(path.findLast((name) => name !== "") ?? "logs");
    response.writeHead(301, { location: closed ? `../${last}` : `${last}/` });
    response.end();
  } else if (info.isFile()) {
    response.writeHead(200, { "content-type": "text/plain; charset=utf-8" });
    // No more than there was: a log that grows meanwhile must not keep the answer open.
    if (info.size === 0) response.end();
    else await pipeline(createReadStream(found, { end: info.size - 1 }), response);
  } else {
    const entries = await readdir(found, { withFileTypes: true });
    const names = entries.map((e) => (e.isDirectory() ? `${e.name}/` : e.name)).sort();
    const links = names.map(
      (name) => `<a href="${encodeURIComponent(name).replace("%2F", "/")}">${escapeHtml(name)}</a>\n`,
    );
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
    response.end(
      `<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${links.join("")}</pre>\n`,
    );
  }
  return true;
}

import assert from "node:assert/strict";
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createPodFiles } from "./pod-files.ts";

const files = createPodFiles();
const dir = mkdtempSync(join(tmpdir(), "portolan-volumes-"));
after(() => rmSync(dir, { recursive: true, force: true }));

const content = (entries: Record<string, string>) =>
  new Map(Object.entries(entries).map(([k, v]) => [k, { content: Buffer.from(v), mode: 0o640 }]));

test("a volume's content is replaced in one step", async () => {
  const volume = join(dir, "atomic");
  await files.writeVolume(volume, content({ a: "1", "d/b": "2" }), undefined);
  const first = readlinkSync(join(volume, "..data"));
  assert.equal(readFileSync(join(volume, "a"), "utf8"), "1");
  assert.equal(readFileSync(join(volume, "d/b"), "utf8"), "2");
  assert.equal(statSync(join(volume, "a")).mode & 0o777, 0o640);
  assert.equal(readlinkSync(join(volume, "a")), "..data/a");

  await files.writeVolume(volume, content({ a: "1", "d/b": "2" }), undefined);
  assert.equal(readlinkSync(join(volume, "..data")), first, "nothing changed, nothing written");

  await files.writeVolume(volume, content({ a: "3" }), undefined);
  assert.equal(readFileSync(join(volume, "a"), "utf8"), "3");
  assert.deepEqual(
    readdirSync(volume).filter((n) => !n.startsWith("..")),
    ["a"],
  );
  assert.equal(readdirSync(volume).length, 3, "the old directory is gone");
});

test("a file cannot leave its volume", async () => {
  await assert.rejects(files.writeVolume(join(dir, "out"), content({ "../x": "" }), undefined), /leads out/);
});

test("a sub-path is made where missing and never leaves its volume", async () => {
  const volume = join(dir, "sub");
  mkdirSync(volume);
  symlinkSync("/etc", join(volume, "escape"));
  assert.equal(await files.resolveSubPath(volume, "a/b"), join(volume, "a/b"));
  assert.ok(statSync(join(volume, "a/b")).isDirectory());
  await assert.rejects(files.resolveSubPath(volume, "escape/passwd"), /not within volume/);
});

test("what a path names inside of a directory, wherever its links lead", async () => {
  const root = join(dir, "root");
  mkdirSync(join(root, "etc/d"), { recursive: true });
  await files.writeFile(join(root, "etc/file"), "", 0o644);
  const links = [
    ["absolute", "/etc"],
    ["up", "../../../../../etc/file"],
    ["etc/d/relative", "../file"],
    ["twice", "absolute/d/relative"],
    ["loop", "loop"],
    ["nowhere", "/usr"],
  ] as const;
  for (const [name, target] of links) symlinkSync(target, join(root, name));
  const rows: [path: string, found: string | undefined][] = [
    ["", ""],
    ["etc/", "/etc"],
    ["./etc//file", "/etc/file"],
    ["absolute/file", "/etc/file"],
    ["up", "/etc/file"],
    ["twice", "/etc/file"],
    ["../etc", "/etc"],
    ["etc/none", undefined],
    ["etc/file/below", undefined],
    ["loop", undefined],
    ["nowhere", undefined],
  ];
  for (const [path, found] of rows)
    assert.equal(await files.findInside(root, path), found === undefined ? undefined : root + found, path);
});

test("hostPath types are checked and made", async () => {
  await files.checkHostPath(join(dir, "made"), "DirectoryOrCreate");
  await files.checkHostPath(join(dir, "made"), "Directory");
  await files.checkHostPath(join(dir, "file"), "FileOrCreate");
  const rows = [
    ["made", "File", "a file"],
    ["file", "Directory", "a directory"],
    ["none", "Socket", "a socket file"],
    ["file", "CharDevice", "a character device"],
    ["file", "BlockDevice", "a block device"],
  ] as const;
  for (const [name, type, word] of rows)
    await assert.rejects(files.checkHostPath(join(dir, name), type), {
      message: `hostPath type check failed: ${join(dir, name)} is not ${word}`,
    });
});

test("disk usage: blocks and not sizes, hard links once, paths that are there", async () => {
  const [full, sparse, linked] = ["full", "sparse", "linked"].map((name) => join(dir, "usage", name));
  for (const path of [full, sparse, linked]) mkdirSync(path!, { recursive: true });
  const mib = 2 ** 20;
  writeFileSync(join(full!, "a"), Buffer.alloc(2 * mib, 1));
  writeFileSync(join(sparse!, "a"), "");
  truncateSync(join(sparse!, "a"), 64 * mib);
  writeFileSync(join(linked!, "a"), Buffer.alloc(2 * mib, 1));
  linkSync(join(linked!, "a"), join(linked!, "b"));
  const usage = await files.diskUsage([full!, sparse!, linked!, join(full!, "none")]);
  assert.deepEqual([...usage.keys()], [full, sparse, linked]);
  for (const path of [full!, linked!])
    assert.ok(usage.get(path)! >= 2 * mib && usage.get(path)! < 2.1 * mib, `${path}: ${usage.get(path)}`);
  assert.ok(usage.get(sparse!)! < 0.1 * mib, String(usage.get(sparse!)));
  assert.deepEqual(await files.diskUsage([]), new Map());
});

test("the tail of a file", async () => {
  await files.writeFile(join(dir, "log"), "0123456789", 0o600);
  assert.equal(await files.readTail(join(dir, "log"), 4), "6789");
  assert.equal(await files.readTail(join(dir, "absent"), 4), undefined);
});

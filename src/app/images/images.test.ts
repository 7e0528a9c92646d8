import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { wgetWithTimeout } from "./busybox-commands.ts";
import { offlineImages } from "./catalogue.ts";
import { prepareContainerdRoot } from "./containerd-template.ts";
import { parsePackages } from "./debian-control.ts";
import { elfNeeds } from "./elf-needs.ts";
import { addFile, type FileTree, lookup, writeLayer } from "./file-tree.ts";
import { writeOciArchive } from "./oci-archive.ts";

const dir = mkdtempSync(join(tmpdir(), "portolan-images-"));
after(() => rmSync(dir, { recursive: true }));

test("a package's paragraph: first alternatives, without versions, pre-dependencies first", () => {
  const packages = parsePackages(
    "Package: a\nVersion: 1:2-3\nArchitecture: amd64\nPre-Depends: libc6 (>= 2.3)\nDepends: b | c (= 1),\n d:any [linux-any]\nProvides: awk, x (= 1)\n\nPackage: a\nVersion: 1\n\nNo package: here\n",
  );
  assert.deepEqual(
    [...packages.values()],
    [
      {
        name: "a",
        version: "1:2-3",
        architecture: "amd64",
        depends: [["libc6"], ["b", "c"], ["d"]],
        provides: ["awk", "x"],
      },
    ],
  );
});

function tree(order: 1 | -1): FileTree {
  const t: FileTree = new Map();
  const files: [string, Parameters<typeof addFile>[2]][] = [
    ["/usr/bin/tool", { kind: "file", data: "#!/bin/sh\n", mode: 0o755 }],
    ["/bin", { kind: "symlink", target: "usr/bin" }],
    ["/usr/bin/sh", { kind: "symlink", target: "./tool" }],
    ["/usr/bin/up", { kind: "symlink", target: "../bin/sh" }],
    ["/usr/bin/round", { kind: "symlink", target: "round" }],
    ["/tmp", { kind: "directory", mode: 0o1777 }],
    ["/data", { kind: "file", data: "x", owner: { uid: 101, gid: 102 } }],
  ];
  for (const [path, file] of order > 0 ? files : files.reverse()) addFile(t, path, file);
  return t;
}

test("the same files give the same layer, whatever their order, and tar reads it", async () => {
  const layer = await writeLayer(tree(1));
  assert.deepEqual(layer, await writeLayer(tree(-1)));
  const listing = execFileSync("tar", ["tvf", "-", "--numeric-owner", "--utc"], { input: layer }).toString();
  const lines = listing
    .trim()
    .split("\n")
    .map((l) => l.replace(/\s+/g, " "));
  assert.deepEqual(lines, [
    "lrwxrwxrwx 0/0 0 1970-01-01 00:00 bin -> usr/bin",
    "-rw-r--r-- 101/102 1 1970-01-01 00:00 data",
    "drwxrwxrwt 0/0 0 1970-01-01 00:00 tmp/",
    "drwxr-xr-x 0/0 0 1970-01-01 00:00 usr/",
    "drwxr-xr-x 0/0 0 1970-01-01 00:00 usr/bin/",
    "lrwxrwxrwx 0/0 0 1970-01-01 00:00 usr/bin/round -> round",
    "lrwxrwxrwx 0/0 0 1970-01-01 00:00 usr/bin/sh -> ./tool",
    "-rwxr-xr-x 0/0 10 1970-01-01 00:00 usr/bin/tool",
    "lrwxrwxrwx 0/0 0 1970-01-01 00:00 usr/bin/up -> ../bin/sh",
  ]);
});

test("links are followed inside the tree, and not for ever", () => {
  const t = tree(1);
  assert.equal(lookup(t, "/bin/up")?.data?.toString(), "#!/bin/sh\n");
  assert.equal(lookup(t, "/bin/round")?.data, undefined);
  assert.equal(lookup(t, "/bin/none"), undefined);
});

test("an archive names its blobs by their digests, for containerd and for docker", async () => {
  const archive = join(dir, "a.tar");
  const layer = await writeLayer(tree(1));
  const config = { Cmd: ["sh"], StopSignal: "SIGQUIT" };
  const written = await writeOciArchive("docker.io/library/tool:latest", { layer, config }, archive);
  const read = (path: string): Buffer => execFileSync("tar", ["xOf", archive, path]);
  const blob = (digest: string): Buffer => {
    const data = read(`blobs/sha256/${digest.slice(7)}`);
    assert.equal(`sha256:${createHash("sha256").update(data).digest("hex")}`, digest);
    return data;
  };
  const index = JSON.parse(read("index.json").toString());
  assert.equal(index.manifests[0].annotations["io.containerd.image.name"], "docker.io/library/tool:latest");
  assert.equal(index.manifests[0].digest, written.manifestDigest);
  const manifest = JSON.parse(blob(written.manifestDigest).toString());
  assert.equal(manifest.config.digest, written.id);
  const image = JSON.parse(blob(written.id).toString());
  assert.deepEqual(image.config, config);
  assert.deepEqual(image.rootfs.diff_ids, [manifest.layers[0].digest]);
  assert.deepEqual(blob(manifest.layers[0].digest), layer);
  const docker = JSON.parse(read("manifest.json").toString())[0];
  assert.deepEqual(docker.RepoTags, ["tool:latest"]);
  assert.deepEqual(read(docker.Config), blob(written.id));
  const again = join(dir, "b.tar");
  await writeOciArchive("docker.io/library/tool:latest", { layer, config }, again);
  assert.deepEqual(readFileSync(archive), readFileSync(again));
});

test("what a program needs is read from its ELF header; other bytes need nothing", () => {
  const needs = elfNeeds(readFileSync("/bin/ls"));
  assert.match(needs.interpreter ?? "", /ld-linux/);
  assert.ok(needs.libraries.includes("libc.so.6"));
  assert.deepEqual(elfNeeds(Buffer.from("#!/bin/sh\n")), { interpreter: undefined, libraries: [] });
  assert.deepEqual(elfNeeds(Buffer.alloc(64)), { interpreter: undefined, libraries: [] });
});

/** A busybox that says how it was called; `timeout` runs what it is told, and ends as a killed program where asked to. */
const fakeBusybox = `#!/bin/sh
case $1 in
  timeout) echo "limit $2"; shift 3; echo "$@" | grep -q slow && kill -TERM $$; exec busybox "$@" ;;
  wget) shift; printf 'wget'; printf ' [%s]' "$@"; echo ;;
esac
`;
const calls: [string[], string, number][] = [
  [["-O-", "web"], "wget [-O-] [web]", 0],
  [["-T", "2", "-qO-", "web"], "limit 2|wget [-qO-] [web]", 0],
  [["-T2", "web"], "limit 2|wget [web]", 0],
  [["-qT", "2", "-O", "-", "web"], "limit 2|wget [-q] [-O] [-] [web]", 0],
  [["-q", "-O", "-T", "web"], "wget [-q] [-O] [-T] [web]", 0],
  [["--spider", "--timeout=1", "web"], "limit 1|wget [--spider] [web]", 0],
  [["--timeout", "1", "-S", "web"], "limit 1|wget [-S] [web]", 0],
  [["-T", "0", "web"], "wget [web]", 0],
  [["-T", "3", "-U", "a b", "--", "-T"], "limit 3|wget [-U] [a b] [--] [-T]", 0],
  [["-T", "1", "slow"], "limit 1|wget: download timed out", 1],
];
for (const [args, said, code] of calls)
  test(`wget ${args.join(" ")}`, () => {
    writeFileSync(join(dir, "busybox"), fakeBusybox, { mode: 0o755 });
    writeFileSync(join(dir, "wget"), wgetWithTimeout, { mode: 0o755 });
    let status = 0;
    let out = "";
    try {
      out = execFileSync("sh", ["-c", 'exec "$0" "$@" 2>&1', join(dir, "wget"), ...args], {
        env: { PATH: `${dir}:${process.env.PATH}` },
        encoding: "utf8",
      });
    } catch (error) {
      status = (error as { status: number }).status;
      out = (error as { stdout: string }).stdout;
    }
    const lines = out.split("\n").filter((l) => l !== "" && l !== "Terminated");
    assert.deepEqual([lines.join("|"), status], [said, code]);
  });

test("busybox's sh is its own, but for variables whose names are no identifiers", () => {
  const image = offlineImages.find((i) => i.name === "docker.io/library/busybox:latest")!;
  const script = image.files!["/usr/bin/sh"];
  assert.equal(script?.kind, "file");
  const sh = join(dir, "sh");
  writeFileSync(sh, (script as { data: string }).data, { mode: 0o755 });
  writeFileSync(join(dir, "busybox"), '#!/bin/sh\necho "busybox $*"\n', { mode: 0o755 });
  const call = (args: string[], env: Record<string, string> = {}): string =>
    execFileSync(sh, args, { env: { PATH: `${dir}:${process.env.PATH}`, ...env }, encoding: "utf8" });
  const odd = { "data-1": "x y" };
  assert.match(call(["-c", "env"], odd), /^data-1=x y$/m);
  assert.equal(call(["-c", 'echo "$0 $*"', "me", "a b", "c"], odd), "me a b c\n");
  assert.equal(spawnSync(sh, ["-c", "echo told >&2"], { env: odd, encoding: "utf8" }).stderr, "told\n");
  assert.equal(call(["-c", "env"]), "busybox -c env\n");
  assert.equal(call(["-c", "env"], { "1a": "" }).includes("1a="), true);
  assert.equal(call([], odd), "busybox \n");
  assert.equal(call(["-l"], odd), "busybox -l\n");
});

test("a node's root shares files with the template, never databases; it is whole or not there", async () => {
  const template = join(dir, "template");
  const db = "io.containerd.metadata.v1.bolt/meta.db";
  const blob = "io.containerd.content.v1.content/blobs/b";
  for (const path of [db, blob]) {
    mkdirSync(dirname(join(template, "root", path)), { recursive: true });
    writeFileSync(join(template, "root", path), "template");
  }
  const root = join(dir, "node/containerd");
  // What an interrupted start left: a half-made root that still shares the database.
  mkdirSync(dirname(join(`${root}.new`, db)), { recursive: true });
  linkSync(join(template, "root", db), join(`${root}.new`, db));
  assert.equal(await prepareContainerdRoot({ directory: template }, root), true);
  const inode = (path: string): number => statSync(path).ino;
  assert.equal(inode(join(root, blob)), inode(join(template, "root", blob)));
  assert.notEqual(inode(join(root, db)), inode(join(template, "root", db)));
  writeFileSync(join(root, db), "changed by this node");
  assert.equal(readFileSync(join(template, "root", db), "utf8"), "template");
  assert.equal(await prepareContainerdRoot({ directory: template }, root), false);
  assert.equal(readFileSync(join(root, db), "utf8"), "changed by this node");
  assert.equal(existsSync(`${root}.new`), false);
});

test("every image has a full name of its own, and what the first session needs is there", () => {
  const names = offlineImages.map((i) => i.name);
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.match(name, /^[a-z.]+\/[a-z/]+:[a-z0-9]+$/);
  for (const name of ["docker.io/library/nginx:latest", "docker.io/library/busybox:latest"])
    assert.ok(names.includes(name));
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { mountFlags, type SnapshotMount, snapshotMountCommand } from "./_snapshot-mount.ts";

const s = "/state/snapshotter/snapshots";
const overlay = (...options: string[]): SnapshotMount => ({ type: "overlay", source: "overlay", options });
const rows: [name: string, mount: SnapshotMount, directory: string, args: string][] = [
  [
    "one layer is bound, never to be written",
    { type: "bind", source: `${s}/7/fs`, options: ["ro", "rbind"] },
    "/",
    `--bind -o ro,noexec ${s}/7/fs /to`,
  ],
  [
    "layers are named from where they all are",
    overlay("index=off", `lowerdir=${s}/12/fs:${s}/7/fs`),
    `${s}/`,
    "-t overlay -o index=off,lowerdir=12/fs:7/fs,ro,noexec overlay /to",
  ],
  [
    "names that begin alike share no more than a directory",
    overlay(`lowerdir=${s}/12/fs:${s}/1/fs`, "rw"),
    `${s}/`,
    "-t overlay -o lowerdir=12/fs:1/fs,ro,noexec overlay /to",
  ],
  [
    "layers far from each other",
    overlay("lowerdir=/a/fs:/b/fs"),
    "/",
    "-t overlay -o lowerdir=a/fs:b/fs,ro,noexec overlay /to",
  ],
];
for (const [name, mount, directory, args] of rows)
  test(name, () => {
    const command = snapshotMountCommand(mount, "/to");
    assert.equal(command.args.join(" "), args);
    assert.equal(command.directory, directory);
  });

const mountinfo = `22 1 0:20 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:31 / /v/one rw,relatime - overlay overlay ro,lowerdir=1/fs:2/fs
31 30 0:31 / /v/one ro,noexec,relatime - overlay overlay ro,lowerdir=1/fs:2/fs
32 22 0:32 / /v/with\\040space ro,relatime - ext4 /dev/vda rw
`;
const flags: [path: string, flags: string | undefined][] = [
  ["/v/one", "ro,noexec,relatime"],
  ["/v/with space", "ro,relatime"],
  ["/v", undefined],
];
for (const [path, expected] of flags)
  test(`flags of what is mounted at "${path}": ${expected ?? "nothing is"}`, () => {
    const found = mountFlags(mountinfo, path);
    assert.equal(found && [...found].join(","), expected);
  });

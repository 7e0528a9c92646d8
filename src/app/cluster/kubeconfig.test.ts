import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { type Access, editKubeconfig, mergeAccess, removeAccess, renderKubeconfig } from "./kubeconfig.ts";

const access: Access = {
  context: "portolan",
  server: "https://127.0.0.1:6443",
  caCert: "ca",
  cert: "c",
  key: "k",
};
const other = `# my clusters
apiVersion: v1
kind: Config
clusters:
  - name: prod # do not touch
    cluster: {server: "https://prod"}
users: []
contexts: null
current-context: prod
preferences: {}
`;

test("an empty file becomes a kubeconfig", () => {
  const config = parse(renderKubeconfig(access));
  assert.equal(config["current-context"], "portolan");
  assert.equal(config.clusters[0].cluster.server, access.server);
  assert.equal(Buffer.from(config.users[0].user["client-key-data"], "base64").toString(), "k");
});

test("what stands in the file stays, comments included; a second merge replaces", () => {
  const once = mergeAccess(other, access);
  assert.match(once, /# my clusters/);
  assert.match(once, /name: prod # do not touch/);
  const twice = parse(mergeAccess(once, { ...access, server: "https://127.0.0.1:7443" }));
  assert.deepEqual(
    twice.clusters.map((c: { name: string }) => c.name),
    ["prod", "portolan"],
  );
  assert.equal(twice.clusters[1].cluster.server, "https://127.0.0.1:7443");
});

test("removal takes out all three entries and the current context only", () => {
  const back = removeAccess(mergeAccess(other, access), "portolan")!;
  const config = parse(back);
  assert.deepEqual(config.contexts, []);
  assert.deepEqual(config.users, []);
  assert.equal(config.clusters.length, 1);
  assert.equal(config["current-context"], "");
  assert.equal(removeAccess(other, "portolan"), undefined);
});

test("a file that is no kubeconfig is refused and left alone", async () => {
  const dir = mkdtempSync(join(tmpdir(), "kubeconfig-"));
  try {
    const file = join(dir, "config");
    writeFileSync(file, "clusters: {a: 1}\n");
    await assert.rejects(
      editKubeconfig(file, (t) => mergeAccess(t, access)),
      /config: clusters: expected a list/,
    );
    assert.equal(readFileSync(file, "utf8"), "clusters: {a: 1}\n");
    writeFileSync(file, other, { mode: 0o640 });
    symlinkSync(file, join(dir, "link"));
    await editKubeconfig(join(dir, "link"), (t) => mergeAccess(t, access));
    assert.match(readFileSync(file, "utf8"), /name: portolan/);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

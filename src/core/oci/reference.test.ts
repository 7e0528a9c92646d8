import assert from "node:assert/strict";
import { test } from "node:test";
import { fallbackImageFor, parseImageReference, printImageReference } from "./mod.ts";

const digest = `sha256:${"0f".repeat(32)}`;
const references: [string, string | undefined][] = [
  ["nginx", "docker.io/library/nginx:latest"],
  ["nginx:1.25", "docker.io/library/nginx:1.25"],
  ["bitnami/nginx", "docker.io/bitnami/nginx:latest"],
  ["index.docker.io/nginx", "docker.io/library/nginx:latest"],
  ["registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"],
  ["localhost:5000/a", "localhost:5000/a:latest"],
  ["localhost/a", "localhost/a:latest"],
  [`nginx@${digest}`, `docker.io/library/nginx@${digest}`],
  [`nginx:1@${digest}`, `docker.io/library/nginx:1@${digest}`],
  ["", undefined],
  ["Nginx", undefined],
  ["nginx:", undefined],
  ["nginx:a b", undefined],
  ["nginx@sha256:00", undefined],
  ["a//b", undefined],
  ["https://registry.example/a", undefined],
  ["-x", undefined],
];
for (const [text, full] of references)
  test(`reference ${JSON.stringify(text)} is ${full ?? "none"}`, () => {
    const parsed = parseImageReference(text);
    assert.equal(parsed && printImageReference(parsed), full);
  });

const available = [
  "sha256:abc",
  "portolan.local/pause:1",
  "docker.io/library/nginx:old",
  "docker.io/library/nginx:latest",
  "docker.io/library/busybox:latest",
  "portolan.local/toolbox:latest",
];
const fallbacks: [string, string | undefined][] = [
  ["nginx", "docker.io/library/nginx:latest"],
  ["nginx:old", "docker.io/library/nginx:old"],
  ["nginx:1.25-alpine", "docker.io/library/nginx:latest"],
  ["registry.k8s.io/e2e-test-images/busybox:1.37.0-1", "docker.io/library/busybox:latest"],
  ["registry.k8s.io/pause:3.10", "portolan.local/pause:1"],
  ["nicolaka/netshoot", "portolan.local/toolbox:latest"],
  ["registry.k8s.io/e2e-test-images/jessie-dnsutils:1.3", "portolan.local/toolbox:latest"],
  ["redis", undefined],
  [`nginx@${digest}`, undefined],
  ["NOT an image", undefined],
  ["example.com/team/constructor", undefined],
];
for (const [ref, found] of fallbacks)
  test(`${ref} falls back to ${found ?? "nothing"}`, () => {
    assert.equal(fallbackImageFor(ref, available), found);
  });

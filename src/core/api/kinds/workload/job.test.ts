import assert from "node:assert/strict";
import { test } from "node:test";
import type { Job } from "../../types.ts";
import { validateJobSpec } from "./job.ts";

const spec = (managedBy: string): NonNullable<Job["spec"]> =>
  ({
    managedBy,
    template: {
      spec: {
        restartPolicy: "Never",
        terminationGracePeriodSeconds: 30,
        dnsPolicy: "ClusterFirst",
        containers: [{ name: "c", image: "a", imagePullPolicy: "Always", terminationMessagePolicy: "File" }],
      },
    },
  }) as never;

const rows: [managedBy: string, problems: string[]][] = [
  ["kubernetes.io/job-controller", []],
  ["acme.io/foo", []],
  ["", [""]],
  ["foo", ['must be a domain-prefixed path (such as "acme.io/foo")']],
  ["/foo", ['must be a domain-prefixed path (such as "acme.io/foo")']],
  ["acme.io/", ['must be a domain-prefixed path (such as "acme.io/foo")']],
  [`acme.io/${"a".repeat(60)}`, ["may not be more than 63 bytes"]],
];
for (const [managedBy, problems] of rows)
  test(`managedBy ${JSON.stringify(managedBy)}`, () => {
    const errors = validateJobSpec(spec(managedBy), "spec", false);
    assert.deepEqual(
      errors.map((e) => [e.field, e.detail]),
      problems.map((p) => ["spec.managedBy", p]),
    );
  });

test("the domain of managedBy has to be one", () => {
  const [error] = validateJobSpec(spec("Acme/foo"), "spec", false);
  assert.match(error!.detail!, /RFC 1123 subdomain/);
});

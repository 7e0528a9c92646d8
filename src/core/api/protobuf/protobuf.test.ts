import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { testSchema } from "../../../../test/support/schema.ts";
import { StatusError } from "../status.ts";
import { decodeProtobuf } from "./mod.ts";

const schema = await testSchema();

// A message by hand: [number, value] pairs; text and nested messages are length-delimited, numbers varints.
type Value = string | number | Buffer | Message;
type Message = [number: number, value: Value][];

function varint(n: number): Buffer {
  let big = BigInt.asUintN(64, BigInt(n));
  const out: number[] = [];
  do {
    out.push(Number(big & 0x7fn) | (big > 0x7fn ? 0x80 : 0));
    big >>= 7n;
  } while (big > 0n);
  return Buffer.from(out);
}

function encode(message: Message): Buffer {
  return Buffer.concat(
    message.flatMap(([number, value]) => {
      if (typeof value === "number") return [varint(number * 8), varint(value)];
      const body = Array.isArray(value) ? encode(value) : Buffer.from(value as string);
      return [varint(number * 8 + 2), varint(body.length), body];
    }),
  );
}

const envelope = (apiVersion: string, kind: string, raw: Message): Buffer =>
  Buffer.concat([
    Buffer.from("k8s\0"),
    encode([
      [
        1,
        [
          [1, apiVersion],
          [2, kind],
        ],
      ],
      [2, raw],
      [3, ""],
      [4, ""],
    ]),
  ]);

const bodies: [name: string, bytes: Buffer, object: unknown][] = [
  [
    "a Service: numbers, an int-or-string, a map",
    envelope("v1", "Service", [
      [
        1,
        [
          [1, "web"],
          [3, "default"],
          [
            11,
            [
              [1, "app"],
              [2, "web"],
            ],
          ],
          [
            11,
            [
              [1, "__proto__"],
              [2, "x"],
            ],
          ],
        ],
      ],
      [
        2,
        [
          [
            1,
            [
              [1, "http"],
              [2, "TCP"],
              [3, 80],
              [
                4,
                [
                  [1, 1],
                  [2, 0],
                  [3, "web"],
                ],
              ],
              [5, 30080],
            ],
          ],
          [
            2,
            [
              [1, "app"],
              [2, "web"],
            ],
          ],
        ],
      ],
    ]),
    JSON.parse(`{"metadata":{"name":"web","namespace":"default","labels":{"app":"web","__proto__":"x"}},
      "spec":{"ports":[{"name":"http","protocol":"TCP","port":80,"targetPort":"web","nodePort":30080}],
      "selector":{"app":"web"}},"apiVersion":"v1","kind":"Service"}`),
  ],
  [
    "a Deployment: pointers keep their zero, inlined volume sources, quantities, times",
    envelope("apps/v1", "Deployment", [
      [
        1,
        [
          [
            8,
            [
              [1, 1700000000],
              [2, 5],
            ],
          ],
        ],
      ],
      [
        2,
        [
          [1, 0],
          [
            3,
            [
              [
                2,
                [
                  [
                    1,
                    [
                      [1, "v"],
                      [2, [[2, []]]],
                    ],
                  ],
                  [
                    2,
                    [
                      [1, "c"],
                      [
                        8,
                        [
                          [
                            1,
                            [
                              [1, "cpu"],
                              [2, [[1, "100m"]]],
                            ],
                          ],
                        ],
                      ],
                    ],
                  ],
                ],
              ],
            ],
          ],
        ],
      ],
    ]),
    {
      metadata: { creationTimestamp: "2023-11-14T22:13:20Z" },
      spec: {
        replicas: 0,
        template: {
          spec: {
            volumes: [{ name: "v", emptyDir: {} }],
            containers: [{ name: "c", resources: { limits: { cpu: "100m" } } }],
          },
        },
      },
      apiVersion: "apps/v1",
      kind: "Deployment",
    },
  ],
  [
    "DeleteOptions travel under any group",
    envelope("apps/v1", "DeleteOptions", [
      [1, 0],
      [2, [[1, "uid"]]],
      [4, "Foreground"],
    ]),
    {
      gracePeriodSeconds: 0,
      preconditions: { uid: "uid" },
      propagationPolicy: "Foreground",
      apiVersion: "apps/v1",
      kind: "DeleteOptions",
    },
  ],
  [
    "a Secret: bytes as base64; negative and unknown numbers",
    envelope("v1", "Secret", [
      [
        2,
        [
          [1, "k"],
          [2, Buffer.from([0, 255])],
        ],
      ],
      [99, "future"],
      [1, [[10, -1]]],
    ]),
    { data: { k: "AP8=" }, metadata: { deletionGracePeriodSeconds: -1 }, apiVersion: "v1", kind: "Secret" },
  ],
  [
    "a Lease: micro times; an event's fieldsV1",
    envelope("coordination.k8s.io/v1", "Lease", [
      [
        1,
        [
          [
            17,
            [
              [1, "m"],
              [7, [[1, '{"f:spec":{}}']]],
            ],
          ],
        ],
      ],
      [
        2,
        [
          [
            4,
            [
              [1, 1700000000],
              [2, 123456789],
            ],
          ],
        ],
      ],
    ]),
    {
      metadata: { managedFields: [{ manager: "m", fieldsV1: { "f:spec": {} } }] },
      spec: { renewTime: "2023-11-14T22:13:20.123456Z" },
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
    },
  ],
  [
    "a SubjectAccessReview: lists wrapped in messages",
    envelope("authorization.k8s.io/v1", "SubjectAccessReview", [
      [
        2,
        [
          [
            5,
            [
              [1, "scopes"],
              [
                2,
                [
                  [1, "a"],
                  [1, "b"],
                ],
              ],
            ],
          ],
        ],
      ],
    ]),
    {
      spec: { extra: { scopes: ["a", "b"] } },
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
    },
  ],
];
for (const [name, bytes, object] of bodies)
  test(`protobuf: ${name}`, () => {
    assert.deepEqual(JSON.parse(JSON.stringify(decodeProtobuf(bytes, schema))), object);
  });

const malformed: [name: string, bytes: Buffer, message: RegExp][] = [
  ["nothing", Buffer.alloc(0), /^empty data$/],
  ["JSON", Buffer.from("{}"), /expected prefix \[107 56 115 0\]/],
  ["cut short", envelope("v1", "Pod", [[1, [[1, "name"]]]]).subarray(0, 22), /unexpected EOF/],
  ["another kind", envelope("v1", "Foo", []), /no kind "Foo" is registered for version "v1"/],
  ["a wrong wire type", envelope("v1", "Pod", [[1, 7]]), /wrong wireType = 0 for field metadata/],
  ["group ends", envelope("v1", "Pod", [[1, Buffer.from([0x0c])]]), /illegal wireType 4|wrong wireType/],
  [
    "a raw extension that is no JSON",
    envelope("apps/v1", "ControllerRevision", [[2, [[1, "{"]]]]),
    /no JSON/,
  ],
];
for (const [name, bytes, message] of malformed)
  test(`protobuf is refused: ${name}`, () => {
    assert.throws(
      () => decodeProtobuf(bytes, schema),
      (e: StatusError) => e.code === 400 && message.test(e.message),
    );
  });

test("property: no bytes do worse than 400", () => {
  const good = envelope("v1", "Service", [
    [1, [[1, "web"]]],
    [2, [[1, [[3, 80]]]]],
  ]);
  const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
      const bytes = Buffer.from(good);
      for (const [at, value] of changes) bytes[at] = value;
      try {
        decodeProtobuf(bytes, schema);
      } catch (e) {
        assert.ok(e instanceof StatusError && e.code === 400, String(e));
      }
    }),
  );
});

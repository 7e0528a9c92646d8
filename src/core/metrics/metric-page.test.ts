import assert from "node:assert/strict";
import { test } from "node:test";
import { addProcessMetrics, createMetricPage, exponentialBuckets, linearBuckets } from "./mod.ts";

test("a page as Prometheus reads it", () => {
  const page = createMetricPage();
  const requests = page.counter("requests_total", "All\nof them.", ["verb", "code"]);
  requests.with("GET", "200").add();
  requests.with("GET", "200").add(2);
  requests.with('a"b\\c\n', "404").add();
  page.gauge("room", "Room left.").with().set(Number.POSITIVE_INFINITY);
  const seconds = page.histogram("seconds", "Time.", [0.1, 1], ["verb"]).with("GET");
  for (const value of [0.05, 0.1, 0.5, 3]) seconds.observe(value);
  assert.equal(
    page.text(),
    `# HELP requests_total All\\nof them.
# TYPE requests_total counter
requests_total{verb="GET",code="200"} 3
requests_total{verb="a\\"b\\\\c\\n",code="404"} 1
# HELP room Room left.
# TYPE room gauge
room +Inf
# HELP seconds Time.
# TYPE seconds histogram
seconds_bucket{verb="GET",le="0.1"} 2
seconds_bucket{verb="GET",le="1"} 3
seconds_bucket{verb="GET",le="+Inf"} 4
seconds_sum{verb="GET"} 3.65
seconds_count{verb="GET"} 4
`,
  );
});

test("a metric with labels is not there before its first value, one without is", () => {
  const page = createMetricPage();
  page.counter("a_total", "A.", ["x"]);
  page.counter("b_total", "B.");
  assert.equal(page.text(), "# HELP b_total B.\n# TYPE b_total counter\nb_total 0\n");
});

test("what is known elsewhere is read when the page is asked for", () => {
  const page = createMetricPage();
  const objects = page.gauge("objects", "O.", ["kind"]);
  let kinds = ["pod"];
  page.onText(() => {
    objects.clear();
    for (const kind of kinds) objects.with(kind).set(1);
  });
  assert.match(page.text(), /objects\{kind="pod"\} 1/);
  kinds = ["node"];
  assert.match(page.text(), /objects\{kind="node"\} 1/);
  assert.doesNotMatch(page.text(), /pod/);
});

test("the process's time is a counter: it never goes back", () => {
  const page = createMetricPage();
  let cpuSeconds = 2;
  addProcessMetrics(page, () => ({ cpuSeconds, residentBytes: 1, openFiles: 2, started: 3 }));
  assert.match(page.text(), /^process_cpu_seconds_total 2$/m);
  cpuSeconds = 1.5;
  assert.match(page.text(), /^process_cpu_seconds_total 2$/m);
  cpuSeconds = 3;
  assert.match(page.text(), /^process_cpu_seconds_total 3$/m);
});

test("buckets", () => {
  assert.deepEqual(linearBuckets(1, 2, 3), [1, 3, 5]);
  assert.deepEqual(exponentialBuckets(1, 2, 4), [1, 2, 4, 8]);
});

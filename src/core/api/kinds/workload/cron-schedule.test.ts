import assert from "node:assert/strict";
import { test } from "node:test";
import { nextCronTime, parseCronSchedule } from "./cron-schedule.ts";

test("the next moment of a schedule", async (t) => {
  const rows: [string, string, string, string | undefined, string?][] = [
    ["every minute", "* * * * *", "2030-01-01T00:00:30Z", "2030-01-01T00:01:00Z"],
    ["on the minute is past", "* * * * *", "2030-01-01T00:01:00Z", "2030-01-01T00:02:00Z"],
    ["every five", "*/5 * * * *", "2030-01-01T00:03:00Z", "2030-01-01T00:05:00Z"],
    ["from a start on", "10/20 * * * *", "2030-01-01T00:31:00Z", "2030-01-01T00:50:00Z"],
    ["a list and a range", "0 8-10,20 * * *", "2030-01-01T10:30:00Z", "2030-01-01T20:00:00Z"],
    ["hourly", "@hourly", "2030-01-01T10:30:00Z", "2030-01-01T11:00:00Z"],
    ["next month", "0 0 1 * *", "2030-01-15T00:00:00Z", "2030-02-01T00:00:00Z"],
    ["a leap day", "0 0 29 2 *", "2030-01-01T00:00:00Z", "2032-02-29T00:00:00Z"],
    ["a weekday by name", "0 0 * * mon", "2030-01-01T00:00:00Z", "2030-01-07T00:00:00Z"],
    ["day of month or day of week", "0 0 13 * fri", "2030-01-05T00:00:00Z", "2030-01-11T00:00:00Z"],
    ["never", "0 0 30 2 *", "2030-01-01T00:00:00Z", undefined],
    ["in a time zone", "0 9 * * *", "2030-01-01T00:00:00Z", "2030-01-01T14:00:00Z", "America/New_York"],
    ["in summer time", "0 9 * * *", "2030-07-01T00:00:00Z", "2030-07-01T13:00:00Z", "America/New_York"],
  ];
  for (const [name, text, after, expected, zone] of rows)
    await t.test(name, () => {
      const schedule = parseCronSchedule(text);
      assert.ok(typeof schedule === "object", String(schedule));
      const next = nextCronTime(schedule, Date.parse(after), zone);
      assert.equal(next, expected === undefined ? undefined : Date.parse(expected));
    });
});

test("what is no schedule", async (t) => {
  const rows: [string, RegExp][] = [
    ["* * * *", /expected exactly 5 fields, found 4/],
    ["60 * * * *", /end of range \(60\) above maximum \(59\): 60/],
    ["5-2 * * * *", /beginning of range \(5\) beyond end of range \(2\)/],
    ["*/0 * * * *", /step of range should be a positive number/],
    ["x * * * *", /failed to parse int from x/],
    ["@often", /unrecognized descriptor: @often/],
    ["0 0 0 * *", /beginning of range \(0\) below minimum \(1\)/],
  ];
  for (const [text, expected] of rows)
    await t.test(text, () => assert.match(String(parseCronSchedule(text)), expected));
});

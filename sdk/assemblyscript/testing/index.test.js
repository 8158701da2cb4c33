import assert from "node:assert/strict";
import { test } from "node:test";
import { run } from "./index.js";

const plugin = new URL("../conformance/conformance.wasm", import.meta.url);
const attempt = (task, more) => run(plugin, { task, ...more });

test("input and output", async () => {
  assert.equal((await attempt("echo", { input: "x".repeat(5000) })).output, "x".repeat(5000));
  assert.deepEqual((await attempt("echo", { input: Uint8Array.of(0, 255) })).bytes, Uint8Array.of(0, 255));
  const over = await attempt("echo", { input: "12345", outputLimit: 4 });
  assert.equal(over.code, 65);
  assert.match(over.failure.why, /limit/);
});

test("verdicts", async () => {
  assert.deepEqual((await attempt("permanent")).failure, { kind: "permanent", why: "broken" });
  assert.deepEqual((await attempt("retry")).failure, { kind: "retry", why: "broken" });
  assert.deepEqual((await attempt("snooze")).failure, { kind: "snooze", why: "too early", delay: 90_000 });
  const panic = await attempt("panic");
  assert.equal(panic.code, -1);
  assert.match(panic.failure.why, /^panic: out of cheese at .*conformance\.ts:\d+:\d+$/);
  const unknown = await attempt("nope");
  assert.equal(unknown.code, 64);
  assert.match(unknown.failure.why, /nope .*echo, sum/);
});

test("log and progress", async () => {
  assert.deepEqual((await attempt("log")).log, [
    { level: "trace", message: "entering" },
    { level: "debug", message: "no fields" },
    {
      level: "info",
      message: 'copied "file"\n',
      fields: { name: 'a"b\\c\n\x01é', size: -9007199254740992, ratio: 0.5, ok: true }, // as JavaScript rounds it
    },
    { level: "warn", message: "slow", fields: { empty: "" } },
    { level: "error", message: "погано" },
  ]);
  assert.deepEqual((await attempt("progress")).progress, [
    { fraction: 0.25, message: "" },
    { fraction: 0.5, message: "half" },
    { fraction: 1, message: "done" },
  ]);
});

test("the rest of the host", async () => {
  assert.equal((await attempt("until-cancelled", { cancelAtPoll: 3 })).output, "stopped");
  assert.equal((await attempt("until-cancelled", { cancelAtPoll: 1 })).output, "cancelled too early");
  assert.equal((await attempt("deadline")).output, "none");
  assert.equal((await attempt("deadline", { remaining: 250 })).output, "250");
  assert.equal((await attempt("config", { input: "a", config: { a: "1" } })).output, "=1");
  assert.equal((await attempt("config", { input: "b", config: { a: "1" } })).output, "not set");
  assert.equal(
    (await attempt("meta", { meta: { attempt: "7", tick: "now" } })).output,
    "meta\njob\n7\ndefault\n2026-01-02T03:04:05Z\nnow\njob",
  );
  assert.notEqual((await attempt("random")).output, (await attempt("random")).output);
});

// The plugin with which the AssemblyScript SDK takes the conformance suite, in
// tests/conformance: one task for each behaviour.
import * as tlo from "../assembly";
import { Fields, Json, Kind, Result, task } from "../assembly";

export { tlo_run } from "../assembly";

let runs = 0;

task("echo", (): Result => tlo.okBytes(tlo.input()));
task("sum", sum);
task("hello", (): Result => {
  const doc = Json.parse(tlo.text());
  const name = doc !== null ? doc.get("name") : null;
  if (name === null || name.kind != Kind.String) return tlo.permanent("input: name is no string");
  return tlo.ok(new Fields().str("greeting", "Hello, " + name.text).toString());
});
task("log", (): Result => {
  tlo.trace("entering");
  tlo.debug("no fields");
  const fields = new Fields().str("name", 'a"b\\c\n\x01é').int("size", -9007199254740993).float("ratio", 0.5).bool("ok", true);
  tlo.info('copied "file"\n', fields);
  tlo.warn("slow", new Fields().str("empty", ""));
  tlo.error("погано");
  return tlo.ok();
});
task("progress", (): Result => {
  tlo.progress(0.25);
  tlo.progress(0.5, "half");
  tlo.progress(1, "done");
  return tlo.ok();
});
task("until-cancelled", (): Result => {
  if (tlo.cancelled()) return tlo.ok("cancelled too early");
  tlo.progress(0.5);
  while (!tlo.cancelled()) {}
  return tlo.ok("stopped");
});
task("deadline", (): Result => {
  const ms = tlo.remaining();
  return tlo.ok(ms < 0 ? "none" : ms.toString());
});
task("permanent", (): Result => tlo.permanent("broken"));
task("retry", (): Result => tlo.fail("broken"));
task("snooze", (): Result => tlo.snooze(90_000, "too early"));
task("panic", (): Result => {
  throw new Error("out of cheese");
});
task("random", (): Result => {
  let digits = "";
  const bytes = tlo.random(24);
  for (let i = 0; i < bytes.length; i++) digits += bytes[i].toString(16).padStart(2, "0");
  for (let i = 0; i < 16; i++) digits += (<i32>(Math.random() * 16)).toString(16); // seeded by the host
  return tlo.ok(digits);
});
task("config", (): Result => {
  const value = tlo.config(tlo.text());
  return tlo.ok(value === null ? "not set" : "=" + value);
});
task("meta", (): Result => {
  const facts = [
    tlo.meta("task"), tlo.meta("job_id"), tlo.attempt().toString(), tlo.meta("queue"),
    tlo.meta("scheduled_at"), tlo.meta("tick"), tlo.meta("idempotency_key"),
  ];
  return tlo.ok(facts.join("\n"));
});
task("count", (): Result => tlo.ok((++runs).toString()));

function sum(): Result {
  const doc = Json.parse(tlo.text());
  if (doc === null || doc.kind != Kind.Object) return tlo.permanent("input: it is no JSON object");
  let total: i64 = 0;
  for (let i = 0; i < 2; i++) {
    const v = doc.get(i == 0 ? "a" : "b");
    if (v === null) continue;
    if (!v.isInt) return tlo.permanent("input: a and b are whole numbers");
    total += v.int;
  }
  return tlo.ok(new Fields().int("sum", total).toString());
}

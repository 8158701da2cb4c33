import * as host from "./host";
import { utf8 } from "./text";
import { meta } from "./facts";

/** How an attempt ended. Made by {@link ok}, {@link okBytes}, {@link fail}, {@link permanent} and {@link snooze}. */
export class Result {
  constructor(
    public kind: i32, // -1 succeeded; others as in the contract
    public why: string,
    public delay: i64,
    public output: Uint8Array | null,
  ) {}
}

/** The attempt succeeded, with a text as its output. */
export function ok(output: string = ""): Result {
  return okBytes(Uint8Array.wrap(utf8(output)));
}

/** The attempt succeeded, with bytes as its output. */
export function okBytes(output: Uint8Array): Result {
  return new Result(-1, "", 0, output);
}

/** The attempt failed; the task's retry policy decides what follows. */
export function fail(why: string): Result {
  return new Result(0, why, 0, null);
}

/** The job failed, and trying again is useless. */
export function permanent(why: string): Result {
  return new Result(1, why, 0, null);
}

/** It is too early: again after at least that many milliseconds, which is no failure. The reason goes to the log. */
export function snooze(ms: i64, why: string): Result {
  return new Result(2, why, max<i64>(ms, 0), null);
}

const tasks = new Map<string, () => Result>();

/**
 * Makes a task. Call it at the top level of the plugin. A plugin with one task
 * answers to any name; a name has `a-z 0-9 _ . -` and at most 64 characters.
 */
export function task(name: string, run: () => Result): void {
  if (tasks.has(name)) throw new Error("task " + name + " is made twice");
  tasks.set(name, run);
}

/** The entry of the plugin. Export it again: `export { tlo_run } from "@tlo-run/assemblyscript"`. */
export function tlo_run(): i32 {
  const name = meta("task");
  const names = tasks.keys();
  if (!tasks.has(name) && names.length != 1) {
    tell(permanent("task " + name + " is not in this plugin, which has: " + names.join(", ")));
    return 64;
  }
  let result = tasks.get(tasks.has(name) ? name : names[0])();
  const output = result.output;
  if (output !== null) {
    if (host.output_write(output.dataStart, output.length) == 0) return 0;
    result = permanent("the output has " + output.length.toString() + " bytes, over the task's limit: raise output in its block");
  }
  tell(result);
  return result.kind == 0 ? 1 : result.kind == 1 ? 65 : 75; // as in sysexits.h
}

function tell(result: Result): void {
  const why = utf8(result.why);
  host.fail(result.kind, changetype<usize>(why), why.byteLength);
  if (result.kind == 2) host.snooze(result.delay);
}

/** What `throw` and a failed `assert` do, with `--use abort=…/task/tlo_abort`: end the attempt, and say why and where. */
export function tlo_abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const text = message !== null ? message : "abort";
  const place = file !== null ? " at " + file + ":" + line.toString() + ":" + column.toString() : "";
  tell(fail("panic: " + text + place));
  unreachable();
}

/** What seeds `Math.random`, with `--use seed=…/task/tlo_seed`. */
export function tlo_seed(): f64 {
  const bytes = new ArrayBuffer(8);
  host.random(changetype<usize>(bytes), 8);
  return reinterpret<f64>(load<u64>(changetype<usize>(bytes)));
}

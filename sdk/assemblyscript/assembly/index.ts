/**
 * The AssemblyScript SDK for tlo plugins: background tasks that run as
 * sandboxed WebAssembly modules.
 *
 *     import { task, text, ok } from "@tlo-run/assemblyscript";
 *     export { tlo_run } from "@tlo-run/assemblyscript";
 *
 *     task("hello", () => ok("Hello, " + text()));
 */
import * as host from "./host";
import { Fields } from "./json";
import { utf8 } from "./text";

export { Result, ok, okBytes, fail, permanent, snooze, task, tlo_run, tlo_abort, tlo_seed } from "./task";
export { config, meta, attempt } from "./facts";
export { Json, Kind, Fields } from "./json";

/** The input. */
export function input(): Uint8Array {
  const bytes = new Uint8Array(host.input_len());
  let read = 0;
  while (read < bytes.length) {
    const n = host.input_read(bytes.dataStart + read, bytes.length - read, read);
    if (n <= 0) break;
    read += n;
  }
  return bytes;
}

/** The input, as UTF-8. */
export function text(): string {
  return String.UTF8.decode(input().buffer);
}

/** The severity of a log line. */
export enum Level {
  Trace,
  Debug,
  Info,
  Warn,
  Error,
}

/** Logs a line, with fields: `log(Level.Info, "copied", new Fields().int("bytes", 3))`. The host decides what is kept. */
export function log(level: Level, message: string, fields: Fields | null = null): void {
  const m = utf8(message);
  if (fields === null) {
    host.log(level, changetype<usize>(m), m.byteLength);
    return;
  }
  const kv = utf8(fields.toString());
  host.log_kv(level, changetype<usize>(m), m.byteLength, changetype<usize>(kv), kv.byteLength);
}

export function trace(message: string, fields: Fields | null = null): void {
  log(Level.Trace, message, fields);
}

export function debug(message: string, fields: Fields | null = null): void {
  log(Level.Debug, message, fields);
}

export function info(message: string, fields: Fields | null = null): void {
  log(Level.Info, message, fields);
}

export function warn(message: string, fields: Fields | null = null): void {
  log(Level.Warn, message, fields);
}

export function error(message: string, fields: Fields | null = null): void {
  log(Level.Error, message, fields);
}

/** Reports the fraction done, 0 to 1, and what is being done. */
export function progress(fraction: f64, message: string = ""): void {
  if (message.length == 0) {
    host.progress(fraction);
    return;
  }
  const m = utf8(message);
  host.progress_msg(fraction, changetype<usize>(m), m.byteLength);
}

/** Asks the host whether the attempt is to stop. Nothing calls into a plugin, so a loop has to ask. */
export function cancelled(): bool {
  return host.cancelled() != 0;
}

/** The milliseconds until the host ends the attempt, whatever the task does then; -1 if it will not. */
export function remaining(): i64 {
  return host.deadline_ms();
}

/** Random bytes that are fresh in every attempt and fit for secrets. */
export function random(length: i32): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65536) { // the host's limit
    host.random(bytes.dataStart + at, min(length - at, 65536));
  }
  return bytes;
}

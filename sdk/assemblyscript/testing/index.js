// A host for unit tests under Node.js: runs one attempt of a plugin in an
// instance of its own.
//
//     import { run } from "@tlo-run/assemblyscript/testing";
//
//     const outcome = await run("hello.wasm", { input: "Ada" });
//     assert.equal(outcome.output, "Hello, Ada");

import { readFile } from "node:fs/promises";
import { webcrypto } from "node:crypto";

const levels = ["trace", "debug", "info", "warn", "error"];
const kinds = ["retry", "permanent", "snooze"];

/**
 * @typedef {object} Attempt what an attempt is given; all of it is optional
 * @property {string} [task] the task's name
 * @property {string | Uint8Array} [input]
 * @property {Record<string, string>} [config] the task's config map
 * @property {Record<string, string>} [meta] facts about the job, such as attempt or tick
 * @property {number} [remaining] milliseconds until the deadline
 * @property {number} [cancelAtPoll] from which call of cancelled on it says yes; the first is 1
 * @property {number} [outputLimit] bytes
 *
 * @typedef {object} Outcome
 * @property {number} code what the entry returned; -1 if the plugin trapped
 * @property {string} output
 * @property {Uint8Array} bytes the output
 * @property {{ kind: string, why: string, delay?: number }} [failure] kind is retry, permanent or snooze
 * @property {{ level: string, message: string, fields?: object }[]} log
 * @property {{ fraction: number, message: string }[]} progress
 */

/**
 * @param {string | URL} file the plugin
 * @param {Attempt} [attempt]
 * @returns {Promise<Outcome>}
 */
export async function run(file, attempt = {}) {
  const input = Buffer.from(attempt.input ?? "");
  const meta = {
    task: attempt.task ?? "test", job_id: "job", attempt: "1", queue: "default",
    scheduled_at: "2026-01-02T03:04:05Z", idempotency_key: "job", ...attempt.meta,
  };
  const outcome = { code: -1, log: [], progress: [] };
  let output = Buffer.alloc(0);
  let polls = 0;
  let memory;

  const bytes = (at, length) => {
    at >>>= 0;
    length >>>= 0;
    if (at + length > memory.buffer.byteLength) throw new WebAssembly.RuntimeError(`${length} bytes at ${at} are outside of memory`);
    return new Uint8Array(memory.buffer, at, length);
  };
  const text = (at, length) => Buffer.from(bytes(at, length)).toString();
  const lookup = (values) => (key, length, to, cap) => {
    const room = bytes(to, cap);
    const name = text(key, length);
    if (!Object.hasOwn(values, name)) return -1;
    const value = Buffer.from(values[name]);
    room.set(value.subarray(0, cap));
    return value.length;
  };
  const progress = (fraction, message) => {
    if (!Number.isNaN(fraction)) outcome.progress.push({ fraction: Math.min(Math.max(fraction, 0), 1), message });
  };

  const tlo = {
    input_len: () => input.length,
    // At most 1000 bytes a call, so that callers have to loop.
    input_read: (to, length, offset) => {
      const part = input.subarray(offset, offset + Math.min(length, 1000));
      bytes(to, length).set(part);
      return part.length;
    },
    output_write: (from, length) => {
      if (output.length + length > (attempt.outputLimit ?? Infinity)) return -3;
      output = Buffer.concat([output, bytes(from, length)]);
      return 0;
    },
    log: (level, at, length) => outcome.log.push({ level: levels[level], message: text(at, length) }),
    log_kv: (level, at, length, kv, kvLength) =>
      outcome.log.push({ level: levels[level], message: text(at, length), fields: JSON.parse(text(kv, kvLength)) }),
    progress: (fraction) => progress(fraction, ""),
    progress_msg: (fraction, at, length) => progress(fraction, text(at, length)),
    cancelled: () => Number(++polls >= (attempt.cancelAtPoll ?? Infinity)),
    deadline_ms: () => BigInt(attempt.remaining ?? -1),
    meta: lookup(meta),
    config: lookup(attempt.config ?? {}),
    random: (to, length) => webcrypto.getRandomValues(bytes(to, length)),
    fail: (kind, at, length) => {
      outcome.failure = { kind: kinds[kind], why: text(at, length) };
    },
    snooze: (ms) => {
      outcome.failure = { kind: "snooze", why: "", ...outcome.failure, delay: Number(ms) };
    },
  };

  const { instance } = await WebAssembly.instantiate(await readFile(file), { tlo });
  memory = instance.exports.memory;
  try {
    instance.exports._initialize?.();
    outcome.code = instance.exports.tlo_run();
  } catch (e) {
    if (!(e instanceof WebAssembly.RuntimeError)) throw e;
    outcome.failure ??= { kind: "retry", why: e.message };
  }
  return { ...outcome, output: output.toString(), bytes: new Uint8Array(output) };
}

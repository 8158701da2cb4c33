import * as host from "./host";
import { utf8 } from "./text";

/** A value of the task's `config` map; null if it is not set. */
export function config(key: string): string | null {
  return lookup(host.config, key);
}

/** A fact about the job: `task`, `job_id`, `attempt`, `queue`, `scheduled_at`, `tick` or `idempotency_key`; "" if there is none. */
export function meta(key: string): string {
  const value = lookup(host.meta, key);
  return value !== null ? value : "";
}

/** Which attempt of the job this is, from 1. */
export function attempt(): i32 {
  return I32.parseInt(meta("attempt"));
}

// Most values fit the first buffer; others need a second call.
function lookup(get: (key: usize, len: i32, to: usize, cap: i32) => i32, key: string): string | null {
  const name = utf8(key);
  let buffer = new ArrayBuffer(128);
  while (true) {
    const n = get(changetype<usize>(name), name.byteLength, changetype<usize>(buffer), buffer.byteLength);
    if (n < 0) return null;
    if (n <= buffer.byteLength) return String.UTF8.decode(buffer.slice(0, n));
    buffer = new ArrayBuffer(n);
  }
}

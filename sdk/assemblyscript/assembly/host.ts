// The imports of version 1 of the contract. The host copies during the call and
// keeps no pointer.

// @ts-ignore: decorator
@external("tlo", "input_len") export declare function input_len(): i32;
// @ts-ignore: decorator
@external("tlo", "input_read") export declare function input_read(to: usize, len: i32, off: i32): i32;
// @ts-ignore: decorator
@external("tlo", "output_write") export declare function output_write(from: usize, len: i32): i32;
// @ts-ignore: decorator
@external("tlo", "log") export declare function log(level: i32, message: usize, len: i32): void;
// @ts-ignore: decorator
@external("tlo", "log_kv") export declare function log_kv(level: i32, message: usize, len: i32, kv: usize, kvLen: i32): void;
// @ts-ignore: decorator
@external("tlo", "progress") export declare function progress(fraction: f64): void;
// @ts-ignore: decorator
@external("tlo", "progress_msg") export declare function progress_msg(fraction: f64, message: usize, len: i32): void;
// @ts-ignore: decorator
@external("tlo", "cancelled") export declare function cancelled(): i32;
// @ts-ignore: decorator
@external("tlo", "deadline_ms") export declare function deadline_ms(): i64;
// @ts-ignore: decorator
@external("tlo", "meta") export declare function meta(key: usize, len: i32, to: usize, cap: i32): i32;
// @ts-ignore: decorator
@external("tlo", "config") export declare function config(key: usize, len: i32, to: usize, cap: i32): i32;
// @ts-ignore: decorator
@external("tlo", "random") export declare function random(to: usize, len: i32): void;
// @ts-ignore: decorator
@external("tlo", "fail") export declare function fail(kind: i32, why: usize, len: i32): void;
// @ts-ignore: decorator
@external("tlo", "snooze") export declare function snooze(ms: i64): void;

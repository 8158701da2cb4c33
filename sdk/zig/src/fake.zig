//! The host of unit tests: what the attempt that runs is given, and what it
//! says. Tests run one after another.

const std = @import("std");
const testing = @import("testing.zig");

pub var given: testing.Attempt = .{};
pub var outcome: *testing.Outcome = undefined;
var polls: u32 = 0;
var drawn = std.rand.DefaultPrng.init(1);

pub fn begin(attempt: testing.Attempt, o: *testing.Outcome) void {
    given = attempt;
    outcome = o;
    polls = 0;
}

fn keep(text: []const u8) []const u8 {
    return outcome.arena.allocator().dupe(u8, text) catch @panic("out of memory");
}

pub fn inputLen() usize {
    return given.input.len;
}

/// At most 1000 bytes a call, so that callers have to loop.
pub fn inputRead(to: []u8, off: usize) usize {
    const n = @min(to.len, given.input.len -| off, 1000);
    @memcpy(to[0..n], given.input[off..][0..n]);
    return n;
}

pub fn output(bytes: []const u8) bool {
    if (given.output_limit) |limit| {
        if (bytes.len > limit) return false;
    }
    outcome.output = keep(bytes);
    return true;
}

pub fn log(level: i32, message: []const u8, fields: ?[]const u8) void {
    const names = [_][]const u8{ "trace", "debug", "info", "warn", "error" };
    const line = std.fmt.allocPrint(outcome.arena.allocator(), "{s}{s} {s}{s}{s}\n", .{
        outcome.log, names[@intCast(level)], message, if (fields == null) "" else " ", fields orelse "",
    });
    outcome.log = line catch @panic("out of memory");
}

pub fn progress(fraction: f64, message: ?[]const u8) void {
    if (std.math.isNan(fraction)) return;
    outcome.progress = @min(@max(fraction, 0), 1);
    outcome.progress_message = keep(message orelse "");
}

pub fn cancelled() bool {
    polls += 1;
    return if (given.cancel_at_poll) |at| polls >= at else false;
}

pub fn deadlineMs() i64 {
    return given.remaining orelse -1;
}

fn find(list: []const testing.Pair, key: []const u8, to: []u8) i32 {
    for (list) |pair| {
        if (!std.mem.eql(u8, pair[0], key)) continue;
        const n = @min(to.len, pair[1].len);
        @memcpy(to[0..n], pair[1][0..n]);
        return @intCast(pair[1].len);
    }
    return -1;
}

pub fn meta(key: []const u8, to: []u8) i32 {
    const n = find(given.meta, key, to);
    return if (n >= 0) n else find(&.{
        .{ "task", "test" },
        .{ "job_id", "job" },
        .{ "attempt", "1" },
        .{ "queue", "default" },
        .{ "scheduled_at", "2026-01-02T03:04:05Z" },
        .{ "idempotency_key", "job" },
    }, key, to);
}

pub fn config(key: []const u8, to: []u8) i32 {
    return find(given.config, key, to);
}

/// The same in every run of a test.
pub fn random(to: []u8) void {
    drawn.random().bytes(to);
}

pub fn fail(kind: i32, why: []const u8) void {
    outcome.failure = .{ .kind = @enumFromInt(kind), .why = keep(why) };
}

pub fn snooze(delay_ms: i64) void {
    outcome.failure.?.delay_ms = delay_ms;
}

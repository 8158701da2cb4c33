//! The plugin with which the Zig SDK takes the conformance suite, in
//! tests/conformance: one task for each behaviour.

const std = @import("std");
const tlo = @import("tlo");

pub const panic = tlo.panic;

comptime {
    tlo.declare(
        \\{"abi": 1, "tasks": [
        \\  {"name": "echo", "description": "returns its \"input\""}, {"name": "sum"}, {"name": "hello"},
        \\  {"name": "log"}, {"name": "progress"}, {"name": "until-cancelled"}, {"name": "deadline"},
        \\  {"name": "permanent"}, {"name": "retry"}, {"name": "snooze"}, {"name": "panic"},
        \\  {"name": "random"}, {"name": "config"}, {"name": "meta"}, {"name": "count"}
        \\]}
    );
    tlo.task("echo", echo);
    tlo.task("sum", sum);
    tlo.task("hello", hello);
    tlo.task("log", log);
    tlo.task("progress", progress);
    tlo.task("until-cancelled", untilCancelled);
    tlo.task("deadline", deadline);
    tlo.task("permanent", permanent);
    tlo.task("retry", retry);
    tlo.task("snooze", snooze);
    tlo.task("panic", panics);
    tlo.task("random", random);
    tlo.task("config", config);
    tlo.task("meta", meta);
    tlo.task("count", count);
}

pub fn echo(_: tlo.Context, input: []const u8) ![]const u8 {
    return input;
}

pub fn sum(_: tlo.Context, input: struct { a: i64 = 0, b: i64 = 0 }) !struct { sum: i64 } {
    return .{ .sum = input.a + input.b };
}

pub fn hello(ctx: tlo.Context, input: struct { name: []const u8 }) !struct { greeting: []const u8 } {
    return .{ .greeting = try ctx.print("Hello, {s}", .{input.name}) };
}

pub fn log(ctx: tlo.Context) !void {
    ctx.trace("entering", .{});
    ctx.debug("no fields", .{});
    ctx.info("copied \"file\"\n", .{ .name = "a\"b\\c\n\x01é", .size = @as(i64, -9007199254740993), .ratio = 0.5, .ok = true });
    ctx.warn("slow", .{ .empty = "" });
    ctx.err("погано", .{});
}

pub fn progress(ctx: tlo.Context) !void {
    ctx.progress(0.25, null);
    ctx.progress(0.5, "half");
    ctx.progress(1, "done");
}

pub fn untilCancelled(ctx: tlo.Context) ![]const u8 {
    if (ctx.cancelled()) return "cancelled too early";
    ctx.progress(0.5, null);
    while (!ctx.cancelled()) {}
    return "stopped";
}

pub fn deadline(ctx: tlo.Context) ![]const u8 {
    return if (ctx.remaining()) |ms| ctx.print("{d}", .{ms}) else "none";
}

pub fn permanent(ctx: tlo.Context) !void {
    return ctx.permanent("bro{s}", .{"ken"});
}

pub fn retry(ctx: tlo.Context) !void {
    return ctx.fail("broken", .{});
}

pub fn snooze(ctx: tlo.Context) !void {
    return ctx.snooze(90_000, "too early", .{});
}

pub fn panics(_: tlo.Context) !void {
    @panic("out of cheese");
}

pub fn random(ctx: tlo.Context) ![]const u8 {
    var bytes: [32]u8 = undefined;
    ctx.random().bytes(&bytes);
    return ctx.print("{s}", .{std.fmt.fmtSliceHexLower(&bytes)});
}

pub fn config(ctx: tlo.Context, key: []const u8) ![]const u8 {
    return if (try ctx.config(key)) |value| ctx.print("={s}", .{value}) else "not set";
}

pub fn meta(ctx: tlo.Context) ![]const u8 {
    return ctx.print("{s}\n{s}\n{d}\n{s}\n{s}\n{s}\n{s}", .{
        try ctx.meta("task"),            try ctx.meta("job_id"),       ctx.attempt(),
        try ctx.meta("queue"),           try ctx.meta("scheduled_at"), try ctx.meta("tick"),
        try ctx.meta("idempotency_key"),
    });
}

var runs: u32 = 0;

pub fn count(_: tlo.Context) !u32 {
    runs += 1;
    return runs;
}

//! Unit tests, for this machine: the tasks of the conformance suite against the
//! host of unit tests.

const std = @import("std");
const tlo = @import("tlo");
const guest = @import("conformance/conformance.zig");

const run = tlo.testing.run;
const eql = std.testing.expectEqual;
const str = std.testing.expectEqualStrings;

fn gives(want: []const u8, outcome: tlo.testing.Outcome) !void {
    defer outcome.deinit();
    if (outcome.failure) |f| try str("", f.why);
    try str(want, outcome.output);
    try eql(@as(i32, 0), outcome.code);
}

fn fails(code: i32, why: []const u8, outcome: tlo.testing.Outcome) !void {
    defer outcome.deinit();
    try eql(code, outcome.code);
    try str(why, outcome.failure.?.why);
    try str("", outcome.output);
}

test "input and output" {
    try gives("x" ** 5000, run(guest.echo, .{ .input = "x" ** 5000 }));
    try gives("", run(guest.echo, .{}));
    try gives("{\"sum\":42}", run(guest.sum, .{ .input = "{\"a\":1,\"b\":41,\"more\":[]}" }));
    try gives("1", run(guest.count, .{}));
    const over = "the output has 5 bytes, over the task's limit: raise output in its block";
    try fails(65, over, run(guest.echo, .{ .input = "12345", .output_limit = 4 }));
}

test "verdicts" {
    try fails(65, "broken", run(guest.permanent, .{}));
    try fails(1, "broken", run(guest.retry, .{}));
    const snoozed = run(guest.snooze, .{});
    try eql(@as(i64, 90_000), snoozed.failure.?.delay_ms);
    try fails(75, "too early", snoozed);
    try fails(65, "input: it is no JSON", run(guest.sum, .{ .input = "a=1" }));
    try fails(65, "input: its JSON is cut off", run(guest.sum, .{ .input = "{\"a\":1" }));
    try fails(65, "input: a member that the task wants is missing", run(guest.hello, .{ .input = "{}" }));
    try fails(1, "Unforeseen", run(unforeseen, .{}));
}

fn unforeseen(_: tlo.Context) !void {
    return error.Unforeseen;
}

test "log and progress" {
    const logged = run(guest.log, .{});
    defer logged.deinit();
    try str("trace entering\ndebug no fields\ninfo copied \"file\"\n" ++
        " {\"name\":\"a\\\"b\\\\c\\n\\u0001é\",\"size\":-9007199254740993,\"ratio\":0.5,\"ok\":true}\n" ++
        "warn slow {\"empty\":\"\"}\nerror погано\n", logged.log);
    const progressed = run(guest.progress, .{});
    defer progressed.deinit();
    try eql(@as(f64, 1), progressed.progress);
    try str("done", progressed.progress_message);
}

test "the rest of the context" {
    try gives("stopped", run(guest.untilCancelled, .{ .cancel_at_poll = 3 }));
    try gives("cancelled too early", run(guest.untilCancelled, .{ .cancel_at_poll = 1 }));
    try gives("none", run(guest.deadline, .{}));
    try gives("250", run(guest.deadline, .{ .remaining = 250 }));
    try gives("=" ++ "y" ** 300, run(guest.config, .{ .input = "a", .config = &.{.{ "a", "y" ** 300 }} }));
    try gives("not set", run(guest.config, .{ .input = "b", .config = &.{.{ "a", "" }} }));
    try gives("test\njob\n7\ndefault\n2026-01-02T03:04:05Z\nnow\njob", run(guest.meta, .{ .meta = &.{ .{ "attempt", "7" }, .{ "tick", "now" } } }));
}

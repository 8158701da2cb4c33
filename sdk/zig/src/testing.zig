//! A host for unit tests. The task runs in the test itself.
//!
//!     var outcome = tlo.testing.run(hello, .{ .input = "Ada" });
//!     defer outcome.deinit();
//!     try std.testing.expectEqualStrings("Hello, Ada", outcome.output);

const std = @import("std");
const fake = @import("fake.zig");
const tlo = @import("tlo.zig");

/// A name and its value.
pub const Pair = struct { []const u8, []const u8 };

/// What an attempt is given.
pub const Attempt = struct {
    input: []const u8 = "",
    /// The task's config map.
    config: []const Pair = &.{},
    /// Facts about the job, such as attempt or tick, before the usual ones.
    meta: []const Pair = &.{},
    /// Milliseconds until the deadline.
    remaining: ?i64 = null,
    /// From which call of cancelled on it says yes; the first is 1.
    cancel_at_poll: ?u32 = null,
    /// Bytes.
    output_limit: ?usize = null,
};

/// What came of an attempt. Free it with deinit.
pub const Outcome = struct {
    /// What the entry returned: 0, 1, 65 or 75.
    code: i32 = 0,
    output: []const u8 = "",
    failure: ?Failure = null,
    /// A line each: info copied {"file":"a"}
    log: []const u8 = "",
    progress: f64 = 0,
    progress_message: []const u8 = "",
    arena: std.heap.ArenaAllocator,

    pub fn deinit(o: Outcome) void {
        o.arena.deinit();
    }
};

/// Why an attempt did not succeed.
pub const Failure = struct {
    kind: enum(i32) { retry, permanent, snooze },
    why: []const u8,
    delay_ms: i64 = 0,
};

/// Runs one attempt of a task.
pub fn run(comptime function: anytype, attempt: Attempt) Outcome {
    var outcome = Outcome{ .arena = std.heap.ArenaAllocator.init(std.testing.allocator) };
    var memory = std.heap.ArenaAllocator.init(std.testing.allocator); // a guest's own
    defer memory.deinit();
    fake.begin(attempt, &outcome);
    outcome.code = tlo.run(function, memory.allocator());
    return outcome;
}

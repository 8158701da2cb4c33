const std = @import("std");
const builtin = @import("builtin");
const host = if (builtin.cpu.arch == .wasm32) @import("wasm.zig") else @import("fake.zig");

/// The severity of a log line.
pub const Level = enum(i32) { trace, debug, info, warn, err };

/// Numbers are for people: std.json writes 0.5 as 5.0e-01.
fn writeFields(out: anytype, fields: anytype) !void {
    inline for (@typeInfo(@TypeOf(fields)).Struct.fields, 0..) |field, i| {
        const value = @field(fields, field.name);
        try out.writeByte(if (i == 0) '{' else ',');
        try std.json.encodeJsonString(field.name, .{}, out);
        try out.writeByte(':');
        switch (@typeInfo(field.type)) {
            .Int, .ComptimeInt => try out.print("{d}", .{value}),
            .Float, .ComptimeFloat => if (std.math.isFinite(@as(f64, value))) {
                try out.print("{d}", .{@as(f64, value)});
            } else try out.writeAll("null"),
            else => try std.json.stringify(value, .{}, out),
        }
    }
    try out.writeByte('}');
}

/// One attempt as its task sees it.
pub const Context = struct {
    /// What it hands out need not be freed: the memory ends with the attempt.
    allocator: std.mem.Allocator,

    /// The whole input.
    pub fn input(ctx: Context) ![]u8 {
        const bytes = try ctx.allocator.alloc(u8, host.inputLen());
        var read: usize = 0;
        while (read < bytes.len) {
            const n = host.inputRead(bytes[read..], read);
            if (n == 0) break;
            read += n;
        }
        return bytes[0..read];
    }

    /// A text by a format, as in std.fmt.
    pub fn print(ctx: Context, comptime format: []const u8, args: anytype) ![]const u8 {
        return std.fmt.allocPrint(ctx.allocator, format, args);
    }

    /// The attempt failed; the task's retry policy decides what follows. Use
    /// as: return ctx.fail("no answer from {s}", .{name});
    pub fn fail(ctx: Context, comptime why: []const u8, args: anytype) error{Failed} {
        ctx.tell(0, why, args);
        return error.Failed;
    }

    /// The job failed, and trying again is useless.
    pub fn permanent(ctx: Context, comptime why: []const u8, args: anytype) error{Permanent} {
        ctx.tell(1, why, args);
        return error.Permanent;
    }

    /// It is too early: again after at least that many milliseconds, which is
    /// no failure. The reason goes to the log.
    pub fn snooze(ctx: Context, ms: u32, comptime why: []const u8, args: anytype) error{Snoozed} {
        ctx.tell(2, why, args);
        host.snooze(ms);
        return error.Snoozed;
    }

    fn tell(ctx: Context, kind: i32, comptime why: []const u8, args: anytype) void {
        host.fail(kind, ctx.print(why, args) catch why);
    }

    /// Logs a line with fields, .{} for none: ctx.log(.info, "copied", .{ .bytes = 3 })
    pub fn log(ctx: Context, level: Level, message: []const u8, fields: anytype) void {
        if (@typeInfo(@TypeOf(fields)).Struct.fields.len == 0) {
            host.log(@intFromEnum(level), message, null);
            return;
        }
        var json = std.ArrayList(u8).init(ctx.allocator);
        writeFields(json.writer(), fields) catch json.clearRetainingCapacity(); // out of memory
        host.log(@intFromEnum(level), message, if (json.items.len > 0) json.items else null);
    }

    pub fn trace(ctx: Context, message: []const u8, fields: anytype) void {
        ctx.log(.trace, message, fields);
    }

    pub fn debug(ctx: Context, message: []const u8, fields: anytype) void {
        ctx.log(.debug, message, fields);
    }

    pub fn info(ctx: Context, message: []const u8, fields: anytype) void {
        ctx.log(.info, message, fields);
    }

    pub fn warn(ctx: Context, message: []const u8, fields: anytype) void {
        ctx.log(.warn, message, fields);
    }

    pub fn err(ctx: Context, message: []const u8, fields: anytype) void {
        ctx.log(.err, message, fields);
    }

    /// Reports the fraction done, 0 to 1, and what is being done, if not null.
    pub fn progress(_: Context, fraction: f64, message: ?[]const u8) void {
        host.progress(fraction, message);
    }

    /// Asks the host whether the attempt is to stop. Nothing calls into a
    /// plugin, so a loop has to ask.
    pub fn cancelled(_: Context) bool {
        return host.cancelled();
    }

    /// The milliseconds until the host ends the attempt, whatever the task does
    /// then; null if it will not.
    pub fn remaining(_: Context) ?u64 {
        const ms = host.deadlineMs();
        return if (ms < 0) null else @intCast(ms);
    }

    /// A value of the task's config map.
    pub fn config(ctx: Context, key: []const u8) !?[]const u8 {
        return ctx.lookup(host.config, key);
    }

    /// A fact about the job: task, job_id, attempt, queue, scheduled_at, tick or
    /// idempotency_key. Times are RFC 3339 in UTC. Empty if there is none.
    pub fn meta(ctx: Context, key: []const u8) ![]const u8 {
        return (try ctx.lookup(host.meta, key)) orelse "";
    }

    /// Which attempt of the job this is, from 1.
    pub fn attempt(_: Context) u32 {
        var digits: [16]u8 = undefined;
        const n = host.meta("attempt", &digits);
        if (n < 0 or n > digits.len) return 0;
        return std.fmt.parseInt(u32, digits[0..@intCast(n)], 10) catch 0;
    }

    // Most values fit the first buffer; others need a second call.
    fn lookup(ctx: Context, get: *const fn ([]const u8, []u8) i32, key: []const u8) !?[]const u8 {
        var buffer = try ctx.allocator.alloc(u8, 128);
        while (true) {
            const n = get(key, buffer);
            if (n < 0) return null;
            if (n <= buffer.len) return buffer[0..@intCast(n)];
            buffer = try ctx.allocator.alloc(u8, @intCast(n));
        }
    }

    /// A source of random numbers that are fresh in every attempt and fit for
    /// secrets: ctx.random().int(u64)
    pub fn random(_: Context) std.rand.Random {
        return .{ .ptr = undefined, .fillFn = fill };
    }

    fn fill(_: *anyopaque, to: []u8) void {
        host.random(to);
    }
};

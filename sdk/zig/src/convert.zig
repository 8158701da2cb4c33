//! Between the types of a task and the bytes of a job.

const std = @import("std");
const Value = std.json.Value;

/// The input as a T: the bytes themselves, or JSON.
pub fn fromInput(comptime T: type, allocator: std.mem.Allocator, bytes: []u8) !T {
    if (T == []u8 or T == []const u8) return bytes;
    const value = try std.json.parseFromSliceLeaky(Value, allocator, bytes, .{ .duplicate_field_behavior = .use_last });
    return fromValue(T, allocator, value);
}

/// std.json would take "1" and 1.0 for the number 1; a task that asks for a
/// number gets one.
fn fromValue(comptime T: type, allocator: std.mem.Allocator, value: Value) error{ OutOfMemory, WrongType, MissingField }!T {
    if (T == Value) return value;
    if (T == []const u8) return if (value == .string) value.string else error.WrongType;
    switch (@typeInfo(T)) {
        .Bool => return if (value == .bool) value.bool else error.WrongType,
        .Int => return if (value == .integer) std.math.cast(T, value.integer) orelse error.WrongType else error.WrongType,
        .Float => return switch (value) {
            .integer => |n| @floatFromInt(n),
            .float => |f| @floatCast(f),
            .number_string => |s| std.fmt.parseFloat(T, s) catch error.WrongType,
            else => error.WrongType,
        },
        .Optional => |o| return if (value == .null) null else try fromValue(o.child, allocator, value),
        .Pointer => |p| {
            if (p.size != .Slice) @compileError("a task's input has no place for " ++ @typeName(T));
            if (value != .array) return error.WrongType;
            const list = try allocator.alloc(p.child, value.array.items.len);
            for (list, value.array.items) |*to, from| to.* = try fromValue(p.child, allocator, from);
            return list;
        },
        .Struct => |s| {
            if (value != .object) return error.WrongType;
            var out: T = undefined;
            inline for (s.fields) |field| {
                if (value.object.get(field.name)) |v| {
                    @field(out, field.name) = try fromValue(field.type, allocator, v);
                } else if (field.default_value) |default| {
                    @field(out, field.name) = @as(*align(1) const field.type, @ptrCast(default)).*;
                } else {
                    return error.MissingField;
                }
            }
            return out;
        },
        else => @compileError("a task's input has no place for " ++ @typeName(T)),
    }
}

/// What is wrong with an input.
pub fn explain(err: anyerror) []const u8 {
    return switch (err) {
        error.SyntaxError => "it is no JSON",
        error.UnexpectedEndOfInput => "its JSON is cut off",
        error.WrongType => "a value is of another type than the task wants",
        error.MissingField => "a member that the task wants is missing",
        else => @errorName(err),
    };
}

/// The bytes of what a task returned.
pub fn toOutput(allocator: std.mem.Allocator, out: anytype) ![]const u8 {
    const T = @TypeOf(out);
    if (T == void) return "";
    if (T == []u8 or T == []const u8) return out;
    return std.json.stringifyAlloc(allocator, out, .{});
}

test "inputs" {
    var arena = std.heap.ArenaAllocator.init(std.testing.allocator);
    defer arena.deinit();
    const In = struct { n: i8 = 7, f: f64 = 0, s: []const u8 = "", list: []const ?bool = &.{}, in: struct { x: u64 } = .{ .x = 1 } };
    var text = " {\"n\":-8,\"f\":1,\"s\":\"\\u00e9\",\"list\":[true,null],\"in\":{\"x\":2},\"more\":[{}],\"n\":5} ".*;
    const in = try fromInput(In, arena.allocator(), &text);
    try std.testing.expectEqualDeep(In{ .n = 5, .f = 1, .s = "é", .list = &.{ true, null }, .in = .{ .x = 2 } }, in);
    inline for (.{ "{\"n\":128}", "{\"n\":\"1\"}", "{\"n\":1.0}", "{\"in\":{\"x\":-1}}", "{\"s\":1}", "{\"list\":{}}", "[]" }) |bad| {
        var copy = bad.*;
        try std.testing.expectError(error.WrongType, fromInput(In, arena.allocator(), &copy));
    }
    var missing = "{\"in\":{}}".*;
    try std.testing.expectError(error.MissingField, fromInput(In, arena.allocator(), &missing));
}

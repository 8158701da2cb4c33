//! ini-to-json: turns an INI file into a JSON object. See README.md.

const std = @import("std");
const tlo = @import("tlo");

pub const panic = tlo.panic;

comptime {
    tlo.declare(
        \\{"abi": 1, "tasks": [{"name": "ini-to-json", "description": "turns an INI file into a JSON object"}]}
    );
    tlo.task("ini-to-json", convert);
}

const Value = std.json.Value;

pub fn convert(ctx: tlo.Context, text: []const u8) !Value {
    const body = if (std.mem.startsWith(u8, text, "\xef\xbb\xbf")) text[3..] else text;
    if (!std.unicode.utf8ValidateSlice(body)) return ctx.permanent("input: it is not UTF-8", .{});

    var root = Value{ .object = std.json.ObjectMap.init(ctx.allocator) };
    var section: []const u8 = "";
    var number: usize = 0;
    var lines = std.mem.splitScalar(u8, body, '\n');
    while (lines.next()) |whole| {
        number += 1;
        const line = std.mem.trim(u8, whole, " \t\r");
        if (line.len == 0 or line[0] == ';' or line[0] == '#') continue;
        if (line[0] == '[') {
            section = header(line) orelse return ctx.permanent("input: line {d}: a section is [name]", .{number});
            _ = try child(ctx, &root, section);
            continue;
        }
        const at = std.mem.indexOfAny(u8, line, "=:") orelse
            return ctx.permanent("input: line {d}: neither [section] nor key = value", .{number});
        const key = std.mem.trimRight(u8, line[0..at], " \t");
        if (key.len == 0) return ctx.permanent("input: line {d}: no key before {c}", .{ number, line[at] });
        const into = if (section.len == 0) &root else try child(ctx, &root, section);
        if (into.object.get(key)) |old| {
            if (old == .object) return ctx.permanent("input: line {d}: {s} is a section too", .{ number, key });
            ctx.warn("replaced: the key was there before", .{ .line = number, .section = section, .key = key });
        }
        try into.object.put(key, .{ .string = unquote(std.mem.trimLeft(u8, line[at + 1 ..], " \t")) });
    }
    return root;
}

/// The name in [name]; null where it is none.
fn header(line: []const u8) ?[]const u8 {
    const close = std.mem.lastIndexOfScalar(u8, line, ']') orelse return null;
    const rest = std.mem.trim(u8, line[close + 1 ..], " \t");
    if (rest.len > 0 and rest[0] != ';' and rest[0] != '#') return null;
    const name = std.mem.trim(u8, line[1..close], " \t");
    return if (name.len == 0) null else name;
}

/// The object of a section, made at its first mention.
fn child(ctx: tlo.Context, root: *Value, name: []const u8) !*Value {
    const entry = try root.object.getOrPut(name);
    if (!entry.found_existing) {
        entry.value_ptr.* = .{ .object = std.json.ObjectMap.init(ctx.allocator) };
    } else if (entry.value_ptr.* != .object) {
        return ctx.permanent("input: section {s} is a key too", .{name});
    }
    return entry.value_ptr;
}

/// A value in quotes keeps its spaces; else a comment after a space is cut off.
fn unquote(value: []const u8) []const u8 {
    if (value.len >= 2 and value[0] == '"') {
        if (std.mem.indexOfScalarPos(u8, value, 1, '"')) |end| return value[1..end];
    }
    for (value, 0..) |c, i| {
        if ((c == ';' or c == '#') and (i == 0 or value[i - 1] == ' ' or value[i - 1] == '\t')) {
            return std.mem.trimRight(u8, value[0..i], " \t");
        }
    }
    return value;
}

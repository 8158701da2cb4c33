//! The Zig SDK for tlo plugins: background tasks that run as sandboxed
//! WebAssembly modules.
//!
//!     const tlo = @import("tlo");
//!     pub const panic = tlo.panic;
//!
//!     comptime {
//!         tlo.task("hello", hello);
//!     }
//!
//!     fn hello(ctx: tlo.Context, name: []const u8) ![]const u8 {
//!         ctx.info("greeting", .{ .name = name, .attempt = ctx.attempt() });
//!         return ctx.print("Hello, {s}", .{name});
//!     }
//!
//! On every other platform it builds too, and `testing` plays the host.

const std = @import("std");
const builtin = @import("builtin");
const convert = @import("convert.zig");

const wasm = builtin.cpu.arch == .wasm32;
const host = if (wasm) @import("wasm.zig") else @import("fake.zig");

pub const Context = @import("context.zig").Context;
pub const Level = @import("context.zig").Level;
/// A host for unit tests, on any platform but WebAssembly.
pub const testing = if (wasm) void else @import("testing.zig");

/// Makes a task of `fn (Context) !Out` or `fn (Context, In) !Out`. Call it at
/// the top level, in a comptime block. The name has a-z 0-9 _ . - and at most
/// 64 characters.
///
/// In and Out are JSON, except that []const u8 is the raw bytes; Out may be
/// void. An input that does not convert fails the job for good.
pub fn task(comptime name: []const u8, comptime function: anytype) void {
    if (!wasm) return; // tests call the function
    @export(struct {
        fn entry() callconv(.C) i32 {
            return run(function, std.heap.wasm_allocator);
        }
    }.entry, .{ .name = "tlo_run_" ++ name });
}

/// Declares what the plugin's tasks are and ask for: a JSON document, in the
/// section `tlo.tasks`. At most once in a plugin, in a comptime block.
pub fn declare(comptime json: []const u8) void {
    if (!wasm) return;
    _ = struct {
        comptime {
            asm (".section .custom_section.tlo.tasks,\"\",@\n.ascii \"" ++ escape(json) ++ "\"\n");
        }
    };
}

fn escape(comptime text: []const u8) []const u8 {
    @setEvalBranchQuota(text.len * 20);
    var out: []const u8 = "";
    for (text) |c| {
        out = out ++ switch (c) {
            '"', '\\' => [_]u8{ '\\', c },
            '\n' => " ",
            else => [_]u8{c},
        };
    }
    return out;
}

/// Ends the attempt as a trap, with the text. Make it the program's:
/// `pub const panic = tlo.panic;`
pub fn panic(message: []const u8, _: ?*std.builtin.StackTrace, _: ?usize) noreturn {
    if (!wasm) std.debug.panic("{s}", .{message});
    var buffer: [1024]u8 = undefined;
    host.fail(0, std.fmt.bufPrint(&buffer, "panic: {s}", .{message}) catch message);
    @trap();
}

/// Runs one attempt and returns the code of the entry, as in sysexits.h.
pub fn run(comptime function: anytype, allocator: std.mem.Allocator) i32 {
    attempt(function, .{ .allocator = allocator }) catch |err| switch (err) {
        error.Failed => return 1,
        error.Permanent => return 65,
        error.Snoozed => return 75,
        else => {
            host.fail(0, @errorName(err));
            return 1;
        },
    };
    return 0;
}

fn attempt(comptime function: anytype, ctx: Context) anyerror!void {
    const params = @typeInfo(@TypeOf(function)).Fn.params;
    const out = if (params.len == 1) try function(ctx) else blk: {
        const In = params[1].type.?;
        const input = convert.fromInput(In, ctx.allocator, try ctx.input()) catch |err|
            return ctx.permanent("input: {s}", .{convert.explain(err)});
        break :blk try function(ctx, input);
    };
    const bytes = try convert.toOutput(ctx.allocator, out);
    if (!host.output(bytes)) {
        return ctx.permanent("the output has {d} bytes, over the task's limit: raise output in its block", .{bytes.len});
    }
}

test {
    _ = @import("convert.zig");
}

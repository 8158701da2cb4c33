//! The imports of version 1 of the contract. The host copies during the call
//! and keeps no pointer.

const imports = struct {
    extern "tlo" fn input_len() u32;
    extern "tlo" fn input_read(to: [*]u8, len: u32, off: u32) u32;
    extern "tlo" fn output_write(from: [*]const u8, len: u32) i32;
    extern "tlo" fn log(level: i32, message: [*]const u8, len: u32) void;
    extern "tlo" fn log_kv(level: i32, message: [*]const u8, len: u32, kv: [*]const u8, kv_len: u32) void;
    extern "tlo" fn progress(fraction: f64) void;
    extern "tlo" fn progress_msg(fraction: f64, message: [*]const u8, len: u32) void;
    extern "tlo" fn cancelled() i32;
    extern "tlo" fn deadline_ms() i64;
    extern "tlo" fn meta(key: [*]const u8, len: u32, to: [*]u8, cap: u32) i32;
    extern "tlo" fn config(key: [*]const u8, len: u32, to: [*]u8, cap: u32) i32;
    extern "tlo" fn random(to: [*]u8, len: u32) void;
    extern "tlo" fn fail(kind: i32, why: [*]const u8, len: u32) void;
    extern "tlo" fn snooze(delay_ms: i64) void;
};

/// An empty slice may point anywhere, also outside of memory, which the host
/// refuses.
fn at(bytes: anytype) @TypeOf(bytes.ptr) {
    return if (bytes.len == 0) @ptrFromInt(1) else bytes.ptr;
}

pub fn inputLen() usize {
    return imports.input_len();
}

pub fn inputRead(to: []u8, off: usize) usize {
    return imports.input_read(at(to), @intCast(to.len), @intCast(off));
}

pub fn output(bytes: []const u8) bool {
    return imports.output_write(at(bytes), @intCast(bytes.len)) == 0;
}

pub fn log(level: i32, message: []const u8, fields: ?[]const u8) void {
    if (fields) |f| {
        imports.log_kv(level, at(message), @intCast(message.len), at(f), @intCast(f.len));
    } else {
        imports.log(level, at(message), @intCast(message.len));
    }
}

pub fn progress(fraction: f64, message: ?[]const u8) void {
    if (message) |m| {
        imports.progress_msg(fraction, at(m), @intCast(m.len));
    } else {
        imports.progress(fraction);
    }
}

pub fn cancelled() bool {
    return imports.cancelled() != 0;
}

pub fn deadlineMs() i64 {
    return imports.deadline_ms();
}

/// The length of the value, of which as much is copied as fits; negative if
/// there is none.
pub fn meta(key: []const u8, to: []u8) i32 {
    return imports.meta(at(key), @intCast(key.len), at(to), @intCast(to.len));
}

pub fn config(key: []const u8, to: []u8) i32 {
    return imports.config(at(key), @intCast(key.len), at(to), @intCast(to.len));
}

pub fn random(to: []u8) void {
    const at_once = 64 << 10; // the host's limit
    var rest = to;
    while (rest.len > 0) {
        const n = @min(rest.len, at_once);
        imports.random(rest.ptr, @intCast(n));
        rest = rest[n..];
    }
}

pub fn fail(kind: i32, why: []const u8) void {
    imports.fail(kind, at(why), @intCast(why.len));
}

pub fn snooze(delay_ms: i64) void {
    imports.snooze(delay_ms);
}

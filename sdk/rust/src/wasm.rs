//! The host behind the imports of version 1 of the contract. It copies during
//! the call and keeps no pointer.

mod imports {
    #[link(wasm_import_module = "tlo")]
    extern "C" {
        pub fn input_len() -> usize;
        pub fn input_read(to: *mut u8, len: usize, off: usize) -> usize;
        pub fn output_write(from: *const u8, len: usize) -> i32;
        pub fn log(level: i32, message: *const u8, len: usize);
        pub fn log_kv(level: i32, message: *const u8, len: usize, fields: *const u8, fields_len: usize);
        pub fn progress(fraction: f64);
        pub fn progress_msg(fraction: f64, message: *const u8, len: usize);
        pub fn cancelled() -> i32;
        pub fn deadline_ms() -> i64;
        pub fn meta(key: *const u8, len: usize, to: *mut u8, cap: usize) -> isize;
        pub fn config(key: *const u8, len: usize, to: *mut u8, cap: usize) -> isize;
        pub fn random(to: *mut u8, len: usize);
        pub fn fail(kind: i32, why: *const u8, len: usize);
        pub fn snooze(delay_ms: i64);
    }
}

// SAFETY, of all calls below: pointer and length are those of one slice or
// string that lives until the call returns.

pub fn input() -> Vec<u8> {
    let mut bytes = vec![0; unsafe { imports::input_len() }];
    let mut read = 0;
    while read < bytes.len() {
        let rest = &mut bytes[read..];
        match unsafe { imports::input_read(rest.as_mut_ptr(), rest.len(), read) } {
            0 => break,
            n => read += n,
        }
    }
    bytes.truncate(read);
    bytes
}

pub fn output(bytes: &[u8]) -> bool {
    unsafe { imports::output_write(bytes.as_ptr(), bytes.len()) == 0 }
}

pub fn log(level: i32, message: &str, fields: Option<&str>) {
    match fields {
        None => unsafe { imports::log(level, message.as_ptr(), message.len()) },
        Some(f) => unsafe { imports::log_kv(level, message.as_ptr(), message.len(), f.as_ptr(), f.len()) },
    }
}

pub fn progress(fraction: f64, message: Option<&str>) {
    match message {
        None => unsafe { imports::progress(fraction) },
        Some(m) => unsafe { imports::progress_msg(fraction, m.as_ptr(), m.len()) },
    }
}

pub fn cancelled() -> bool {
    unsafe { imports::cancelled() != 0 }
}

pub fn deadline_ms() -> i64 {
    unsafe { imports::deadline_ms() }
}

pub fn meta(key: &str) -> Option<String> {
    lookup(|to| unsafe { imports::meta(key.as_ptr(), key.len(), to.as_mut_ptr(), to.len()) })
}

pub fn config(key: &str) -> Option<String> {
    lookup(|to| unsafe { imports::config(key.as_ptr(), key.len(), to.as_mut_ptr(), to.len()) })
}

/// Most values fit the first buffer; others need a second call.
fn lookup(get: impl Fn(&mut [u8]) -> isize) -> Option<String> {
    let mut bytes = vec![0; 128];
    loop {
        let n = usize::try_from(get(&mut bytes)).ok()?;
        let whole = n <= bytes.len();
        bytes.resize(n, 0);
        if whole {
            return String::from_utf8(bytes).ok();
        }
    }
}

pub fn random(to: &mut [u8]) {
    const AT_ONCE: usize = 64 << 10; // the host's limit
    for part in to.chunks_mut(AT_ONCE) {
        unsafe { imports::random(part.as_mut_ptr(), part.len()) }
    }
}

pub fn fail(kind: i32, why: &str) {
    unsafe { imports::fail(kind, why.as_ptr(), why.len()) }
}

pub fn snooze(delay_ms: i64) {
    unsafe { imports::snooze(delay_ms) }
}

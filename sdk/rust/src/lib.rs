//! The Rust SDK for tlo plugins: background tasks that run as sandboxed
//! WebAssembly modules. It needs no other crate.
//!
//! ```
//! use tlo::{Context, Error};
//!
//! tlo::task!(hello);
//!
//! fn hello(ctx: &Context, name: String) -> Result<String, Error> {
//!     tlo::info!("greeting", name = &name, attempt = ctx.attempt());
//!     Ok(format!("Hello, {name}"))
//! }
//! ```
//!
//! A plugin is a `cdylib` for `wasm32-wasip1` (`wasm32-wasi` before Rust 1.78).
//! On every other platform the crate builds too, and [`testing`] plays the host.

#![warn(missing_docs)]

mod context;
mod convert;
mod error;
pub mod json;
mod log;

#[cfg_attr(target_arch = "wasm32", path = "wasm.rs")]
#[cfg_attr(not(target_arch = "wasm32"), path = "fake.rs")]
mod host;

#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use context::Context;
pub use convert::{FromInput, IntoOutput};
pub use error::Error;
pub use log::{log, Level};

/// Makes a task of a function `fn(&Context, In) -> Result<Out, Error>`, where
/// `In` is [`FromInput`] and `Out` is [`IntoOutput`].
///
/// `task!(hello)` names it after the function; `task!("csv-to-json", convert)`
/// gives another name, of `a-z 0-9 _ . -` and at most 64 bytes.
#[macro_export]
macro_rules! task {
    ($function:ident) => {
        $crate::task!(@export concat!("tlo_run_", stringify!($function)), $function);
    };
    ($name:literal, $function:path) => {
        $crate::task!(@export concat!("tlo_run_", $name), $function);
    };
    (@export $export:expr, $function:path) => {
        const _: () = {
            #[export_name = $export]
            extern "C" fn run() -> i32 {
                $crate::run($function)
            }
        };
    };
}

/// Declares what the plugin's tasks are and ask for: a JSON document, in the
/// section `tlo.tasks`. At most once in a plugin.
///
/// ```
/// tlo::declare!(r#"{"abi":1,"tasks":[{"name":"hello","timeout":"10s"}]}"#);
/// ```
#[macro_export]
macro_rules! declare {
    ($json:expr) => {
        const _: () = {
            const JSON: &str = $json;
            #[cfg_attr(target_arch = "wasm32", link_section = "tlo.tasks")]
            #[used]
            static SECTION: [u8; JSON.len()] = $crate::bytes(JSON);
        };
    };
}

#[doc(hidden)]
pub const fn bytes<const N: usize>(s: &str) -> [u8; N] {
    let mut out = [0; N];
    let mut i = 0;
    while i < N {
        out[i] = s.as_bytes()[i];
        i += 1;
    }
    out
}

/// Runs one attempt and returns the code of the entry. [`task!`] calls it.
#[doc(hidden)]
pub fn run<In: FromInput, Out: IntoOutput>(task: fn(&Context, In) -> Result<Out, Error>) -> i32 {
    error::report_panics();
    let result = In::from_input(host::input())
        .map_err(|why| Error::permanent(format!("input: {why}")))
        .and_then(|input| task(&Context::new(), input))
        .and_then(|out| {
            let out = out.into_output();
            if host::output(&out) {
                return Ok(());
            }
            Err(Error::permanent(format!(
                "the output has {} bytes, over the task's limit: raise output in its block",
                out.len()
            )))
        });
    match result {
        Ok(()) => 0,
        Err(e) => e.tell(),
    }
}

use crate::host;
use crate::json::Value;

/// The severity of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Writes a line with fields to the job's log. The macros [`trace!`](crate::trace),
/// [`debug!`](crate::debug), [`info!`](crate::info), [`warn!`](crate::warn) and
/// [`error!`](crate::error) do it more briefly. The host decides what is kept.
pub fn log(level: Level, message: &str, fields: &[(&str, Value)]) {
    if fields.is_empty() {
        host::log(level as i32, message, None);
        return;
    }
    let fields = fields.iter().map(|(k, v)| (k.to_string(), v.clone())).collect();
    host::log(level as i32, message, Some(&Value::Object(fields).to_string()));
}

/// Logs a line at a level: `log_at!(Level::Info, "copied", bytes = 3)`.
#[macro_export]
macro_rules! log_at {
    ($level:expr, $message:expr $(, $key:ident = $value:expr)* $(,)?) => {
        $crate::log($level, ::core::convert::AsRef::<str>::as_ref(&$message),
            &[$((stringify!($key), $crate::json::Value::from($value))),*])
    };
}

/// Logs a line at level trace, as [`info!`](crate::info) does.
#[macro_export]
macro_rules! trace { ($($line:tt)*) => { $crate::log_at!($crate::Level::Trace, $($line)*) }; }

/// Logs a line at level debug, as [`info!`](crate::info) does.
#[macro_export]
macro_rules! debug { ($($line:tt)*) => { $crate::log_at!($crate::Level::Debug, $($line)*) }; }

/// Logs a line with fields: `info!("copied", file = name, bytes = 3)`. Values
/// are what [`json::Value`](crate::json::Value) can be made from.
#[macro_export]
macro_rules! info { ($($line:tt)*) => { $crate::log_at!($crate::Level::Info, $($line)*) }; }

/// Logs a line at level warn, as [`info!`](crate::info) does.
#[macro_export]
macro_rules! warn { ($($line:tt)*) => { $crate::log_at!($crate::Level::Warn, $($line)*) }; }

/// Logs a line at level error, as [`info!`](crate::info) does.
#[macro_export]
macro_rules! error { ($($line:tt)*) => { $crate::log_at!($crate::Level::Error, $($line)*) }; }

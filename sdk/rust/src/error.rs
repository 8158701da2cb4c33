use crate::host;
use std::fmt::Display;
use std::time::Duration;

/// Why an attempt did not succeed, and what is to become of the job.
///
/// Every [`std::error::Error`] becomes one that leaves it to the retry policy,
/// so `?` works on anything. Like `anyhow::Error`, it is therefore none itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The task's retry policy decides.
    Retry(String),
    /// Trying again is useless.
    Permanent(String),
    /// Again after a delay; not a failure.
    Snooze(Duration, String),
}

impl Error {
    /// The attempt failed; the task's retry policy decides what follows.
    pub fn retry(why: impl Display) -> Self {
        Error::Retry(why.to_string())
    }

    /// The job failed, and trying again is useless.
    pub fn permanent(why: impl Display) -> Self {
        Error::Permanent(why.to_string())
    }

    /// It is too early: again after at least `delay`, which is rounded up to a
    /// millisecond. The reason goes to the log.
    pub fn snooze(delay: Duration, why: impl Display) -> Self {
        Error::Snooze(delay, why.to_string())
    }

    /// Tells the host and returns the code of the entry, as in sysexits.h.
    pub(crate) fn tell(&self) -> i32 {
        match self {
            Error::Retry(why) => {
                host::fail(0, why);
                1
            }
            Error::Permanent(why) => {
                host::fail(1, why);
                65
            }
            Error::Snooze(delay, why) => {
                host::fail(2, why);
                let ms = (delay.as_nanos() + 999_999) / 1_000_000;
                host::snooze(i64::try_from(ms).unwrap_or(i64::MAX));
                75
            }
        }
    }
}

impl<E: std::error::Error> From<E> for Error {
    fn from(e: E) -> Self {
        Error::Retry(e.to_string())
    }
}

/// A panic then says why in the attempt's failure, where without it there
/// would be a trap and a line in the log.
pub(crate) fn report_panics() {
    #[cfg(target_arch = "wasm32")]
    std::panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let why = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("of an unknown type");
        let place = info.location().map(|l| format!(" at {l}")).unwrap_or_default();
        host::fail(0, &format!("panic: {why}{place}"));
    }));
}

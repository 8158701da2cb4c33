//! A host for unit tests, on any platform but WebAssembly. The task runs in the
//! test's own thread.
//!
//! ```
//! use tlo::{testing::Attempt, Context, Error};
//!
//! fn hello(_: &Context, name: String) -> Result<String, Error> {
//!     Ok(format!("Hello, {name}"))
//! }
//!
//! let outcome = Attempt::new().input("Ada").run(hello);
//! assert_eq!(outcome.text(), Ok("Hello, Ada"));
//! ```

use crate::{host, Context, Error, FromInput, IntoOutput};
use std::collections::HashMap;
use std::panic::{catch_unwind, resume_unwind};
use std::time::Duration;

/// What an attempt is given.
#[derive(Debug, Clone, Default)]
pub struct Attempt {
    pub(crate) input: Vec<u8>,
    pub(crate) config: HashMap<String, String>,
    pub(crate) meta: HashMap<String, String>,
    pub(crate) remaining: Option<Duration>,
    pub(crate) cancel_at_poll: Option<u32>,
    pub(crate) output_limit: Option<usize>,
}

/// What came of an attempt.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// What the entry returned: 0, 1, 65 or 75.
    pub code: i32,
    /// The job's output.
    pub output: Vec<u8>,
    /// Why it is none: see [`Outcome::text`].
    pub error: Option<Error>,
    /// The log, a line each: `info copied {"file":"a"}`.
    pub log: Vec<String>,
    /// What was reported of the progress.
    pub progress: Vec<(f64, String)>,

    pub(crate) failed: Option<(i32, String)>,
    pub(crate) snooze_ms: Option<i64>,
    pub(crate) drawn: u64,
}

impl Outcome {
    /// The output as text, or why the attempt did not succeed.
    pub fn text(&self) -> Result<&str, Error> {
        match &self.error {
            Some(e) => Err(e.clone()),
            None => std::str::from_utf8(&self.output).map_err(Error::from),
        }
    }
}

impl Attempt {
    /// An attempt without input.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the input.
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Sets a value of the task's `config` map.
    pub fn config(mut self, key: &str, value: &str) -> Self {
        self.config.insert(key.into(), value.into());
        self
    }

    /// Sets a fact about the job, such as `attempt` or `tick`.
    pub fn meta(mut self, key: &str, value: &str) -> Self {
        self.meta.insert(key.into(), value.into());
        self
    }

    /// Sets what [`Context::remaining`] returns.
    pub fn remaining(mut self, d: Duration) -> Self {
        self.remaining = Some(d);
        self
    }

    /// Has the attempt cancelled from that call of [`Context::cancelled`] on;
    /// the first is 1.
    pub fn cancel_at_poll(mut self, n: u32) -> Self {
        self.cancel_at_poll = Some(n);
        self
    }

    /// Limits the output, in bytes.
    pub fn output_limit(mut self, n: usize) -> Self {
        self.output_limit = Some(n);
        self
    }

    /// Runs a task. A panic of the task goes on through this call.
    pub fn run<In: FromInput, Out: IntoOutput>(self, task: fn(&Context, In) -> Result<Out, Error>) -> Outcome {
        host::begin(self);
        let code = catch_unwind(|| crate::run(task));
        let mut outcome = host::end();
        match code {
            Ok(code) => outcome.code = code,
            Err(panic) => resume_unwind(panic),
        }
        outcome.error = match (outcome.code, outcome.failed.take(), outcome.snooze_ms) {
            (0, _, _) => None,
            (_, Some((2, why)), Some(ms)) => Some(Error::snooze(Duration::from_millis(ms as u64), why)),
            (_, Some((1, why)), _) => Some(Error::permanent(why)),
            (_, failed, _) => Some(Error::retry(failed.map(|f| f.1).unwrap_or_default())),
        };
        outcome
    }
}

//! The host of unit tests: what the attempt that runs on this thread is given,
//! and what it says.

use crate::testing::{Attempt, Outcome};
use std::cell::RefCell;

thread_local! {
    static NOW: RefCell<Option<(Attempt, Outcome, u32)>> = const { RefCell::new(None) };
}

/// Makes an attempt the one that runs on this thread.
pub fn begin(attempt: Attempt) {
    NOW.with(|now| *now.borrow_mut() = Some((attempt, Outcome::default(), 0)));
}

/// Returns what came of it.
pub fn end() -> Outcome {
    NOW.with(|now| now.borrow_mut().take()).map(|(_, outcome, _)| outcome).unwrap_or_default()
}

fn with<T>(f: impl FnOnce(&Attempt, &mut Outcome, &mut u32) -> T) -> T {
    NOW.with(|now| {
        let mut now = now.borrow_mut();
        let (attempt, outcome, polls) =
            now.as_mut().expect("no attempt runs on this thread; start one with tlo::testing::Attempt");
        f(attempt, outcome, polls)
    })
}

pub fn input() -> Vec<u8> {
    with(|a, _, _| a.input.clone())
}

pub fn output(bytes: &[u8]) -> bool {
    with(|a, o, _| {
        if a.output_limit.map_or(false, |limit| o.output.len() + bytes.len() > limit) {
            return false;
        }
        o.output.extend_from_slice(bytes);
        true
    })
}

pub fn log(level: i32, message: &str, fields: Option<&str>) {
    const NAMES: [&str; 5] = ["trace", "debug", "info", "warn", "error"];
    let name = NAMES[level.clamp(0, 4) as usize];
    let fields = fields.map(|f| format!(" {f}")).unwrap_or_default();
    with(|_, o, _| o.log.push(format!("{name} {message}{fields}")))
}

pub fn progress(fraction: f64, message: Option<&str>) {
    if !fraction.is_nan() {
        let message = message.unwrap_or("").to_string();
        with(|_, o, _| o.progress.push((fraction.clamp(0.0, 1.0), message)))
    }
}

pub fn cancelled() -> bool {
    with(|a, _, polls| {
        *polls += 1;
        a.cancel_at_poll.map_or(false, |at| *polls >= at)
    })
}

pub fn deadline_ms() -> i64 {
    with(|a, _, _| a.remaining.map_or(-1, |d| d.as_millis() as i64))
}

pub fn meta(key: &str) -> Option<String> {
    let usual = match key {
        "task" => "test",
        "job_id" | "idempotency_key" => "job",
        "attempt" => "1",
        "queue" => "default",
        "scheduled_at" => "2026-01-02T03:04:05Z",
        _ => "",
    };
    let own = with(|a, _, _| a.meta.get(key).cloned());
    own.or_else(|| Some(usual.to_string()).filter(|v| !v.is_empty()))
}

pub fn config(key: &str) -> Option<String> {
    with(|a, _, _| a.config.get(key).cloned())
}

/// Not random at all, but never twice the same, and the same in every run.
pub fn random(to: &mut [u8]) {
    with(|_, o, _| {
        for byte in to {
            o.drawn = o.drawn.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            *byte = (o.drawn >> 56) as u8;
        }
    })
}

pub fn fail(kind: i32, why: &str) {
    with(|_, o, _| o.failed = Some((kind, why.to_string())))
}

pub fn snooze(delay_ms: i64) {
    with(|_, o, _| o.snooze_ms = Some(delay_ms))
}

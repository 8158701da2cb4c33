use crate::host;
use std::time::Duration;

/// One attempt as its task sees it: whether to go on, what to report, and which
/// job this is.
pub struct Context(());

impl Context {
    pub(crate) fn new() -> Self {
        Context(())
    }

    /// Asks the host whether the attempt is to stop. Nothing calls into a
    /// plugin, so a loop has to ask.
    pub fn cancelled(&self) -> bool {
        host::cancelled()
    }

    /// How long until the host ends the attempt, whatever the task does then;
    /// `None` if it will not.
    pub fn remaining(&self) -> Option<Duration> {
        u64::try_from(host::deadline_ms()).ok().map(Duration::from_millis)
    }

    /// Reports the fraction done, 0 to 1.
    pub fn progress(&self, fraction: f64) {
        host::progress(fraction, None);
    }

    /// Reports the fraction done and what is being done.
    pub fn progress_message(&self, fraction: f64, message: &str) {
        host::progress(fraction, Some(message));
    }

    /// A value of the task's `config` map.
    pub fn config(&self, key: &str) -> Option<String> {
        host::config(key)
    }

    /// Fills `to` with random bytes that are fresh in every attempt and fit for
    /// secrets. The keys of a `HashMap` may not be: attempts may start from an
    /// image of the plugin.
    pub fn random(&self, to: &mut [u8]) {
        host::random(to);
    }

    /// One random number.
    pub fn random_u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.random(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// The task's name.
    pub fn task(&self) -> String {
        self.meta("task")
    }

    /// The id of the job, the same for all its attempts.
    pub fn job_id(&self) -> String {
        self.meta("job_id")
    }

    /// Which attempt of the job this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.meta("attempt").parse().unwrap_or(0)
    }

    /// The queue the job came from.
    pub fn queue(&self) -> String {
        self.meta("queue")
    }

    /// When the job was due: RFC 3339, in UTC.
    pub fn scheduled_at(&self) -> Option<String> {
        host::meta("scheduled_at")
    }

    /// The planned time that made the job, RFC 3339 in UTC; `None` unless a
    /// schedule did.
    pub fn tick(&self) -> Option<String> {
        host::meta("tick")
    }

    /// A key that is the same for all attempts of the job, for services that
    /// drop repeated requests.
    pub fn idempotency_key(&self) -> String {
        self.meta("idempotency_key")
    }

    fn meta(&self, key: &str) -> String {
        host::meta(key).unwrap_or_default()
    }
}

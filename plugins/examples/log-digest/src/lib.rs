//! log-digest: what went wrong in a log, and how often. See README.md.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use tlo::json::Value;
use tlo::{Context, Error};

tlo::declare!(
    r#"{"abi": 1, "tasks": [{"name": "log-digest", "description": "the most frequent problems of a log", "needs": ["files"]}]}"#
);

tlo::task!("log-digest", log_digest);

/// Of the words that name a level, the worst first.
const LEVELS: [(&str, &[&str]); 3] = [
    ("fatal", &["FATAL", "PANIC", "CRITICAL", "EMERG", "CRIT"]),
    ("error", &["ERROR", "ERR"]),
    ("warn", &["WARN", "WARNING"]),
];

/// How many different messages are counted; later ones are counted as others.
const KINDS: usize = 100_000;

fn log_digest(ctx: &Context, input: Vec<u8>) -> Result<Value, Error> {
    let request = std::str::from_utf8(&input).ok().and_then(|text| Value::parse(text).ok());
    let mut digest = Digest::default();
    match request.as_ref().and_then(|r| r.get("file")).map(Value::as_str) {
        Some(Some(path)) => digest.read(ctx, open(path)?)?,
        Some(None) => return Err(Error::permanent("input: file is a path such as \"/logs/app.log\"")),
        None => digest.read(ctx, input.as_slice())?,
    }
    let top = match ctx.config("top") {
        None => 10,
        Some(n) => n.parse().map_err(|_| Error::permanent(format!("config: top is {n:?}: use a number")))?,
    };
    Ok(digest.report(top))
}

fn open(path: &str) -> Result<BufReader<File>, Error> {
    let file = File::open(path).map_err(|e| Error::retry(format!("open {path}: {e}: is there a grant for it?")))?;
    Ok(BufReader::new(file))
}

#[derive(Default)]
struct Digest {
    lines: u64,
    levels: [u64; LEVELS.len()],
    kinds: HashMap<String, Kind>,
    others: u64,
}

/// Lines that differ in numbers only.
struct Kind {
    count: u64,
    level: usize,
    first: u64,
    example: String,
}

impl Digest {
    fn read(&mut self, ctx: &Context, mut from: impl BufRead) -> Result<(), Error> {
        let mut bytes = Vec::new();
        while from.read_until(b'\n', &mut bytes)? > 0 {
            self.add(String::from_utf8_lossy(&bytes).trim_end());
            bytes.clear();
            if self.lines % 4096 == 0 && ctx.cancelled() {
                return Err(Error::retry(format!("cancelled at line {}", self.lines)));
            }
        }
        Ok(())
    }

    fn add(&mut self, line: &str) {
        self.lines += 1;
        let level = match level(line) {
            Some(level) => level,
            None => return,
        };
        self.levels[level] += 1;
        let pattern = pattern(line);
        if let Some(kind) = self.kinds.get_mut(&pattern) {
            kind.count += 1;
        } else if self.kinds.len() < KINDS {
            let example = line.chars().take(500).collect();
            self.kinds.insert(pattern, Kind { count: 1, level, first: self.lines, example });
        } else {
            self.others += 1;
        }
    }

    fn report(self, top: usize) -> Value {
        let mut kinds: Vec<Kind> = self.kinds.into_values().collect();
        kinds.sort_by_key(|k| (k.level, std::cmp::Reverse(k.count), k.first));
        let different = kinds.len();
        kinds.truncate(top);
        let problems = kinds.into_iter().map(|k| {
            Value::object([
                ("level", LEVELS[k.level].0.into()),
                ("count", k.count.into()),
                ("first_line", k.first.into()),
                ("example", k.example.into()),
            ])
        });
        let levels = LEVELS.iter().zip(self.levels).map(|((name, _), n)| (name.to_string(), n.into()));
        Value::object([
            ("lines", self.lines.into()),
            ("levels", Value::Object(levels.collect())),
            ("different", different.into()),
            ("not_compared", self.others.into()),
            ("problems", problems.collect::<Vec<_>>().into()),
        ])
    }
}

/// The first word of a line that names a level decides.
fn level(line: &str) -> Option<usize> {
    line.split(|c: char| !c.is_ascii_alphanumeric()).find_map(|word| {
        LEVELS.iter().position(|(_, words)| words.iter().any(|w| w.eq_ignore_ascii_case(word)))
    })
}

/// The line with # for each run of digits, and for words that have some: they
/// are times, ids and addresses.
fn pattern(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for part in line.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let word = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        out.push_str(if word.bytes().any(|b| b.is_ascii_digit()) { "#" } else { word });
        out.push_str(&part[word.len()..]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use tlo::testing::Attempt;

    #[test]
    fn digests() {
        let log = "10:01 INFO up\n10:02 ERROR job 17 timed out\n10:03 WARN slow\n10:04 ERROR job 4af2 timed out\n";
        let outcome = Attempt::new().input(log).config("top", "1").run(log_digest);
        assert_eq!(
            outcome.text(),
            Ok("{\"lines\":4,\"levels\":{\"fatal\":0,\"error\":2,\"warn\":1},\"different\":2,\"not_compared\":0,\
                \"problems\":[{\"level\":\"error\",\"count\":2,\"first_line\":2,\"example\":\"10:02 ERROR job 17 timed out\"}]}")
        );
    }

    #[test]
    fn levels() {
        assert_eq!(level("[warning] an error occurred"), Some(2));
        assert_eq!(level("level=ERR msg=x"), Some(1));
        assert_eq!(level("terror and mirrors"), None);
    }
}

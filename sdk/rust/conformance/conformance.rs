// The plugin with which the Rust SDK takes the conformance suite, in
// tests/conformance: one task for each behaviour.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tlo::json::Value;
use tlo::{Context, Error};

tlo::declare!(
    r#"{"abi": 1, "tasks": [
    {"name": "echo", "description": "returns its \"input\""}, {"name": "sum"}, {"name": "hello"},
    {"name": "log"}, {"name": "progress"}, {"name": "until-cancelled"}, {"name": "deadline"},
    {"name": "permanent"}, {"name": "retry"}, {"name": "snooze"}, {"name": "panic"},
    {"name": "random"}, {"name": "config"}, {"name": "meta"}, {"name": "count"}
]}"#
);

tlo::task!(echo);
tlo::task!(sum);
tlo::task!(hello);
tlo::task!(log);
tlo::task!(progress);
tlo::task!("until-cancelled", until_cancelled);
tlo::task!(deadline);
tlo::task!(permanent);
tlo::task!(retry);
tlo::task!(snooze);
tlo::task!("panic", panics);
tlo::task!(random);
tlo::task!(config);
tlo::task!(meta);
tlo::task!(count);

fn echo(_: &Context, input: Vec<u8>) -> Result<Vec<u8>, Error> {
    Ok(input)
}

fn sum(_: &Context, input: Value) -> Result<Value, Error> {
    if input.as_object().is_none() {
        return Err(Error::permanent("input: it is no object"));
    }
    let number = |key| match input.get(key) {
        None => Ok(0),
        Some(v) => v.as_i64().ok_or_else(|| Error::permanent(format!("input: {key} is no whole number: {v}"))),
    };
    Ok(Value::object([("sum", (number("a")? + number("b")?).into())]))
}

fn hello(_: &Context, input: Value) -> Result<Value, Error> {
    let name = input.get("name").and_then(Value::as_str);
    let name = name.ok_or_else(|| Error::permanent("input: name is no string"))?;
    Ok(Value::object([("greeting", format!("Hello, {name}").into())]))
}

fn log(_: &Context, _: ()) -> Result<(), Error> {
    tlo::trace!("entering");
    tlo::debug!("no fields");
    tlo::info!("copied \"file\"\n", name = "a\"b\\c\n\x01é", size = -9007199254740993i64, ratio = 0.5, ok = true);
    tlo::warn!("slow", empty = "");
    tlo::error!("погано");
    Ok(())
}

fn progress(ctx: &Context, _: ()) -> Result<(), Error> {
    ctx.progress(0.25);
    ctx.progress_message(0.5, "half");
    ctx.progress_message(1.0, "done");
    Ok(())
}

fn until_cancelled(ctx: &Context, _: ()) -> Result<&'static str, Error> {
    if ctx.cancelled() {
        return Ok("cancelled too early");
    }
    ctx.progress(0.5);
    while !ctx.cancelled() {}
    Ok("stopped")
}

fn deadline(ctx: &Context, _: ()) -> Result<String, Error> {
    Ok(ctx.remaining().map_or("none".to_string(), |d| d.as_millis().to_string()))
}

fn permanent(_: &Context, _: ()) -> Result<(), Error> {
    Err(Error::permanent("broken"))
}

fn retry(_: &Context, _: ()) -> Result<(), Error> {
    Err(std::io::Error::new(std::io::ErrorKind::Other, "broken"))?
}

fn snooze(_: &Context, _: ()) -> Result<(), Error> {
    Err(Error::snooze(Duration::from_secs(90), "too early"))
}

fn panics(_: &Context, _: ()) -> Result<(), Error> {
    panic!("out of {}", "cheese")
}

fn random(ctx: &Context, _: ()) -> Result<String, Error> {
    let mut bytes = [0; 32];
    ctx.random(&mut bytes);
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

fn config(ctx: &Context, key: String) -> Result<String, Error> {
    Ok(ctx.config(&key).map_or("not set".to_string(), |v| format!("={v}")))
}

fn meta(ctx: &Context, _: ()) -> Result<String, Error> {
    Ok([
        ctx.task(),
        ctx.job_id(),
        ctx.attempt().to_string(),
        ctx.queue(),
        ctx.scheduled_at().unwrap_or_default(),
        ctx.tick().unwrap_or_default(),
        ctx.idempotency_key(),
    ]
    .join("\n"))
}

fn count(_: &Context, _: ()) -> Result<String, Error> {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    Ok((RUNS.fetch_add(1, Ordering::Relaxed) + 1).to_string())
}

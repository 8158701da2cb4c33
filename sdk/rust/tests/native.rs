//! The tasks of the conformance suite, against the host of unit tests.

use tlo::testing::Attempt;

include!("../conformance/conformance.rs");

#[test]
fn input_and_output() {
    assert_eq!(Attempt::new().input("some bytes").run(echo).text(), Ok("some bytes"));
    assert_eq!(Attempt::new().run(echo).output, b"");
    assert_eq!(Attempt::new().input("{\"a\":1,\"b\":41}").run(sum).text(), Ok("{\"sum\":42}"));
    let over = Attempt::new().input("12345").output_limit(4).run(echo);
    assert_eq!((over.code, over.output), (65, vec![]));
    assert!(matches!(over.error, Some(Error::Permanent(why)) if why.contains("limit")));
}

#[test]
fn bad_input_fails_for_good() {
    for bad in ["{", "[1]", "{\"a\":\"1\"}", "{\"a\":1.5}"] {
        let outcome = Attempt::new().input(bad).run(sum);
        assert!(
            matches!(&outcome.error, Some(Error::Permanent(why)) if why.starts_with("input: ")),
            "{bad}: {outcome:?}"
        );
        assert_eq!(outcome.code, 65);
    }
    fn text(_: &Context, s: String) -> Result<String, Error> {
        Ok(s)
    }
    assert_eq!(Attempt::new().input([b'a', 0xff]).run(text).code, 65);
}

#[test]
fn verdicts() {
    let cases = [
        (Attempt::new().run(permanent), 65, Error::permanent("broken")),
        (Attempt::new().run(retry), 1, Error::retry("broken")),
        (Attempt::new().run(snooze), 75, Error::snooze(Duration::from_secs(90), "too early")),
    ];
    for (outcome, code, error) in cases {
        assert_eq!((outcome.code, outcome.text()), (code, Err(error)));
    }
    fn early(_: &Context, _: ()) -> Result<(), Error> {
        Err(Error::snooze(Duration::from_nanos(1_000_001), ""))
    }
    assert_eq!(Attempt::new().run(early).error, Some(Error::snooze(Duration::from_millis(2), "")));
}

#[test]
#[should_panic(expected = "out of cheese")]
fn a_panic_goes_on() {
    Attempt::new().run(panics);
}

#[test]
fn log_and_progress() {
    let fields = r#"{"name":"a\"b\\c\n\u0001é","size":-9007199254740993,"ratio":0.5,"ok":true}"#;
    assert_eq!(
        Attempt::new().run(log).log,
        [
            "trace entering",
            "debug no fields",
            &format!("info copied \"file\"\n {fields}"),
            "warn slow {\"empty\":\"\"}",
            "error погано"
        ]
    );
    assert_eq!(
        Attempt::new().run(progress).progress,
        [(0.25, String::new()), (0.5, "half".into()), (1.0, "done".into())]
    );
}

#[test]
fn the_rest_of_the_context() {
    assert_eq!(Attempt::new().cancel_at_poll(3).run(until_cancelled).text(), Ok("stopped"));
    assert_eq!(Attempt::new().cancel_at_poll(1).run(until_cancelled).text(), Ok("cancelled too early"));
    assert_eq!(Attempt::new().run(deadline).text(), Ok("none"));
    assert_eq!(Attempt::new().remaining(Duration::from_millis(250)).run(deadline).text(), Ok("250"));
    assert_eq!(Attempt::new().config("a", "").input("a").run(config).text(), Ok("="));
    assert_eq!(Attempt::new().config("a", "").input("b").run(config).text(), Ok("not set"));
    assert_eq!(
        Attempt::new().meta("attempt", "7").meta("tick", "now").run(meta).text(),
        Ok("test\njob\n7\ndefault\n2026-01-02T03:04:05Z\nnow\njob")
    );
    let drawn = Attempt::new().run(random);
    let digits = drawn.text().unwrap();
    assert!(digits.len() == 64 && digits[..32] != digits[32..]);
}

#[test]
fn json() {
    let text = r#" {"s":"\u0041\ud83d\ude42\ud800\n","list":[1,-2.55e1,[],{}],"n":1,"t":true,"n":-9223372036854775808,"over":9223372036854775808} "#;
    let v = Value::parse(text).unwrap();
    assert_eq!(v.get("s").unwrap().as_str(), Some("A🙂\u{fffd}\n"));
    assert_eq!(v.get("n").unwrap().as_i64(), Some(i64::MIN));
    assert_eq!(v.get("over").unwrap().as_i64(), None);
    assert_eq!(v.get("over").unwrap().as_f64(), Some(9223372036854775808.0));
    assert_eq!(v.get("list").unwrap().as_array().unwrap()[1].as_f64(), Some(-25.5));
    assert_eq!(v.get("t").unwrap().as_bool(), Some(true));
    assert_eq!(v.get("x"), None);
    assert_eq!(Value::parse(&v.to_string()), Ok(v));
    assert_eq!(Value::Array(vec![f64::NAN.into(), Value::Object(vec![]), vec![].into()]).to_string(), "[null,{},[]]");
    assert_eq!(Value::parse("{\"a\":}").unwrap_err().offset, 5);
    let deep = |n| "[".repeat(n) + &"]".repeat(n);
    assert!(Value::parse(&deep(64)).is_ok());
    assert_eq!(Value::parse(&deep(65)).unwrap_err().offset, 64);
    for at in 0..text.len() {
        if text.is_char_boundary(at) {
            let _ = Value::parse(&text[..at]); // whatever it is, no panic
        }
    }
}

/* The plugin with which the C SDK takes the conformance suite, in
 * tests/conformance: one task for each behaviour. */
#include "../tlo.h"
#include "../tlo_json.h"

TLO_TASKS({"abi": 1, "tasks": [
	{"name": "echo", "description": "returns its \"input\""}, {"name": "sum"}, {"name": "hello"},
	{"name": "log"}, {"name": "progress"}, {"name": "until-cancelled"}, {"name": "deadline"},
	{"name": "permanent"}, {"name": "retry"}, {"name": "snooze"}, {"name": "panic"},
	{"name": "random"}, {"name": "config"}, {"name": "meta"}, {"name": "count"}
]})

TLO_TASK(echo)
{
	size_t len;
	const char *in = tlo_input_all(&len);
	tlo_output(in, len);
	return TLO_OK;
}

static bool read_object(tlo_json *doc)
{
	size_t len;
	const char *in = tlo_input_all(&len);
	return tlo_json_parse(doc, in, len, NULL) && tlo_json_kind(*doc) == '{';
}

TLO_TASK(sum)
{
	tlo_json doc, v;
	int64_t a = 0, b = 0;
	if (!read_object(&doc))
		return tlo_permanent("input: it is no JSON object");
	if ((tlo_json_get(doc, "a", &v) && !tlo_json_int(v, &a)) ||
	    (tlo_json_get(doc, "b", &v) && !tlo_json_int(v, &b)))
		return tlo_permanent("input: a and b are whole numbers");
	TLO_TEXT(out, 64);
	tlo_put(&out, "{\"sum\":");
	tlo_put_int(&out, a + b);
	tlo_put(&out, "}");
	tlo_output_text(&out);
	return TLO_OK;
}

TLO_TASK(hello)
{
	tlo_json doc, v;
	char name[256];
	long len = -1;
	if (read_object(&doc) && tlo_json_get(doc, "name", &v))
		len = tlo_json_str(v, name, sizeof name);
	if (len < 0 || (size_t)len >= sizeof name)
		return tlo_permanent("input: name is a string of at most 255 bytes");
	TLO_TEXT(greeting, 512);
	tlo_put(&greeting, "Hello, ");
	tlo_put_bytes(&greeting, name, (size_t)len);
	TLO_TEXT(out, 4096);
	tlo_put(&out, "{\"greeting\":");
	tlo_put_json_n(&out, greeting.data, greeting.len);
	tlo_put(&out, "}");
	tlo_output_text(&out);
	return TLO_OK;
}

TLO_TASK(log)
{
	tlo_trace("entering");
	tlo_debug("no fields");
	tlo_info("copied \"file\"\n", tlo_str("name", "a\"b\\c\n\x01é"), tlo_int("size", -9007199254740993),
		 tlo_float("ratio", 0.5), tlo_bool("ok", true));
	tlo_warn("slow", tlo_str("empty", ""));
	tlo_error("погано");
	return TLO_OK;
}

TLO_TASK(progress)
{
	tlo_progress(0.25);
	tlo_progress_msg(0.5, "half");
	tlo_progress_msg(1, "done");
	return TLO_OK;
}

TLO_TASK_AS(until_cancelled, "until-cancelled")
{
	if (tlo_cancelled()) {
		tlo_output_str("cancelled too early");
		return TLO_OK;
	}
	tlo_progress(0.5);
	while (!tlo_cancelled())
		;
	tlo_output_str("stopped");
	return TLO_OK;
}

TLO_TASK(deadline)
{
	int64_t ms = tlo_deadline_ms();
	TLO_TEXT(out, 32);
	if (ms < 0)
		tlo_put(&out, "none");
	else
		tlo_put_int(&out, ms);
	tlo_output_text(&out);
	return TLO_OK;
}

TLO_TASK(permanent) { return tlo_permanent("broken"); }

TLO_TASK(retry) { return tlo_fail("broken"); }

TLO_TASK(snooze) { return tlo_snooze(90000, "too early"); }

TLO_TASK(panic)
{
	tlo_panic("out of cheese");
	return TLO_OK;
}

TLO_TASK(random)
{
	unsigned char bytes[32];
	TLO_TEXT(out, 65);
	tlo_random(bytes, sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++) {
		tlo_put_bytes(&out, &"0123456789abcdef"[bytes[i] >> 4], 1);
		tlo_put_bytes(&out, &"0123456789abcdef"[bytes[i] & 15], 1);
	}
	tlo_output_text(&out);
	return TLO_OK;
}

TLO_TASK(config)
{
	char value[4096];
	long len = tlo_config(tlo_input_all(NULL), value, sizeof value);
	tlo_output_str(len < 0 ? "not set" : "=");
	tlo_output_str(value);
	return TLO_OK;
}

TLO_TASK(meta)
{
	static const char *const keys[] = {"task", "job_id", "attempt", "queue", "scheduled_at", "tick", "idempotency_key"};
	char value[256];
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		tlo_meta(keys[i], value, sizeof value);
		tlo_output_str(i ? "\n" : "");
		tlo_output_str(value);
	}
	return TLO_OK;
}

TLO_TASK(count)
{
	static int runs;
	TLO_TEXT(out, 32);
	tlo_put_int(&out, ++runs);
	tlo_output_text(&out);
	return TLO_OK;
}

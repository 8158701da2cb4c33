/* Unit tests of the C SDK, for this machine. Exits with 0 if all is well. */
#undef NDEBUG
#include <assert.h>
#include <math.h>

#include "../tlo_json.h"
#include "../tlo_test.h"

#include "../conformance/conformance.c"

static void run(tlo_test *t, int32_t (*task)(void), int code, const char *output)
{
	tlo_test_run(t, task);
	if (t->code == code && strcmp(t->output, output) == 0)
		return;
	fprintf(stderr, "got code %d, output %s, %s; want %d, %s\n", t->code, t->output, t->why, code, output);
	abort();
}

static void test_verdicts(void)
{
	tlo_test t = {0};
	run(&t, tlo_run_permanent, TLO_PERMANENT, "");
	assert(t.failed && t.kind == 1 && strcmp(t.why, "broken") == 0);
	run(&t, tlo_run_retry, TLO_FAILED, "");
	assert(t.failed && t.kind == 0 && strcmp(t.why, "broken") == 0);
	run(&t, tlo_run_snooze, TLO_AGAIN, "");
	assert(t.kind == 2 && t.snooze_ms == 90000 && strcmp(t.why, "too early") == 0);
	run(&t, tlo_run_panic, TLO_TRAPPED, "");
	assert(t.failed && strcmp(t.why, "out of cheese") == 0);
	run(&t, tlo_run_count, TLO_OK, "1");
	assert(!t.failed && t.why[0] == 0); /* the next attempt knows nothing of the last */
	tlo_test_free(&t);
}

static void test_input_and_output(void)
{
	static char big[5000];
	memset(big, 'x', sizeof big - 1);
	tlo_test t = {.input = big};
	run(&t, tlo_run_echo, TLO_OK, big);
	t.output_limit = 4000;
	run(&t, tlo_run_echo, TLO_PERMANENT, "");
	assert(strstr(t.why, "limit"));
	t = (tlo_test){.input = "a\0b", .input_len = 3, .output = t.output, .log = t.log};
	run(&t, tlo_run_echo, TLO_OK, "a");
	assert(t.output_len == 3 && memcmp(t.output, "a\0b", 4) == 0);
	t.input = NULL;
	t.input_len = 0;
	run(&t, tlo_run_echo, TLO_OK, "");
	tlo_test_free(&t);
}

static void test_the_rest_of_the_host(void)
{
	tlo_test t = {.deadline_ms = 250, .cancel_at_poll = 3};
	run(&t, tlo_run_deadline, TLO_OK, "250");
	run(&t, tlo_run_until_cancelled, TLO_OK, "stopped");
	assert(t.progress == 0.5);
	run(&t, tlo_run_progress, TLO_OK, "");
	assert(t.progress == 1 && strcmp(t.progress_msg, "done") == 0);
	t.meta = (const char *[]){"tick", "now", "attempt", "7", NULL};
	run(&t, tlo_run_meta, TLO_OK, "test\njob\n7\ndefault\n2026-01-02T03:04:05Z\nnow\njob");
	t.config = (const char *[]){"a", "1", "long", "2", NULL};
	t.input = "long";
	run(&t, tlo_run_config, TLO_OK, "=2");
	t.input = "lon";
	run(&t, tlo_run_config, TLO_OK, "not set");
	run(&t, tlo_run_log, TLO_OK, "");
	assert(strcmp(t.log, "trace entering\ndebug no fields\ninfo copied \"file\"\n"
			     " {\"name\":\"a\\\"b\\\\c\\u000a\\u0001é\",\"size\":-9007199254740993,\"ratio\":0.5,\"ok\":true}\n"
			     "warn slow {\"empty\":\"\"}\nerror погано\n") == 0);
	tlo_test_free(&t);
}

TLO_TASK(crowded)
{
	char much[4000];
	memset(much, '\\', sizeof much);
	tlo_info("one", tlo_int("n", 1), tlo_strn("much", much, sizeof much), tlo_int("after", 2));
	tlo_info("two", tlo_strn("much", much, sizeof much));
	return TLO_OK;
}

TLO_TASK(lookups)
{
	char buf[4];
	assert(tlo_config("v", buf, sizeof buf) == 6 && strcmp(buf, "abc") == 0);
	assert(tlo_config("v", NULL, 0) == 6);
	assert(tlo_config("w", buf, sizeof buf) == -1 && buf[0] == 0);
	assert(tlo_attempt() == 1);
	assert(tlo_input_at(buf, sizeof buf, 4) == 2 && memcmp(buf, "t!", 2) == 0);
	assert(tlo_input_at(buf, sizeof buf, 9) == 0);
	assert(tlo_random_u64() != tlo_random_u64());
	return TLO_OK;
}

static void test_limits(void)
{
	tlo_test t = {.input = "input!", .input_len = 6, .config = (const char *[]){"v", "abcdef", NULL}};
	run(&t, tlo_run_crowded, TLO_OK, "");
	assert(strcmp(t.log, "info one {\"n\":1,\"cut\":true}\ninfo two {\"cut\":true}\n") == 0);
	run(&t, tlo_run_lookups, TLO_OK, "");
	tlo_test_free(&t);
}

static void test_numbers(void)
{
	static const struct {
		double f;
		const char *want;
	} cases[] = {
		{0, "0"}, {-0.5, "-0.5"}, {1.0 / 3, "0.333333"}, {2.9999999, "3"}, {1e17, "100000000000000000"},
		{0.000001, "0.000001"}, {1e18, "null"}, {-1e300, "null"}, {NAN, "null"}, {123.456, "123.456"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		TLO_TEXT(t, 40);
		tlo_put_float(&t, cases[i].f);
		assert(strcmp(t.data, cases[i].want) == 0);
	}
	TLO_TEXT(t, 60);
	tlo_put_int(&t, INT64_MIN);
	tlo_put(&t, " ");
	tlo_put_uint(&t, UINT64_MAX);
	assert(strcmp(t.data, "-9223372036854775808 18446744073709551615") == 0);
}

static void test_text_is_never_over_its_memory(void)
{
	TLO_TEXT(t, 4);
	tlo_put(&t, "ab");
	assert(!t.cut && t.len == 2);
	tlo_put(&t, "cd");
	assert(t.cut && strcmp(t.data, "ab") == 0);
	tlo_put(&t, "c"); /* after a gap it would mislead */
	assert(t.len == 2);
}

static void test_json(void)
{
	static const char text[] = " {\"s\":\"\\u0041\\ud83d\\ude42\\n\",\"list\":[1, -2,[],{}],\"n\":12.5e1,\"t\":true,"
				   "\"s2\":\"x\",\"n\":-9223372036854775808,\"over\":9223372036854775808}";
	tlo_json doc, v, item;
	int64_t n;
	double f;
	bool b;
	char s[8];
	size_t error;
	assert(tlo_json_parse(&doc, text, sizeof text - 1, NULL) && tlo_json_kind(doc) == '{');
	assert(tlo_json_get(doc, "s", &v) && tlo_json_str(v, s, sizeof s) == 6 && strcmp(s, "A🙂\n") == 0);
	assert(tlo_json_str(v, s, 4) == 6 && strcmp(s, "A") == 0); /* no half character */
	assert(tlo_json_get(doc, "n", &v) && tlo_json_int(v, &n) && n == INT64_MIN);
	assert(tlo_json_get(doc, "over", &v) && !tlo_json_int(v, &n) && tlo_json_float(v, &f) && f == 9223372036854775808.0);
	assert(tlo_json_get(doc, "t", &v) && tlo_json_bool(v, &b) && b && tlo_json_str(v, s, sizeof s) == -1);
	assert(!tlo_json_get(doc, "lis", &v) && !tlo_json_get(doc, "listx", &v));
	assert(tlo_json_get(doc, "list", &v) && !tlo_json_get(v, "x", &item));
	const char *cursor = NULL;
	char kinds[8] = {0};
	for (size_t i = 0; tlo_json_next(v, &cursor, NULL, &item); i++)
		kinds[i] = tlo_json_kind(item);
	assert(strcmp(kinds, "00[{") == 0);

	char deep[300];
	memset(deep, '[', 150);
	memset(deep + 150, ']', 150);
	assert(tlo_json_parse(&doc, deep + 86, 128, NULL));
	assert(!tlo_json_parse(&doc, deep + 85, 130, &error) && error == 64);
	assert(!tlo_json_parse(&doc, "{\"a\":}", 6, &error) && error == 5);
}

/* Each part of a text, in memory that ends where it ends, for the sanitizer. */
static void test_json_reads_nothing_beyond(void)
{
	static const char text[] = "{\"a\\u00e9\":[1.5e-3,\"\\ud83d\\ude42\",null],\"b\":false}";
	for (size_t from = 0; from < sizeof text; from++) {
		for (size_t len = 0; from + len < sizeof text; len++) {
			char *part = malloc(len + !len);
			tlo_json doc;
			assert(part);
			memcpy(part, text + from, len);
			tlo_json_parse(&doc, part, len, NULL);
			free(part);
		}
	}
}

int main(void)
{
	test_verdicts();
	test_input_and_output();
	test_the_rest_of_the_host();
	test_limits();
	test_numbers();
	test_text_is_never_over_its_memory();
	test_json();
	test_json_reads_nothing_beyond();
	return 0;
}

/* tlo.h: the C SDK for tlo plugins, background tasks that run as sandboxed
 * WebAssembly modules. C99, all in this header, no memory is allocated except
 * by tlo_input_all. From C++ include tlo.hpp.
 *
 *	#include "tlo.h"
 *
 *	TLO_TASK(hello) {
 *		tlo_info("greeting", tlo_int("attempt", tlo_attempt()));
 *		tlo_output_str("Hello");
 *		return TLO_OK;
 *	}
 *
 *	clang-14 --target=wasm32-wasi -mexec-model=reactor -O2 -Wl,-s -o hello.wasm hello.c
 *
 * Strings are UTF-8. The host copies what it is handed during the call. Built
 * for another platform, tlo_test.h plays the host, for unit tests. */
#ifndef TLO_H
#define TLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
#define TLO_C_ extern "C"
#else
#define TLO_C_
#endif

#ifdef __wasm__
#define TLO_IMPORT_(name) TLO_C_ __attribute__((import_module("tlo"), import_name(#name)))
#define TLO_EXPORT_(name) TLO_C_ __attribute__((export_name(name)))
#else
#define TLO_IMPORT_(name) TLO_C_
#define TLO_EXPORT_(name) TLO_C_
#endif

/* The functions of the contract, version 1. Use those below instead. */
TLO_IMPORT_(input_len) uint32_t tlo_host_input_len(void);
TLO_IMPORT_(input_read) uint32_t tlo_host_input_read(void *to, uint32_t len, uint32_t off);
TLO_IMPORT_(output_write) int32_t tlo_host_output_write(const void *from, uint32_t len);
TLO_IMPORT_(log) void tlo_host_log(int32_t level, const char *msg, uint32_t len);
TLO_IMPORT_(log_kv) void tlo_host_log_kv(int32_t level, const char *msg, uint32_t len, const char *kv, uint32_t kv_len);
TLO_IMPORT_(progress) void tlo_host_progress(double fraction);
TLO_IMPORT_(progress_msg) void tlo_host_progress_msg(double fraction, const char *msg, uint32_t len);
TLO_IMPORT_(cancelled) int32_t tlo_host_cancelled(void);
TLO_IMPORT_(deadline_ms) int64_t tlo_host_deadline_ms(void);
TLO_IMPORT_(meta) int32_t tlo_host_meta(const char *key, uint32_t len, char *buf, uint32_t cap);
TLO_IMPORT_(config) int32_t tlo_host_config(const char *key, uint32_t len, char *buf, uint32_t cap);
TLO_IMPORT_(random) void tlo_host_random(void *buf, uint32_t len);
TLO_IMPORT_(fail) void tlo_host_fail(int32_t kind, const char *msg, uint32_t len);
TLO_IMPORT_(snooze) void tlo_host_snooze(int64_t delay_ms);

/* --- Tasks ------------------------------------------------------------- */

/* TLO_TASK(name) { … } defines a task. Its body returns TLO_OK, or what one of
 * tlo_fail, tlo_permanent and tlo_snooze returned. TLO_TASK_AS is for a name
 * that is no C identifier: TLO_TASK_AS(csv_to_json, "csv-to-json") { … } */
#define TLO_TASK(name) TLO_TASK_AS(name, #name)
#define TLO_TASK_AS(id, name)                               \
	static int tlo_task_##id(void);                     \
	TLO_C_ int32_t tlo_run_##id(void);                  \
	TLO_EXPORT_("tlo_run_" name)                        \
	int32_t tlo_run_##id(void)                          \
	{                                                   \
		return tlo_run_task_(tlo_task_##id);        \
	}                                                   \
	static int tlo_task_##id(void)

/* TLO_TASKS({"abi":1,"tasks":[{"name":"hello","timeout":"10s"}]}) declares what
 * the plugin's tasks are and ask for. At most once in a plugin, outside of
 * functions; the argument is JSON, in which a string has no newline. */
#ifdef __wasm__
#define TLO_TASKS(...) TLO_SECTION_(#__VA_ARGS__)
#define TLO_SECTION_(text) __asm__(".section .custom_section.tlo.tasks,\"\",@\n.ascii " #text "\n");
#else
#define TLO_TASKS(...) TLO_C_ const char tlo_tasks_[sizeof #__VA_ARGS__];
#endif

enum {
	TLO_OK = 0,
	TLO_FAILED = 1,     /* the retry policy decides */
	TLO_PERMANENT = 65, /* EX_DATAERR: never again */
	TLO_AGAIN = 75      /* EX_TEMPFAIL: snoozed */
};

static inline uint32_t tlo_len_(const char *s) { return s ? (uint32_t)strlen(s) : 0; }

/* tlo_fail says why the attempt failed; the task's retry policy decides what
 * follows. Use as: return tlo_fail("no answer"); */
static inline int tlo_fail(const char *why)
{
	tlo_host_fail(0, why, tlo_len_(why));
	return TLO_FAILED;
}

/* tlo_permanent says why the job failed, and that trying again is useless. */
static inline int tlo_permanent(const char *why)
{
	tlo_host_fail(1, why, tlo_len_(why));
	return TLO_PERMANENT;
}

/* tlo_snooze puts the job back for at least that many milliseconds without
 * counting as a failure. The reason goes to the log. */
static inline int tlo_snooze(int64_t ms, const char *why)
{
	tlo_host_fail(2, why, tlo_len_(why));
	tlo_host_snooze(ms < 0 ? 0 : ms);
	return TLO_AGAIN;
}

#ifndef __wasm__
TLO_C_ void tlo_test_trap(void); /* in tlo_test.h */
#endif

/* tlo_panic ends the attempt where it stands, as a trap with a message. */
static inline void tlo_panic(const char *why)
{
	tlo_host_fail(0, why, tlo_len_(why));
#ifdef __wasm__
	__builtin_trap();
#else
	tlo_test_trap();
#endif
}

/* --- Input and output --------------------------------------------------- */

/* tlo_input_len returns the size of the input in bytes. */
static inline size_t tlo_input_len(void) { return tlo_host_input_len(); }

/* tlo_input_at copies up to len bytes of the input from offset off and returns
 * how many those were: 0 at the end. */
static inline size_t tlo_input_at(void *to, size_t len, size_t off)
{
	size_t done = 0;
	while (done < len) {
		uint32_t n = tlo_host_input_read((char *)to + done, (uint32_t)(len - done), (uint32_t)(off + done));
		if (n == 0)
			break;
		done += n;
	}
	return done;
}

/* tlo_input_all returns the whole input, with a zero byte after it, in memory
 * from malloc. It panics if there is none left. len may be NULL. */
static inline char *tlo_input_all(size_t *len)
{
	size_t n = tlo_input_len();
	char *b = (char *)malloc(n + 1);
	if (!b) {
		tlo_panic("out of memory: the input does not fit");
		return NULL;
	}
	n = tlo_input_at(b, n, 0);
	b[n] = 0;
	if (len)
		*len = n;
	return b;
}

/* Set once an output was refused; weak, so that all files share one. */
__attribute__((weak)) bool tlo_refused_;

/* tlo_output appends to the output. It returns false, and appends nothing,
 * where that is over the task's limit; a task that then returns TLO_OK fails
 * for good all the same. */
static inline bool tlo_output(const void *from, size_t len)
{
	if (tlo_host_output_write(from, (uint32_t)len) == 0)
		return true;
	tlo_refused_ = true;
	return false;
}

static inline bool tlo_output_str(const char *s) { return tlo_output(s, tlo_len_(s)); }

static inline int32_t tlo_run_task_(int (*task)(void))
{
	tlo_refused_ = false;
	int code = task();
	if (code == TLO_OK && tlo_refused_)
		return tlo_permanent("the output is over the task's limit: raise output in its block");
	return code;
}

/* --- Text and JSON ------------------------------------------------------ */

/* A text is built in memory of the caller and is never longer than that:
 * what does not fit is left out, and cut is set. It ends with a zero byte.
 *
 *	TLO_TEXT(t, 100);
 *	tlo_put(&t, "line ");
 *	tlo_put_int(&t, 7);          -> t.data is "line 7", t.len is 6 */
typedef struct {
	char *data;
	size_t len, cap;
	bool cut;
} tlo_text;

#define TLO_TEXT(name, size)         \
	char name##_bytes_[size];    \
	tlo_text name = tlo_text_in(name##_bytes_, sizeof name##_bytes_)

/* tlo_text_in makes an empty text in cap bytes, at least one. */
static inline tlo_text tlo_text_in(char *data, size_t cap)
{
	tlo_text t = {data, 0, cap, false};
	data[0] = 0;
	return t;
}

/* tlo_put_bytes appends all of the bytes, or nothing. */
static inline void tlo_put_bytes(tlo_text *t, const void *from, size_t len)
{
	if (t->cut || len >= t->cap - t->len) {
		t->cut = true;
		return;
	}
	if (len)
		memcpy(t->data + t->len, from, len);
	t->len += len;
	t->data[t->len] = 0;
}

static inline void tlo_put(tlo_text *t, const char *s) { tlo_put_bytes(t, s, tlo_len_(s)); }

static inline void tlo_put_uint(tlo_text *t, uint64_t n)
{
	char digits[20];
	size_t at = sizeof digits;
	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	tlo_put_bytes(t, digits + at, sizeof digits - at);
}

static inline void tlo_put_int(tlo_text *t, int64_t n)
{
	if (n < 0)
		tlo_put(t, "-");
	tlo_put_uint(t, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}

/* tlo_put_float appends a JSON number with at most six decimals; what is no
 * number, infinite, or beyond 1e18 becomes null. */
static inline void tlo_put_float(tlo_text *t, double f)
{
	if (!(f > -1e18 && f < 1e18)) {
		tlo_put(t, "null");
		return;
	}
	if (f < 0) {
		tlo_put(t, "-");
		f = -f;
	}
	uint64_t whole = (uint64_t)f;
	uint64_t millionths = (uint64_t)((f - (double)whole) * 1e6 + 0.5);
	tlo_put_uint(t, whole + millionths / 1000000);
	millionths %= 1000000;
	if (!millionths)
		return;
	char digits[7] = {'.'};
	for (int i = 6; i > 0; i--, millionths /= 10)
		digits[i] = (char)('0' + millionths % 10);
	size_t len = sizeof digits;
	while (digits[len - 1] == '0')
		len--;
	tlo_put_bytes(t, digits, len);
}

/* tlo_put_json_n appends len bytes as a JSON string, in quotes. */
static inline void tlo_put_json_n(tlo_text *t, const char *s, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	tlo_put(t, "\"");
	for (size_t from = 0, i = 0; i <= len; i++) {
		unsigned char c = i < len ? (unsigned char)s[i] : 0;
		if (i < len && c >= 0x20 && c != '"' && c != '\\')
			continue;
		tlo_put_bytes(t, s + from, i - from);
		from = i + 1;
		if (i == len)
			break;
		char escaped[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
		if (c == '"' || c == '\\')
			escaped[1] = (char)c;
		tlo_put_bytes(t, escaped, c < 0x20 ? 6 : 2);
	}
	tlo_put(t, "\"");
}

/* tlo_put_json appends a JSON string, in quotes. */
static inline void tlo_put_json(tlo_text *t, const char *s) { tlo_put_json_n(t, s, tlo_len_(s)); }

static inline bool tlo_output_text(const tlo_text *t) { return tlo_output(t->data, t->len); }

/* --- Log ---------------------------------------------------------------- */

enum tlo_level { TLO_TRACE, TLO_DEBUG, TLO_INFO, TLO_WARN, TLO_ERROR };

/* A field of a log line: made by tlo_str, tlo_strn, tlo_int, tlo_float or
 * tlo_bool. Its key and text are copied when the line is logged. */
typedef struct {
	const char *key; /* NULL ends a list */
	char kind;       /* s, i, f or b */
	const char *s;
	size_t len;
	int64_t i;
	double f;
} tlo_field;

static inline tlo_field tlo_field_(const char *key, char kind)
{
	tlo_field f = {key, kind, NULL, 0, 0, 0};
	return f;
}

static inline tlo_field tlo_strn(const char *key, const char *s, size_t len)
{
	tlo_field f = tlo_field_(key, 's');
	f.s = s;
	f.len = len;
	return f;
}

static inline tlo_field tlo_str(const char *key, const char *s) { return tlo_strn(key, s, tlo_len_(s)); }

static inline tlo_field tlo_int(const char *key, int64_t i)
{
	tlo_field f = tlo_field_(key, 'i');
	f.i = i;
	return f;
}

static inline tlo_field tlo_float(const char *key, double d)
{
	tlo_field f = tlo_field_(key, 'f');
	f.f = d;
	return f;
}

static inline tlo_field tlo_bool(const char *key, bool b)
{
	tlo_field f = tlo_field_(key, 'b');
	f.i = b;
	return f;
}

static inline void tlo_put_field_(tlo_text *t, const tlo_field *f)
{
	tlo_put(t, t->len > 1 ? "," : "");
	tlo_put_json(t, f->key);
	tlo_put(t, ":");
	switch (f->kind) {
	case 's':
		tlo_put_json_n(t, f->s, f->len);
		break;
	case 'i':
		tlo_put_int(t, f->i);
		break;
	case 'f':
		tlo_put_float(t, f->f);
		break;
	default:
		tlo_put(t, f->i ? "true" : "false");
	}
}

/* tlo_log_fields logs a line with a list of fields. Together they have at most
 * 4 KiB as JSON; those that do not fit are left out, and "cut" says so. */
static inline void tlo_log_fields(enum tlo_level level, const char *msg, size_t len, const tlo_field *fields)
{
	static const char cut[] = "\"cut\":true}";
	char bytes[4096];
	tlo_text t = tlo_text_in(bytes, sizeof bytes - sizeof cut - 1);
	if (!fields || !fields->key) {
		tlo_host_log(level, msg, (uint32_t)len);
		return;
	}
	tlo_put(&t, "{");
	for (; fields->key; fields++) {
		size_t before = t.len;
		tlo_put_field_(&t, fields);
		if (t.cut) {
			t.len = before;
			break;
		}
	}
	bool missing = t.cut;
	t.cut = false;
	t.cap = sizeof bytes;
	tlo_put(&t, missing && t.len > 1 ? "," : "");
	tlo_put(&t, missing ? cut : "}");
	tlo_host_log_kv(level, msg, (uint32_t)len, t.data, (uint32_t)t.len);
}

/* tlo_info("copied", tlo_str("file", name), tlo_int("bytes", n)) logs a line
 * with any number of fields, also none. In C++ see tlo.hpp. */
#ifndef __cplusplus
#define tlo_trace(...) tlo_log_(TLO_TRACE, __VA_ARGS__)
#define tlo_debug(...) tlo_log_(TLO_DEBUG, __VA_ARGS__)
#define tlo_info(...) tlo_log_(TLO_INFO, __VA_ARGS__)
#define tlo_warn(...) tlo_log_(TLO_WARN, __VA_ARGS__)
#define tlo_error(...) tlo_log_(TLO_ERROR, __VA_ARGS__)
#define tlo_log_(level, ...)                                               \
	tlo_log_line_(level, TLO_HEAD_(__VA_ARGS__, 0),                    \
		      (const tlo_field[]){TLO_TAIL_(__VA_ARGS__, tlo_field_(NULL, 0))})
#define TLO_HEAD_(first, ...) first
#define TLO_TAIL_(first, ...) __VA_ARGS__

static inline void tlo_log_line_(enum tlo_level level, const char *msg, const tlo_field *fields)
{
	tlo_log_fields(level, msg, tlo_len_(msg), fields);
}
#endif

/* --- Progress, and whether to go on -------------------------------------- */

/* tlo_progress reports the fraction done, 0 to 1. */
static inline void tlo_progress(double fraction) { tlo_host_progress(fraction); }

/* tlo_progress_msg also says what is being done. */
static inline void tlo_progress_msg(double fraction, const char *msg)
{
	tlo_host_progress_msg(fraction, msg, tlo_len_(msg));
}

/* tlo_cancelled says whether the attempt is to stop: ask in loops. */
static inline bool tlo_cancelled(void) { return tlo_host_cancelled() != 0; }

/* tlo_deadline_ms returns the milliseconds until the host ends the attempt, or
 * -1 if it will not. */
static inline int64_t tlo_deadline_ms(void) { return tlo_host_deadline_ms(); }

/* --- Facts, configuration, random --------------------------------------- */

typedef int32_t tlo_lookup_(const char *key, uint32_t len, char *buf, uint32_t cap);

static inline long tlo_get_(tlo_lookup_ *get, const char *key, char *buf, size_t cap)
{
	long n = get(key, tlo_len_(key), buf, cap ? (uint32_t)(cap - 1) : 0);
	if (cap)
		buf[n < 0 ? 0 : (size_t)n < cap ? (size_t)n : cap - 1] = 0;
	return n;
}

/* tlo_config reads a value of the task's config map: at most cap - 1 bytes of
 * it, and a zero byte. It returns the length of the whole value, or -1 if it is
 * not set. */
static inline long tlo_config(const char *key, char *buf, size_t cap) { return tlo_get_(tlo_host_config, key, buf, cap); }

/* tlo_meta reads a fact about the job, as tlo_config does: "task", "job_id",
 * "attempt", "queue", "scheduled_at", "tick" or "idempotency_key". Times are
 * RFC 3339 in UTC; only a job that a schedule made has a tick. */
static inline long tlo_meta(const char *key, char *buf, size_t cap) { return tlo_get_(tlo_host_meta, key, buf, cap); }

/* tlo_attempt returns which attempt of the job this is, from 1. */
static inline int tlo_attempt(void)
{
	char digits[16];
	return tlo_meta("attempt", digits, sizeof digits) < 0 ? 0 : atoi(digits);
}

/* tlo_random fills memory with random bytes that are fresh in every attempt and
 * fit for secrets. */
static inline void tlo_random(void *to, size_t len)
{
	for (char *at = (char *)to; len;) {
		size_t n = len < 65536 ? len : 65536; /* the host's limit */
		tlo_host_random(at, (uint32_t)n);
		at += n;
		len -= n;
	}
}

/* tlo_random_u64 returns one random number. */
static inline uint64_t tlo_random_u64(void)
{
	uint64_t n;
	tlo_random(&n, sizeof n);
	return n;
}

#endif

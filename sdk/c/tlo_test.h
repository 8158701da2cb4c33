/* tlo_test.h: a host for unit tests. Build the tasks for this machine, include
 * this header in one file, and run a task in the test's own process, where
 * debuggers and sanitizers work.
 *
 *	tlo_test t = {.input = "Ada"};
 *	tlo_test_run(&t, tlo_run_hello);
 *	assert(t.code == TLO_OK && strcmp(t.output, "Hello, Ada") == 0);
 *	tlo_test_free(&t);
 */
#ifndef TLO_TEST_H
#define TLO_TEST_H

#include <setjmp.h>
#include <stdio.h>

#include "tlo.h"

/* What tlo_test_run sets code to after tlo_panic. */
#define TLO_TRAPPED (-1)

/* An attempt: what it is given, and what came of it. */
typedef struct {
	/* Given. Zero is the default of each. */
	const char *input;
	size_t input_len;          /* 0: strlen(input) */
	const char *const *config; /* name, value, …, NULL */
	const char *const *meta;   /* name, value, …, NULL; before the defaults */
	int64_t deadline_ms;       /* 0: none */
	int cancel_at_poll;        /* 0: never; 1: the first tlo_cancelled says yes */
	size_t output_limit;       /* bytes; 0: none */

	/* What came of it. Texts end with a zero byte. */
	int code;
	char *output;
	size_t output_len;
	bool failed; /* said so, with */
	int kind;    /* 0 retry, 1 permanent, 2 snooze */
	char why[4096];
	int64_t snooze_ms;
	char *log; /* a line each: info copied {"file":"a"} */
	size_t log_len;
	double progress;
	char progress_msg[256];

	int polls_;
} tlo_test;

/* The attempt that runs, and where tlo_panic leads. */
static tlo_test *tlo_test_now_;
static jmp_buf tlo_test_end_;

static inline void tlo_test_add_(char **text, size_t *len, const void *more, size_t n)
{
	char *grown = (char *)realloc(*text, *len + n + 1);
	if (!grown)
		abort();
	if (n)
		memcpy(grown + *len, more, n);
	*text = grown;
	*len += n;
	grown[*len] = 0;
}

/* tlo_test_free frees what an attempt left. It can then run again. */
static inline void tlo_test_free(tlo_test *t)
{
	free(t->output);
	free(t->log);
	t->output = t->log = NULL;
	t->output_len = t->log_len = 0;
}

/* tlo_test_run runs one attempt of a task, tlo_run_NAME. */
static inline void tlo_test_run(tlo_test *t, int32_t (*task)(void))
{
	tlo_test_free(t);
	tlo_test_add_(&t->output, &t->output_len, "", 0);
	tlo_test_add_(&t->log, &t->log_len, "", 0);
	t->failed = false;
	t->kind = t->polls_ = 0;
	t->why[0] = t->progress_msg[0] = 0;
	t->snooze_ms = 0;
	t->progress = 0;
	tlo_test_now_ = t;
	t->code = TLO_TRAPPED;
	if (setjmp(tlo_test_end_) == 0)
		t->code = task();
	tlo_test_now_ = NULL;
}

TLO_C_ void tlo_test_trap(void) { longjmp(tlo_test_end_, 1); }

static inline void tlo_test_copy_(char *to, size_t cap, const char *from, size_t len)
{
	len = len < cap ? len : cap - 1;
	memcpy(to, from, len);
	to[len] = 0;
}

static inline int32_t tlo_test_find_(const char *const *list, const char *key, size_t len, char *buf, uint32_t cap)
{
	for (; list && *list; list += 2) {
		if (strlen(list[0]) != len || memcmp(list[0], key, len) != 0)
			continue;
		size_t n = strlen(list[1]);
		if (cap)
			memcpy(buf, list[1], n < cap ? n : cap);
		return (int32_t)n;
	}
	return -1;
}

static inline size_t tlo_test_input_len_(void)
{
	const tlo_test *t = tlo_test_now_;
	return t->input_len || !t->input ? t->input_len : strlen(t->input);
}

TLO_C_ uint32_t tlo_host_input_len(void) { return (uint32_t)tlo_test_input_len_(); }

/* At most 1000 bytes a call, so that callers have to loop. */
TLO_C_ uint32_t tlo_host_input_read(void *to, uint32_t len, uint32_t off)
{
	size_t have = tlo_test_input_len_(), left = off < have ? have - off : 0;
	size_t n = len < left ? len : left;
	n = n < 1000 ? n : 1000;
	if (n)
		memcpy(to, tlo_test_now_->input + off, n);
	return (uint32_t)n;
}

TLO_C_ int32_t tlo_host_output_write(const void *from, uint32_t len)
{
	tlo_test *t = tlo_test_now_;
	if (t->output_limit && t->output_len + len > t->output_limit)
		return -3;
	tlo_test_add_(&t->output, &t->output_len, from, len);
	return 0;
}

TLO_C_ void tlo_host_log_kv(int32_t level, const char *msg, uint32_t len, const char *kv, uint32_t kv_len)
{
	static const char *const names[] = {"trace ", "debug ", "info ", "warn ", "error "};
	tlo_test *t = tlo_test_now_;
	const char *name = names[level < 0 ? 0 : level > 4 ? 4 : level];
	tlo_test_add_(&t->log, &t->log_len, name, strlen(name));
	tlo_test_add_(&t->log, &t->log_len, msg, len);
	tlo_test_add_(&t->log, &t->log_len, " ", kv_len ? 1 : 0);
	tlo_test_add_(&t->log, &t->log_len, kv, kv_len);
	tlo_test_add_(&t->log, &t->log_len, "\n", 1);
}

TLO_C_ void tlo_host_log(int32_t level, const char *msg, uint32_t len) { tlo_host_log_kv(level, msg, len, "", 0); }

TLO_C_ void tlo_host_progress_msg(double fraction, const char *msg, uint32_t len)
{
	tlo_test *t = tlo_test_now_;
	if (fraction != fraction)
		return;
	t->progress = fraction < 0 ? 0 : fraction > 1 ? 1 : fraction;
	tlo_test_copy_(t->progress_msg, sizeof t->progress_msg, msg, len);
}

TLO_C_ void tlo_host_progress(double fraction) { tlo_host_progress_msg(fraction, "", 0); }

TLO_C_ int32_t tlo_host_cancelled(void)
{
	tlo_test *t = tlo_test_now_;
	return ++t->polls_ >= t->cancel_at_poll && t->cancel_at_poll > 0;
}

TLO_C_ int64_t tlo_host_deadline_ms(void) { return tlo_test_now_->deadline_ms ? tlo_test_now_->deadline_ms : -1; }

TLO_C_ int32_t tlo_host_config(const char *key, uint32_t len, char *buf, uint32_t cap)
{
	return tlo_test_find_(tlo_test_now_->config, key, len, buf, cap);
}

TLO_C_ int32_t tlo_host_meta(const char *key, uint32_t len, char *buf, uint32_t cap)
{
	static const char *const usual[] = {
		"task", "test", "job_id", "job", "attempt", "1", "queue", "default",
		"scheduled_at", "2026-01-02T03:04:05Z", "idempotency_key", "job", NULL,
	};
	int32_t n = tlo_test_find_(tlo_test_now_->meta, key, len, buf, cap);
	return n >= 0 ? n : tlo_test_find_(usual, key, len, buf, cap);
}

/* Not random at all, but never twice the same, and the same in every run. */
TLO_C_ void tlo_host_random(void *buf, uint32_t len)
{
	static uint64_t state;
	for (uint32_t i = 0; i < len; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		((unsigned char *)buf)[i] = (unsigned char)(state >> 56);
	}
}

TLO_C_ void tlo_host_fail(int32_t kind, const char *msg, uint32_t len)
{
	tlo_test *t = tlo_test_now_;
	t->failed = true;
	t->kind = kind;
	tlo_test_copy_(t->why, sizeof t->why, msg ? msg : "", len);
}

TLO_C_ void tlo_host_snooze(int64_t delay_ms)
{
	tlo_test_now_->kind = 2;
	tlo_test_now_->snooze_ms = delay_ms;
}

#endif

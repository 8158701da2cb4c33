/*
 * csv-to-json: CSV (RFC 4180) on stdin, a JSON array of objects on stdout.
 *
 * The first record names the columns. Nothing but the header and one record is
 * ever in memory. Exit codes: 0 done, 65 the input is not such a CSV (the line
 * is on stderr), 71 no memory, 74 input or output failed.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_DATA = 65, EXIT_OS = 71, EXIT_IO = 74 };
enum { END = -1 };

/* A missing quote turns the rest of the file into one record; fail instead. */
#define MAX_RECORD (16u << 20)
#define MAX_FIELDS (1u << 16)

/* ---- messages ---------------------------------------------------------- */

static void say(const char *s)
{
	size_t n = strlen(s);
	while (n > 0) {
		ssize_t w = write(STDERR_FILENO, s, n);
		if (w <= 0)
			return; /* nowhere left to complain */
		s += w;
		n -= (size_t)w;
	}
}

static void say_number(uint64_t v)
{
	char buf[24];
	char *p = buf + sizeof buf - 1;
	*p = 0;
	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	say(p);
}

static _Noreturn void fail(int code, const char *why)
{
	say("csv-to-json: ");
	say(why);
	say("\n");
	exit(code);
}

static _Noreturn void fail_at(uint64_t line, const char *why)
{
	say("line ");
	say_number(line);
	say(": ");
	say(why);
	say("\n");
	exit(EXIT_DATA);
}

/* ---- input ------------------------------------------------------------- */

static unsigned char in_buf[1 << 16];
static size_t in_pos, in_len;
static int in_done;
static uint64_t line = 1; /* of the next byte */

/* Looks k bytes ahead (at most 2) without taking anything. */
static int peek_at(size_t k)
{
	while (in_len - in_pos <= k && !in_done) {
		memmove(in_buf, in_buf + in_pos, in_len - in_pos);
		in_len -= in_pos;
		in_pos = 0;
		ssize_t n = read(STDIN_FILENO, in_buf + in_len, sizeof in_buf - in_len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			fail(EXIT_IO, "reading the input failed");
		in_done = n == 0;
		in_len += (size_t)n;
	}
	return k < in_len - in_pos ? in_buf[in_pos + k] : END;
}

static int peek(void) { return peek_at(0); }

static int take(void)
{
	int c = peek();
	if (c != END) {
		in_pos++;
		line += c == '\n';
	}
	return c;
}

/* ---- output ------------------------------------------------------------ */

static unsigned char out_buf[1 << 16];
static size_t out_len;

static void flush(void)
{
	size_t done = 0;
	while (done < out_len) {
		ssize_t n = write(STDOUT_FILENO, out_buf + done, out_len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			fail(EXIT_IO, "writing the output failed");
		done += (size_t)n;
	}
	out_len = 0;
}

static void put(unsigned char c)
{
	if (out_len == sizeof out_buf)
		flush();
	out_buf[out_len++] = c;
}

static void puts_raw(const char *s)
{
	while (*s)
		put((unsigned char)*s++);
}

/* ---- one record -------------------------------------------------------- */

struct record {
	unsigned char *bytes; /* all fields, one after the other */
	size_t len, cap;
	size_t *ends; /* where field i ends in bytes */
	size_t fields, fields_cap;
	uint64_t line; /* where it starts */
};

static void *grown(void *p, size_t *cap, size_t size)
{
	size_t n = *cap ? *cap * 2 : 64;
	p = realloc(p, n * size);
	if (!p)
		fail(EXIT_OS, "out of memory: raise the task's memory limit");
	*cap = n;
	return p;
}

static void add_byte(struct record *r, int c)
{
	if (r->len == MAX_RECORD)
		fail_at(r->line, "the record that starts here exceeds 16 MiB: is a closing quote missing?");
	if (r->len == r->cap)
		r->bytes = grown(r->bytes, &r->cap, 1);
	r->bytes[r->len++] = (unsigned char)c;
}

static void end_field(struct record *r)
{
	if (r->fields == MAX_FIELDS)
		fail_at(r->line, "the record that starts here has more than 65536 fields");
	if (r->fields == r->fields_cap)
		r->ends = grown(r->ends, &r->fields_cap, sizeof *r->ends);
	r->ends[r->fields++] = r->len;
}

static size_t field_start(const struct record *r, size_t i)
{
	return i ? r->ends[i - 1] : 0;
}

/* Takes a line end (LF or CRLF) if one is next, or the end of the input. */
static int take_line_end(void)
{
	int c = peek();
	if (c == '\r') {
		int next = peek_at(1);
		if (next != '\n' && next != END)
			return 0; /* a CR alone is data */
		take();
		take();
		return 1;
	}
	if (c == '\n')
		take();
	return c == '\n' || c == END;
}

static void read_quoted(struct record *r)
{
	uint64_t opened = line;
	take();
	for (;;) {
		int c = take();
		if (c == END)
			fail_at(opened, "the quote opened here is never closed");
		if (c != '"') {
			add_byte(r, c);
		} else if (peek() == '"') {
			add_byte(r, take());
		} else {
			return;
		}
	}
}

/* Reads the next record; 0 at the end of the input. Blank lines are no records. */
static int read_record(struct record *r)
{
	r->len = r->fields = 0;
	do {
		if (peek() == END)
			return 0;
		r->line = line;
	} while (take_line_end());

	for (;;) {
		int quoted = peek() == '"';
		if (quoted)
			read_quoted(r);
		for (;;) {
			if (peek() == ',')
				break;
			if (take_line_end()) {
				end_field(r);
				return 1;
			}
			if (quoted)
				fail_at(line, "a closing quote is followed by more text: write a quote inside a field as \"\"");
			if (peek() == '"')
				fail_at(line, "a quote inside an unquoted field: quote the whole field and write \"\"");
			add_byte(r, take());
		}
		take();
		end_field(r);
	}
}

/* ---- JSON -------------------------------------------------------------- */

static uint64_t replaced, replaced_line;

/* The size of the UTF-8 sequence at p, 0 if it is none (Unicode, table 3-7). */
static size_t utf8_size(const unsigned char *p, size_t n)
{
	unsigned char low = 0x80, high = 0xBF;
	size_t size;
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xC2 && p[0] <= 0xDF)
		size = 2;
	else if (p[0] >= 0xE0 && p[0] <= 0xEF)
		size = 3;
	else if (p[0] >= 0xF0 && p[0] <= 0xF4)
		size = 4;
	else
		return 0;
	if (p[0] == 0xE0)
		low = 0xA0; /* overlong */
	else if (p[0] == 0xED)
		high = 0x9F; /* surrogates */
	else if (p[0] == 0xF0)
		low = 0x90; /* overlong */
	else if (p[0] == 0xF4)
		high = 0x8F; /* beyond U+10FFFF */
	if (n < size || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < size; i++)
		if (p[i] < 0x80 || p[i] > 0xBF)
			return 0;
	return size;
}

static void put_escaped(unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	switch (c) {
	case '"':
		puts_raw("\\\"");
		return;
	case '\\':
		puts_raw("\\\\");
		return;
	case '\n':
		puts_raw("\\n");
		return;
	case '\r':
		puts_raw("\\r");
		return;
	case '\t':
		puts_raw("\\t");
		return;
	}
	if (c >= 0x20) {
		put(c);
		return;
	}
	puts_raw("\\u00");
	put((unsigned char)hex[c >> 4]);
	put((unsigned char)hex[c & 15]);
}

static void put_string(const struct record *r, size_t field)
{
	size_t i = field_start(r, field), end = r->ends[field];
	put('"');
	while (i < end) {
		size_t size = utf8_size(r->bytes + i, end - i);
		if (size == 0) {
			if (replaced++ == 0)
				replaced_line = r->line;
			puts_raw("\xEF\xBF\xBD"); /* U+FFFD */
			i++;
		} else if (size == 1) {
			put_escaped(r->bytes[i++]);
		} else {
			for (; size > 0; size--)
				put(r->bytes[i++]);
		}
	}
	put('"');
}

static void put_object(const struct record *header, const struct record *row)
{
	put('{');
	for (size_t i = 0; i < row->fields; i++) {
		if (i > 0)
			put(',');
		put_string(header, i);
		put(':');
		put_string(row, i);
	}
	put('}');
}

/* ---- the header -------------------------------------------------------- */

static const struct record *sorting; /* qsort passes no context */

static int compare_fields(const void *a, const void *b)
{
	size_t i = *(const size_t *)a, j = *(const size_t *)b;
	size_t si = field_start(sorting, i), sj = field_start(sorting, j);
	size_t ni = sorting->ends[i] - si, nj = sorting->ends[j] - sj;
	int c = memcmp(sorting->bytes + si, sorting->bytes + sj, ni < nj ? ni : nj);
	return c ? c : (ni > nj) - (ni < nj);
}

/*
 * Two columns of one name would be two keys of one object, and one would be
 * lost. Replacing bytes could make names equal, so a name must be UTF-8.
 */
static void check_header(const struct record *header)
{
	for (size_t f = 0; f < header->fields; f++) {
		size_t i = field_start(header, f), end = header->ends[f];
		while (i < end) {
			size_t size = utf8_size(header->bytes + i, end - i);
			if (size == 0)
				fail_at(header->line, "the names of the columns are not UTF-8: convert the file first");
			i += size;
		}
	}
	size_t *order = malloc(header->fields * sizeof *order);
	if (!order)
		fail(EXIT_OS, "out of memory: raise the task's memory limit");
	for (size_t i = 0; i < header->fields; i++)
		order[i] = i;
	sorting = header;
	qsort(order, header->fields, sizeof *order, compare_fields);
	for (size_t i = 1; i < header->fields; i++)
		if (compare_fields(&order[i - 1], &order[i]) == 0)
			fail_at(header->line, "two columns have the same name");
	free(order);
}

static _Noreturn void fail_ragged(const struct record *row, size_t want)
{
	say("line ");
	say_number(row->line);
	say(": ");
	say_number(row->fields);
	say(" fields, but the header has ");
	say_number(want);
	say("\n");
	exit(EXIT_DATA);
}

int main(void)
{
	static struct record header, row;
	uint64_t rows = 0;

	if (peek_at(0) == 0xEF && peek_at(1) == 0xBB && peek_at(2) == 0xBF)
		in_pos += 3; /* the byte order mark that spreadsheets write */

	put('[');
	if (read_record(&header)) {
		check_header(&header);
		while (read_record(&row)) {
			if (row.fields != header.fields)
				fail_ragged(&row, header.fields);
			puts_raw(rows++ ? ",\n" : "\n");
			put_object(&header, &row);
		}
	}
	puts_raw(rows ? "\n]\n" : "]\n");
	flush();

	if (replaced > 0) {
		say("warning: ");
		say_number(replaced);
		say(" bytes were no UTF-8 and became U+FFFD, the first in the record at line ");
		say_number(replaced_line);
		say("\n");
	}
	return 0;
}

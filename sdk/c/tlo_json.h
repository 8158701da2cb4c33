/* tlo_json.h: reads JSON where it lies, without memory of its own. For writing
 * see tlo_put_json in tlo.h.
 *
 *	tlo_json doc, v;
 *	int64_t size = 10;
 *	if (!tlo_json_parse(&doc, text, len, NULL) || tlo_json_kind(doc) != '{')
 *		return tlo_permanent("input: it is no JSON object");
 *	if (tlo_json_get(doc, "size", &v) && !tlo_json_int(v, &size))
 *		return tlo_permanent("input: size is no whole number"); */
#ifndef TLO_JSON_H
#define TLO_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A value, in a text that was checked as a whole. It is valid as long as the
 * text. */
typedef struct {
	const char *at, *end;
} tlo_json;

/* Arrays and objects nest at most this deep. */
#define TLO_JSON_DEPTH 64

static inline const char *tlo_json_space_(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

static inline int tlo_json_hex_(const char *p)
{
	int n = 0;
	for (int i = 0; i < 4; i++) {
		char c = p[i];
		int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
		if (digit < 0)
			return -1;
		n = n * 16 + digit;
	}
	return n;
}

/* The functions that skip return where the value ends. Where it is broken they
 * set bad to the place. */
static inline const char *tlo_json_skip_string_(const char *p, const char *end, const char **bad)
{
	for (p++; p < end && *p != '"'; p++) {
		if ((unsigned char)*p < 0x20)
			break;
		if (*p != '\\')
			continue;
		if (++p == end)
			break;
		if (*p == 'u' && end - p > 4 && tlo_json_hex_(p + 1) >= 0)
			p += 4;
		else if (*p == 0 || !strchr("\"\\/bfnrt", *p))
			break;
	}
	if (p >= end || *p != '"') {
		*bad = p;
		return p;
	}
	return p + 1;
}

static inline const char *tlo_json_digits_(const char *p, const char *end, const char **bad)
{
	if (p == end || *p < '0' || *p > '9')
		*bad = p;
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

static inline const char *tlo_json_skip_number_(const char *p, const char *end, const char **bad)
{
	if (*p == '-')
		p++;
	p = p < end && *p == '0' ? p + 1 : tlo_json_digits_(p, end, bad);
	if (!*bad && p < end && *p == '.')
		p = tlo_json_digits_(p + 1, end, bad);
	if (!*bad && p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		p = tlo_json_digits_(p, end, bad);
	}
	return p;
}

static inline const char *tlo_json_skip_(const char *p, const char *end, int depth, const char **bad);

static inline const char *tlo_json_skip_list_(const char *p, const char *end, int depth, const char **bad)
{
	char close = *p == '{' ? '}' : ']';
	p = tlo_json_space_(p + 1, end);
	if (p < end && *p == close)
		return p + 1;
	for (;;) {
		if (close == '}') {
			if (p == end || *p != '"')
				break;
			p = tlo_json_space_(tlo_json_skip_string_(p, end, bad), end);
			if (*bad || p == end || *p != ':')
				break;
			p = tlo_json_space_(p + 1, end);
		}
		p = tlo_json_space_(tlo_json_skip_(p, end, depth + 1, bad), end);
		if (*bad || p == end)
			break;
		if (*p == close)
			return p + 1;
		if (*p != ',')
			break;
		p = tlo_json_space_(p + 1, end);
	}
	if (!*bad)
		*bad = p;
	return p;
}

static inline const char *tlo_json_skip_(const char *p, const char *end, int depth, const char **bad)
{
	static const char *const words[] = {"true", "false", "null"};
	if (p < end && depth < TLO_JSON_DEPTH) {
		if (*p == '"')
			return tlo_json_skip_string_(p, end, bad);
		if (*p == '{' || *p == '[')
			return tlo_json_skip_list_(p, end, depth, bad);
		if (*p == '-' || (*p >= '0' && *p <= '9'))
			return tlo_json_skip_number_(p, end, bad);
		for (int i = 0; i < 3; i++) {
			size_t n = strlen(words[i]);
			if ((size_t)(end - p) >= n && memcmp(p, words[i], n) == 0)
				return p + n;
		}
	}
	*bad = p;
	return p;
}

/* tlo_json_parse checks that the text is one JSON value and hands it out. If it
 * returns false and error is not NULL, it has the offset of what is wrong. */
static inline bool tlo_json_parse(tlo_json *value, const char *text, size_t len, size_t *error)
{
	const char *bad = NULL, *end = text + len;
	const char *at = tlo_json_space_(text, end);
	const char *after = tlo_json_skip_(at, end, 0, &bad);
	if (!bad && tlo_json_space_(after, end) < end)
		bad = tlo_json_space_(after, end);
	if (bad && error)
		*error = (size_t)(bad - text);
	value->at = at;
	value->end = after;
	return !bad;
}

/* tlo_json_kind returns '{', '[', '"', '0' for a number, 't', 'f' or 'n'. */
static inline char tlo_json_kind(tlo_json v) { return *v.at == '-' || (*v.at >= '0' && *v.at <= '9') ? '0' : *v.at; }

/* tlo_json_next walks over an array or an object: zero the cursor first. It
 * returns false at the end. key is the name in an object; it may be NULL. */
static inline bool tlo_json_next(tlo_json list, const char **cursor, tlo_json *key, tlo_json *value)
{
	const char *bad = NULL, *p = *cursor;
	if (!p && *list.at != '{' && *list.at != '[')
		return false;
	p = tlo_json_space_(p ? p : list.at + 1, list.end);
	if (*p == ',')
		p = tlo_json_space_(p + 1, list.end);
	if (p == list.end - 1) {
		*cursor = p;
		return false;
	}
	if (*list.at == '{') {
		const char *after = tlo_json_skip_string_(p, list.end, &bad);
		if (key) {
			key->at = p;
			key->end = after;
		}
		p = tlo_json_space_(tlo_json_space_(after, list.end) + 1, list.end);
	}
	value->at = p;
	*cursor = value->end = tlo_json_skip_(p, list.end, 0, &bad);
	return true;
}

static inline size_t tlo_json_utf8_(uint32_t c, char *to)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		to[i] = (char)(0x80 | (c & 0x3f));
	to[0] = (char)(first[n] | c);
	return n;
}

/* Decodes what is at *p, a character or an escape, to at most four bytes. */
static inline size_t tlo_json_char_(const char **p, const char *end, char to[4])
{
	const char *s = *p;
	if (*s != '\\') {
		to[0] = *s;
		*p = s + 1;
		return 1;
	}
	*p = s + 2;
	if (s[1] != 'u') {
		static const char from[] = "\"\\/bfnrt", is[] = "\"\\/\b\f\n\r\t";
		to[0] = is[strchr(from, s[1]) - from];
		return 1;
	}
	uint32_t c = (uint32_t)tlo_json_hex_(s + 2), low;
	*p = s + 6;
	if (c >= 0xd800 && c < 0xdc00 && end - *p > 6 && s[6] == '\\' && s[7] == 'u' &&
	    (low = (uint32_t)tlo_json_hex_(s + 8)) >= 0xdc00 && low < 0xe000) {
		*p = s + 12;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	} else if (c >= 0xd800 && c < 0xe000) {
		c = 0xfffd;
	}
	return tlo_json_utf8_(c, to);
}

/* tlo_json_str decodes a string: at most cap - 1 bytes of it, and a zero byte.
 * It returns the length of the whole string, or -1 if the value is none. The
 * string may contain zero bytes. */
static inline long tlo_json_str(tlo_json v, char *buf, size_t cap)
{
	size_t len = 0, kept = 0;
	if (cap)
		buf[0] = 0;
	if (*v.at != '"')
		return -1;
	for (const char *p = v.at + 1; p < v.end - 1;) {
		char c[4];
		size_t n = tlo_json_char_(&p, v.end, c);
		if (kept == len && len + n < cap) {
			memcpy(buf + len, c, n);
			kept += n;
		}
		len += n;
	}
	if (cap)
		buf[kept] = 0;
	return (long)len;
}

static inline bool tlo_json_is_(tlo_json name, const char *key)
{
	size_t left = strlen(key);
	for (const char *p = name.at + 1; p < name.end - 1;) {
		char c[4];
		size_t n = tlo_json_char_(&p, name.end, c);
		if (n > left || memcmp(c, key, n) != 0)
			return false;
		key += n;
		left -= n;
	}
	return left == 0;
}

/* tlo_json_get finds a member of an object. Of several with one name it takes
 * the last. It returns false where there is none, or the value is no object. */
static inline bool tlo_json_get(tlo_json object, const char *key, tlo_json *value)
{
	const char *cursor = NULL;
	tlo_json name, v;
	bool found = false;
	if (*object.at != '{')
		return false;
	while (tlo_json_next(object, &cursor, &name, &v)) {
		if (!tlo_json_is_(name, key))
			continue;
		*value = v;
		found = true;
	}
	return found;
}

/* tlo_json_int reads a whole number; false if the value is none, has a fraction
 * or an exponent, or is out of range. */
static inline bool tlo_json_int(tlo_json v, int64_t *n)
{
	const char *p = v.at;
	bool negative = *p == '-';
	uint64_t sum = 0, limit = (uint64_t)INT64_MAX + negative;
	if (tlo_json_kind(v) != '0')
		return false;
	for (p += negative; p < v.end; p++) {
		if (*p < '0' || *p > '9')
			return false;
		uint64_t digit = (uint64_t)(*p - '0');
		if (sum > (limit - digit) / 10)
			return false;
		sum = sum * 10 + digit;
	}
	*n = negative ? (int64_t)(0 - sum) : (int64_t)sum;
	return true;
}

/* tlo_json_float reads a number of at most 63 characters. */
static inline bool tlo_json_float(tlo_json v, double *f)
{
	char digits[64];
	size_t len = (size_t)(v.end - v.at);
	if (tlo_json_kind(v) != '0' || len >= sizeof digits)
		return false;
	memcpy(digits, v.at, len);
	digits[len] = 0;
	*f = strtod(digits, NULL);
	return true;
}

/* tlo_json_bool reads true or false. */
static inline bool tlo_json_bool(tlo_json v, bool *b)
{
	*b = *v.at == 't';
	return *b || *v.at == 'f';
}

#endif

// What the benchmark of the instrumentation runs: tight loops, calls, and a
// small job of the usual kind. Built by build.sh beside it.

#define EXPORT(name) __attribute__((export_name(name)))

typedef unsigned char u8;
typedef unsigned int u32;

static u8 flags[1 << 20];
static double a[64][64], b[64][64], c[64][64];

EXPORT("fnv") u32 fnv(u32 n) {
	u32 hash = 2166136261u;
	for (u32 i = 0; i < n; i++)
		hash = (hash ^ (i & 255)) * 16777619u;
	return hash;
}

EXPORT("sieve") u32 sieve(u32 n) {
	u32 found = 0;
	for (u32 i = 0; i < n; i++)
		flags[i] = 1;
	for (u32 i = 2; i < n; i++) {
		if (!flags[i])
			continue;
		found++;
		for (u32 j = i + i; j < n; j += i)
			flags[j] = 0;
	}
	return found;
}

EXPORT("matmul") u32 matmul(u32 rounds) {
	for (u32 r = 0; r < rounds; r++)
		for (u32 i = 0; i < 64; i++)
			for (u32 j = 0; j < 64; j++) {
				double sum = r;
				for (u32 k = 0; k < 64; k++)
					sum += a[i][k] * b[k][j];
				c[i][j] = sum;
			}
	return (u32)c[63][63];
}

EXPORT("fib") u32 fib(u32 n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

static const char input[] = "{\"id\":\"job-000123\",\"values\":[17,4,250,33,8,91,12,7,66,5,41,3,99,1024],\"rounds\":1000}";
static char output[128];

static char *number(char *p, u32 v) {
	char digits[10];
	int n = 0;
	do
		digits[n++] = '0' + v % 10;
	while (v /= 10);
	while (n)
		*p++ = digits[--n];
	return p;
}

// job reads JSON, computes a little and writes JSON.
EXPORT("job") u32 job(u32 n) {
	u32 hash = 0;
	for (u32 i = 0; i < n; i++) {
		u32 sum = 0, max = 0, value = 0, in = 0, list = 0;
		for (const char *p = input; *p; p++) {
			if (*p == '[' || *p == ']')
				list = *p == '[';
			if (*p >= '0' && *p <= '9') {
				value = value * 10 + (u32)(*p - '0');
				in = 1;
				continue;
			}
			if (in && list + (*p == ']')) {
				sum += value;
				max = value > max ? value : max;
			}
			value = in = 0;
		}
		hash = 2166136261u;
		for (u32 r = 0; r < 1000; r++)
			hash = (hash ^ ((sum >> (r & 7)) & 255)) * 16777619u;
		char *p = output;
		p = number(p, sum);
		*p++ = ',';
		p = number(p, max);
		*p++ = ',';
		p = number(p, hash);
		*p = 0;
	}
	return hash;
}

// A guest without a library: two tasks for the tests of warm starts. Built by
// build.sh beside it.

#define EXPORT(name) __attribute__((export_name(name)))
#define IMPORT(name) __attribute__((import_module("tlo"), import_name(name)))

typedef unsigned char u8;
typedef unsigned int u32;

IMPORT("input_read") int input_read(void *to, u32 n, u32 off);
IMPORT("output_write") int output_write(const void *from, u32 n);

static u8 in[4096], out[4096];
static u32 length;
static u32 initialised;

EXPORT("_initialize") void initialize(void) { initialised++; }

static u32 read(void) { return (u32)input_read(in, sizeof in, 0); }
static void put(u8 c) { out[length++] = c; }

static void number(u32 v) {
	u8 digits[10];
	int n = 0;
	do
		digits[n++] = (u8)('0' + v % 10);
	while (v /= 10);
	while (n)
		put(digits[--n]);
}

static u32 hash(const u8 *p, u32 n, u32 rounds) {
	u32 h = 2166136261u;
	for (u32 r = 0; r < rounds; r++)
		for (u32 i = 0; i < n; i++)
			h = (h ^ p[i]) * 16777619u;
	return h;
}

// tlo_run_digest answers with the sum and the maximum of the numbers in its
// input, and a hash of it: 7,3,2166136261.
EXPORT("tlo_run_digest") int digest(void) {
	u32 n = read(), sum = 0, max = 0;
	for (u32 i = 0; i < n;) {
		u32 value = 0, digits = 0;
		for (; i < n && in[i] >= '0' && in[i] <= '9'; i++, digits++)
			value = value * 10 + in[i] - '0';
		sum += value;
		max = value > max ? value : max;
		i += !digits;
	}
	length = 0;
	number(sum);
	put(',');
	number(max);
	put(',');
	number(hash(in, n, 10));
	output_write(out, length);
	return 0;
}

static u8 kept[64];
static u32 kept_length;
static u32 attempts = 1; // in a data segment, not zero

// tlo_run_keep answers with what earlier attempts left, and leaves its input in
// static memory, on the heap, on the stack's memory and in grown pages.
EXPORT("tlo_run_keep") int keep(void) {
	u32 n = read();
	length = 0;
	for (u32 i = 0; i < kept_length; i++)
		put(kept[i]);
	put('/');
	number(attempts++);
	put('/');
	number(initialised);
	output_write(out, length);
	kept_length = n > sizeof kept ? sizeof kept : n;
	for (u32 i = 0; i < kept_length; i++)
		kept[i] = in[i];
	extern u8 __heap_base;
	u8 *heap = &__heap_base;
	u32 room = (u32)__builtin_wasm_memory_size(0) * 65536 - (u32)heap;
	for (u32 at = 0; at + n < room; at += 4096)
		for (u32 i = 0; i < n; i++)
			heap[at + i] = in[i];
	if (n && in[0] == 'g') { // grow
		u32 page = (u32)__builtin_wasm_memory_grow(0, 16);
		for (u32 i = 0; i < n; i++)
			((u8 *)(page * 65536))[i] = in[i];
	}
	return 0;
}

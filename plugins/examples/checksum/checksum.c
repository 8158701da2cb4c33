/* checksum: the SHA-256 of every file below a granted folder, in the format of
 * sha256sum, or of the input itself. See README.md. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "sha256.h"
#include "tlo.h"
#include "tlo_json.h"

TLO_TASKS({"abi": 1, "tasks": [{"name": "checksum",
	"description": "SHA-256 of every file below a granted folder",
	"needs": ["files"]}]})

enum { PATH_SIZE = 1024, DEPTH = 32 };

static bool is_cancelled;
static uint64_t files, bytes;

/* Adds one line, hash and name, to the output. */
static void emit(const struct sha256 *sum, const char *name)
{
	char hex[2 * SHA256_SIZE + 1];
	sha256_hex(sum, hex);
	tlo_output_str(hex);
	tlo_output_str("  ");
	tlo_output_str(name);
	tlo_output_str("\n");
}

static int cannot(const char *what, const char *path)
{
	TLO_TEXT(why, PATH_SIZE + 100);
	tlo_put(&why, what);
	tlo_put(&why, " ");
	tlo_put(&why, path);
	tlo_put(&why, ": ");
	tlo_put(&why, strerror(errno));
	return tlo_fail(why.data);
}

static int hash_file(const char *path)
{
	static unsigned char block[1 << 16];
	struct sha256 sum;
	FILE *f = fopen(path, "rb");
	if (!f)
		return cannot("open", path);
	sha256_start(&sum);
	for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;) {
		sha256_add(&sum, block, n);
		bytes += n;
		is_cancelled = is_cancelled || tlo_cancelled();
		if (is_cancelled)
			break;
	}
	bool broken = ferror(f);
	fclose(f);
	if (broken)
		return cannot("read", path);
	if (!is_cancelled) {
		emit(&sum, path);
		files++;
	}
	return TLO_OK;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Reads the names of a folder, sorted; memory ends with the attempt. */
static int list(const char *path, char ***names, size_t *n)
{
	size_t room = 0;
	DIR *dir = opendir(path);
	if (!dir)
		return cannot("open", path);
	*names = NULL;
	*n = 0;
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (entry->d_type == DT_LNK) { /* lstat would follow it: the host does */
			tlo_warn("skipped: a link", tlo_str("folder", path), tlo_str("name", entry->d_name));
			continue;
		}
		if (*n == room) {
			room = room ? 2 * room : 64;
			*names = realloc(*names, room * sizeof **names);
		}
		if (!*names || !((*names)[(*n)++] = strdup(entry->d_name)))
			tlo_panic("out of memory: raise memory in the task's block");
	}
	closedir(dir);
	if (*n)
		qsort(*names, *n, sizeof **names, by_name);
	return TLO_OK;
}

static int walk(const char *path, int depth)
{
	struct stat st;
	char **names;
	size_t n;
	if (lstat(path, &st) != 0)
		return cannot("read", path);
	if (S_ISREG(st.st_mode))
		return hash_file(path);
	if (!S_ISDIR(st.st_mode)) {
		tlo_warn("skipped: neither file nor folder", tlo_str("path", path));
		return TLO_OK;
	}
	if (depth == DEPTH) {
		tlo_warn("skipped: nested too deep", tlo_str("path", path));
		return TLO_OK;
	}
	int code = list(path, &names, &n);
	for (size_t i = 0; code == TLO_OK && !is_cancelled && i < n; i++) {
		char below[PATH_SIZE];
		tlo_text t = tlo_text_in(below, sizeof below);
		tlo_put(&t, path);
		tlo_put(&t, path[strlen(path) - 1] == '/' ? "" : "/");
		tlo_put(&t, names[i]);
		if (t.cut)
			tlo_warn("skipped: the path is too long", tlo_str("folder", path), tlo_str("name", names[i]));
		else
			code = walk(below, depth + 1);
		if (depth == 0)
			tlo_progress_msg((double)(i + 1) / (double)n, below);
	}
	return code;
}

TLO_TASK(checksum)
{
	size_t len;
	const char *in = tlo_input_all(&len);
	tlo_json doc, v;
	char root[PATH_SIZE];
	if (!tlo_json_parse(&doc, in, len, NULL) || !tlo_json_get(doc, "root", &v)) {
		struct sha256 sum;
		sha256_start(&sum);
		sha256_add(&sum, in, len);
		emit(&sum, "-");
		return TLO_OK;
	}
	long n = tlo_json_str(v, root, sizeof root);
	if (n < 1 || (size_t)n >= sizeof root)
		return tlo_permanent("input: root is a path such as \"/src\"");
	int code = walk(root, 0);
	if (code == TLO_OK && is_cancelled)
		return tlo_fail("cancelled");
	if (code == TLO_OK)
		tlo_info("done", tlo_int("files", (int64_t)files), tlo_int("bytes", (int64_t)bytes));
	return code;
}

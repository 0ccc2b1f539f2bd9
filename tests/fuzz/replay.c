/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns running the files of corpora through a fuzz target. */
#include "fuzz.h"
#include "sys/os/fs.h"

static unsigned int replay(const char *dir)
{
	char **names = NULL;
	size_t n = 0;
	struct lk_err err = { 0 };

	if (lk_fs_list(dir, 10000, &names, &n, &err) != LK_OK) {
		(void)fprintf(stderr, "%s\n", err.msg);
		exit(1);
	}
	for (size_t i = 0; i < n; i++) {
		LK_OWNED_BUF buf = LK_BUF_NONE;
		uint8_t *exact;

		INVARIANT(lk_fs_read(names[i], 1u << 20, &buf, NULL) == LK_OK);
		/* Memory of just that size, so that a byte too far is seen. */
		exact = malloc(buf.len ? buf.len : 1);
		INVARIANT(exact);
		if (buf.len)
			memcpy(exact, buf.data, buf.len);
		(void)fprintf(stderr, "%s\n", names[i]);
		(void)LLVMFuzzerTestOneInput(exact, buf.len);
		free(exact);
	}
	lk_fs_list_free(names, n);
	return (unsigned int)n;
}

int main(int argc, char **argv)
{
	unsigned int n = 0;

	for (int i = 1; i < argc; i++)
		n += replay(argv[i]);
	(void)printf("%u files\n", n);
	return n ? 0 : 1;
}

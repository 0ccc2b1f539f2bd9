/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns showing bundles of signed policies, and signed root keys. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/policy/policy_bundle.h"
#include "core/policy/signed_root_key.h"
#include "documents.h"
#include "policy/show.h"
#include "sys/crypto/crypto.h"

int lk_show_signed_root_key(const struct lk_doc *doc, bool json, struct lk_err *err)
{
	char text[LK_SIGNED_ROOT_KEY_TEXT];
	struct lk_signed_root_key sr;

	LK_TRY(lk_signed_root_key_from_doc(doc, &sr, err));
	if (json) {
		(void)lk_signed_root_key_write(&sr, true, text);
		printf("%s\n", text);
		return LK_OK;
	}
	printf("signed root key (policy verify checks it, this doesn't)\n");
	lk_show_hex("device-id", sr.id, sizeof(sr.id));
	lk_show_hex("name", sr.root.data, sr.root.len);
	printf("%-*s", LK_SHOW_WIDTH, "policy-ref");
	lk_print_quoted(stdout, (const char *)sr.policy_ref, sr.policy_ref_len);
	printf("\n");
	lk_show_hex("key", sr.key.data, sr.key.len);
	lk_show_hex("signature", sr.signature, sr.signature_len);
	return LK_OK;
}

/* As much as a bundle may have; what a medium has beyond is nobody's. */
static int read_start(const char *path, struct lk_buf *ret, struct lk_err *err)
{
	LK_OWNED_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t n;

	/* Whatever is wrong with it, reading it as a document says it. */
	if (fd < 0 || fstat(fd, &st) != 0 || !(S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)))
		return LK_OK;
	ret->data = malloc(LK_POLICY_BUNDLE_MAX + 1);
	if (!ret->data)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	n = lk_fs_read_full(fd, ret->data, LK_POLICY_BUNDLE_MAX);
	if (n < 0)
		return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: can't read: %s", path,
				  strerror(errno));
	ret->len = (size_t)n;
	return LK_OK;
}

static int read_line(struct lk_bytes line, size_t i, struct lk_signed_policy *ret,
		     struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	int rc = lk_yaml_parse(line.data, line.len, &yaml, err);

	if (rc == LK_OK)
		rc = lk_signed_policy_from_doc(lk_yaml_root(yaml), ret, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "signed policy %zu of the bundle", i + 1);
	return rc;
}

static int read_all(struct lk_bytes body, size_t n, struct lk_signed_policy *list,
		    struct lk_err *err)
{
	struct lk_bytes line;

	for (size_t i = 0; i < n && lk_policy_bundle_next(&body, &line); i++)
		LK_TRY(read_line(line, i, &list[i], err));
	return LK_OK;
}

static int show_json(const struct lk_signed_policy *list, size_t n, struct lk_err *err)
{
	char text[LK_SIGNED_POLICY_TEXT_MAX];

	printf("{ \"latchkey-policy-bundle\": 1, \"policies\": [");
	for (size_t i = 0; i < n; i++) {
		if (lk_signed_policy_write(&list[i], true, text, sizeof(text)) != LK_OK)
			return lk_err_set(err, LK_E_SYSTEM, 0, "the signed policy is too long");
		printf("%s\n%s", i ? "," : "", text);
	}
	printf("\n] }\n");
	return LK_OK;
}

static int show(struct lk_bytes bytes, bool json, struct lk_err *err)
{
	struct lk_policy_bundle bundle;
	struct lk_signed_policy *list;
	struct lk_bytes body;
	int rc;

	LK_TRY(lk_policy_bundle_head(bytes, &bundle, err));
	body = (struct lk_bytes){ bytes.data + LK_POLICY_BUNDLE_HEAD,
				  bytes.len - LK_POLICY_BUNDLE_HEAD };
	if (body.len > bundle.len)
		body.len = bundle.len;
	LK_TRY(lk_policy_bundle_check(&bundle, body, lk_crypto_hash, err));
	list = calloc(bundle.n, sizeof(*list));
	if (!list)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	rc = read_all(body, bundle.n, list, err);
	if (rc == LK_OK && json)
		rc = show_json(list, bundle.n, err);
	for (size_t i = 0; rc == LK_OK && !json && i < bundle.n; i++) {
		printf("%s%zu of %zu: ", i ? "\n" : "", i + 1, bundle.n);
		lk_show_signed_policy(&list[i]);
	}
	free(list);
	return rc;
}

int lk_show_bundle(const char *path, bool json, bool *ret_is, struct lk_err *err)
{
	LK_OWNED_BUF start = LK_BUF_NONE;
	int rc;

	*ret_is = false;
	LK_TRY(read_start(path, &start, err));
	*ret_is = lk_policy_bundle_is((struct lk_bytes){ start.data, start.len });
	if (!*ret_is)
		return LK_OK;
	rc = show((struct lk_bytes){ start.data, start.len }, json, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}

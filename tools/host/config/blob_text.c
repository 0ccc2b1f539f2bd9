/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns showing a blob's header. */
#include "config/blob_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sys/format/json.h"

const char *lk_blob_field_name(enum lk_blob_field field)
{
	static const char *const names[LK_BLOB_FIELDS] = {
		[LK_BLOB_SUITE] = "suite",
		[LK_BLOB_SEQUENCE] = "sequence",
		[LK_BLOB_CREATED] = "created",
		[LK_BLOB_TARGET] = "target",
		[LK_BLOB_POLICY_KEY] = "policy key ID",
		[LK_BLOB_CONFIG_KEY] = "config key ID",
		[LK_BLOB_CONTENT] = "content",
	};

	return names[field];
}

static void time_text(uint64_t seconds, char out[static LK_BLOB_TEXT_MAX])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (seconds > INT64_MAX || !gmtime_r(&t, &tm) ||
	    strftime(out, LK_BLOB_TEXT_MAX, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		(void)snprintf(out, LK_BLOB_TEXT_MAX, "%" PRIu64 " s after 1970", seconds);
}

void lk_blob_field_text(const struct lk_blob_header *header, enum lk_blob_field field,
			char out[static LK_BLOB_TEXT_MAX])
{
	*out = '\0';
	switch (field) {
	case LK_BLOB_SUITE:
		(void)snprintf(out, LK_BLOB_TEXT_MAX, "%s", lk_suite_name(header->suite));
		break;
	case LK_BLOB_SEQUENCE:
		(void)snprintf(out, LK_BLOB_TEXT_MAX, "%" PRIu64, header->sequence);
		break;
	case LK_BLOB_CREATED:
		time_text(header->created, out);
		break;
	case LK_BLOB_TARGET:
		if (lk_blob_for_any(header))
			strcpy(out, "any device");
		else
			lk_hex_encode(header->target, LK_BLOB_ID_SIZE, out);
		break;
	case LK_BLOB_POLICY_KEY:
		lk_hex_encode(header->policy_key, LK_BLOB_ID_SIZE, out);
		break;
	case LK_BLOB_CONFIG_KEY:
		lk_hex_encode(header->config_key, LK_BLOB_ID_SIZE, out);
		break;
	case LK_BLOB_CONTENT:
	case LK_BLOB_FIELDS:
		(void)snprintf(out, LK_BLOB_TEXT_MAX, "%" PRIu64 " bytes", header->plain_len);
		break;
	}
}

void lk_blob_text_print(const struct lk_blob_header *header, uint64_t size)
{
	char text[LK_BLOB_TEXT_MAX];

	for (unsigned int i = 0; i < LK_BLOB_FIELDS; i++) {
		lk_blob_field_text(header, (enum lk_blob_field)i, text);
		printf("%-16s%s\n", lk_blob_field_name((enum lk_blob_field)i), text);
	}
	printf("%-16s%" PRIu64 " bytes\n", "file", size);
}

int lk_blob_text_json(const struct lk_blob_header *header, uint64_t size, struct lk_err *err)
{
	LK_OWNED_JSON o = lk_json_object();
	LK_OWNED_BUF text = LK_BUF_NONE;
	int rc;

	if (!o)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	lk_json_set_bool(o, "verified", false);
	lk_json_set_uint(o, "version", LK_BLOB_VERSION);
	lk_json_set_uint(o, "suite", header->suite);
	lk_json_set_text(o, "suite-name", lk_suite_name(header->suite));
	lk_json_set_uint(o, "sequence", header->sequence);
	lk_json_set_uint(o, "created", header->created);
	if (lk_blob_for_any(header))
		lk_json_set_text(o, "target", "any");
	else
		lk_json_set_hex(o, "target", header->target, LK_BLOB_ID_SIZE);
	lk_json_set_hex(o, "policy-key-id", header->policy_key, LK_BLOB_ID_SIZE);
	lk_json_set_hex(o, "config-key-id", header->config_key, LK_BLOB_ID_SIZE);
	lk_json_set_uint(o, "content-size", header->plain_len);
	lk_json_set_uint(o, "size", size);
	rc = lk_json_write(o, &text, err);
	if (rc == LK_OK)
		fwrite(text.data, 1, text.len, stdout);
	return rc;
}

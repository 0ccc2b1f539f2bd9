/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what tests of logs share: which are recorded, and putting small ones together. */
#ifndef LK_TEST_EVENT_LOGS_H
#define LK_TEST_EVENT_LOGS_H

#include <stdio.h>

#include "support.h"

#include "core/bootlog/log_explain.h"
#include "core/policy/pcr_text.h"
#include "sys/crypto/crypto.h"

/** Folders of tests/data/event_logs, each with firmware, ima and pcrs.json. */
static const char *const recorded[] = {
	"uki-12",	 "uki-13",	 "insecure-12",	 "kernel-12", "kernel-13",
	"measuring-12",	 "measuring-13", "violation-13", "oldest-12", "loader-13",
	"loader-13-off", "grub-12",	 "grub-13",
};
#define N_RECORDED N_OF(recorded)

static inline struct lk_buf recorded_file(const char *machine, const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "event_logs/%s/%s", machine, name);
	return data_file(path);
}

/** Values that the TPM had when the logs were recorded. */
static inline struct lk_pcr_values recorded_values(const char *machine, enum lk_alg bank)
{
	LK_OWNED_BUF text = recorded_file(machine, "pcrs.json");
	LK_OWNED_YAML yaml = doc_of((const char *)text.data);
	struct lk_pcr_values values;

	assert_int_equal(lk_pcr_values_from_doc(lk_yaml_root(yaml), bank, &values, NULL), LK_OK);
	return values;
}

/** Little-endian bytes at a log's end. */
struct made {
	uint8_t data[8192];
	size_t len;
};

static inline void put(struct made *m, const void *data, size_t len)
{
	assert_true(len <= sizeof(m->data) - m->len);
	if (len)
		memcpy(m->data + m->len, data, len);
	m->len += len;
}

static inline void put_number(struct made *m, uint64_t v, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(v >> (8 * i));

		put(m, &byte, 1);
	}
}

/** 0xffffffff in place of a length. */
static inline void overwrite_length(uint8_t *data, size_t at)
{
	memset(data + at, 0xff, 4);
}

#endif

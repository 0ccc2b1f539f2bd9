/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading latchkey-verifier.yaml(5), and what holds where it says nothing. */
#include "verifier/settings/settings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sys/format/document.h"
#include "sys/format/yaml.h"

#define SETTINGS_MAX 65536u

static int get_text(const struct lk_doc *map, const char *key, char ret[static LK_VF_TEXT_MAX],
		    struct lk_err *err)
{
	const char *text;

	if (!lk_doc_get(map, key))
		return LK_OK;
	LK_TRY(lk_doc_get_text(map, key, LK_VF_TEXT_MAX - 1, &text, err));
	(void)snprintf(ret, LK_VF_TEXT_MAX, "%s", text);
	return LK_OK;
}

static int get_number(const struct lk_doc *map, const char *key, const unsigned int range[static 2],
		      unsigned int *ret, struct lk_err *err)
{
	uint64_t number;

	if (!lk_doc_get(map, key))
		return LK_OK;
	LK_TRY(lk_doc_get_uint(map, key, range[0], range[1], &number, err));
	*ret = (unsigned int)number;
	return LK_OK;
}

static int get_pcrs(const struct lk_doc *map, struct lk_pcr_selection *ret, struct lk_err *err)
{
	static const char *const banks[] = { "sha256", "sha384", NULL };
	const struct lk_doc *list = lk_doc_get(map, "pcrs");
	unsigned int bank = 0;
	uint64_t pcr;

	if (lk_doc_get(map, "bank"))
		LK_TRY(lk_doc_get_word(map, "bank", banks, &bank, err));
	ret->bank = bank ? LK_ALG_SHA384 : LK_ALG_SHA256;
	if (!list)
		return LK_OK;
	if (list->type != LK_DOC_SEQ || !list->child)
		return lk_doc_error(list, err,
				    "pcrs is a list of PCRs, as in [0, 2, 4, 7, 10, 15]");
	ret->mask = 0;
	for (const struct lk_doc *n = list->child; n; n = n->next) {
		LK_TRY(lk_doc_uint(n, 0, LK_PCR_COUNT - 1, &pcr, err));
		ret->mask |= 1u << pcr;
	}
	return LK_OK;
}

int lk_vf_settings_from_doc(const struct lk_doc *map, struct lk_vf_settings *s, struct lk_err *err)
{
	static const char *const known[] = { "latchkey-verifier",
					     "state",
					     "store",
					     "listen",
					     "pages",
					     "certificate",
					     "key",
					     "names",
					     "bank",
					     "pcrs",
					     "connections",
					     "keep",
					     "overdue",
					     "ek-ca",
					     "enrol",
					     NULL };
	static const char *const modes[] = { "refused", "held", "certificate", "first-seen", NULL };
	static const unsigned int connections[] = { 16, 100000 }, overdue[] = { 1, 8760 },
				  keep[] = { 1, 36500 };
	unsigned int mode = 0;
	uint64_t version;

	LK_TRY(lk_doc_expect_kind(map, known[0], err));
	LK_TRY(lk_doc_expect_keys(map, known, err));
	LK_TRY(lk_doc_get_uint(map, known[0], 1, 1, &version, err));
	LK_TRY(get_text(map, "state", s->state, err));
	LK_TRY(get_text(map, "store", s->store, err));
	LK_TRY(get_text(map, "listen", s->listen, err));
	LK_TRY(get_text(map, "pages", s->pages, err));
	LK_TRY(get_text(map, "certificate", s->certificate, err));
	LK_TRY(get_text(map, "key", s->key, err));
	LK_TRY(get_text(map, "names", s->names, err));
	LK_TRY(get_text(map, "ek-ca", s->ek_ca, err));
	LK_TRY(get_pcrs(map, &s->pcrs, err));
	if (lk_doc_get(map, "enrol"))
		LK_TRY(lk_doc_get_word(map, "enrol", modes, &mode, err));
	s->enrol = (enum lk_vf_enrol_mode)mode;
	if (s->enrol == LK_VF_ENROL_CERTIFICATE && !s->ek_ca[0])
		return lk_doc_error(
			map, err,
			"enrol: certificate takes devices by the certificate of their endorsement key: ek-ca has to name who vouches for these");
	LK_TRY(get_number(map, "connections", connections, &s->connections, err));
	LK_TRY(get_number(map, "keep", keep, &s->keep_days, err));
	LK_TRY(get_number(map, "overdue", overdue, &s->overdue_h, err));
	if (!s->certificate[0] != !s->key[0])
		return lk_doc_error(map, err,
				    "certificate and key belong together: write both or neither");
	return LK_OK;
}

int lk_vf_settings_read(const char *path, const char *state, struct lk_vf_settings *ret,
			struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	struct lk_vf_settings s = {
		.state = LK_VF_STATE,
		.listen = "127.0.0.1:8443",
		.pages = "127.0.0.1:8444",
		.names = "DNS:localhost,IP:127.0.0.1,IP:::1",
		.pcrs = { LK_ALG_SHA256, 0xffff },
		.connections = 4096,
		.overdue_h = 48,
	};

	if (path || access(LK_VF_SETTINGS, F_OK) == 0) {
		path = path ? path : LK_VF_SETTINGS;
		LK_TRY(lk_document_read(path, SETTINGS_MAX, &yaml, err));
		if (lk_vf_settings_from_doc(lk_yaml_root(yaml), &s, err) != LK_OK) {
			lk_err_prefix(err, "%s", path);
			return LK_E_INPUT;
		}
	}
	if (state)
		(void)snprintf(s.state, sizeof(s.state), "%s", state);
	if (strlen(s.state) > LK_VF_TEXT_MAX - 32)
		return lk_err_set(err, LK_E_INPUT, 0, "the state directory's path is too long");
	if (!s.store[0])
		(void)snprintf(s.store, sizeof(s.store), "%.480s/verifier.db", s.state);
	*ret = s;
	return LK_OK;
}

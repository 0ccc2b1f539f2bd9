/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns flavors in the database. What comes out of it is verified again: the database isn't the owner. */
#include <stdlib.h>
#include <string.h>

#include "verifier/flavor/flavor_parts.h"
#include "sys/format/yaml.h"

static char *copy_text(const struct lk_value *v)
{
	char *text = malloc(v->bytes.len + 1);

	if (text && v->bytes.len)
		memcpy(text, v->bytes.data, v->bytes.len);
	if (text)
		text[v->bytes.len] = '\0';
	return text;
}

static int take_flavor(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	struct lk_vf_flavor *f = ctx;

	f->text = copy_text(&c[0]);
	f->policy_file = c[1].bytes.len ? copy_text(&c[1]) : NULL;
	if (!f->text || (c[1].bytes.len && !f->policy_file))
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory for a flavor");
	return LK_OK;
}

struct adding {
	struct lk_vf_flavor *f;
	struct lk_policy_file pf;
};

static int take_policy(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	struct adding *a = ctx;

	return lk_vf_flavor_add_policy(a->f, &a->pf, c[0].bytes, err);
}

static int fill(struct lk_store *s, const char *name, struct lk_vf_flavor *f, struct lk_err *err)
{
	static const char sql[] = "SELECT text FROM flavor_policies WHERE flavor = $1 "
				  "ORDER BY version DESC, digest";
	const struct lk_value args[] = { lk_value_text(name) };
	LK_OWNED_YAML yaml = NULL;
	struct adding a = { .f = f };

	LK_TRY(lk_yaml_parse((const uint8_t *)f->text, strlen(f->text), &yaml, err));
	LK_TRY(lk_vf_flavor_from_doc(lk_yaml_root(yaml), f, err));
	if (!f->policy_file)
		return LK_OK;
	LK_TRY(lk_vf_flavor_policy_file(f->policy_file, f, &a.pf, err));
	return lk_store_run(s, &(struct lk_query){ sql, 1, args, take_policy, &a }, NULL, err);
}

int lk_vf_flavor_get(struct lk_store *s, const char *name, struct lk_vf_flavor *ret,
		     bool *ret_found, struct lk_err *err)
{
	static const char sql[] = "SELECT text, policy_file FROM flavors WHERE name = $1";
	const struct lk_value args[] = { lk_value_text(name) };
	LK_OWNED_VF_FLAVOR f = { .latch = LK_PCR_NONE };
	int rc;

	LK_TRY(lk_store_run(s, &(struct lk_query){ sql, 1, args, take_flavor, &f }, NULL, err));
	*ret_found = f.text != NULL;
	if (f.text) {
		rc = fill(s, name, &f, err);
		if (rc != LK_OK) {
			lk_err_prefix(err, "flavor %s", name);
			return rc;
		}
	}
	LK_TRY(lk_vf_flavor_seal(&f, err));
	*ret = f;
	f = (struct lk_vf_flavor){ .n = 0 };
	return LK_OK;
}

static int put_policy(struct lk_store *s, const char *name, const struct lk_signed_policy *sp,
		      struct lk_err *err)
{
	static const char sql[] =
		"INSERT INTO flavor_policies (flavor, digest, version, text) VALUES ($1, $2, $3, $4)";
	char text[LK_SIGNED_POLICY_TEXT_MAX];
	const struct lk_bytes digest = { sp->digest.data, sp->digest.len };

	LK_TRY(lk_signed_policy_write(sp, true, text, sizeof(text)));
	const struct lk_value args[] = { lk_value_text(name), lk_value_bytes(digest),
					 lk_value_int(sp->version), lk_value_text(text) };

	return lk_store_run(s, &(struct lk_query){ sql, 4, args, NULL, NULL }, NULL, err);
}

int lk_vf_flavor_put(struct lk_store *s, const char *name, const struct lk_vf_flavor *f,
		     int64_t now, struct lk_err *err)
{
	static const char forget[] = "DELETE FROM flavor_policies WHERE flavor = $1";
	static const char drop[] = "DELETE FROM flavors WHERE name = $1";
	static const char add[] =
		"INSERT INTO flavors (name, text, policy_file, added) VALUES ($1, $2, $3, $4)";
	static const char forget_generation[] = "DELETE FROM settings WHERE name = 'flavors'";
	static const char generation[] =
		"INSERT INTO settings (name, value) VALUES ('flavors', $1)";
	const struct lk_value named[] = { lk_value_text(name) };
	const struct lk_value row[] = { lk_value_text(name), lk_value_text(f->text),
					lk_value_text(f->policy_file ? f->policy_file : ""),
					lk_value_int(now) };
	uint8_t number[8];
	struct lk_writer w = lk_writer_init(number, sizeof(number));
	const struct lk_value moved[] = { lk_value_bytes((struct lk_bytes){ number, 8 }) };

	lk_write_be64(&w, (uint64_t)now);
	LK_TRY(lk_store_run(s, &(struct lk_query){ forget, 1, named, NULL, NULL }, NULL, err));
	LK_TRY(lk_store_run(s, &(struct lk_query){ drop, 1, named, NULL, NULL }, NULL, err));
	LK_TRY(lk_store_run(s, &(struct lk_query){ add, 4, row, NULL, NULL }, NULL, err));
	for (size_t i = 0; i < f->n; i++)
		LK_TRY(put_policy(s, name, &f->policies[i], err));
	LK_TRY(lk_store_run(s, &(struct lk_query){ forget_generation, 0, NULL, NULL, NULL }, NULL,
			    err));
	return lk_store_run(s, &(struct lk_query){ generation, 1, moved, NULL, NULL }, NULL, err);
}

static int take_generation(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	struct lk_reader r = lk_reader_init(c[0].bytes.data, c[0].bytes.len);

	(void)err;
	*(int64_t *)ctx = (int64_t)lk_read_be64(&r);
	return LK_OK;
}

int lk_vf_flavor_generation(struct lk_store *s, int64_t *ret, struct lk_err *err)
{
	static const char sql[] = "SELECT value FROM settings WHERE name = 'flavors'";
	int64_t generation = 0;

	LK_TRY(lk_store_run(s, &(struct lk_query){ sql, 0, NULL, take_generation, &generation },
			    NULL, err));
	*ret = generation;
	return LK_OK;
}

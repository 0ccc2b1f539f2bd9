/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns keeping flavors in memory, and forgetting those that were changed. */
#include "verifier/flavor/flavors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kept {
	char name[LK_VF_NAME_MAX];
	struct lk_vf_flavor flavor;
	struct kept *next;
};

struct lk_vf_flavors {
	int64_t generation;
	struct kept *first;
};

struct lk_vf_flavors *lk_vf_flavors_new(void)
{
	return calloc(1, sizeof(struct lk_vf_flavors));
}

static void forget_all(struct lk_vf_flavors *f)
{
	while (f->first) {
		struct kept *k = f->first;

		f->first = k->next;
		lk_vf_flavor_done(&k->flavor);
		free(k);
	}
}

void lk_vf_flavors_free(struct lk_vf_flavors *f)
{
	if (f)
		forget_all(f);
	free(f);
}

void lk_vf_flavors_refresh(struct lk_vf_flavors *f, struct lk_store *s)
{
	int64_t generation;

	if (lk_store_ready(s, NULL) != LK_OK ||
	    lk_vf_flavor_generation(s, &generation, NULL) != LK_OK || generation == f->generation)
		return;
	forget_all(f);
	f->generation = generation;
}

int lk_vf_flavors_get(struct lk_vf_flavors *f, struct lk_store *s, const char *name,
		      const struct lk_vf_flavor **ret, struct lk_err *err)
{
	struct kept *k;
	bool found;
	int rc;

	for (k = f->first; k; k = k->next)
		if (strcmp(k->name, name) == 0) {
			*ret = &k->flavor;
			return LK_OK;
		}
	k = calloc(1, sizeof(*k));
	if (!k)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory for a flavor");
	(void)snprintf(k->name, sizeof(k->name), "%s", name);
	rc = lk_vf_flavor_get(s, name, &k->flavor, &found, err);
	if (rc != LK_OK) {
		free(k);
		/* What the database has of it is malformed: that isn't the device's fault. */
		return rc == LK_E_INPUT || rc == LK_E_POLICY
			       ? lk_err_set(err, LK_E_IO, 0, "flavor %s can't be used", name)
			       : rc;
	}
	k->next = f->first;
	f->first = k;
	*ret = &k->flavor;
	return LK_OK;
}

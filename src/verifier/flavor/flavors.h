/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the flavors that a server keeps in memory. */
#ifndef LK_VERIFIER_FLAVOR_FLAVORS_H
#define LK_VERIFIER_FLAVOR_FLAVORS_H

#include "verifier/flavor/flavor.h"

/** Flavors that were read lately. */
struct lk_vf_flavors;
struct lk_vf_flavors *lk_vf_flavors_new(void);
void lk_vf_flavors_free(struct lk_vf_flavors *f);
/** To be called now and then: forgets what was changed in the database. */
void lk_vf_flavors_refresh(struct lk_vf_flavors *f, struct lk_store *s);
int lk_vf_flavors_get(struct lk_vf_flavors *f, struct lk_store *s, const char *name,
		      const struct lk_vf_flavor **ret, struct lk_err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns collecting the policyRefs of a policy file and of tokens, and saying which of them are shared. */
#include "volume/status_refs.h"

#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "core/policy/policy_ref.h"

static void add_ref(struct lk_refs *refs, struct lk_bytes ref, unsigned int policies)
{
	size_t i = 0;

	while (i < refs->n &&
	       !lk_bytes_same(ref, (struct lk_bytes){ refs->ref[i].data, refs->ref[i].len }))
		i++;
	if (i == LK_REFS_MAX) {
		refs->more = true;
		return;
	}
	if (i == refs->n) {
		memcpy(refs->ref[i].data, ref.data, ref.len);
		refs->ref[i].len = ref.len;
		refs->n++;
	}
	refs->ref[i].policies += policies;
}

static int add_of_token(const struct lk_token *token, void *data, struct lk_err *err)
{
	(void)err;
	for (size_t i = 0; i < token->n_policies; i++)
		add_ref(data,
			(struct lk_bytes){ token->policies[i].policy_ref,
					   token->policies[i].policy_ref_len },
			1);
	return LK_OK;
}

void lk_refs_collect(struct lk_refs *refs, const struct lk_policy_file *pf,
		     struct lk_volume_header *h)
{
	add_ref(refs, (struct lk_bytes){ pf->policy_ref, pf->policy_ref_len }, 0);
	if (h)
		(void)lk_token_each(h, add_of_token, refs, NULL);
}

void lk_refs_say(const struct lk_refs *refs, struct lk_json *obj, bool text)
{
	struct lk_json *array = lk_json_set_array(obj, "references");
	bool any_shared = false;

	if (text)
		putchar('\n');
	for (size_t i = 0; i < refs->n; i++) {
		struct lk_bytes ref = { refs->ref[i].data, refs->ref[i].len };
		bool shared = !lk_policy_ref_is_bound(ref);
		struct lk_json *entry = lk_json_add_object(array);
		char plain[LK_POLICY_REF_MAX + 1] = { 0 }, shown[LK_TEXT_SHOWN_MAX + 4];

		memcpy(plain, ref.data, ref.len);
		lk_text_show(plain, shown);
		lk_json_set_text(entry, "policy-ref", shown);
		lk_json_set_uint(entry, "policies", refs->ref[i].policies);
		lk_json_set_bool(entry, "shared", shared);
		any_shared |= shared;
		if (text)
			printf("%-20s \"%s\", %u signed policies%s\n", "policy-ref", shown,
			       refs->ref[i].policies, shared ? ", SHARED" : "");
	}
	lk_json_set_bool(obj, "shared-policy-ref", any_shared);
	lk_json_set_bool(obj, "more-references", refs->more);
	if (text && refs->more)
		printf("%-20s there are more\n", "policy-ref");
	if (text && any_shared)
		printf("%-20s what is signed with a shared policy-ref opens every volume sealed to it, whatever PCRs and latch its policy file asks for; latchkey-policy(5), FORMAT 1, says how to change over\n",
		       "note");
}

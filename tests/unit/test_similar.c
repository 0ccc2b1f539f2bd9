/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of guessing which word was meant. */
#include <stdio.h>

#include "support.h"

#include "core/base/similar.h"

static const char *const words[] = { "policy add", "policy list", "policy-key", "pcrs",
				     "status",	   "pin",	  "volumes",	NULL };

static void meant(const char *typed, const char *word)
{
	const char *found = lk_similar(typed, words);

	if (word ? !found || strcmp(found, word) != 0 : found != NULL)
		fail_msg("%s: %s", typed, found ? found : "none");
}

static void test_one_letter_in_three_may_be_wrong(void **s)
{
	(void)s;
	meant("pcr", "pcrs");
	meant("pcrss", "pcrs");
	meant("pxrs", "pcrs");
	meant("prcs", "pcrs"); /* exchanged with its neighbour: one */
	meant("pins", "pin");
	meant("pi", "pin");
	meant("sttaus", "status");
	meant("statsu", "status");
	meant("stat", NULL);
	meant("polcy-key", "policy-key");
	meant("policykey", "policy-key");
	meant("polcy lsit", "policy list");
	meant("volume", "volumes");
}

static void test_what_is_far_or_right_is_left_alone(void **s)
{
	char long_word[300];

	(void)s;
	meant("pcrs", NULL);
	meant("", NULL);
	meant("x", NULL);
	meant("encrypt", NULL);
	meant("config seal", NULL);
	memset(long_word, 'a', sizeof(long_word) - 1);
	long_word[sizeof(long_word) - 1] = '\0';
	meant(long_word, NULL);
	assert_null(lk_similar("x", (const char *const[]){ NULL }));
	assert_null(lk_similar("aaaa", (const char *const[]){ long_word, NULL }));
}

static void test_commands_are_found_by_both_words_or_by_one(void **s)
{
	static const struct {
		const char *typed[3];
		int n;
		const char *command;
	} table[] = {
		{ { "policy", "ad" }, 2, "policy add" },
		{ { "polcy", "add" }, 2, "policy add" },
		{ { "statsu", "--json" }, 2, "status" },
		{ { "statsu" }, 1, "status" },
		{ { "pcr", "--bank", "sha384" }, 3, "pcrs" },
		{ { "encrypt", "it" }, 2, NULL },
		{ { "statsu", "now" }, 2, "status" },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(table); i++) {
		char copies[3][16] = { "", "", "" };
		char *typed[3] = { copies[0], copies[1], copies[2] };
		const char *found;

		for (int k = 0; k < table[i].n; k++)
			(void)snprintf(copies[k], sizeof(copies[k]), "%s", table[i].typed[k]);
		found = lk_similar_command(typed, table[i].n, words);
		if (table[i].command)
			assert_string_equal(found, table[i].command);
		else
			assert_null(found);
	}
}

static void test_it_is_said_as_a_question(void **s)
{
	char out[LK_SIMILAR_MAX];

	(void)s;
	assert_string_equal(lk_similar_say("pcr", words, out), "; did you mean pcrs?");
	assert_string_equal(lk_similar_say("pcrs", words, out), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_letter_in_three_may_be_wrong),
		cmocka_unit_test(test_what_is_far_or_right_is_left_alone),
		cmocka_unit_test(test_commands_are_found_by_both_words_or_by_one),
		cmocka_unit_test(test_it_is_said_as_a_question),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

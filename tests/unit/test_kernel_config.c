/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of what a kernel's configuration lacks. */
#include "support.h"

#include "core/policy/kernel_config.h"

static const char *lacks(const char *text, const struct lk_policy_file *pf)
{
	static char out[LK_KERNEL_LACKS_MAX];
	struct lk_bytes bytes = { (const uint8_t *)text, strlen(text) };

	return lk_kernel_config_lacks(bytes, pf, out) ? out : "";
}

static void test_what_is_lacking_is_named(void **s)
{
	static const char whole[] =
		"# Linux\nCONFIG_DM_CRYPT=m\nCONFIG_IMA=y\nCONFIG_TCG_TIS=m\nCONFIG_TCG_CRB=y\n";

	(void)s;
	assert_string_equal(lacks(whole, NULL), "");
	assert_string_equal(lacks("", NULL),
			    "CONFIG_DM_CRYPT, CONFIG_IMA=y, CONFIG_TCG_CRB=y or CONFIG_TCG_TIS=y");
	assert_string_equal(lacks("CONFIG_DM_CRYPT=y\n# CONFIG_IMA is not set\nCONFIG_TCG_TIS=y",
				  NULL),
			    "CONFIG_IMA=y");
	assert_string_equal(lacks("CONFIG_DM_CRYPT=y\nCONFIG_IMA=y\nCONFIG_TCG_TIS=m\n", NULL),
			    "CONFIG_TCG_CRB=y or CONFIG_TCG_TIS=y");
	assert_string_equal(lacks("xCONFIG_DM_CRYPT=y\nCONFIG_DM_CRYPT=yy\nCONFIG_IMA=m\n"
				  "CONFIG_TCG_TIS_SPI=y\n",
				  NULL),
			    "CONFIG_DM_CRYPT, CONFIG_IMA=y");
}

static void test_only_what_the_policy_file_counts_on(void **s)
{
	static struct lk_policy_file pf = { .pcrs.mask = 1u << 0 | 1u << 7, .n_volumes = 1 };

	(void)s;
	assert_string_equal(lacks("CONFIG_DM_CRYPT=m\n", &pf), "");
	pf.volumes[0].format.integrity = LK_INTEGRITY_HMAC_SHA256;
	assert_string_equal(lacks("CONFIG_DM_CRYPT=m\n", &pf), "CONFIG_DM_INTEGRITY");
	pf.pcrs.mask |= 1u << 10;
	assert_string_equal(lacks("CONFIG_DM_CRYPT=m\nCONFIG_DM_INTEGRITY=m\n", &pf),
			    "CONFIG_IMA=y, CONFIG_TCG_CRB=y or CONFIG_TCG_TIS=y");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_lacking_is_named),
		cmocka_unit_test(test_only_what_the_policy_file_counts_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

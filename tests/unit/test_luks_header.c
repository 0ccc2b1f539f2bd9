/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of what a LUKS2 header's JSON must say. */
#include "support.h"

#include <stdio.h>

#include "core/luks/luks_header.h"

/* As cryptsetup 2.6 writes it with --pbkdf pbkdf2 and default sizes. */
static const char good[] =
	"{\"keyslots\":{\"0\":{\"type\":\"luks2\",\"key_size\":64,\"af\":{\"type\":\"luks1\",\"stripes\":4000,\"hash\":\"sha256\"},\"area\":{\"type\":\"raw\",\"offset\":\"32768\",\"size\":\"258048\",\"encryption\":\"aes-xts-plain64\",\"key_size\":64},\"kdf\":{\"type\":\"pbkdf2\",\"hash\":\"sha256\",\"iterations\":1000,\"salt\":\"AAAA\"}}},\"tokens\":{},\"segments\":{\"0\":{\"type\":\"crypt\",\"offset\":\"16777216\",\"size\":\"dynamic\",\"iv_tweak\":\"0\",\"encryption\":\"aes-xts-plain64\",\"sector_size\":512}},\"digests\":{\"0\":{\"type\":\"pbkdf2\",\"keyslots\":[\"0\"],\"segments\":[\"0\"],\"hash\":\"sha256\",\"iterations\":1000,\"salt\":\"AAAA\",\"digest\":\"AAAA\"}},\"config\":{\"json_size\":\"12288\",\"keyslots_size\":\"16744448\"}}";

/* More is copied than belongs to the header. */
static const struct lk_luks_areas areas = { .header_size = 16384,
					    .end = 16777216,
					    .copied = 16777216 + 4096 };

static struct lk_volume volume(void)
{
	return (struct lk_volume){
		.name = "root",
		.format = { .cipher = "aes-xts-plain64", .key_bits = 512, .sector_size = 512 }
	};
}

static int check(const char *json, const struct lk_volume *vol)
{
	LK_OWNED_YAML yaml = doc_of(json);
	struct lk_err err = { 0 };
	int rc = lk_luks_header_check(lk_yaml_root(yaml), vol, &areas, &err);

	assert_true(rc == LK_OK || (rc == LK_E_HEADER && err.msg[0]));
	return rc;
}

static int check_swapped(const char *from, const char *to)
{
	struct lk_volume vol = volume();
	char *text = swapped(good, from, to);
	int rc = check(text, &vol);

	free(text);
	return rc;
}

static void test_what_cryptsetup_formats_is_accepted(void **s)
{
	struct lk_volume vol = volume();

	(void)s;
	assert_int_equal(check(good, &vol), LK_OK);
}

static void test_every_departure_is_refused(void **s)
{
	static const struct {
		const char *from;
		const char *to;
	} edits[] = {
		/* segment */
		{ "\"type\":\"crypt\"", "\"type\":\"linear\"" },
		{ "\"encryption\":\"aes-xts-plain64\",\"sector",
		  "\"encryption\":\"cipher_null-ecb\",\"sector" },
		{ "\"encryption\":\"aes-xts-plain64\",\"sector",
		  "\"encryption\":\"aes-xts-plain\",\"sector" },
		{ "\"encryption\":\"aes-xts-plain64\",\"sector", "\"sector" },
		{ "\"iv_tweak\":\"0\"", "\"iv_tweak\":\"8\"" },
		{ "\"iv_tweak\":\"0\"", "\"iv_tweak\":\"00\"" },
		{ "\"iv_tweak\":\"0\"", "\"iv_tweak\":[]" },
		{ "\"iv_tweak\":\"0\",", "" },
		{ "\"size\":\"dynamic\"", "\"size\":\"16777216\"" },
		{ "\"size\":\"dynamic\"", "\"size\":[]" },
		{ "\"size\":\"dynamic\",", "" },
		{ "\"offset\":\"16777216\"", "\"offset\":\"16777215\"" },
		{ "\"offset\":\"16777216\"", "\"offset\":\"0\"" },
		{ "\"offset\":\"16777216\"", "\"offset\":\"-1\"" },
		{ "\"offset\":\"16777216\"", "\"offset\":\"9223372036854775808\"" },
		{ "\"offset\":\"16777216\",", "" },
		{ "\"sector_size\":512", "\"sector_size\":4096" },
		{ "\"sector_size\":512", "\"sector_size\":8192" },
		{ "\"sector_size\":512", "\"sector_size\":\"big\"" },
		{ "\"sector_size\":512", "\"sector_size\":512,\"flags\":[\"backup-final\"]" },
		{ "\"sector_size\":512",
		  "\"sector_size\":512,\"integrity\":{\"type\":\"hmac(sha256)\"}" },
		{ "\"sector_size\":512", "\"sector_size\":512,\"integrity\":1" },
		{ "\"segments\":{\"0\":", "\"segments\":{\"1\":" },
		{ "\"segments\":{\"0\":", "\"segments\":{\"1\":{},\"0\":" },
		{ "\"segments\":{\"0\":", "\"segmentx\":{\"0\":" },
		/* keyslots */
		{ "{\"0\":{\"type\":\"luks2\"", "{\"0\":{\"type\":\"reencrypt\"" },
		{ "\"luks2\",\"key_size\":64", "\"luks2\",\"key_size\":32" },
		{ "\"luks2\",\"key_size\":64", "\"luks2\"" },
		{ "\"keyslots\":{\"0\"", "\"keyslots\":{},\"x\":{\"0\"" },
		{ "\"keyslots\":{\"0\"", "\"keyslots\":[],\"x\":{\"0\"" },
		{ "\"keyslots\":{\"0\"", "\"keyslots\":{\"1\":{},\"0\"" },
		{ "\"keyslots\":{\"0\"", "\"keyslots\":{\"1\":7,\"0\"" },
		{ "\"type\":\"raw\"", "\"type\":\"none\"" },
		{ "aes-xts-plain64\",\"key_size\":64},", "cipher_null\",\"key_size\":64}," },
		{ "\"offset\":\"32768\"", "\"offset\":\"32767\"" },
		{ "\"offset\":\"32768\"", "\"offset\":\"0\"" },
		{ "aes-xts-plain64\",\"key_size\":64},", "aes-xts-plain64\",\"key_size\":65}," },
		{ "aes-xts-plain64\",\"key_size\":64},", "aes-xts-plain64\",\"key_size\":[]}," },
		{ "aes-xts-plain64\",\"key_size\":64},", "aes-xts-plain64\"}," },
		{ "\"offset\":\"32768\"", "\"offset\":\"16777217\"" },
		{ "\"offset\":\"32768\"", "\"offset\":\"16781313\"" },
		{ "\"offset\":\"32768\"", "\"offset\":\"9223372036854775808\"" },
		{ "\"offset\":\"32768\"", "\"offset\":\"-1\"" },
		{ "\"size\":\"258048\"", "\"size\":\"16744449\"" },
		{ "\"size\":\"258048\"", "\"size\":\"9223372036854775807\"" },
		/* cost */
		{ "\"hash\":\"sha256\",\"iterations\":1000,\"salt\":\"AAAA\"}}}",
		  "\"iterations\":50000001}}}" },
		{ "\"kdf\":{\"type\":\"pbkdf2\"", "\"kdf\":{\"type\":\"scrypt\"" },
		{ "\"kdf\":{\"type\":\"pbkdf2\"", "\"kdf\":{\"type\":\"argon2id\"" },
		{ "\"kdf\":{\"type\":\"pbkdf2\"",
		  "\"kdf\":{\"type\":\"argon2id\",\"cpus\":1,\"time\":1,\"memory\":1048577" },
		{ "\"kdf\":{\"type\":\"pbkdf2\"",
		  "\"kdf\":{\"type\":\"argon2i\",\"cpus\":1,\"time\":33,\"memory\":1048576" },
		{ "\"kdf\":{\"type\":\"pbkdf2\"",
		  "\"kdf\":{\"type\":\"argon2i\",\"cpus\":1,\"time\":33554433,\"memory\":1" },
		{ "\"kdf\":{\"type\":\"pbkdf2\"",
		  "\"kdf\":{\"type\":\"argon2id\",\"cpus\":17,\"time\":1,\"memory\":1024" },
		{ "\"kdf\":{\"type\":\"pbkdf2\"",
		  "\"kdf\":{\"type\":\"argon2id\",\"time\":1,\"memory\":1024" },
		/* digests */
		{ "\"digests\":{\"0\":{\"type\":\"pbkdf2\"",
		  "\"digests\":{\"0\":{\"type\":\"other\"" },
		{ "\"digests\":{\"0\"", "\"digests\":{\"1\":{},\"0\"" },
		{ "\"digests\":{\"0\"", "\"digests\":{},\"x\":{\"0\"" },
		{ "\"iterations\":1000,\"salt\":\"AAAA\",\"digest\"",
		  "\"iterations\":50000001,\"salt\":\"AAAA\",\"digest\"" },
		/* config */
		{ "\"config\":{",
		  "\"config\":{\"requirements\":{\"mandatory\":[\"online-reencrypt\"]}," },
		{ "\"config\":{", "\"config\":{\"requirements\":{}," },
		{ "\"config\":{", "\"config\":{\"flags\":[\"allow-discards\"]," },
		{ "\"config\":{", "\"config\":{\"flags\":[[]]," },
		{ "\"config\":{", "\"config\":{\"flags\":\"allow-discards\"," },
		{ "\"config\":{", "\"config\":[],\"x\":{" },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(edits); i++)
		if (check_swapped(edits[i].from, edits[i].to) != LK_E_HEADER)
			fail_msg("accepted: %s instead of %s", edits[i].to, edits[i].from);
}

static void test_bounds_are_inside_what_is_accepted(void **s)
{
	(void)s;
	assert_int_equal(check_swapped("\"size\":\"258048\"", "\"size\":\"16744448\""), LK_OK);
	assert_int_equal(
		check_swapped(
			"\"kdf\":{\"type\":\"pbkdf2\"",
			"\"kdf\":{\"type\":\"argon2id\",\"cpus\":16,\"time\":32,\"memory\":1048576"),
		LK_OK);
	assert_int_equal(check_swapped("\"offset\":\"16777216\"", "\"offset\":\"16777217\""),
			 LK_OK);
	assert_int_equal(check_swapped("\"iterations\":1000,\"salt\":\"AAAA\",\"digest\"",
				       "\"iterations\":49999000,\"digest\""),
			 LK_OK);
}

/* What is cheap each isn't so thirty-two times over: a typed key tries them all. */
static void test_the_costs_of_all_keyslots_and_the_digest_are_one_sum(void **s)
{
	static const struct {
		const char *kdf;
		unsigned int most;
	} kinds[] = {
		{ "{\"type\":\"argon2id\",\"cpus\":4,\"time\":4,\"memory\":1048576}", 8 },
		{ "{\"type\":\"pbkdf2\",\"iterations\":5000000}", 9 }, /* and the digest's */
	};
	static char text[32 * 512], slots[32 * 400];
	struct lk_volume vol = volume();

	(void)s;
	for (size_t k = 0; k < N_OF(kinds); k++) {
		for (unsigned int n = 1; n <= kinds[k].most + 1; n++) {
			size_t len = 0;

			for (unsigned int i = 0; i < n; i++)
				len += (size_t)snprintf(
					slots + len, sizeof(slots) - len,
					"%s\"%u\":{\"type\":\"luks2\",\"key_size\":64,\"area\":{\"type\":\"raw\",\"offset\":\"32768\",\"size\":\"258048\",\"encryption\":\"aes-xts-plain64\",\"key_size\":64},\"kdf\":%s}",
					i ? "," : "", i, kinds[k].kdf);
			(void)snprintf(text, sizeof(text), "{\"keyslots\":{%s}%s", slots,
				       strstr(good, ",\"tokens\""));
			assert_int_equal(check(text, &vol),
					 n <= kinds[k].most ? LK_OK : LK_E_HEADER);
		}
	}
}

/* A file that ends before the header does. */
static void test_an_area_ends_where_the_copy_does(void **s)
{
	static const struct lk_luks_areas cut = { .header_size = 16384,
						  .end = 16777216,
						  .copied = 290815 };
	struct lk_luks_areas whole = cut;
	struct lk_volume vol = volume();
	LK_OWNED_YAML yaml = doc_of(good);

	(void)s;
	whole.copied++;
	assert_int_equal(lk_luks_header_check(lk_yaml_root(yaml), &vol, &whole, NULL), LK_OK);
	assert_int_equal(lk_luks_header_check(lk_yaml_root(yaml), &vol, &cut, NULL), LK_E_HEADER);
}

static void test_integrity_is_there_exactly_when_wanted(void **s)
{
	struct lk_volume vol = volume();
	char *with = swapped(good, "\"sector_size\":512",
			     "\"sector_size\":512,\"integrity\":{\"type\":\"hmac(sha256)\"}");
	char *slot = swapped(with, "\"luks2\",\"key_size\":64", "\"luks2\",\"key_size\":96");

	(void)s;
	vol.format.integrity = LK_INTEGRITY_HMAC_SHA256;
	assert_int_equal(check(good, &vol), LK_E_HEADER);
	assert_int_equal(check(with, &vol), LK_E_HEADER); /* key too short */
	assert_int_equal(check(slot, &vol), LK_OK);
	assert_int_equal(lk_volume_key_size(&vol.format), 96);
	free(slot);
	free(with);
}

static void test_flags_are_those_of_the_policy_file(void **s)
{
	static const struct {
		const char *flag;
		unsigned int option;
	} flags[] = {
		{ "allow-discards", LK_VOL_DISCARD },
		{ "no-read-workqueue", LK_VOL_NO_READ_WORKQUEUE },
		{ "no-write-workqueue", LK_VOL_NO_WRITE_WORKQUEUE },
		{ "same-cpu-crypt", LK_VOL_SAME_CPU_CRYPT },
		{ "submit-from-crypt-cpus", LK_VOL_SUBMIT_FROM_CRYPT_CPUS },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(flags); i++) {
		struct lk_volume vol = volume();
		char config[128];
		char *text;

		(void)snprintf(config, sizeof(config), "\"config\":{\"flags\":[\"%s\"],",
			       flags[i].flag);
		text = swapped(good, "\"config\":{", config);
		vol.options = ~flags[i].option;
		assert_int_equal(check(text, &vol), LK_E_HEADER);
		vol.options = flags[i].option;
		assert_int_equal(check(text, &vol), LK_OK);
		free(text);
	}
}

static void test_the_size_of_the_keyslots_is_read_within_a_bound(void **s)
{
	static const struct {
		const char *json;
		int rc;
	} vectors[] = {
		{ "{\"config\":{\"keyslots_size\":\"16744448\"}}", LK_OK },
		{ "{\"config\":{\"keyslots_size\":\"134217728\"}}", LK_OK },
		{ "{\"config\":{\"keyslots_size\":\"134217729\"}}", LK_E_HEADER },
		{ "{\"config\":{\"keyslots_size\":[]}}", LK_E_HEADER },
		{ "{\"config\":{}}", LK_E_HEADER },
		{ "{\"config\":[]}", LK_E_HEADER },
		{ "{}", LK_E_HEADER },
		{ "[]", LK_E_HEADER },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(vectors); i++) {
		LK_OWNED_YAML yaml = doc_of(vectors[i].json);
		uint64_t size = 77;

		assert_int_equal(lk_luks_header_keyslots_size(lk_yaml_root(yaml), &size, NULL),
				 vectors[i].rc);
		assert_int_equal(size == 77, vectors[i].rc != LK_OK);
	}
}

static int parse(const uint8_t *data, size_t len)
{
	struct lk_volume vol = volume();
	LK_OWNED_YAML yaml = NULL;
	int rc = lk_yaml_parse(data, len, &yaml, NULL);

	if (rc == LK_OK)
		rc = lk_luks_header_check(lk_yaml_root(yaml), &vol, &areas, NULL);
	return rc;
}

static void test_a_header_cut_anywhere_is_refused(void **s)
{
	(void)s;
	assert_int_equal(shortest_that_parses(good, sizeof(good) - 1, parse), sizeof(good) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_cryptsetup_formats_is_accepted),
		cmocka_unit_test(test_every_departure_is_refused),
		cmocka_unit_test(test_bounds_are_inside_what_is_accepted),
		cmocka_unit_test(test_the_costs_of_all_keyslots_and_the_digest_are_one_sum),
		cmocka_unit_test(test_an_area_ends_where_the_copy_does),
		cmocka_unit_test(test_integrity_is_there_exactly_when_wanted),
		cmocka_unit_test(test_flags_are_those_of_the_policy_file),
		cmocka_unit_test(test_the_size_of_the_keyslots_is_read_within_a_bound),
		cmocka_unit_test(test_a_header_cut_anywhere_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of the settings of latchkey-userconfig, and of what their man page says of them. */
#include "support.h"

#include <stdio.h>

#include "core/config/userconfig_file.h"

#define FIRST "latchkey-userconfig: 1\n"
#define X50   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define X250  X50 X50 X50 X50 X50
#define PAGE  "../../man/latchkey-userconfig.yaml.5"

/* Parses, and sees that a failure leaves the output alone and names a place. */
static int parse_into(const char *text, size_t len, struct lk_userconfig_file *ret)
{
	LK_OWNED_YAML yaml = NULL;
	struct lk_err err = { 0 };
	int rc = lk_yaml_parse((const uint8_t *)text, len, &yaml, &err);

	poison(ret, sizeof(*ret));
	if (rc == LK_OK)
		rc = lk_userconfig_file_from_doc(lk_yaml_root(yaml), ret, &err);
	if (rc != LK_OK) {
		assert_int_equal(rc, LK_E_INPUT);
		assert_int_equal(err.rc, LK_E_INPUT);
		assert_true(is_poisoned(ret, sizeof(*ret)));
		assert_true(err.msg[0] >= '1' && err.msg[0] <= '9');
	}
	return rc;
}

static int parse(const uint8_t *data, size_t len)
{
	struct lk_userconfig_file file;

	return parse_into((const char *)data, len, &file);
}

/* The defaults with one more line. */
static int parse_line(const char *line, struct lk_userconfig_file *ret)
{
	char *text = NULL;
	int rc;

	if (asprintf(&text, FIRST "%s\n", line) < 0)
		fail_msg("out of memory");
	rc = parse_into(text, strlen(text), ret);
	free(text);
	return rc;
}

static bool is_default(const struct lk_userconfig_file *file)
{
	struct lk_userconfig_file defaults;

	lk_userconfig_file_defaults(&defaults);
	return memcmp(file, &defaults, sizeof(defaults)) == 0;
}

static void test_the_defaults_are_those_of_the_design(void **s)
{
	struct lk_userconfig_file f;

	(void)s;
	poison(&f, sizeof(f));
	lk_userconfig_file_defaults(&f);
	assert_string_equal(f.upload_directory.text, "/home/update/upload/mnt");
	assert_string_equal(f.blob_name.text, "config.lkb");
	assert_string_equal(f.state_directory.text, "/var/lib/latchkey/userconfig");
	assert_string_equal(f.default_destination.text, "/opt");
	assert_string_equal(f.hooks.text, "/etc/latchkey/userconfig.d");
	assert_int_equal(f.n_prefixes, 2);
	assert_string_equal(f.prefixes[0].text, "/opt");
	assert_string_equal(f.prefixes[1].text, "/home/update/upload/mnt");
	assert_int_equal(f.n_owners, 1);
	assert_string_equal(f.owners[0].text, "root");
	assert_int_equal(f.n_groups, 1);
	assert_string_equal(f.groups[0].text, "root");
	assert_int_equal(f.modes, 0755);
	assert_int_equal(f.n_units, 0);
	assert_int_equal(f.max_blob, 64u << 20);
	assert_int_equal(f.max_total, 256u << 20);
	assert_int_equal(f.max_file, 64u << 20);
	assert_int_equal(f.max_files, 4096);
	assert_int_equal(f.settle, 3);
	assert_int_equal(f.sequence_step, 256);
	assert_int_equal(parse_into(FIRST, strlen(FIRST), &f), LK_OK);
	assert_true(is_default(&f));
}

static void test_each_setting_is_read(void **s)
{
	static const char text[] = FIRST "upload-directory: /up\n"
					 "blob-name: b\n"
					 "state-directory: /state\n"
					 "default-destination: /etc/app/x\n"
					 "prefixes: [/etc/app]\n"
					 "mount-points: [/var, /srv/a b]\n"
					 "owners: [app, \"1000\", 0]\n"
					 "groups: [adm]\n"
					 "modes: 0640\n"
					 "units: [app.service]\n"
					 "hooks: /hooks\n"
					 "max-blob: 1 GiB\n"
					 "max-total: 65536\n"
					 "max-file: 1 KiB\n"
					 "max-files: 1\n"
					 "settle: 0\n"
					 "sequence-step: 65536\n";
	struct lk_userconfig_file f;

	(void)s;
	assert_int_equal(parse_into(text, strlen(text), &f), LK_OK);
	assert_string_equal(f.upload_directory.text, "/up");
	assert_string_equal(f.blob_name.text, "b");
	assert_string_equal(f.state_directory.text, "/state");
	assert_string_equal(f.default_destination.text, "/etc/app/x");
	assert_string_equal(f.hooks.text, "/hooks");
	assert_int_equal(f.n_prefixes, 1);
	assert_string_equal(f.prefixes[0].text, "/etc/app");
	assert_string_equal(f.prefixes[1].text, "");
	assert_int_equal(f.n_mount_points, 2);
	assert_string_equal(f.mount_points[1].text, "/srv/a b");
	assert_int_equal(f.n_owners, 3);
	assert_true(lk_userconfig_owner_allowed(&f, "1000"));
	assert_true(lk_userconfig_owner_allowed(&f, "0"));
	assert_false(lk_userconfig_owner_allowed(&f, "root"));
	assert_false(lk_userconfig_owner_allowed(&f, ""));
	assert_true(lk_userconfig_group_allowed(&f, "adm"));
	assert_false(lk_userconfig_group_allowed(&f, "app"));
	assert_int_equal(f.modes, 0640);
	assert_true(lk_userconfig_unit_allowed(&f, "app.service"));
	assert_false(lk_userconfig_unit_allowed(&f, "app"));
	assert_false(lk_userconfig_unit_allowed(&f, "*"));
	assert_int_equal(f.max_blob, 1u << 30);
	assert_int_equal(f.max_total, 65536);
	assert_int_equal(f.max_file, 1024);
	assert_int_equal(f.max_files, 1);
	assert_int_equal(f.settle, 0);
	assert_int_equal(f.sequence_step, 65536);
}

static void test_what_the_man_page_allows_is_taken(void **s)
{
	static const char *const lines[] = {
		"units: [\"*\"]",
		"units: ['*']",
		"units: [a, b@c.service]",
		"mount-points: []",
		"max-blob: 1024",
		"max-blob: 1024 GiB",
		"max-files: 1000000",
		"settle: 300",
		"sequence-step: 1",
		"modes: \"0000\"",
		"modes: 0777",
		"default-destination: /opt/a/b",
		"default-destination: /home/update/upload/mnt",
		"upload-directory: /srv/upload", /* needn't be a prefix */
		"blob-name: ..b",
		"blob-name: " X50 X50 X50 X50 "0123456789012345678901234567890123456789012",
	};
	struct lk_userconfig_file f;

	(void)s;
	for (size_t i = 0; i < N_OF(lines); i++)
		if (parse_line(lines[i], &f) != LK_OK)
			fail_msg("refused: %s", lines[i]);
}

static void test_what_breaks_a_rule_is_refused(void **s)
{
	static const char *const lines[] = {
		"latchkey-userconfig: 1", /* twice */
		"more: 1",
		"Settle: 3",
		"upload-directory: up",
		"upload-directory: /",
		"upload-directory: /a/",
		"upload-directory: /a//b",
		"upload-directory: /a/../b",
		"upload-directory: /a/./b",
		"upload-directory: \"/a\\nb\"",
		"upload-directory: \"\"",
		"upload-directory: [/a]",
		"upload-directory: /" X250 "/" X250 "/0123456789",
		"upload-directory: /" X250 "012345",
		"state-directory: /..",
		"hooks: hooks",
		"default-destination: /etc",
		"default-destination: /optional",
		"default-destination: /op",
		"default-destination: /opt/../etc",
		"blob-name: \"\"",
		"blob-name: .",
		"blob-name: ..",
		"blob-name: a/b",
		"blob-name: \"a\\tb\"",
		"blob-name: \"a\xe2\x80\xae"
		"b\"",
		"upload-directory: /a\xe2\x80\x8f"
		"b",
		"blob-name: " X50 X50 X50 X50 "01234567890123456789012345678901234567890123",
		"mount-points: /var",
		"mount-points: [/]",
		"mount-points: [var]",
		"mount-points: [/var, [/a]]",
		"prefixes: []",
		"prefixes: /opt",
		"prefixes: [/]",
		"prefixes: [opt]",
		"prefixes: [/opt, /etc/..]",
		"prefixes: [[/opt]]",
		"prefixes: [/etc]", /* default-destination isn't in it */
		"owners: []",
		"owners: root",
		"owners: [\"\"]",
		"owners: [-1]",
		"owners: [4294967295]",
		"owners: [{ a: b }]",
		"owners: [" X250 "aaaaaa]",
		"groups: []",
		"groups: [a b]",
		"modes: 755",
		"modes: \"4755\"",
		"modes: 01755",
		"modes: \"0o755\"",
		"modes: 0855",
		"modes: [0755]",
		"units: \"*\"",
		"units: [\"*\", a.service]",
		"units: [a.service, \"*\"]",
		"units: [\"a*\"]",
		"units: [-a]",
		"units: [\"\"]",
		"max-blob: 1023",
		"max-blob: 0",
		"max-blob: 64MiB",
		"max-blob: 64 MB",
		"max-blob: 0x1000",
		"max-blob: 1025 GiB",
		"max-blob: 17179869184 GiB",
		"max-blob: [1024]",
		"max-total: -1",
		"max-file: 1.5 MiB",
		"max-files: 0",
		"max-files: 1000001",
		"max-files: 4 KiB",
		"settle: 301",
		"settle: -1",
		"settle: 3s",
		"sequence-step: 0",
		"sequence-step: 65537",
	};
	struct lk_userconfig_file f;

	(void)s;
	for (size_t i = 0; i < N_OF(lines); i++)
		if (parse_line(lines[i], &f) != LK_E_INPUT)
			fail_msg("taken: %s", lines[i]);
}

static void test_what_is_no_map_or_no_version_1_is_refused(void **s)
{
	static const char *const texts[] = {
		"[]",
		"x",
		"{}",
		"settle: 3",
		"latchkey-userconfig: 2",
		"latchkey-userconfig: 0",
		"latchkey-userconfig: one",
		"latchkey-userconfig: [1]",
		"latchkey-manifest: 1",
	};

	(void)s;
	for (size_t i = 0; i < N_OF(texts); i++)
		if (parse((const uint8_t *)texts[i], strlen(texts[i])) != LK_E_INPUT)
			fail_msg("taken: %s", texts[i]);
}

static void test_lists_as_long_as_allowed_and_no_longer(void **s)
{
	static const char *const keys[] = { "owners", "groups", "units", "prefixes",
					    "mount-points" };
	struct lk_userconfig_file f;

	(void)s;
	for (size_t k = 0; k < N_OF(keys); k++)
		for (size_t n = LK_UC_LIST_MAX; n <= LK_UC_LIST_MAX + 1; n++) {
			bool paths = k >= 3;
			char line[1024];
			size_t at = (size_t)snprintf(line, sizeof(line), "%s: [", keys[k]);

			for (size_t i = 0; i < n; i++)
				at += (size_t)snprintf(line + at, sizeof(line) - at,
						       i + 1 < n ? "%s," : "%s]",
						       paths ? "/opt" : "x");
			assert_int_equal(parse_line(line, &f),
					 n > LK_UC_LIST_MAX ? LK_E_INPUT : LK_OK);
		}
}

static void test_plain_paths(void **s)
{
	static const char *const good[] = { "/a",   "/a/b",	 "/.a",	  "/..a/...",
					    "/a b", "/\xc3\xa9", "/" X250 };
	static const char *const bad[] = { "",
					   "/",
					   "a",
					   "//",
					   "//a",
					   "/a/",
					   "/a//b",
					   "/.",
					   "/..",
					   "/a/.",
					   "/a/..",
					   "/a/../b",
					   "/./a",
					   "./a",
					   "/a\n",
					   "/\x7f",
					   "/\xff",
					   "/\xc3",
					   "/" X250 "aaaaaa" };

	(void)s;
	for (size_t i = 0; i < N_OF(good); i++)
		if (!lk_path_is_plain(good[i], 1024))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < N_OF(bad); i++)
		if (lk_path_is_plain(bad[i], 1024))
			fail_msg("taken: %s", bad[i]);
	assert_true(lk_path_is_plain("/abc", 4));
	assert_false(lk_path_is_plain("/abc", 3));
}

static void test_the_longest_prefix_that_a_path_lies_in(void **s)
{
	static const struct {
		const char *path;
		const char *prefix;
	} table[] = {
		{ "/opt/a", "/opt" },
		{ "/opt/app/a", "/opt/app" },
		{ "/opt/app", "/opt" },
		{ "/opt/apps/a", "/opt" },
		{ "/opt", NULL },
		{ "/optional/a", NULL },
		{ "/op", NULL },
		{ "/etc/a", NULL },
		{ "/", NULL },
		{ "", NULL },
		{ "opt/a", NULL },
		/* The state directory, above and below it. */
		{ "/opt/state/here", NULL },
		{ "/opt/state/here/current", NULL },
		{ "/opt/state", NULL },
		{ "/opt/state/her", "/opt" },
		{ "/opt/state/here2", "/opt" },
	};
	struct lk_userconfig_file f;

	(void)s;
	assert_int_equal(parse_line("prefixes: [/opt, /opt/app, /opt]\n"
				    "state-directory: /opt/state/here",
				    &f),
			 LK_OK);
	for (size_t i = 0; i < N_OF(table); i++) {
		const char *got = lk_userconfig_prefix_of(&f, table[i].path);

		if (!got != !table[i].prefix || (got && strcmp(got, table[i].prefix) != 0))
			fail_msg("%s: %s", table[i].path, got ? got : "none");
	}
}

static void test_a_star_allows_every_unit(void **s)
{
	struct lk_userconfig_file f;

	(void)s;
	lk_userconfig_file_defaults(&f);
	assert_false(lk_userconfig_unit_allowed(&f, "a.service"));
	assert_int_equal(parse_line("units: [\"*\"]", &f), LK_OK);
	assert_true(lk_userconfig_unit_allowed(&f, "a.service"));
}

/* Cut within its first line it is no settings file. */
static void test_a_file_cut_within_its_format_is_refused(void **s)
{
	(void)s;
	assert_int_equal(shortest_that_parses(FIRST, strlen(FIRST), parse),
			 strlen("latchkey-userconfig: 1"));
}

static void test_the_example_of_the_man_page_is_the_defaults(void **s)
{
	static const char open[] = ".Bd -literal -offset indent\n";
	LK_OWNED_BUF page = data_file(PAGE);
	char *text = strstr((char *)page.data, ".Sh EXAMPLES");
	struct lk_userconfig_file f;
	char *end;

	(void)s;
	assert_non_null(text);
	text = strstr(text, open);
	assert_non_null(text);
	text += strlen(open);
	end = strstr(text, ".Ed\n");
	assert_non_null(end);
	assert_int_equal(parse_into(text, (size_t)(end - text), &f), LK_OK);
	assert_true(is_default(&f));
	*end = '\0';
	for (const char *key = text; *key; key = strchr(key, '\n') + 1)
		assert_true(strchr(key, ':') && strchr(key, '\n'));
}

/* "Default: X." below the item of a setting, by the example too. */
static void test_each_default_of_the_man_page_is_one(void **s)
{
	LK_OWNED_BUF page = data_file(PAGE);
	char *save = NULL;
	char key[64] = "";
	unsigned int n = 0;

	(void)s;
	for (char *line = strtok_r((char *)page.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		struct lk_userconfig_file f;
		char setting[256];

		if (strncmp(line, ".It Cm ", 7) == 0)
			(void)snprintf(key, sizeof(key), "%s", line + 7);
		if (strncmp(line, "Default: ", 9) != 0)
			continue;
		(void)snprintf(setting, sizeof(setting), "%s: %.*s", key, (int)strlen(line + 9) - 1,
			       line + 9);
		if (parse_line(setting, &f) != LK_OK || !is_default(&f))
			fail_msg("not the default: %s", setting);
		n++;
	}
	assert_int_equal(n, 17);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_defaults_are_those_of_the_design),
		cmocka_unit_test(test_each_setting_is_read),
		cmocka_unit_test(test_what_the_man_page_allows_is_taken),
		cmocka_unit_test(test_what_breaks_a_rule_is_refused),
		cmocka_unit_test(test_what_is_no_map_or_no_version_1_is_refused),
		cmocka_unit_test(test_lists_as_long_as_allowed_and_no_longer),
		cmocka_unit_test(test_plain_paths),
		cmocka_unit_test(test_the_longest_prefix_that_a_path_lies_in),
		cmocka_unit_test(test_a_star_allows_every_unit),
		cmocka_unit_test(test_a_file_cut_within_its_format_is_refused),
		cmocka_unit_test(test_the_example_of_the_man_page_is_the_defaults),
		cmocka_unit_test(test_each_default_of_the_man_page_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of the manifest, and of what a device's settings allow of it. */
#include "support.h"

#include <stdio.h>

#include "core/config/manifest.h"

#define FIRST "latchkey-manifest: 1\n"
#define X50   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define X250  X50 X50 X50 X50 X50
#define PAGE  "../../man/latchkey-userconfig.yaml.5"

static const char good[] = FIRST "label: \"site 12, October\"\n"
				 "files:\n"
				 "  - path: app/app.conf\n"
				 "    destination: /opt/app/app.conf\n"
				 "    mode: \"0640\"\n"
				 "    owner: app\n"
				 "    group: \"1000\"\n"
				 "    volatile: true\n"
				 "    restart: [app.service, b]\n"
				 "    reload: [other.service]\n"
				 "  - path: plain\n"
				 "    destination: /opt/plain\n";

/* Parses, and sees that a failure leaves the output alone and names a place. */
static int parse_into(const char *text, size_t len, struct lk_manifest *ret)
{
	LK_OWNED_YAML yaml = NULL;
	struct lk_err err = { 0 };
	int rc = lk_yaml_parse((const uint8_t *)text, len, &yaml, &err);

	poison(ret, sizeof(*ret));
	if (rc == LK_OK)
		rc = lk_manifest_from_doc(lk_yaml_root(yaml), ret, &err);
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
	struct lk_manifest m;
	int rc = parse_into((const char *)data, len, &m);

	if (rc == LK_OK)
		lk_manifest_done(&m);
	return rc;
}

static int parse_text(const char *text)
{
	return parse((const uint8_t *)text, strlen(text));
}

static int parse_swapped(const char *from, const char *to)
{
	char *text = swapped(good, from, to);
	int rc = parse_text(text);

	free(text);
	return rc;
}

static void test_each_field_is_read(void **s)
{
	LK_OWNED_MANIFEST m = LK_MANIFEST_NONE;
	const struct lk_manifest_file *f;

	(void)s;
	assert_int_equal(parse_into(good, strlen(good), &m), LK_OK);
	assert_string_equal(m.label, "site 12, October");
	assert_int_equal(m.n_files, 2);
	f = lk_manifest_find(&m, "app/app.conf");
	assert_ptr_equal(f, &m.files[0]);
	assert_string_equal(f->path, "app/app.conf");
	assert_string_equal(f->destination, "/opt/app/app.conf");
	assert_string_equal(f->owner, "app");
	assert_string_equal(f->group, "1000");
	assert_int_equal(f->mode, 0640);
	assert_true(f->has_mode);
	assert_true(f->is_volatile);
	assert_int_equal(f->n_restart, 2);
	assert_string_equal(f->restart[0], "app.service");
	assert_string_equal(f->restart[1], "b");
	assert_int_equal(f->n_reload, 1);
	assert_string_equal(f->reload[0], "other.service");
	f = lk_manifest_find(&m, "plain");
	assert_ptr_equal(f, &m.files[1]);
	assert_string_equal(f->owner, "root");
	assert_string_equal(f->group, "root");
	assert_false(f->has_mode);
	assert_false(f->is_volatile);
	assert_int_equal(f->n_restart, 0);
	assert_int_equal(f->n_reload, 0);
	assert_null(lk_manifest_find(&m, "app"));
	assert_null(lk_manifest_find(&m, ""));
}

static void test_a_folder_speaks_of_what_lies_below_it(void **s)
{
	static const char text[] =
		FIRST "files:\n"
		      "  - {path: a/, destination: /opt/x/, copy: true}\n"
		      "  - {path: ab, destination: /opt/y}\n"
		      "  - {path: long/, destination: /" X250 "/" X250 "/" X250 "/" X250 "}\n";
	LK_OWNED_MANIFEST m = LK_MANIFEST_NONE;
	char destination[LK_UC_DEST_MAX + 1] = "as it was";
	struct lk_err err = { 0 };

	(void)s;
	assert_int_equal(parse_into(text, strlen(text), &m), LK_OK);
	assert_true(m.files[0].is_folder && m.files[0].is_copy && !m.files[1].is_folder);
	assert_ptr_equal(lk_manifest_find(&m, "a/b/c"), &m.files[0]);
	assert_ptr_equal(lk_manifest_find(&m, "ab"), &m.files[1]);
	assert_null(lk_manifest_find(&m, "a"));
	assert_null(lk_manifest_find(&m, "abc"));
	assert_int_equal(lk_manifest_destination(&m.files[2], "long/" X50, destination, &err),
			 LK_E_INPUT);
	assert_string_equal(destination, "as it was");
	assert_non_null(strstr(err.msg, "at most 1024"));
	assert_int_equal(lk_manifest_destination(&m.files[0], "a/b/c", destination, &err), LK_OK);
	assert_string_equal(destination, "/opt/x/b/c");
	assert_true(lk_manifest_covers(&m.files[0], "/opt/x/z"));
	assert_false(lk_manifest_covers(&m.files[0], "/opt/x"));
	assert_false(lk_manifest_covers(&m.files[0], "/opt/xz"));
	assert_true(lk_manifest_covers(&m.files[1], "/opt/y"));
	assert_false(lk_manifest_covers(&m.files[1], "/opt/y/z"));
}

static void test_what_the_man_page_allows_is_taken(void **s)
{
	static const struct {
		const char *from;
		const char *to;
	} edits[] = {
		{ "label: \"site 12, October\"\n", "" },
		{ "\"0640\"", "0640" },
		{ "\"0640\"", "0000" },
		{ "\"0640\"", "0777" },
		{ "volatile: true", "volatile: false" },
		{ "[other.service]", "[]" },
		{ "[other.service]", "[a, b, c, d, e, f, g, h]" },
		{ "path: plain", "path: app/app.config" },
		{ "path: plain", "path: app/other" },
		{ "/opt/plain", "/opt/app/other" },
		{ "/opt/plain", "/etc/anywhere" },
		{ "/opt/plain", "/opt/app/app.conf2" },
		{ "path: plain", "path: dir/latchkey-manifest.yaml" },
		{ "volatile: true", "copy: true" },
		{ "volatile: true", "volatile: true\n    copy: false" },
		{ "path: plain", "path: plain/" },
		{ "path: plain\n    destination: /opt/plain",
		  "path: plain/\n    destination: /opt/plain/" },
		/* A file in the place of a folder of another entry, and two that share one. */
		{ "path: plain\n    destination: /opt/plain",
		  "path: plain/\n    destination: /opt/app" },
		{ "path: plain\n    destination: /opt/plain",
		  "path: plain/\n    destination: /opt" },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(edits); i++)
		if (parse_swapped(edits[i].from, edits[i].to) != LK_OK)
			fail_msg("refused: %s", edits[i].to);
	assert_int_equal(parse_text(FIRST), LK_OK);
	assert_int_equal(parse_text(FIRST "files: []"), LK_OK);
}

static void test_what_breaks_a_rule_is_refused(void **s)
{
	static const struct {
		const char *from;
		const char *to;
	} edits[] = {
		{ FIRST, "" },
		{ "latchkey-manifest: 1", "latchkey-manifest: 2" },
		{ "label: ", "lable: " },
		{ "\"site 12, October\"", "\"a\\nb\"" },
		{ "\"site 12, October\"", "\"a\xe2\x80\xae"
					  "b\"" },
		{ "/opt/plain", "\"/opt/a\xe2\x81\xa7"
				"b\"" },
		{ "\"site 12, October\"", "[a]" },
		{ "\"site 12, October\"", X50 X50 "01234567890123456789012345678" },
		{ "path: app/app.conf", "path: /app/app.conf" },
		{ "path: app/app.conf", "path: ./app/app.conf" },
		{ "path: app/app.conf", "path: app/../app.conf" },
		{ "path: app/app.conf", "path: app//app.conf" },
		{ "path: app/app.conf", "path: ." },
		{ "path: app/app.conf", "path: ./" },
		{ "path: app/app.conf", "path: \"\"" },
		{ "path: app/app.conf", "path: \"a\\tb\"" },
		{ "path: app/app.conf", "path: latchkey-manifest.yaml" },
		{ "path: app/app.conf", "path: " X250 "aaaaaa" },
		{ "path: app/app.conf", "owner: app" },
		{ "path: app/app.conf\n", "path: x\n    more: 1\n" },
		{ "  - path: plain\n    destination: /opt/plain\n", "  - path: plain\n" },
		{ "  - path: plain\n    destination: /opt/plain\n", "  - x\n" },
		{ "  - path: plain\n    destination: /opt/plain\n", "  - []\n" },
		{ "/opt/plain", "opt/plain" },
		{ "/opt/plain", "/opt/plain/" },
		{ "/opt/plain", "/opt/../plain" },
		{ "/opt/plain", "/" },
		{ "/opt/plain", "\"/opt/\\e\"" },
		{ "/opt/plain", "/" X250 "/" X250 "/" X250 "/" X250 "/01234567890123456789" },
		{ "path: plain", "path: plain//" },
		{ "path: plain", "path: /" },
		{ "path: plain", "path: latchkey-manifest.yaml/" },
		{ "path: plain\n    destination: /opt/plain",
		  "path: plain/\n    destination: /opt/plain//" },
		{ "path: plain\n    destination: /opt/plain", "path: plain/\n    destination: /" },
		{ "path: plain\n    destination: /opt/plain",
		  "path: app/\n    destination: /opt/plain" },
		{ "path: plain\n    destination: /opt/plain",
		  "path: plain/\n    destination: /opt/app/app.conf" },
		{ "path: plain\n    destination: /opt/plain",
		  "path: plain/\n    destination: /opt/app/app.conf/x" },
		{ "volatile: true", "volatile: true\n    copy: true" },
		{ "volatile: true", "copy: yes" },
		/* twice, or one below another */
		{ "path: plain", "path: app/app.conf" },
		{ "path: plain", "path: app" },
		{ "path: plain", "path: app/app.conf/x" },
		{ "/opt/plain", "/opt/app/app.conf" },
		{ "/opt/plain", "/opt/app/app.conf/x" },
		{ "/opt/plain", "/opt/app" },
		{ "/opt/plain", "/opt" },
		{ "\"0640\"", "640" },
		{ "\"0640\"", "\"1640\"" },
		{ "\"0640\"", "04640" },
		{ "\"0640\"", "\"\"" },
		{ "\"0640\"", "[0640]" },
		{ "owner: app", "owner: \"\"" },
		{ "owner: app", "owner: a b" },
		{ "owner: app", "owner: -1" },
		{ "owner: app", "owner: [app]" },
		{ "owner: app", "owner: " X250 "aaaaaa" },
		{ "group: \"1000\"", "group: 4294967295" },
		{ "volatile: true", "volatile: yes" },
		{ "volatile: true", "volatile: []" },
		{ "[other.service]", "other.service" },
		{ "[other.service]", "[[]]" },
		{ "[other.service]", "[\"\"]" },
		{ "[other.service]", "[\"*\"]" },
		{ "[other.service]", "[a/b]" },
		{ "[other.service]", "[-a]" },
		{ "[other.service]", "[" X250 "aaaaaa]" },
		{ "[other.service]", "[a, b, c, d, e, f, g, h, i]" },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(edits); i++)
		if (parse_swapped(edits[i].from, edits[i].to) != LK_E_INPUT)
			fail_msg("taken: %s instead of %s", edits[i].to, edits[i].from);
	assert_int_equal(parse_text("[]"), LK_E_INPUT);
	assert_int_equal(parse_text("x"), LK_E_INPUT);
	assert_int_equal(parse_text(FIRST "files: {}"), LK_E_INPUT);
	assert_int_equal(parse_text(FIRST "files: x"), LK_E_INPUT);
}

/* @n files as text; malloc'd. */
static char *many(unsigned int n)
{
	size_t cap = 64 + 64 * (size_t)n;
	char *text = malloc(cap);
	size_t at;

	assert_non_null(text);
	at = (size_t)snprintf(text, cap, FIRST "files:\n");
	for (unsigned int i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, cap - at,
				       "- {path: f%u, destination: /opt/f%u}\n", i, i);
	return text;
}

static void test_as_many_files_as_allowed_and_no_more(void **s)
{
	char *most = many(LK_MANIFEST_FILES_MAX);
	char *more = many(LK_MANIFEST_FILES_MAX + 1);

	(void)s;
	assert_int_equal(parse_text(most), LK_OK);
	assert_int_equal(parse_text(more), LK_E_INPUT);
	free(most);
	free(more);
}

/* What isn't cut within a line, after the format, is a shorter manifest. */
static void test_a_manifest_cut_within_its_format_is_refused(void **s)
{
	(void)s;
	assert_int_equal(shortest_that_parses(good, strlen(good), parse),
			 strlen("latchkey-manifest: 1"));
}

static void settings_of(const char *text, struct lk_userconfig_file *ret)
{
	LK_OWNED_YAML yaml = doc_of(text);

	assert_int_equal(lk_userconfig_file_from_doc(lk_yaml_root(yaml), ret, NULL), LK_OK);
}

static void test_a_manifest_keeps_to_the_settings(void **s)
{
	static const struct {
		const char *settings;
		const char *setting; /* that refuses it; NULL: none does */
	} table[] = {
		{ "{latchkey-userconfig: 1, owners: [root, app], groups: [root, 1000], units: [app.service, b, other.service]}",
		  NULL },
		{ "{latchkey-userconfig: 1, owners: [root, app], groups: [root, 1000], units: ['*']}",
		  NULL },
		{ "{latchkey-userconfig: 1, groups: [root, 1000], units: ['*']}", "owners" },
		{ "{latchkey-userconfig: 1, owners: [app], groups: [root, 1000], units: ['*']}",
		  "owners" },
		{ "{latchkey-userconfig: 1, owners: [root, app], units: ['*']}", "groups" },
		{ "{latchkey-userconfig: 1, owners: [root, app], groups: [root, 1000]}", "units" },
		{ "{latchkey-userconfig: 1, owners: [root, app], groups: [root, 1000], units: [app.service, b]}",
		  "units" },
		{ "{latchkey-userconfig: 1, owners: [root, app], groups: [root, 1000], units: [app.service, other.service]}",
		  "units" },
		{ "{latchkey-userconfig: 1, owners: [root, app], groups: [root, 1000], units: ['*'], modes: 0600}",
		  "modes" },
		{ "{latchkey-userconfig: 1, owners: [root, app], groups: [root, 1000], units: ['*'], prefixes: [/opt/app], default-destination: /opt/app}",
		  "prefixes" },
		{ "{latchkey-userconfig: 1, owners: [root, app], groups: [root, 1000], units: ['*'], state-directory: /opt/app}",
		  "prefixes" },
	};
	LK_OWNED_MANIFEST m = LK_MANIFEST_NONE;

	(void)s;
	assert_int_equal(parse_into(good, strlen(good), &m), LK_OK);
	for (size_t i = 0; i < N_OF(table); i++) {
		struct lk_userconfig_file settings;
		struct lk_err err = { 0 };
		char said[64];
		int rc;

		settings_of(table[i].settings, &settings);
		rc = lk_manifest_check(&m, &settings, &err);
		assert_int_equal(rc, table[i].setting ? LK_E_INPUT : LK_OK);
		if (rc == LK_OK)
			continue;
		(void)snprintf(said, sizeof(said), "setting %s", table[i].setting);
		if (!strstr(err.msg, said) || !strstr(err.msg, "\""))
			fail_msg("%zu: %s", i, err.msg);
	}
}

static void test_the_example_of_the_man_page_is_one(void **s)
{
	static const char open[] = ".Bd -literal -offset indent\n"
				   "latchkey-manifest: 1\n";
	LK_OWNED_BUF page = data_file(PAGE);
	LK_OWNED_MANIFEST m = LK_MANIFEST_NONE;
	struct lk_userconfig_file settings;
	char *text = strstr((char *)page.data, open);

	(void)s;
	assert_non_null(text);
	text += strlen(".Bd -literal -offset indent\n");
	*strstr(text, ".Ed\n") = '\0';
	assert_int_equal(parse_into(text, strlen(text), &m), LK_OK);
	assert_true(m.n_files >= 2);
	settings_of(
		"{latchkey-userconfig: 1, groups: [root, app], units: [app.service, other.service]}",
		&settings);
	assert_int_equal(lk_manifest_check(&m, &settings, NULL), LK_OK);
	lk_userconfig_file_defaults(&settings);
	assert_int_equal(lk_manifest_check(&m, &settings, NULL), LK_E_INPUT);
}

static void test_done_takes_an_empty_manifest(void **s)
{
	struct lk_manifest m = LK_MANIFEST_NONE;

	(void)s;
	lk_manifest_done(&m);
	lk_manifest_done(&m);
	assert_null(lk_manifest_find(&m, "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_field_is_read),
		cmocka_unit_test(test_a_folder_speaks_of_what_lies_below_it),
		cmocka_unit_test(test_what_the_man_page_allows_is_taken),
		cmocka_unit_test(test_what_breaks_a_rule_is_refused),
		cmocka_unit_test(test_as_many_files_as_allowed_and_no_more),
		cmocka_unit_test(test_a_manifest_cut_within_its_format_is_refused),
		cmocka_unit_test(test_a_manifest_keeps_to_the_settings),
		cmocka_unit_test(test_the_example_of_the_man_page_is_one),
		cmocka_unit_test(test_done_takes_an_empty_manifest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

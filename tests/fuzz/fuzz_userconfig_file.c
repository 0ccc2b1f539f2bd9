/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of the settings of latchkey-userconfig. */
#include "core/config/userconfig_file.h"
#include "fuzz.h"

static void check_names(const struct lk_uc_name *list, size_t n, const struct lk_userconfig_file *f,
			bool (*allowed)(const struct lk_userconfig_file *, const char *))
{
	INVARIANT(n <= LK_UC_LIST_MAX);
	for (size_t i = 0; i < n; i++) {
		INVARIANT(*list[i].text && !strchr(list[i].text, '/'));
		INVARIANT(list[i].text[0] != '-');
		INVARIANT(allowed(f, list[i].text));
	}
	INVARIANT(!allowed(f, "/"));
}

static bool is_plain(const struct lk_uc_path *path)
{
	return lk_path_is_plain(path->text, LK_UC_PATH_MAX);
}

static void check_paths(const struct lk_userconfig_file *f)
{
	char below[LK_UC_PATH_MAX + 3];

	INVARIANT(is_plain(&f->upload_directory) && is_plain(&f->state_directory) &&
		  is_plain(&f->default_destination) && is_plain(&f->hooks));
	INVARIANT(*f->blob_name.text && !strchr(f->blob_name.text, '/'));
	INVARIANT(strlen(f->blob_name.text) + strlen(".refused.txt") <= LK_UC_NAME_MAX);
	INVARIANT(!lk_userconfig_prefix_of(f, f->state_directory.text));
	INVARIANT(f->n_prefixes && f->n_prefixes <= LK_UC_LIST_MAX);
	for (size_t i = 0; i < f->n_prefixes; i++)
		INVARIANT(is_plain(&f->prefixes[i]));
	/* Below the default destination a file is within a prefix, unless the
	 * state lies there. */
	(void)snprintf(below, sizeof(below), "%s/x", f->default_destination.text);
	INVARIANT(lk_userconfig_prefix_of(f, below) ||
		  strncmp(below, f->state_directory.text, strlen(f->state_directory.text)) == 0 ||
		  strncmp(below, f->state_directory.text, strlen(below)) == 0);
}

static void check(const struct lk_userconfig_file *f)
{
	check_paths(f);
	INVARIANT(f->n_owners && f->n_groups);
	check_names(f->owners, f->n_owners, f, lk_userconfig_owner_allowed);
	check_names(f->groups, f->n_groups, f, lk_userconfig_group_allowed);
	if (f->n_units != 1 || strcmp(f->units[0].text, "*") != 0)
		check_names(f->units, f->n_units, f, lk_userconfig_unit_allowed);
	INVARIANT(f->modes <= 0777);
	INVARIANT(f->max_blob >= 1024 && f->max_blob <= UINT64_C(1) << 40);
	INVARIANT(f->max_total >= 1024 && f->max_total <= UINT64_C(1) << 40);
	INVARIANT(f->max_file >= 1024 && f->max_file <= UINT64_C(1) << 40);
	INVARIANT(f->max_files && f->max_files <= 1000000);
	INVARIANT(f->settle <= 300);
	INVARIANT(f->sequence_step && f->sequence_step <= 65536);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LK_OWNED_YAML yaml = parse_document(data, size);
	static struct lk_userconfig_file file;
	struct lk_err err = { 0 };
	int rc;

	if (!yaml)
		return 0;
	rc = lk_userconfig_file_from_doc(lk_yaml_root(yaml), &file, &err);
	if (rc == LK_OK)
		check(&file);
	else
		check_error(rc, LK_E_INPUT, &err);
	return 0;
}

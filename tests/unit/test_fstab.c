/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of which folders fstab(5) says are mount points. */
#include "support.h"

#include "core/config/fstab.h"

#define X250                                                                                                   \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* All of them, a line each. */
static void check(const char *text, const char *want)
{
	struct lk_bytes rest = { (const uint8_t *)text, strlen(text) };
	char point[LK_FSTAB_POINT_MAX];
	char all[4096] = "";

	while (lk_fstab_next(&rest, point)) {
		strcat(all, point);
		strcat(all, "\n");
	}
	if (strcmp(all, want) != 0)
		fail_msg("%s: gives %s", text, all);
}

static void test_mount_points_are_found(void **s)
{
	(void)s;
	check("/dev/sda1 /var ext4 defaults 0 2\n", "/var\n");
	check("UUID=1\t/a\nLABEL=x   /b/c", "/a\n/b/c\n");
	check("  \t x \t /indented auto", "/indented\n");
	check("overlay / overlay\nx /x", "/x\n");
	check("x /a/\nx //b//c//\n", "/a\n/b/c\n");
	check("x /with\\040a\\011blank\\134 x", "/with a\tblank\\\n");
	check("x /odd\\9\\04\\400 x", "/odd\\9\\04\\400\n");
}

static void test_what_names_no_folder_is_passed_over(void **s)
{
	(void)s;
	check("", "");
	check("\n\n", "");
	check("# /dev/sda1 /var ext4\n  # x /y\n#", "");
	check("x none swap\nx swap swap\nx", "");
	check("x relative/path y", "");
	check("x /", "");
	check("x ///", "");
	check("x /nul\\000/here", "");
	check("x /" X250 "/" X250 "/012345678 y\nx /z", "/z\n");
	check("x /" X250 "/" X250 "/01234567", "/" X250 "/" X250 "/01234567\n");
}

static void test_bytes_in_the_place_of_text(void **s)
{
	static const uint8_t bytes[] = "a /b\0c d\nx /y\0";
	struct lk_bytes rest = { bytes, sizeof(bytes) - 1 };
	char point[LK_FSTAB_POINT_MAX];

	(void)s;
	poison(point, sizeof(point));
	assert_false(lk_fstab_next(&rest, point));
	assert_true(is_poisoned(point, sizeof(point)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mount_points_are_found),
		cmocka_unit_test(test_what_names_no_folder_is_passed_over),
		cmocka_unit_test(test_bytes_in_the_place_of_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns words for EFI variables. */
#include <string.h>

#include "core/bootlog/cert_name.h"
#include "core/bootlog/device_path.h"
#include "core/bootlog/efi_variable.h"

/* Names of certificates, until they would fill the line. */
#define NAMES_SHOWN 4u

static void add_signatures(struct lk_bytes data, struct lk_text_out *out)
{
	unsigned int n[LK_SIGNATURE_OTHER + 1] = { 0 };
	struct lk_efi_signatures at;
	struct lk_efi_signature sig;
	const char *separator = ": ";

	lk_efi_signatures_open(data, &at);
	while (lk_efi_signatures_next(&at, &sig))
		n[sig.kind]++;
	lk_text_add(out, "%u certificate%s, %u hash%s", n[LK_SIGNATURE_CERTIFICATE],
		    n[LK_SIGNATURE_CERTIFICATE] == 1 ? "" : "s", n[LK_SIGNATURE_SHA256],
		    n[LK_SIGNATURE_SHA256] == 1 ? "" : "es");
	if (n[LK_SIGNATURE_OTHER])
		lk_text_add(out, ", %u of other kinds", n[LK_SIGNATURE_OTHER]);
	if (at.rest.failed)
		lk_text_add(out, ", and then malformed bytes");
	n[0] = 0;
	lk_efi_signatures_open(data, &at);
	while (n[0] < NAMES_SHOWN && lk_efi_signatures_next(&at, &sig)) {
		struct lk_bytes name;

		if (sig.kind != LK_SIGNATURE_CERTIFICATE || !lk_cert_name(sig.data, &name))
			continue;
		lk_text_add(out, "%s", separator);
		lk_text_add_quoted(out, name);
		separator = ", ";
		n[0]++;
	}
}

/* What the firmware found in db, which is an EFI_SIGNATURE_DATA; shim leaves
 * out its owner. */
static void add_authority(struct lk_bytes data, struct lk_text_out *out)
{
	struct lk_bytes inner = data;
	struct lk_bytes name;

	if (data.len > LK_GUID_SIZE) {
		inner.data += LK_GUID_SIZE;
		inner.len -= LK_GUID_SIZE;
	}
	if (lk_cert_name(inner, &name) || lk_cert_name(data, &name)) {
		lk_text_add(out, "certificate ");
		lk_text_add_quoted(out, name);
	} else if (inner.len == 32) {
		lk_text_add(out, "the image's SHA-256 ");
		lk_text_add_hex(out, inner);
	} else {
		lk_text_add(out, "%zu bytes", data.len);
	}
}

static void add_boot_order(struct lk_bytes data, struct lk_text_out *out)
{
	struct lk_reader r = lk_reader_init(data.data, data.len);

	lk_text_add(out, "boot order");
	while (r.left >= 2 && !out->full)
		lk_text_add(out, " %04X", lk_read_le16(&r));
}

/* EFI_LOAD_OPTION (UEFI 2.10, 3.1.3). */
static void add_boot_option(struct lk_bytes data, struct lk_text_out *out)
{
	struct lk_reader r = lk_reader_init(data.data, data.len);
	size_t path_len, description;

	(void)lk_read_le32(&r);
	path_len = lk_read_le16(&r);
	for (description = 0; description + 1 < r.left; description += 2)
		if (!r.data[description] && !r.data[description + 1])
			break;
	lk_text_add_quoted16(out, lk_read_bytes(&r, description));
	(void)lk_read_bytes(&r, 2);
	if (!r.failed && path_len <= r.left)
		lk_device_path_text(lk_read_bytes(&r, path_len), out);
}

/* "Boot" and four digits. */
static bool is_boot_option(struct lk_bytes name)
{
	struct lk_bytes first = { name.data, 8 };

	if (name.len != 16 || !lk_utf16_equals(first, "Boot"))
		return false;
	for (size_t i = 8; i < 16; i += 2)
		if (!memchr("0123456789ABCDEFabcdef", name.data[i], 22) || name.data[i + 1])
			return false;
	return true;
}

static bool is_one_of(struct lk_bytes name, const char *const *names)
{
	for (; *names; names++)
		if (lk_utf16_equals(name, *names))
			return true;
	return false;
}

bool lk_efi_variable_accepts(const struct lk_efi_variable *var)
{
	static const char *const of_firmware[] = { "db", "dbt", NULL };
	static const char *const of_shim[] = { "Shim", "MokList", "MokListRT", "vendor_db", NULL };

	switch (lk_efi_variable_owner(var)) {
	case LK_VARIABLE_IMAGES:
		return is_one_of(var->name, of_firmware);
	case LK_VARIABLE_SHIM:
		return is_one_of(var->name, of_shim);
	case LK_VARIABLE_GLOBAL:
	case LK_VARIABLE_OTHER:
	default:
		return false;
	}
}

/* "sbat,1,2023012900" and a line for each part that is revoked. */
static void add_level(struct lk_bytes data, struct lk_text_out *out)
{
	const uint8_t *end = data.len ? memchr(data.data, '\n', data.len) : NULL;
	struct lk_bytes line = { data.data, end ? (size_t)(end - data.data) : data.len };

	lk_text_add(out, "shim's revocation level \"SbatLevel\": ");
	lk_text_add_quoted(out, line);
}

static void add_value(struct lk_bytes data, struct lk_text_out *out)
{
	if (data.len == 1)
		lk_text_add(out, "%u", data.data[0]);
	else
		lk_text_add(out, "%zu bytes", data.len);
}

/* In the form of what accepts an image, and no such thing. */
static void add_setting(const struct lk_efi_variable *var, struct lk_text_out *out)
{
	bool of_shim = lk_efi_variable_owner(var) == LK_VARIABLE_SHIM;

	if (of_shim && lk_utf16_equals(var->name, "SbatLevel")) {
		add_level(var->data, out);
	} else {
		lk_text_add(out, of_shim ? "shim's setting " : "variable ");
		lk_text_add_quoted16(out, var->name);
		lk_text_add(out, ": ");
		add_value(var->data, out);
	}
	lk_text_add(out, " (it accepts no image)");
}

/* What Secure Boot goes by: said only of the variable that has that owner. */
static bool add_secure_boot(const struct lk_efi_variable *var, struct lk_text_out *out)
{
	static const char *const keys[] = { "PK", "KEK", NULL };
	static const char *const lists[] = { "db", "dbx", "dbt", "dbr", NULL };
	static const char *const switches[] = { "SetupMode", "AuditMode", "DeployedMode", NULL };
	enum lk_variable_owner owner = lk_efi_variable_owner(var);
	bool global = owner == LK_VARIABLE_GLOBAL;

	if (global && lk_utf16_equals(var->name, "SecureBoot")) {
		lk_text_add(out, "Secure Boot is %s",
			    var->data.len == 1 && var->data.data[0] ? "on" : "off");
	} else if ((global && is_one_of(var->name, keys)) ||
		   (owner == LK_VARIABLE_IMAGES && is_one_of(var->name, lists))) {
		lk_text_add(out, "Secure Boot variable ");
		lk_text_add_quoted16(out, var->name);
		lk_text_add(out, ": ");
		add_signatures(var->data, out);
	} else if (global && is_one_of(var->name, switches) && var->data.len == 1) {
		lk_text_add(out, "Secure Boot's ");
		lk_text_add_quoted16(out, var->name);
		lk_text_add(out, " is %u", var->data.data[0]);
	} else {
		return false;
	}
	return true;
}

static void add_boot_variable(const struct lk_efi_variable *var, struct lk_text_out *out)
{
	if (lk_utf16_equals(var->name, "BootOrder")) {
		add_boot_order(var->data, out);
	} else if (is_boot_option(var->name)) {
		lk_text_add(out, "boot option ");
		lk_text_add_quoted16(out, var->name);
		lk_text_add(out, ": ");
		add_boot_option(var->data, out);
	} else {
		lk_text_add(out, "variable ");
		lk_text_add_quoted16(out, var->name);
		lk_text_add(out, ": %zu bytes", var->data.len);
	}
}

void lk_efi_variable_text(const struct lk_efi_variable *var, bool authority, bool named,
			  struct lk_text_out *out)
{
	if (!named && (authority || lk_efi_variable_owner(var) != LK_VARIABLE_GLOBAL ||
		       (!is_boot_option(var->name) && !lk_utf16_equals(var->name, "BootOrder")))) {
		lk_text_add(out, "a value that the log calls ");
		lk_text_add_quoted16(out, var->name);
		lk_text_add(out, ": ");
		add_value(var->data, out);
	} else if (authority && lk_efi_variable_accepts(var)) {
		lk_text_add(out, "an image was accepted because of ");
		lk_text_add_quoted16(out, var->name);
		lk_text_add(out, ": ");
		add_authority(var->data, out);
	} else if (authority) {
		add_setting(var, out);
	} else if (!add_secure_boot(var, out)) {
		add_boot_variable(var, out);
	}
}

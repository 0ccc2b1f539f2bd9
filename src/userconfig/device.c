/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns whose TPM and whose policy key are believed: what lies beside the settings says it, not the TPM. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sys/crypto/crypto.h"
#include "sys/format/device.h"
#include "sys/format/document.h"
#include "sys/os/log.h"
#include "sys/tpm/tpm_config.h"
#include "userconfig.h"

#define TPM_WAIT_S 10u

/** Policy file and device file, as far as they are there. */
struct known {
	struct lk_policy_file policy;
	char policy_path[PATH_MAX]; /* empty: there is none */
	struct lk_device_expected expected;
};

static int read_policy(struct known *k, struct lk_err *err)
{
	return k->policy_path[0] ? lk_document_policy_file(k->policy_path, &k->policy, err) : LK_OK;
}

/* The file of the system that runs; none where it isn't there. */
static void own_policy(struct known *k)
{
	if (access(LK_POLICY_PATH, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR))
		lk_uc_join(k->policy_path, LK_POLICY_PATH, "");
}

static int policy_of_root(const struct lk_uc *uc, struct known *k, struct lk_err *err)
{
	bool present = false;

	LK_TRY(lk_uc_within(uc, LK_POLICY_PATH, &present, k->policy_path, err));
	if (!present)
		k->policy_path[0] = '\0';
	return LK_OK;
}

/*
 * In early boot the policy file of the initramfs is measured with it, and the root
 * may be a disk that anybody can write to: what is measured counts before it.
 */
static int find_policy(const struct lk_uc *uc, struct known *k, struct lk_err *err)
{
	bool early = uc->real && !uc->live;

	if (early)
		own_policy(k);
	if (!k->policy_path[0])
		LK_TRY(policy_of_root(uc, k, err));
	if (!k->policy_path[0] && !early)
		own_policy(k);
	return read_policy(k, err);
}

static int read_known(const struct lk_uc *uc, struct known *k, struct lk_err *err)
{
	struct lk_device_places places = { .file = uc->opts->device_file };
	char device[PATH_MAX];
	bool present = false;

	LK_TRY(find_policy(uc, k, err));
	if (k->policy_path[0]) {
		places.policy = &k->policy;
		places.policy_path = k->policy_path;
	}
	if (!places.file && !uc->live)
		LK_TRY(lk_uc_within(uc, LK_DEVICE_FILE, &present, device, err));
	if (present)
		places.file = device;
	return lk_device_expect(&places, &k->expected, err);
}

/* The device is to be put right: the blob that came isn't refused for it. */
static int not_the_blobs(int rc, struct lk_err *err)
{
	if (rc != LK_E_INPUT && rc != LK_E_REFUSED && rc != LK_E_POLICY)
		return rc;
	err->rc = LK_E_OBJECT;
	return LK_E_OBJECT;
}

int lk_uc_tpm(const struct lk_uc *uc, bool *ret_proven, struct lk_tpm **ret, struct lk_err *err)
{
	LK_OWNED_TPM tpm = NULL;
	struct known k = { 0 };

	LK_TRY(not_the_blobs(read_known(uc, &k, err), err));
	if (!k.expected.root.len && !ret_proven)
		return lk_device_unknown("no configuration is taken or looked into", err);
	LK_TRY(lk_tpm_open(uc->opts->tcti, TPM_WAIT_S, &tpm, err));
	lk_tpm_pin_root(tpm, &k.expected.root, k.expected.from);
	lk_tpm_share_session(tpm);
	if (ret_proven)
		*ret_proven = k.expected.root.len != 0;
	*ret = tpm;
	tpm = NULL;
	return LK_OK;
}

static int another_key(const char *from, const char *what, struct lk_err *err)
{
	return lk_err_set(
		err, LK_E_OBJECT, 0,
		"the policy key in the TPM (NV index 0x%08x) isn't %s in %s: nobody's configuration is taken until both are the same; \"latchkey-provision install\" puts one into a TPM",
		LK_NV_POLICY_KEY, what, from);
}

int lk_uc_policy_key(const struct lk_uc *uc, struct lk_tpm *tpm, struct lk_policy_key *ret,
		     struct lk_err *err)
{
	struct lk_policy_key key;
	struct lk_name have, want;
	struct known k = { 0 };

	LK_TRY(lk_tpm_policy_key(tpm, &key, err));
	LK_TRY(not_the_blobs(read_known(uc, &k, err), err));
	if (lk_policy_key_name(&key, lk_crypto_hash, &have) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	if (k.policy_path[0]) {
		if (lk_policy_key_name(&k.policy.key, lk_crypto_hash, &want) != LK_OK)
			return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
		if (!lk_name_equal(&have, &want))
			return another_key(k.policy_path, "policy-key", err);
		*ret = k.policy.key;
		return LK_OK;
	}
	if (k.expected.policy_key.len && !lk_name_equal(&have, &k.expected.policy_key))
		return another_key(k.expected.from, "that of policy-key", err);
	*ret = key;
	return LK_OK;
}

/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what tpm2-tools and swtpm say; written by make_vectors.py. */
#ifndef LK_TEST_VECTORS_H
#define LK_TEST_VECTORS_H

#include "core/policy/policy_key.h"

/* tpm2_policypcr -l SELECTION in a trial session of hash alg; values is what
 * tpm2_pcrread -o writes. */
static const struct {
	enum lk_alg alg;
	enum lk_alg bank;
	uint32_t mask;
	const char *values;
	const char *digest;
} pcr_vectors[] __attribute__((unused)) = {
	{ LK_ALG_SHA256, LK_ALG_SHA256, 0x008481,
	  "5c85955f709283ecce2b74f1b1552918819f390911816e7bb466805a38ab87f33d71c1052c4d9c676b7ef6f5bed4650cd060d64db29dd69ffa192d38dbbada1834ca80544a021bbb45b4455c0b89ef3d04094ff6d6bbc6c9681108dead4671c60000000000000000000000000000000000000000000000000000000000000000",
	  "edc9e8f8c8d813acec6865c4e1098a5cab5948cbd91633c728a1a3ae9fdb21e6" },
	{ LK_ALG_SHA256, LK_ALG_SHA256, 0x000481,
	  "5c85955f709283ecce2b74f1b1552918819f390911816e7bb466805a38ab87f33d71c1052c4d9c676b7ef6f5bed4650cd060d64db29dd69ffa192d38dbbada1834ca80544a021bbb45b4455c0b89ef3d04094ff6d6bbc6c9681108dead4671c6",
	  "7587c7bf1e355606d44bdf538a3738f387ed14cf9aa749f52754e7fafd2f7be0" },
	{ LK_ALG_SHA256, LK_ALG_SHA384, 0x800010,
	  "7146a1c53abc0867b645e6d351245a44063ca61f731045a0d958b379e2cfcd16fee3f3331e5c29c185f7f37ffb16bf66c15b94e7196118195f52218364520401dfed64488af19fd342abb3d8fb4fa47c4d7faaccf036e7d6abd8149c051f3157",
	  "7fdf5545dce3496c63249f8b5f332dd33f904825b77019059bf5bf2477d36bf2" },
	{ LK_ALG_SHA256, LK_ALG_SHA256, 0x008000,
	  "0000000000000000000000000000000000000000000000000000000000000000",
	  "7e247a603cd1052cabc095741b8ee2f7458aabeee960b8ec97d7f090171a039a" },
	{ LK_ALG_SHA384, LK_ALG_SHA256, 0x008481,
	  "5c85955f709283ecce2b74f1b1552918819f390911816e7bb466805a38ab87f33d71c1052c4d9c676b7ef6f5bed4650cd060d64db29dd69ffa192d38dbbada1834ca80544a021bbb45b4455c0b89ef3d04094ff6d6bbc6c9681108dead4671c60000000000000000000000000000000000000000000000000000000000000000",
	  "abe22e0a0dd3c632b5ae4471b03967ba49c7e01ea278ffd3067de65c946620797121afd63e93ca25821c81cbe38a24ba" },
	{ LK_ALG_SHA384, LK_ALG_SHA256, 0x000481,
	  "5c85955f709283ecce2b74f1b1552918819f390911816e7bb466805a38ab87f33d71c1052c4d9c676b7ef6f5bed4650cd060d64db29dd69ffa192d38dbbada1834ca80544a021bbb45b4455c0b89ef3d04094ff6d6bbc6c9681108dead4671c6",
	  "ad3900bd99c9a8759f5c0c79c1c786769227f4a86053a30903ac8e9a6368acc4eedbd1cd7448d41779facc43448579d4" },
	{ LK_ALG_SHA384, LK_ALG_SHA384, 0x800010,
	  "7146a1c53abc0867b645e6d351245a44063ca61f731045a0d958b379e2cfcd16fee3f3331e5c29c185f7f37ffb16bf66c15b94e7196118195f52218364520401dfed64488af19fd342abb3d8fb4fa47c4d7faaccf036e7d6abd8149c051f3157",
	  "483f4057c63c1aaaff9d1ce1b263a9dd4a793d55c25cae70ee4dc49353df3b0d1a2d5b7beeb4c31294c396fd506dc089" },
	{ LK_ALG_SHA384, LK_ALG_SHA256, 0x008000,
	  "0000000000000000000000000000000000000000000000000000000000000000",
	  "9a640e11e17b82c8498fadab82936bf20e3c48fcd69dcf7205ded365b6e6a4037e0beb05991837c10cff4c218590c974" },
};

/* tpm2_policypcr -l sha256:0,7,10,15, then tpm2_policynv FLOOR ule, operand
 * version in 8 bytes; FLOOR 0x018a0001 made with tpm2_nvdefine -g sha256 -a
 * "ownerwrite|authwrite|ownerread|authread|no_da|nt=counter" and incremented. */
static const struct {
	enum lk_alg alg;
	uint64_t version;
	const char *digest;
} floor_vectors[] __attribute__((unused)) = {
	{ LK_ALG_SHA256, 0x1u, "9d4d82c0f52c1a4d08aaa7d0e68e0346ee32e6fe1e1954d7504e762b4228db7c" },
	{ LK_ALG_SHA256, 0x3u, "aaadee57c5381c5382b96bdb4ace80ecea1dce20b85917e39bece4a2f7babac6" },
	{ LK_ALG_SHA256, 0x1122334455667788u,
	  "7a84a381349dc382bd5b224ca21fb70da8137d36f9a0795c44550719f73b0598" },
	{ LK_ALG_SHA384, 0x1u,
	  "d96313d799a05d067a80db1cac0eea20a4c08ab7c2f65eef9faed017212fe2ad21283299c9ee9ed6bf53f477e8f0c5c6" },
	{ LK_ALG_SHA384, 0x3u,
	  "c55b30226d6337f04ce98b20caedf20dfde3caab2063b3c799e1818bcad9ae45a4e7526c7165221d3ea833ed527fa7ab" },
	{ LK_ALG_SHA384, 0x1122334455667788u,
	  "628f08bedbca4d4fcd9f9f2bbe6f20851488ac41e89e8e97f7942948ebaf8dfac3b1dc5e9378ff64b82bd1cc0784de5c" },
};

/* Its Name, as tpm2_nvreadpublic prints it. */
static const char floor_name[] __attribute__((unused)) =
	"000b0fbaee93fb97d2ba6cc3461f3ab0de5f0140dd1f2c1a620af631206ed3a7301f";

/* tpm2_loadexternal -G CURVE:ecdsa-HASH -g HASH -u PEM -n NAME, then
 * tpm2_policyauthorize -n NAME -q "latchkey:luks". The keys are the generators:
 * public keys of the private key 1. */
#define AUTHORIZE_REF "latchkey:luks"
static const struct {
	enum lk_curve curve;
	enum lk_alg alg;
	const char *pem;
	const char *name;
	const char *authorized;
} key_vectors[] __attribute__((unused)) = {
	{ LK_CURVE_P256, LK_ALG_SHA256,
	  "-----BEGIN PUBLIC KEY-----\n"
	  "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n"
	  "6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n"
	  "-----END PUBLIC KEY-----\n",
	  "000b19366a7e682a0589dc1096b44aab74b7942f84b386b94eab81013d9970daf605",
	  "ad460c77cdb3b03f1101520b17f1a7da2647ff402b069f2b366eb0a10c4ebd01" },
	{ LK_CURVE_P384, LK_ALG_SHA384,
	  "-----BEGIN PUBLIC KEY-----\n"
	  "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEqofKIr6LBTeOscce8yCtdG4dO2KLp5uY\n"
	  "WfdB4IJUKjhVAvJdv1UpbDpUXjhydgq3NhfeSpYmLG9dnpi/kpLcKfj0Hb0omhR8\n"
	  "6doxE7XwuMAKYLHOHX6BnXpDHXyQ6g5f\n"
	  "-----END PUBLIC KEY-----\n",
	  "000c4136a113bdea0a95b60416331a98a1ce1c2531d1b6f08ce27203b28af185f6735ad9782db91d150a0f87bca303d977f6",
	  "c4f0f6fe4c416cbb9f4ba864cc2a7a247049c346f56853379947d12ce4b5fc0c22df08e09424be3d306c067f2e3293af" },
};

#endif

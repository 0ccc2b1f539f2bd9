/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns walking a certificate to its subject. */
#include "core/bootlog/cert_name.h"

#include <string.h>

#define DER_INTEGER  0x02u
#define DER_OID	     0x06u
#define DER_SEQUENCE 0x30u
#define DER_SET	     0x31u
#define DER_VERSION  0xa0u

struct element {
	uint8_t tag;
	struct lk_bytes value;
};

/* One element; lengths of up to three bytes, as no certificate here is 16 MiB. */
static bool read_element(struct lk_reader *r, struct element *ret)
{
	size_t len;

	ret->tag = lk_read_u8(r);
	len = lk_read_u8(r);
	if (len > 0x83)
		return false;
	if (len >= 0x80) {
		unsigned int n = (unsigned int)len & 0x7f;

		for (len = 0; n; n--)
			len = len << 8 | lk_read_u8(r);
	}
	ret->value = lk_read_bytes(r, len);
	return !r->failed;
}

static bool enter(struct lk_reader *r, uint8_t tag, struct lk_reader *ret)
{
	struct element e;

	if (!read_element(r, &e) || e.tag != tag)
		return false;
	*ret = lk_reader_init(e.value.data, e.value.len);
	return true;
}

/* To the subject: version, serial number, signature, issuer and validity come
 * before it. */
static bool find_subject(struct lk_bytes der, struct lk_reader *ret)
{
	struct lk_reader r = lk_reader_init(der.data, der.len);
	struct lk_reader cert, body;
	struct element e;

	if (!enter(&r, DER_SEQUENCE, &cert) || !enter(&cert, DER_SEQUENCE, &body) ||
	    !read_element(&body, &e))
		return false;
	if (e.tag == DER_VERSION && !read_element(&body, &e))
		return false;
	if (e.tag != DER_INTEGER)
		return false;
	for (int i = 0; i < 3; i++)
		if (!read_element(&body, &e) || e.tag != DER_SEQUENCE)
			return false;
	return enter(&body, DER_SEQUENCE, ret);
}

/* id-at (2.5.4) and the attribute's number in it. */
static bool is_attribute(struct lk_bytes oid, uint8_t number)
{
	const uint8_t want[] = { 0x55, 0x04, number };

	return oid.len == sizeof(want) && !memcmp(oid.data, want, sizeof(want));
}

static bool find_attribute(struct lk_reader subject, uint8_t number, struct lk_bytes *ret)
{
	struct lk_reader set, pair;
	struct element oid, value;
	bool found = false;

	/* The last one, the most specific. */
	while (subject.left) {
		if (!enter(&subject, DER_SET, &set) || !enter(&set, DER_SEQUENCE, &pair) ||
		    !read_element(&pair, &oid) || oid.tag != DER_OID ||
		    !read_element(&pair, &value))
			return false;
		if (is_attribute(oid.value, number)) {
			*ret = value.value;
			found = true;
		}
	}
	return found;
}

bool lk_cert_name(struct lk_bytes der, struct lk_bytes *ret)
{
	const uint8_t common_name = 3, organization = 10;
	struct lk_reader subject;

	return find_subject(der, &subject) && (find_attribute(subject, common_name, ret) ||
					       find_attribute(subject, organization, ret));
}

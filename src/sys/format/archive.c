/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading tar archives with libarchive, strictly and in bounded memory. */
#include "sys/format/archive.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include "core/config/tar_names.h"
#include "core/config/zstd_frames.h"
#include "sys/os/secret.h"

#define PIECE (64u * 1024u)
/* libarchive keeps a header whole before anyone can judge it: names of up to a
 * MiB, and a sparse map without end. So it is given this much for one. */
#define HEADER_MAX (512u * 1024u)
#define END_MARK   1024u /* two blocks of zeros (POSIX, pax) */
/* tar(1) fills up to its record, 10 KiB unless told otherwise. */
#define PADDING_MAX (1024u * 1024u)

/*
 * Two readers of libarchive's, one behind the other: the first takes the
 * compression off, the second knows tar alone. In between is seen how much a
 * header takes, where the archive ends, and what comes after.
 */
struct tar_reader {
	struct archive *packed;
	struct archive *tar;
	const struct lk_source *from;
	uint8_t *buf;	    /* PIECE bytes */
	uint64_t given;	    /* compressed bytes that the first was given */
	uint64_t unpacked;  /* bytes that the second was given */
	uint64_t last_used; /* of them up to the last that isn't zero */
	uint64_t stop;	    /* an entry that wants bytes from here on is none */
	struct lk_zstd_frames frames;
	struct lk_tar_names names;
	int rc; /* of a callback that failed */
	struct lk_err *err;
};

/* One entry's content, as its visitor reads it. */
struct content {
	struct tar_reader *r;
	const uint8_t *block; /* what libarchive gave last */
	size_t block_len;
	uint64_t block_at;
	uint64_t at;
	uint64_t size;
	bool ended;
};

static int reading_tar_failed(struct tar_reader *r, struct archive *a)
{
	int64_t at = archive_read_header_position(r->tar);
	const char *text = archive_error_string(a);

	if (r->rc != LK_OK)
		return r->rc;
	if (archive_errno(a) == ENOMEM)
		return lk_err_set(r->err, LK_E_SYSTEM, ENOMEM, "out of memory");
	/* Before the first entry there is no place to name. */
	if (at < 0)
		return lk_err_set(r->err, LK_E_INPUT, (uint32_t)archive_errno(a),
				  "archive: %s%.200s", a == r->tar ? "not a tar archive: " : "",
				  text ? text : "it can't be unpacked");
	return lk_err_set(r->err, LK_E_INPUT, (uint32_t)archive_errno(a),
			  "archive: at offset %" PRIi64 " unpacked: %.200s", at,
			  text ? text : "not a tar archive");
}

/* A callback's error goes around libarchive, which has but a text for it. */
static la_ssize_t break_off(struct tar_reader *r, int rc, struct archive *a)
{
	r->rc = rc;
	archive_set_error(a, EIO, "%s", "stopped");
	return -1;
}

static la_ssize_t give_packed(struct archive *a, void *ctx, const void **ret)
{
	struct tar_reader *r = ctx;
	size_t len = 0;
	int rc = r->from->read(r->from->ctx, r->buf, PIECE, &len, r->err);

	/* libzstd allocates the window that a frame asks for, up to 128 MiB. */
	if (rc == LK_OK)
		rc = lk_zstd_frames_see(&r->frames, r->buf, len, r->err);
	if (rc != LK_OK)
		return break_off(r, rc, a);
	*ret = r->buf;
	r->given += len;
	return (la_ssize_t)len;
}

static void note_unpacked(struct tar_reader *r, const uint8_t *data, size_t len)
{
	size_t used = len;

	while (used && data[used - 1] == 0)
		used--;
	if (used)
		r->last_used = r->unpacked + used;
	r->unpacked += len;
}

static la_ssize_t give_unpacked(struct archive *a, void *ctx, const void **ret)
{
	struct tar_reader *r = ctx;
	size_t len = 0;
	int64_t offset;
	int got = ARCHIVE_OK;
	int rc;

	if (r->unpacked >= r->stop)
		return break_off(
			r,
			lk_err_set(
				r->err, LK_E_INPUT, 0,
				"archive: at offset %" PRIi64
				" unpacked: an entry with a header of more than %u bytes, or larger than its header says",
				archive_read_header_position(a), HEADER_MAX),
			a);
	while (got == ARCHIVE_OK && len == 0)
		got = archive_read_data_block(r->packed, ret, &len, &offset);
	if (got == ARCHIVE_EOF)
		return 0;
	if (got != ARCHIVE_OK)
		return break_off(r, reading_tar_failed(r, r->packed), a);
	rc = lk_tar_names_see(&r->names, *ret, len, r->err);
	if (rc != LK_OK)
		return break_off(r, rc, a);
	note_unpacked(r, *ret, len);
	return (la_ssize_t)len;
}

static int open_packed(struct tar_reader *r)
{
	struct archive *a = r->packed;
	struct archive_entry *entry;

	/* A warning here means that libarchive would run a program for it. */
	if (archive_read_support_format_raw(a) != ARCHIVE_OK ||
	    archive_read_support_filter_gzip(a) != ARCHIVE_OK ||
	    archive_read_support_filter_zstd(a) != ARCHIVE_OK)
		return lk_err_set(r->err, LK_E_SYSTEM, 0,
				  "this libarchive can't unpack gzip and zstd");
	if (archive_read_open(a, r, NULL, give_packed, NULL) != ARCHIVE_OK)
		return reading_tar_failed(r, a);
	/* The source itself counts as one. */
	if (archive_filter_count(a) > 2)
		return lk_err_set(r->err, LK_E_INPUT, 0, "archive: compressed more than once");
	if (archive_read_next_header(a, &entry) == ARCHIVE_OK)
		return LK_OK;
	if (r->rc == LK_OK && r->given == 0)
		return lk_err_set(r->err, LK_E_INPUT, 0, "archive: empty");
	return reading_tar_failed(r, a);
}

static int open_tar(struct tar_reader *r)
{
	if (archive_read_support_format_tar(r->tar) != ARCHIVE_OK)
		return reading_tar_failed(r, r->tar);
	r->stop = HEADER_MAX;
	if (archive_read_open(r->tar, r, NULL, give_unpacked, NULL) != ARCHIVE_OK)
		return reading_tar_failed(r, r->tar);
	return LK_OK;
}

/* Bytes that libarchive skips are of a hole: its next block lies behind. */
static int next_block(struct content *c, struct lk_err *err)
{
	const void *block = NULL;
	int64_t offset = 0;
	size_t len = 0;
	int got = archive_read_data_block(c->r->tar, &block, &len, &offset);

	if (got == ARCHIVE_EOF) {
		c->ended = true;
		return LK_OK;
	}
	if (got != ARCHIVE_OK)
		return reading_tar_failed(c->r, c->r->tar);
	if (offset < 0 || (uint64_t)offset < c->at || (uint64_t)offset > c->size ||
	    len > c->size - (uint64_t)offset)
		return lk_err_set(err, LK_E_INPUT, 0, "archive: a sparse map that isn't in order");
	c->block = block;
	c->block_len = len;
	c->block_at = (uint64_t)offset;
	return LK_OK;
}

static int read_content(void *ctx, uint8_t *buf, size_t cap, size_t *ret_len, struct lk_err *err)
{
	struct content *c = ctx;
	uint64_t hole, n;

	while (!c->ended && c->block_len == 0) {
		struct lk_err *outer = c->r->err;
		int rc;

		c->r->err = err;
		rc = next_block(c, err);
		c->r->err = outer;
		if (rc != LK_OK)
			return rc;
	}
	hole = (c->block_len ? c->block_at : c->size) - c->at;
	n = hole ? hole : c->block_len;
	n = n < cap ? n : cap;
	if (hole) {
		memset(buf, 0, n);
	} else if (n) {
		memcpy(buf, c->block, n);
		c->block += n;
		c->block_at += n;
		c->block_len -= n;
	}
	c->at += n;
	*ret_len = n;
	return LK_OK;
}

static enum lk_archive_kind kind_of_entry(struct archive_entry *entry)
{
	if (archive_entry_hardlink(entry))
		return LK_ARCHIVE_HARDLINK;
	switch (archive_entry_filetype(entry)) {
	case AE_IFREG:
		return LK_ARCHIVE_FILE;
	case AE_IFDIR:
		return LK_ARCHIVE_DIRECTORY;
	case AE_IFLNK:
		return LK_ARCHIVE_SYMLINK;
	case AE_IFCHR:
	case AE_IFBLK:
		return LK_ARCHIVE_DEVICE;
	case AE_IFIFO:
		return LK_ARCHIVE_FIFO;
	default:
		return LK_ARCHIVE_OTHER;
	}
}

static int visit(struct tar_reader *r, struct archive_entry *from,
		 const struct lk_archive_visitor *visitor)
{
	const struct lk_archive_entry entry = {
		.kind = kind_of_entry(from),
		.path = archive_entry_pathname(from),
		.target = archive_entry_hardlink(from) ? archive_entry_hardlink(from)
						       : archive_entry_symlink(from),
		.mode = archive_entry_mode(from) & 07777,
		.size = (uint64_t)archive_entry_size(from),
	};
	struct content content = { .r = r, .size = entry.size };
	const struct lk_source data = { read_content, &content };
	int rc;

	if (archive_entry_size(from) < 0)
		return lk_err_set(r->err, LK_E_INPUT, 0, "archive: an entry of negative size");
	if (entry.kind != LK_ARCHIVE_FILE)
		content.size = 0;
	r->stop = r->unpacked + entry.size;
	r->stop = r->stop < entry.size ? UINT64_MAX : r->stop + HEADER_MAX;
	rc = visitor->entry(visitor->ctx, &entry, &data, r->err);
	if (rc != LK_OK)
		return rc;
	return archive_read_data_skip(r->tar) == ARCHIVE_OK ? LK_OK : reading_tar_failed(r, r->tar);
}

/*
 * In the C locale libarchive can't convert names that aren't ASCII, hands on
 * their bytes as they stand, which is what is wanted, and warns of it. (In a
 * UTF-8 locale it would change them: it normalizes.) No other warning passes.
 */
static bool is_only_a_name(struct archive *a)
{
	const char *text = archive_error_string(a);

	return archive_errno(a) == EILSEQ && text && strstr(text, "can't be converted from UTF-8");
}

/* Zeros alone, and enough of them; else something was cut off or put behind. */
static int check_end(struct tar_reader *r)
{
	uint64_t end = (uint64_t)archive_read_header_position(r->tar);
	const void *data;
	size_t len;
	int64_t offset;
	int got;

	do {
		got = archive_read_data_block(r->packed, &data, &len, &offset);
		if (got == ARCHIVE_OK)
			note_unpacked(r, data, len);
	} while (got == ARCHIVE_OK && r->unpacked <= end + PADDING_MAX);
	if (got != ARCHIVE_OK && got != ARCHIVE_EOF)
		return reading_tar_failed(r, r->packed);
	if (r->last_used > end || got == ARCHIVE_OK)
		return lk_err_set(r->err, LK_E_INPUT, 0,
				  "archive: bytes after its end, at offset %" PRIu64 " unpacked",
				  end);
	if (r->unpacked < end + END_MARK)
		return lk_err_set(r->err, LK_E_INPUT, 0,
				  "archive: cut short: no end mark at offset %" PRIu64 " unpacked",
				  end);
	return LK_OK;
}

static int drain(struct tar_reader *r)
{
	uint64_t used = (uint64_t)archive_filter_bytes(r->packed, -1);
	size_t len = 1;

	while (len) {
		int rc = r->from->read(r->from->ctx, r->buf, PIECE, &len, r->err);

		if (rc != LK_OK)
			return rc;
		r->given += len;
	}
	if (r->given != used)
		return lk_err_set(r->err, LK_E_INPUT, 0,
				  "archive: bytes after the compressed data, at offset %" PRIu64,
				  used);
	return LK_OK;
}

static int read_entries(struct tar_reader *r, const struct lk_archive_visitor *visitor)
{
	struct archive_entry *entry;
	int rc = open_packed(r);
	int got;

	if (rc == LK_OK)
		rc = open_tar(r);
	while (rc == LK_OK) {
		r->stop = r->unpacked + HEADER_MAX;
		got = archive_read_next_header(r->tar, &entry);
		if (got == ARCHIVE_EOF)
			break;
		if (got != ARCHIVE_OK && !(got == ARCHIVE_WARN && is_only_a_name(r->tar)))
			return reading_tar_failed(r, r->tar);
		rc = visit(r, entry, visitor);
	}
	if (rc == LK_OK)
		rc = check_end(r);
	return rc == LK_OK ? drain(r) : rc;
}

int lk_archive_read(const struct lk_source *from, const struct lk_archive_visitor *visitor,
		    struct lk_err *err)
{
	struct tar_reader r = { .from = from, .rc = LK_OK, .err = err };
	locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	locale_t before = plain ? uselocale(plain) : (locale_t)0;
	int rc;

	r.packed = archive_read_new();
	r.tar = archive_read_new();
	r.buf = malloc(PIECE);
	if (plain && r.packed && r.tar && r.buf)
		rc = read_entries(&r, visitor);
	else
		rc = lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	archive_read_free(r.tar);
	archive_read_free(r.packed);
	/* What it held was encrypted before. */
	lk_wipe(r.buf, PIECE);
	free(r.buf);
	if (plain) {
		(void)uselocale(before);
		freelocale(plain);
	}
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns packing a folder into an archive with libarchive, the same bytes each time. */
#include "sys/format/archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "sys/os/fs.h"

#define PIECE	  (64u * 1024u)
#define TAR_BLOCK 10240 /* what a bare tar is made of, as tar(1) does */
#define HOLES_MAX (1024u * 1024u)
/* Of a file that has more pieces than that, the rest counts as filled. */
#define SEGMENTS_MAX 65536u

/* The folder, and the one that lies over it. */
enum layer { BELOW, OVER, N_LAYERS };

struct file {
	char *path; /* below its folder */
	enum layer layer;
};

struct packer {
	const struct lk_pack *pack;
	const struct lk_sink *to;
	struct archive *out;
	int dirs[N_LAYERS];
	enum layer layer; /* that is looked at */
	struct file *files;
	size_t n_files;
	size_t cap_files;
	uint8_t *buf; /* PIECE bytes */
	int rc;	      /* of @to, when it failed */
	struct lk_err *err;
};

static const char *folder(const struct packer *p)
{
	return p->layer == OVER ? p->pack->over : p->pack->dir;
}

static int io_error(struct packer *p, const char *path, const char *what)
{
	int saved = errno;

	return lk_err_set(p->err, LK_E_IO, (uint32_t)saved, "%s/%s: %s: %s", folder(p), path, what,
			  strerror(saved));
}

static int refuse_to_pack(struct packer *p, const char *path, const char *why)
{
	return lk_err_set(p->err, LK_E_INPUT, 0, "%s/%.*s: %s", folder(p), (int)LK_ARCHIVE_PATH_MAX,
			  path, why);
}

static int out_of_memory(struct packer *p)
{
	return lk_err_set(p->err, LK_E_SYSTEM, ENOMEM, "out of memory");
}

static int add_path(struct packer *p, const char *path)
{
	if (p->n_files == p->cap_files) {
		size_t cap = p->cap_files ? 2 * p->cap_files : 64;
		struct file *more = reallocarray(p->files, cap, sizeof(*more));

		if (!more)
			return out_of_memory(p);
		p->files = more;
		p->cap_files = cap;
	}
	p->files[p->n_files] = (struct file){ strdup(path), p->layer };
	if (!p->files[p->n_files].path)
		return out_of_memory(p);
	p->n_files++;
	return LK_OK;
}

static const char *why_not(mode_t mode)
{
	if (S_ISLNK(mode))
		return "a symbolic link";
	if (S_ISCHR(mode) || S_ISBLK(mode))
		return "a device";
	if (S_ISFIFO(mode))
		return "a FIFO";
	if (S_ISSOCK(mode))
		return "a socket";
	if (mode & 07000)
		return "a set-id or sticky bit";
	return NULL;
}

static int find_files(struct packer *p, const char *below);

static int pack_path(struct packer *p, const char *path)
{
	char checked[LK_ARCHIVE_PATH_MAX + 1];
	struct stat st;
	int rc;

	if (fstatat(p->dirs[p->layer], path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return io_error(p, path, "can't be looked at");
	rc = lk_archive_path_check(path, checked, p->err);
	if (rc != LK_OK) {
		lk_err_prefix(p->err, "%s", folder(p));
		return rc;
	}
	/* A folder's own bits go nowhere: it has no entry. */
	if (S_ISDIR(st.st_mode))
		return find_files(p, path);
	if (why_not(st.st_mode))
		return refuse_to_pack(p, path, why_not(st.st_mode));
	return add_path(p, path);
}

static DIR *open_folder(struct packer *p, const char *below)
{
	int fd = openat(p->dirs[p->layer], *below ? below : ".",
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

/* Calls itself by take(), no deeper than the path's check lets it. */
static int find_files(struct packer *p, const char *below)
{
	DIR *dir = open_folder(p, below);
	struct dirent *entry;
	int rc = LK_OK;

	if (!dir)
		return io_error(p, below, "can't open");
	while (rc == LK_OK && (errno = 0, entry = readdir(dir))) {
		char *path = NULL;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (asprintf(&path, "%s%s%s", below, *below ? "/" : "", entry->d_name) < 0)
			path = NULL;
		rc = path ? pack_path(p, path) : out_of_memory(p);
		free(path);
	}
	if (rc == LK_OK && errno)
		rc = io_error(p, below, "can't read");
	closedir(dir);
	return rc;
}

/* The one that comes first, then bytewise; of one name the one that lies over. */
static int compare(const void *a, const void *b, void *first)
{
	const struct file *x = a, *y = b;
	int by_name = strcmp(x->path, y->path);

	if (by_name == 0)
		return (int)y->layer - (int)x->layer;
	if (first && !strcmp(x->path, first))
		return -1;
	if (first && !strcmp(y->path, first))
		return 1;
	return by_name;
}

static int packing_failed(struct packer *p, const char *path)
{
	const char *text = archive_error_string(p->out);

	if (p->rc != LK_OK)
		return p->rc;
	if (archive_errno(p->out) == ENOMEM)
		return out_of_memory(p);
	return refuse_to_pack(p, path, text ? text : "can't be packed");
}

static int write_data(struct packer *p, int fd, const char *path, uint64_t size)
{
	while (size) {
		size_t want = size < PIECE ? (size_t)size : PIECE;
		ssize_t n = read(fd, p->buf, want);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return io_error(p, path, "can't read");
		if (n == 0)
			return refuse_to_pack(p, path, "shrank while it was packed");
		if (archive_write_data(p->out, p->buf, (size_t)n) != n || p->rc != LK_OK)
			return packing_failed(p, path);
		size -= (uint64_t)n;
	}
	return LK_OK;
}

/* Bytes that no block of the disk stands for. Where a file system can't tell,
 * a file has none. */
static uint64_t bytes_of_holes(int fd, uint64_t size)
{
	uint64_t holes = 0;
	off_t at = 0;

	for (unsigned int i = 0; i < SEGMENTS_MAX && (uint64_t)at < size; i++) {
		off_t data = lseek(fd, at, SEEK_DATA);

		/* Nothing but a hole up to the end. */
		if (data < 0)
			return errno == ENXIO ? holes + (size - (uint64_t)at) : 0;
		holes += (uint64_t)(data - at);
		at = lseek(fd, data, SEEK_HOLE);
		if (at < 0)
			return 0;
	}
	return holes;
}

/* A terabyte of nothing takes hours to pack, and no device unpacks more than
 * 200 times a blob's size. Holes that fit a blob of any size are zeros. */
static int check_holes(struct packer *p, int fd, const char *path, uint64_t size)
{
	uint64_t holes = bytes_of_holes(fd, size);
	int rc = LK_OK;

	if (holes > HOLES_MAX)
		rc = lk_err_set(
			p->err, LK_E_INPUT, 0,
			"%s/%.*s: a sparse file: %" PRIu64 " of its %" PRIu64
			" bytes are holes, of which at most %u are packed; leave it out, make it smaller, or fill it with \"cp --sparse=never\"",
			folder(p), (int)LK_ARCHIVE_PATH_MAX, path, holes, size, HOLES_MAX);
	else if (lseek(fd, 0, SEEK_SET) != 0)
		rc = io_error(p, path, "can't read");
	return rc;
}

static int write_file(struct packer *p, struct archive_entry *entry, const char *path)
{
	LK_OWNED_FD fd =
		openat(p->dirs[p->layer], path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int rc;

	if (fd < 0 || fstat(fd, &st) != 0)
		return io_error(p, path, "can't open");
	if (!S_ISREG(st.st_mode) || why_not(st.st_mode))
		return refuse_to_pack(p, path, "changed while it was packed");
	rc = check_holes(p, fd, path, (uint64_t)st.st_size);
	if (rc != LK_OK)
		return rc;
	archive_entry_clear(entry);
	archive_entry_set_pathname(entry, path);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, st.st_mode & 0777);
	archive_entry_set_size(entry, st.st_size);
	archive_entry_set_mtime(entry, (time_t)p->pack->mtime, 0);
	archive_entry_set_uid(entry, 0);
	archive_entry_set_gid(entry, 0);
	/* A warning would be a name that came out otherwise. */
	if (archive_write_header(p->out, entry) != ARCHIVE_OK || p->rc != LK_OK)
		return packing_failed(p, path);
	return write_data(p, fd, path, (uint64_t)st.st_size);
}

/* libarchive isn't told of a failure: it leaks what it doesn't close, and it
 * doesn't close what has failed (3.6.2). */
static la_ssize_t to_sink(struct archive *a, void *ctx, const void *data, size_t len)
{
	struct packer *p = ctx;

	(void)a;
	if (p->rc == LK_OK)
		p->rc = p->to->write(p->to->ctx, data, len, p->err);
	return (la_ssize_t)len;
}

static int open_output(struct packer *p)
{
	struct archive *a = p->out;
	int got = archive_write_set_format_pax_restricted(a);

	/* gzip's header has the time it was made at. */
	if (got == ARCHIVE_OK && p->pack->compression == LK_COMPRESS_GZIP)
		got = archive_write_add_filter_gzip(a) != ARCHIVE_OK
			      ? ARCHIVE_FATAL
			      : archive_write_set_filter_option(a, "gzip", "timestamp", NULL);
	if (got == ARCHIVE_OK && p->pack->compression == LK_COMPRESS_ZSTD)
		got = archive_write_add_filter_zstd(a);
	if (got == ARCHIVE_OK)
		got = archive_write_set_bytes_per_block(a, TAR_BLOCK);
	if (got == ARCHIVE_OK && p->pack->compression != LK_COMPRESS_NONE)
		got = archive_write_set_bytes_in_last_block(a, 1);
	if (got == ARCHIVE_OK)
		got = archive_write_open(a, p, NULL, to_sink, NULL);
	return got == ARCHIVE_OK ? LK_OK : packing_failed(p, "");
}

static int pack_all(struct packer *p)
{
	struct archive_entry *entry = archive_entry_new();
	int rc = entry ? open_output(p) : out_of_memory(p);

	for (size_t i = 0; rc == LK_OK && i < p->n_files; i++) {
		p->layer = p->files[i].layer;
		if (i == 0 || strcmp(p->files[i].path, p->files[i - 1].path) != 0)
			rc = write_file(p, entry, p->files[i].path);
	}
	archive_entry_free(entry);
	if (rc == LK_OK && (archive_write_close(p->out) != ARCHIVE_OK || p->rc != LK_OK))
		rc = packing_failed(p, "");
	return rc;
}

/* What lies over is no link: that would be a path out of its tree. */
static int find_layer(struct packer *p, enum layer layer)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (layer == OVER ? O_NOFOLLOW : 0);

	p->layer = layer;
	p->dirs[layer] = open(folder(p), flags);
	if (p->dirs[layer] < 0)
		return lk_err_set(p->err, LK_E_INPUT, (uint32_t)errno, "%s: %s", folder(p),
				  strerror(errno));
	return find_files(p, "");
}

static int pack_folder(struct packer *p)
{
	char *first;
	int rc = find_layer(p, BELOW);

	if (rc == LK_OK && p->pack->over)
		rc = find_layer(p, OVER);
	if (rc == LK_OK && p->n_files == 0)
		rc = lk_err_set(p->err, LK_E_INPUT, 0, "%s: no file in it", p->pack->dir);
	if (rc != LK_OK)
		return rc;
	first = p->pack->first ? strdup(p->pack->first) : NULL;
	if (p->pack->first && !first)
		return out_of_memory(p);
	qsort_r(p->files, p->n_files, sizeof(*p->files), compare, first);
	free(first);
	return pack_all(p);
}

int lk_archive_pack(const struct lk_pack *pack, const struct lk_sink *to, struct lk_err *err)
{
	struct packer p = { .pack = pack, .to = to, .dirs = { -1, -1 }, .err = err };
	/* Names are written as UTF-8, whatever the environment says. */
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	locale_t before = utf8 ? uselocale(utf8) : (locale_t)0;
	int rc;

	p.out = archive_write_new();
	p.buf = malloc(PIECE);
	if (!utf8)
		rc = lk_err_set(err, LK_E_SYSTEM, (uint32_t)errno,
				"this system has no locale C.UTF-8");
	else if (!p.out || !p.buf)
		rc = out_of_memory(&p);
	else
		rc = pack_folder(&p);
	/* This closes, and closing writes; what failed shall get no more. */
	p.rc = rc;
	archive_write_free(p.out);
	lk_wipe(p.buf, PIECE);
	free(p.buf);
	for (size_t i = 0; i < p.n_files; i++)
		free(p.files[i].path);
	free(p.files);
	for (unsigned int i = 0; i < N_LAYERS; i++)
		lk_fd_closep(&p.dirs[i]);
	if (utf8) {
		(void)uselocale(before);
		freelocale(utf8);
	}
	return rc;
}

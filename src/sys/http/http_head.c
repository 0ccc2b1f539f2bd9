/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the parsing of an HTTP request's head. */
#include "sys/http/http_head.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/bytes.h"
#include "core/base/text.h"

#define LENGTH_MAX 1000000000000u

struct line {
	const char *text;
	size_t len;
};

/* What is known of the fields while they are read. */
struct fields {
	struct lk_httpd_head head;
	bool has_length, has_host, coded;
};

static bool next_line(const char **at, const char *end, struct line *ret)
{
	const char *cr = memchr(*at, '\r', (size_t)(end - *at));

	if (!cr || cr + 1 >= end || cr[1] != '\n')
		return false;
	*ret = (struct line){ *at, (size_t)(cr - *at) };
	*at = cr + 2;
	return true;
}

/* token (RFC 9110, 5.6.2) */
static bool is_token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
			    text[i]) ||
		    !text[i])
			return false;
	return len > 0;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Well-formed UTF-8 without control characters. */
static bool is_plain(const char *text)
{
	size_t left = strlen(text), n;

	for (; left; text += n, left -= n) {
		n = lk_text_character((const uint8_t *)text, left);
		if (!n)
			return false;
	}
	return true;
}

/* Percent-decoding into plain text. @form: "+" is a space, as forms write it. */
static bool decode(const char *text, size_t len, bool form, char *out, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '%') {
			if (i + 2 >= len || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0)
				return false;
			c = (char)(digit(text[i + 1]) * 16 + digit(text[i + 2]));
			i += 2;
		} else if (c == '+' && form) {
			c = ' ';
		}
		if (n + 1 >= cap || !c)
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return is_plain(out);
}

/* No empty, "." or ".." part, however it was encoded, but for one "/" at the end. */
static bool is_plain_path(const char *path)
{
	if (*path != '/' || strchr(path, '\\'))
		return false;
	while (*path == '/' && path[1]) {
		size_t len = strcspn(path + 1, "/");

		if (len == 0 || (len == 1 && path[1] == '.') ||
		    (len == 2 && path[1] == '.' && path[2] == '.'))
			return false;
		path += 1 + len;
	}
	return true;
}

static unsigned int parse_target(const char *target, size_t len, struct lk_httpd_head *head)
{
	const char *mark = memchr(target, '?', len);
	size_t path = mark ? (size_t)(mark - target) : len;

	if (len >= LK_HTTPD_PATH_MAX)
		return 414;
	for (size_t i = 0; i < len; i++)
		if (target[i] <= ' ' || target[i] > '~')
			return 400;
	if (!decode(target, path, false, head->path, sizeof(head->path)) ||
	    !is_plain_path(head->path))
		return 400;
	if (mark)
		(void)snprintf(head->query, sizeof(head->query), "%.*s", (int)(len - path - 1),
			       mark + 1);
	return 0;
}

static unsigned int parse_request_line(struct line line, struct lk_httpd_head *head)
{
	static const char *const methods[] = { "GET", "HEAD", "POST" };
	const char *space = memchr(line.text, ' ', line.len);
	const char *end = line.text + line.len;
	const char *last;

	if (!space || !is_token(line.text, (size_t)(space - line.text)))
		return 400;
	last = memchr(space + 1, ' ', (size_t)(end - space - 1));
	if (!last || end - last != 9 || memcmp(last + 1, "HTTP/", 5) != 0)
		return 400;
	if (memcmp(last + 6, "1.1", 3) != 0 && memcmp(last + 6, "1.0", 3) != 0)
		return 505;
	head->keep_alive = last[8] == '1';
	head->method = LK_HTTPD_OTHER;
	for (unsigned int i = 0; i < 3; i++)
		if (strlen(methods[i]) == (size_t)(space - line.text) &&
		    memcmp(methods[i], line.text, strlen(methods[i])) == 0)
			head->method = (enum lk_httpd_method)i;
	return parse_target(space + 1, (size_t)(last - space - 1), head);
}

static bool field_is(struct line name, const char *known)
{
	return name.len == strlen(known) && strncasecmp(name.text, known, name.len) == 0;
}

static bool parse_length(struct line value, uint64_t *ret)
{
	uint64_t v = 0;

	if (value.len == 0 || value.len > 12)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (value.text[i] < '0' || value.text[i] > '9')
			return false;
		v = 10 * v + (uint64_t)(value.text[i] - '0');
	}
	*ret = v;
	return v < LENGTH_MAX;
}

/* What browsers ask people for: the token is the password, whatever the name (RFC 7617). */
static bool take_password(struct line value, char ret[static LK_HTTPD_TEXT_MAX])
{
	uint8_t plain[LK_HTTPD_TEXT_MAX];
	const uint8_t *colon;
	size_t len;

	if (!lk_base64_decode(value.text + 6, value.len - 6, plain, sizeof(plain) - 1, &len))
		return false;
	colon = memchr(plain, ':', len);
	if (!colon || memchr(plain, 0, len))
		return false;
	memcpy(ret, colon + 1, len - (size_t)(colon + 1 - plain));
	return true;
}

static unsigned int take_field(struct line name, struct line value, struct fields *f)
{
	if (field_is(name, "content-length")) {
		if (f->has_length || !parse_length(value, &f->head.length))
			return 400;
		f->has_length = true;
	} else if (field_is(name, "transfer-encoding")) {
		f->coded = true;
	} else if (field_is(name, "host")) {
		if (f->has_host || value.len >= sizeof(f->head.host))
			return 400;
		f->has_host = true;
		memcpy(f->head.host, value.text, value.len);
	} else if (field_is(name, "connection")) {
		if (field_is(value, "close"))
			f->head.keep_alive = false;
	} else if (field_is(name, "expect")) {
		if (!field_is(value, "100-continue"))
			return 400;
		f->head.expects_continue = true;
	} else if (field_is(name, "content-type")) {
		const char *end = memchr(value.text, ';', value.len);
		size_t len = end ? (size_t)(end - value.text) : value.len;

		if (f->head.type[0] || len >= sizeof(f->head.type))
			return 400;
		memcpy(f->head.type, value.text, len);
	} else if (field_is(name, "authorization")) {
		if (f->head.bearer[0] || value.len >= sizeof(f->head.bearer))
			return 400;
		if (value.len > 7 && strncasecmp(value.text, "Bearer ", 7) == 0)
			memcpy(f->head.bearer, value.text + 7, value.len - 7);
		else if (value.len > 6 && strncasecmp(value.text, "Basic ", 6) == 0)
			return take_password(value, f->head.bearer) ? 0 : 400;
	}
	return 0;
}

static unsigned int parse_field(struct line line, struct fields *f)
{
	const char *colon = memchr(line.text, ':', line.len);
	struct line name, value;

	/* A line that begins with a space would continue the one before. */
	if (!colon || !is_token(line.text, (size_t)(colon - line.text)))
		return 400;
	name = (struct line){ line.text, (size_t)(colon - line.text) };
	value = (struct line){ colon + 1, line.len - name.len - 1 };
	while (value.len && (*value.text == ' ' || *value.text == '\t')) {
		value.text++;
		value.len--;
	}
	while (value.len && (value.text[value.len - 1] == ' ' || value.text[value.len - 1] == '\t'))
		value.len--;
	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.text[i] < ' ' && value.text[i] != '\t')
			return 400;
	return take_field(name, value, f);
}

unsigned int lk_httpd_head_parse(const char *data, size_t len, struct lk_httpd_head *ret)
{
	struct fields f = { .has_length = false };
	const char *at = data, *end = data + len;
	struct line line;
	unsigned int status;

	if (len > LK_HTTPD_HEAD_MAX)
		return 431;
	if (!next_line(&at, end, &line))
		return 400;
	status = parse_request_line(line, &f.head);
	if (status)
		return status;
	for (;;) {
		if (!next_line(&at, end, &line))
			return 400;
		if (line.len == 0)
			break;
		status = parse_field(line, &f);
		if (status)
			return status;
	}
	if (at != end)
		return 400;
	if (f.coded)
		return 501;
	if (f.head.method == LK_HTTPD_POST && !f.has_length)
		return 411;
	*ret = f.head;
	return 0;
}

bool lk_httpd_query_get(const char *query, const char *name, char *out, size_t cap)
{
	size_t len = strlen(name);

	while (*query) {
		size_t part = strcspn(query, "&");

		if (part > len && query[len] == '=' && memcmp(query, name, len) == 0) {
			if (decode(query + len + 1, part - len - 1, true, out, cap))
				return true;
			/* What isn't text is nothing: a database would refuse it. */
			out[0] = '\0';
			return false;
		}
		query += part + (query[part] == '&');
	}
	return false;
}

/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns who may read, and which page an address is. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "verifier/show/page.h"
#include "verifier/device/device.h"

#define WRONG_TOKEN_S 2u

/* A browser that was led here under another name brings another's page along. */
static bool host_is_local(const char *host)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t len = strlen(names[i]);

		if (strncasecmp(host, names[i], len) == 0 && (!host[len] || host[len] == ':'))
			return true;
	}
	return false;
}

/* Return: whether @x may read; else it was answered. */
static bool may_read(struct lk_vf_server *s, struct lk_httpd_x *x)
{
	const struct lk_httpd_head *head = lk_httpd_head(x);
	struct lk_err err = { 0 };
	bool good = false;

	if (!head->bearer[0] && lk_httpd_from_local(x) && lk_httpd_is_local(s->settings.pages) &&
	    (strncmp(s->settings.pages, "unix:", 5) == 0 || host_is_local(head->host)))
		return true;
	if (head->bearer[0] && lk_vf_token_check(s->store, head->bearer, &good, &err) != LK_OK) {
		lk_vf_complain(s, &err);
		lk_httpd_answer_text(x, 503, "The database can't be used now.");
		return false;
	}
	if (good)
		return true;
	lk_httpd_answer(
		x,
		&(struct lk_httpd_answer){
			.status = 401,
			.headers =
				"WWW-Authenticate: Basic realm=\"Latchkey: the token is the password\"\r\n",
			.body = { (const uint8_t *)"A token is wanted.\n", 19 },
			.delay_s = head->bearer[0] ? WRONG_TOKEN_S : 0,
		});
	return false;
}

static bool take_word(const char **rest, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*rest, word, len) != 0)
		return false;
	*rest += len;
	return true;
}

/* A time, at least 1, with nothing but what follows it in a path. */
static bool take_time(const char **rest, int64_t *ret)
{
	char *end;
	long long n = **rest >= '1' && **rest <= '9' ? strtoll(*rest, &end, 10) : 0;

	if (n <= 0 || n == LLONG_MAX)
		return false;
	*ret = n;
	*rest = end;
	return true;
}

/* A page, or ".json" for the same as JSON. */
static bool ends(struct lk_page_ask *ask, const char *rest)
{
	ask->json = strcmp(rest, ".json") == 0;
	return ask->json || !*rest;
}

static int show_log(struct lk_page_ask *ask, const char *rest, int64_t since, struct lk_err *err)
{
	static const char *const raw[] = { "firmware.bin", "ima.bin", "measurements.bin" };

	for (size_t i = 0; i < sizeof(raw) / sizeof(raw[0]); i++)
		if (strcmp(rest, raw[i]) == 0)
			return lk_page_log_raw(ask, since, rest, err);
	if (take_word(&rest, "firmware") && ends(ask, rest))
		return lk_page_firmware(ask, since, err);
	if (take_word(&rest, "ima") && ends(ask, rest))
		return lk_page_ima(ask, since, err);
	return LK_E_OBJECT;
}

static int show_attestation(struct lk_page_ask *ask, const char *rest, int64_t at,
			    struct lk_err *err)
{
	if (ends(ask, rest))
		return lk_page_attestation(ask, at, err);
	if (strcmp(rest, "/quote") == 0 || strcmp(rest, "/signature") == 0)
		return lk_page_attestation_raw(ask, at, rest + 1, err);
	return LK_E_OBJECT;
}

/* What is below "/devices/IDENTITY". */
static int show_one(struct lk_page_ask *ask, const char *rest, struct lk_err *err)
{
	char id[LK_VF_ID_TEXT];
	struct lk_vf_device d;
	int64_t time;

	if (strspn(rest, "0123456789abcdef") < LK_VF_ID_TEXT - 1)
		return LK_E_OBJECT;
	(void)snprintf(id, sizeof(id), "%s", rest);
	rest += LK_VF_ID_TEXT - 1;
	LK_TRY(lk_vf_device_find(ask->s->store, id, &d, err));
	ask->d = &d;
	if (ends(ask, rest))
		return lk_page_device(ask, err);
	if (!take_word(&rest, "/"))
		return LK_E_OBJECT;
	if (take_word(&rest, "boots/"))
		return take_time(&rest, &time) && take_word(&rest, "/")
			       ? show_log(ask, rest, time, err)
			       : LK_E_OBJECT;
	if (take_time(&rest, &time))
		return show_attestation(ask, rest, time, err);
	if (take_word(&rest, "report."))
		return lk_page_report(ask, rest, err);
	if (take_word(&rest, "difference"))
		return ends(ask, rest) ? lk_page_difference(ask, err) : LK_E_OBJECT;
	return show_log(ask, rest, 0, err);
}

static int show_style(struct lk_httpd_x *x)
{
	lk_httpd_answer(x, &(struct lk_httpd_answer){ .status = 200,
						      .type = "text/css",
						      .body = { (const uint8_t *)lk_page_style,
								strlen(lk_page_style) } });
	return LK_OK;
}

static int route(struct lk_page_ask *ask, const char *path, struct lk_err *err)
{
	LK_TRY(lk_store_ready(ask->s->store, err));
	if (strcmp(path, "/") == 0 || strcmp(path, "/fleet.json") == 0) {
		ask->json = path[1] != '\0';
		return lk_page_fleet(ask, err);
	}
	if (strcmp(path, "/style.css") == 0)
		return show_style(ask->x);
	if (strcmp(path, "/metrics") == 0)
		return lk_page_metrics(ask, err);
	if (strcmp(path, "/reports") == 0)
		return lk_page_reports(ask, err);
	if (take_word(&path, "/report."))
		return lk_page_report(ask, path, err);
	if (take_word(&path, "/devices/"))
		return show_one(ask, path, err);
	if (take_word(&path, "/devices") && ends(ask, path))
		return lk_page_devices(ask, err);
	return LK_E_OBJECT;
}

void lk_vf_pages(void *ctx, struct lk_httpd_x *x)
{
	const struct lk_httpd_head *head = lk_httpd_head(x);
	struct lk_page_ask ask = { .s = ctx, .x = x };
	struct lk_err err = { 0 };
	int rc;

	if (head->method != LK_HTTPD_GET && head->method != LK_HTTPD_HEAD) {
		lk_httpd_answer_text(x, 405, "Pages are read: use GET.");
		return;
	}
	if (!may_read(ctx, x))
		return;
	rc = route(&ask, head->path, &err);
	if (rc == LK_OK)
		return;
	if (rc == LK_E_OBJECT) {
		lk_httpd_answer_text(x, 404, "There is nothing at this address.");
		return;
	}
	lk_vf_complain(ctx, &err);
	lk_httpd_answer_text(x, 503, "The database can't be used now.");
}

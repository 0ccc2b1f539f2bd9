/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns requests by libcurl. */
#include "sys/http/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/os/log.h"

#define CONNECT_S 15L
#define TOTAL_S	  120L

struct lk_http {
	CURL *curl;
	struct curl_slist *headers;
	const struct lk_http_server *server;
	/* Of the request under way. */
	uint8_t *data;
	size_t len;
	size_t cap;
	bool too_long;
	char message[CURL_ERROR_SIZE];
};

void lk_http_close(struct lk_http *http)
{
	if (!http)
		return;
	curl_slist_free_all(http->headers);
	curl_easy_cleanup(http->curl);
	free(http->data);
	free(http);
}

static size_t take_body(char *data, size_t size, size_t n, void *ctx)
{
	struct lk_http *http = ctx;

	(void)size; /* 1, says libcurl */
	if (n > http->cap - http->len) {
		http->too_long = true;
		return 0;
	}
	memcpy(http->data + http->len, data, n);
	http->len += n;
	return n;
}

static bool set_trust(CURL *curl, const struct lk_http_server *server)
{
	/* A pin says which key it has to be, whoever vouches for it; libcurl compares it with
	 * or without a CA. */
	long peer = server->ca || !server->pin;
	bool done = curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, peer) == CURLE_OK &&
		    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, peer ? 2L : 0L) == CURLE_OK;

	if (done && server->ca)
		done = curl_easy_setopt(curl, CURLOPT_CAINFO, server->ca) == CURLE_OK &&
		       curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK;
	if (done && server->pin)
		done = curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, server->pin) == CURLE_OK;
	return done;
}

static bool set_options(struct lk_http *http)
{
	CURL *curl = http->curl;

	return curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ==
		       CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ==
		       CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_TIMEOUT, TOTAL_S) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_HTTPHEADER, http->headers) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->message) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_WRITEDATA, http) == CURLE_OK &&
	       set_trust(curl, http->server);
}

/* What needn't be said isn't: each byte is paid for by somebody. */
static bool make_headers(struct lk_http *http)
{
	static const char *const lines[] = { "Content-Type: application/json",
					     "Accept:", "Expect:" };

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct curl_slist *more = curl_slist_append(http->headers, lines[i]);

		if (!more)
			return false;
		http->headers = more;
	}
	return true;
}

int lk_http_open(const struct lk_http_server *server, struct lk_http **ret, struct lk_err *err)
{
	LK_OWNED_HTTP http = calloc(1, sizeof(*http));

	if (!http || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "libcurl can't be used: out of memory");
	http->server = server;
	http->curl = curl_easy_init();
	if (!http->curl || !make_headers(http) || !set_options(http))
		return lk_err_set(err, LK_E_SYSTEM, 0,
				  "libcurl can't do what a request needs: HTTPS, or a pinned key");
	*ret = http;
	http = NULL;
	return LK_OK;
}

static int failed(const struct lk_http *http, CURLcode code, struct lk_err *err)
{
	const char *said = http->message[0] ? http->message : curl_easy_strerror(code);
	const char *ca = http->server->ca;
	char why[CURL_ERROR_SIZE];

	(void)snprintf(why, sizeof(why), "%s", said);
	for (size_t n = strlen(why); n && strchr(" \n", why[n - 1]); n--)
		why[n - 1] = '\0';

	if (http->too_long)
		return lk_err_set(err, LK_E_INPUT, (uint32_t)code,
				  "%s: the answer is longer than %zu bytes", http->server->url,
				  http->cap);
	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_ISSUER_ERROR:
		return lk_err_set(
			err, LK_E_POLICY, (uint32_t)code,
			"%s: this isn't the server that the settings name (ca, pinned-key): %s",
			http->server->url, why);
	case CURLE_SSL_CACERT_BADFILE:
		if (ca && access(ca, R_OK) != 0)
			return lk_err_set(err, LK_E_INPUT, (uint32_t)errno,
					  "ca: %s: can't open: %s", ca, strerror(errno));
		return lk_err_set(err, LK_E_INPUT, (uint32_t)code,
				  "%s: no certificate can be taken from it: %s",
				  ca ? ca : "the system's CA file", why);
	case CURLE_URL_MALFORMAT:
		return lk_err_set(err, LK_E_INPUT, (uint32_t)code, "%s is no server's address: %s",
				  http->server->url, why);
	case CURLE_SSL_CONNECT_ERROR:
		return lk_err_set(
			err, LK_E_IO, (uint32_t)code,
			"%s: no TLS comes about there; is that the port where the verifier listens for devices? (%s)",
			http->server->url, why);
	case CURLE_OUT_OF_MEMORY:
		return lk_err_set(err, LK_E_SYSTEM, (uint32_t)code, "out of memory");
	default:
		return lk_err_set(err, LK_E_IO, (uint32_t)code, "%s: %s", http->server->url, why);
	}
}

int lk_http_post(struct lk_http *http, const char *path, struct lk_bytes body, size_t cap,
		 struct lk_http_answer *ret, struct lk_err *err)
{
	char url[512];
	CURLcode code;
	long status = 0;

	if (snprintf(url, sizeof(url), "%s%s", http->server->url, path) >= (int)sizeof(url))
		return lk_err_set(err, LK_E_INPUT, 0, "the server's address is too long");
	http->data = malloc(cap + 1);
	if (!http->data)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	http->len = 0;
	http->cap = cap;
	http->too_long = false;
	http->message[0] = '\0';
	code = curl_easy_setopt(http->curl, CURLOPT_URL, url);
	if (code == CURLE_OK)
		code = curl_easy_setopt(http->curl, CURLOPT_POSTFIELDSIZE_LARGE,
					(curl_off_t)body.len);
	if (code == CURLE_OK)
		code = curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, (const char *)body.data);
	if (code == CURLE_OK)
		code = curl_easy_perform(http->curl);
	if (code == CURLE_OK)
		code = curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
	lk_log(LK_LOG_DEBUG, "POST %s: %zu bytes sent, status %ld, %zu bytes answered", path,
	       body.len, status, http->len);
	if (code == CURLE_OK) {
		http->data[http->len] = '\0';
		*ret = (struct lk_http_answer){ status, { http->data, http->len } };
		http->data = NULL;
		return LK_OK;
	}
	free(http->data);
	http->data = NULL;
	return failed(http, code, err);
}

/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey-verifier serve: from nothing to a server that listens, and to its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verifier/device/retention.h"
#include "verifier/serve/server.h"
#include "verifier/settings/state_dir.h"
#include "sys/crypto/crypto.h"
#include "sys/crypto/crypto_ca.h"
#include "sys/os/log.h"
#include "sys/os/secret.h"
#include "sys/service/notify.h"
#include "verifier/verifier.h"
#include "verifier/device/words.h"
#include "verifier/flavor/flavor.h"

/* Of its answers; meanwhile nobody else is answered. */
#define LK_VF_DATABASE_S 5
#define SOCKET_ATTEST	 "attest"
#define SOCKET_PAGES	 "pages"
#define DAY_MS		 86400000ll
#define PRUNE_MS	 60000

static void settle(void *ctx)
{
	lk_vf_api_settle(ctx);
}

/* Once in a minute, and each second while there is much to do. */
static void prune(struct lk_vf_server *s)
{
	int64_t now = lk_vf_now();
	struct lk_err err = { 0 };
	uint64_t rows = 0;

	if (!s->settings.keep_days || now - s->last_pruned < PRUNE_MS)
		return;
	if (lk_vf_prune(s->store, now - s->settings.keep_days * DAY_MS, &rows, &err) != LK_OK)
		lk_vf_complain(s, &err);
	if (rows < LK_VF_PRUNE_BATCH)
		s->last_pruned = now;
}

static void tick(void *ctx)
{
	struct lk_vf_server *s = ctx;

	lk_notify_alive();
	/* Within a transaction that failed nothing can be read. */
	if (!s->begun) {
		lk_vf_flavors_refresh(s->flavors, s->store);
		prune(s);
	}
}

static int take_key(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	struct lk_vf_server *s = ctx;

	if (c[0].bytes.len != sizeof(s->nonce_key))
		return lk_err_set(err, LK_E_IO, 0, "the database: the nonces' key is malformed");
	memcpy(s->nonce_key, c[0].bytes.data, sizeof(s->nonce_key));
	return LK_OK;
}

/* All verifiers on one database take each other's nonces. */
static int find_nonce_key(struct lk_vf_server *s, struct lk_err *err)
{
	static const char add[] =
		"INSERT INTO settings (name, value) VALUES ('nonce-key', $1) ON CONFLICT DO NOTHING";
	static const char get[] = "SELECT value FROM settings WHERE name = 'nonce-key'";
	uint8_t chance[LK_NONCE_KEY_SIZE];
	const struct lk_value args[] = { lk_value_bytes(
		(struct lk_bytes){ chance, sizeof(chance) }) };

	if (!lk_crypto_random(chance, sizeof(chance)))
		return lk_err_set(err, LK_E_SYSTEM, 0, "no random bytes are to be had");
	LK_TRY(lk_store_run(s->store, &(struct lk_query){ add, 1, args, NULL, NULL }, NULL, err));
	lk_wipe(chance, sizeof(chance));
	return lk_store_run(s->store, &(struct lk_query){ get, 0, NULL, take_key, s }, NULL, err);
}

/* Made at the first start, so that it is there to be shown before there is a report. */
static int find_report_key(struct lk_vf_server *s, struct lk_err *err)
{
	LK_OWNED_JWS_KEY key = NULL;

	return lk_vf_report_key(&s->settings, &key, err);
}

static int say_certificate(const struct lk_vf_certificate *c, struct lk_err *err)
{
	LK_OWNED_BUF pem = LK_BUF_NONE;
	char fingerprint[LK_FINGERPRINT_TEXT];

	if (!c->ca[0])
		return LK_OK;
	LK_TRY(lk_fs_read(c->ca, 65536, &pem, err));
	LK_TRY(lk_crypto_fingerprint((struct lk_bytes){ pem.data, pem.len }, fingerprint, err));
	printf("%s %s\nSHA-256 fingerprint: %s\n",
	       c->made ? "An authority was made; devices trust the server by this certificate:"
		       : "Devices trust the server by this certificate:",
	       c->ca, fingerprint);
	if (c->made)
		printf("%s", (const char *)pem.data);
	return LK_OK;
}

/* A listener of systemd's, or one of the settings. */
static int listen_on(struct lk_vf_server *s, const char *socket, const char *address,
		     const struct lk_httpd_tls *tls, const struct lk_httpd_site *site,
		     struct lk_err *err)
{
	int fd = lk_notify_socket(socket);

	if (fd >= 0) {
		LK_TRY(lk_httpd_listen_fd(s->http, fd, tls, site, err));
		printf("%s: on the socket that systemd handed over\n", socket);
		return LK_OK;
	}
	LK_TRY(lk_httpd_listen(s->http, address, tls, site, err));
	printf("%s: %s%s\n", socket,
	       tls				? "https://"
	       : lk_httpd_listening(s->http)[0] ? "http://"
						: "",
	       lk_httpd_listening(s->http)[0] ? lk_httpd_listening(s->http) : address);
	return LK_OK;
}

static int listen_all(struct lk_vf_server *s, struct lk_err *err)
{
	const struct lk_httpd_site api = { lk_vf_api, s }, pages = { lk_vf_pages, s };
	const char *attest = s->settings.listen, *shown = s->settings.pages;
	struct lk_vf_certificate c = { .made = false };
	struct lk_httpd_tls tls;

	LK_TRY(lk_vf_certificate_find(&s->settings, &c, err));
	LK_TRY(say_certificate(&c, err));
	tls = (struct lk_httpd_tls){ c.certificate, c.key };
	LK_TRY(listen_on(s, SOCKET_ATTEST, attest, strncmp(attest, "unix:", 5) ? &tls : NULL, &api,
			 err));
	if (strcmp(shown, LK_VF_NO_PAGES) == 0)
		return LK_OK;
	return listen_on(s, SOCKET_PAGES, shown, lk_httpd_is_local(shown) ? NULL : &tls, &pages,
			 err);
}

static int start(struct lk_vf_server *s, const struct lk_vf_options *o, struct lk_err *err)
{
	const struct lk_httpd_hooks hooks = { settle, tick, s };
	struct lk_httpd_limits limits = {
		.body = LK_ATTEST_REQUEST_MAX,
		.bodies = 4ul * LK_ATTEST_REQUEST_MAX,
		.head_s = 10,
		.body_s = 20,
		.idle_s = 30,
		.answer_s = 30,
		.finish_s = 20,
	};

	LK_TRY(lk_vf_settings_read(o->config, o->state, &s->settings, err));
	limits.connections = s->settings.connections;
	LK_TRY(lk_vf_state_make(&s->settings, err));
	LK_TRY(lk_store_open(s->settings.store, &s->store, err));
	lk_store_bound(s->store, LK_VF_DATABASE_S);
	LK_TRY(find_nonce_key(s, err));
	LK_TRY(find_report_key(s, err));
	if (s->settings.ek_ca[0])
		LK_TRY(lk_ek_ca_open(s->settings.ek_ca, &s->ek_ca, err));
	s->flavors = lk_vf_flavors_new();
	if (!s->flavors)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory for the server");
	LK_TRY(lk_httpd_new(&limits, &hooks, &s->http, err));
	return listen_all(s, err);
}

int lk_vf_serve(const struct lk_vf_options *o, struct lk_err *err)
{
	struct lk_vf_server *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory for the server");
	s->started = lk_vf_now();
	rc = start(s, o, err);
	if (rc == LK_OK) {
		printf("ready\n");
		(void)fflush(stdout);
		lk_notify("READY=1");
		rc = lk_httpd_run(s->http, err);
		lk_notify("STOPPING=1");
		lk_vf_api_settle(s);
	}
	lk_httpd_free(s->http);
	lk_vf_flavors_free(s->flavors);
	lk_ek_ca_free(s->ek_ca);
	lk_store_free(s->store);
	lk_wipe(s, sizeof(*s));
	free(s);
	return rc;
}

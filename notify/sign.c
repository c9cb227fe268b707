/* HMAC-SHA256 by GLib, which comes with GMime. The only user of GLib by itself.
 *
 * Invariant: what is signed has the time in it, so an old post cannot be sent again
 * as a new one. */
#include "notify/sign.h"

#include <stdio.h>

#ifdef HAVE_GMIME
#include <glib.h>

int sign(struct str secret, usec_t now, struct str body, char *out, struct error *err)
{
	char seconds[32];
	GHmac *hmac = g_hmac_new(G_CHECKSUM_SHA256, (const guchar *)secret.p, secret.n);
	int n = snprintf(seconds, sizeof(seconds), "%lld.", (long long)(now / USEC_SECOND));

	(void)err;
	g_hmac_update(hmac, (const guchar *)seconds, n);
	g_hmac_update(hmac, (const guchar *)body.p, (gssize)body.n);
	snprintf(out, SIGNATURE_TEXT, "t=%.*s,v1=%s", n - 1, seconds, g_hmac_get_string(hmac));
	g_hmac_unref(hmac);
	return 0;
}
#else
int sign(struct str secret, usec_t now, struct str body, char *out, struct error *err)
{
	(void)secret, (void)now, (void)body, (void)out;
	return error_set(err, EXIT_CONFIG, "this mailaudit was built without GMime, which signs");
}
#endif

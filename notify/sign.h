/* Signatures of what is posted: the receiver knows that it came from us, and when. */
#ifndef MAILAUDIT_NOTIFY_SIGN_H
#define MAILAUDIT_NOTIFY_SIGN_H

#include "base/error.h"
#include "base/stamp.h"

/* "t=<seconds>,v1=<64 hex digits>", with a NUL. */
#define SIGNATURE_TEXT 128

/* HMAC-SHA256 over the seconds, a dot and the body. -1: EXIT_CONFIG, built without it. */
int sign(struct str secret, usec_t now, struct str body, char *out, struct error *err);

#endif

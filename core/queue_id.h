/* Whose queue an id is of, as far as its form tells: for the words that people are given to type,
 * and for nothing that is believed. */
#ifndef MAILAUDIT_CORE_QUEUE_ID_H
#define MAILAUDIT_CORE_QUEUE_ID_H

#include "base/str.h"

enum queue_server {
	QUEUE_UNKNOWN,
	QUEUE_POSTFIX,
	QUEUE_EXIM,
	QUEUE_OPENSMTPD,
	QUEUE_SENDMAIL,
	QUEUE_DECIMAL /* qmail's, and by chance one in a hundred of Postfix's */
};

enum queue_server queue_id_server(struct str id);

#endif

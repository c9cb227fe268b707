/* Inside of struct report, for the files that make it up: report.c (opening,
 * messages), past.c, report_finding.c, report_php.c, report_trace.c, report_account.c,
 * report_top.c, report_status.c, report_subject.c. */
#ifndef MAILAUDIT_SCHEMA_REPORT_STATE_H
#define MAILAUDIT_SCHEMA_REPORT_STATE_H

#include "schema/report.h"
#include "schema/row_read.h"

struct report {
	struct sql *db;
	struct row_reader reader;
	struct sql_stmt *latest; /* the last minute in a span that has rows */
};

/* A period as the queries want it: no open sides. */
struct period {
	usec_t since, until;
};
struct period report_period(usec_t since, usec_t until);

/* Between begin and end all statements see one moment of the database. */
int report_begin(struct report *r, struct error *err);
/* Ends it and hands rc on. */
int report_end(struct report *r, int rc);

/* SQL function network(ip) of report_account.c. */
int report_register_network(struct sql *db, struct error *err);

/* The id of an account in *id. 1: found; 0: there is none of this name. */
int report_find_account(struct report *r, struct str name, int64_t *id, struct error *err);

/* A message with its PHP line, for the time of a callback. */
struct loaded {
	struct message *message;
	struct php_mail *php;
};
/* 1: loaded, to be unloaded; 0: no such row; -1: error. */
int report_load(struct report *r, int64_t id, struct loaded *out, struct error *err);
void report_unload(struct loaded *l);

/* The newest minute of [*from, to] that has rows of a kind (minute.h), put to
 * *found. 1: found; 0: none. */
int report_latest(struct report *r, int what, int64_t from, int64_t to, int64_t *found,
		  struct error *err);

#endif

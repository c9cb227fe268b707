/* The table `sieve`: a Bloom filter of recipients for every 4096 message ids,
 * so that a search for one address need not look at every message. An index on
 * addresses would nearly double the cost of writing; this is two bytes a
 * message. */
#ifndef MAILAUDIT_SCHEMA_SIEVE_H
#define MAILAUDIT_SCHEMA_SIEVE_H

#include "schema/sql.h"

#define SIEVE_CHUNK_SHIFT 12 /* ids in a chunk, as a power of two */
#define SIEVE_BYTES 8192 /* 12 bits for each of 1.3 recipients a message */

struct sieve {
	struct sql_stmt *get, *put;
	int64_t chunk; /* -1: none in memory */
	bool dirty;
	unsigned char bits[SIEVE_BYTES];
};

int sieve_init(struct sieve *s, struct sql *db, struct error *err);
/* The message has this recipient; its "@domain" can be searched for too. */
int sieve_add(struct sieve *s, int64_t message, struct str address, struct error *err);
/* Before a commit; after a rollback. */
int sieve_flush(struct sieve *s, struct error *err);
void sieve_forget(struct sieve *s);
/* SQL function sieve_has(bits, address): 0 when the address is surely not there. */
int sieve_register(struct sql *db, struct error *err);

#endif

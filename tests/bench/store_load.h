/* The parts of the program store_load; each prints one JSON object. */
#ifndef MAILAUDIT_TESTS_BENCH_STORE_LOAD_H
#define MAILAUDIT_TESTS_BENCH_STORE_LOAD_H

#include <stdbool.h>
#include <stdint.h>

struct load_options {
	const char *database;
	int64_t messages; /* to add */
	int64_t batch; /* messages of a commit */
	int64_t accounts, days, seed;
	int64_t retain; /* messages to delete, the oldest */
	int64_t rows; /* of a step of deleting */
	int64_t count; /* questions of a kind */
	int64_t cold; /* 1: each time as if nothing of the file was in memory */
};

/* Fills an empty database. */
int load_fill(const struct load_options *o);
/* Goes on with one that was filled, with the same options, and deletes the oldest. */
int load_retain(const struct load_options *o);
/* Asks what the command line asks. */
int load_ask(const struct load_options *o);

#endif

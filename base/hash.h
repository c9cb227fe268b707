/* Hashes for tables in memory, under a seed that differs with each process: log text
 * is written by attackers who would like collisions. Never to be stored. */
#ifndef MAILAUDIT_BASE_HASH_H
#define MAILAUDIT_BASE_HASH_H

#include "base/str.h"

/* Of s, behind what `before` is the hash of; 0: behind nothing. */
uint64_t hash_str(uint64_t before, struct str s);

#endif

/* Random numbers that are the same on every machine: xoshiro256** (Blackman and Vigna, 2018),
 * seeded by splitmix64, and logarithm and exponential out of + * / only, since libm's differ in
 * their last bits. Built with -ffp-contract=off. */
#ifndef MAILAUDIT_TESTS_SIM_RANDOM_H
#define MAILAUDIT_TESTS_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t s[4];
};

/* A well-mixed number out of two. */
uint64_t mix(uint64_t a, uint64_t b);
/* Independent streams for different (seed, a, b): what one account draws does not depend on
 * what others draw, so that a knob moves only what it names. */
struct rng rng_of(uint64_t seed, uint64_t a, uint64_t b);

uint64_t rng_next(struct rng *r);
double rng_unit(struct rng *r); /* 0 <= x < 1 */
double rng_range(struct rng *r, double low, double high);
uint32_t rng_below(struct rng *r, uint32_t n); /* 0 for n = 0 */
bool rng_chance(struct rng *r, double p);
double rng_normal(struct rng *r, double mean, double sigma);
double rng_exp(struct rng *r, double mean);
double rng_lognormal(struct rng *r, double median, double sigma);
/* Uniform in the logarithm: as likely from 1 to 10 as from 10 to 100. */
double rng_log_range(struct rng *r, double low, double high);
uint32_t rng_poisson(struct rng *r, double mean);

#endif

/* Random numbers; see random.h. Invariant: nothing but integer and IEEE 754 basic arithmetic. */
#include "tests/sim/random.h"

#define LN2 0.69314718055994530942

static uint64_t splitmix(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t state = a * 0x9e3779b97f4a7c15ull + b;

	splitmix(&state);
	return splitmix(&state);
}

struct rng rng_of(uint64_t seed, uint64_t a, uint64_t b)
{
	uint64_t state = mix(mix(seed, a), b);
	struct rng r;

	for (int i = 0; i < 4; i++)
		r.s[i] = splitmix(&state);
	return r;
}

static uint64_t rotated(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

uint64_t rng_next(struct rng *r)
{
	uint64_t result = rotated(r->s[1] * 5, 7) * 9;
	uint64_t t = r->s[1] << 17;

	r->s[2] ^= r->s[0];
	r->s[3] ^= r->s[1];
	r->s[1] ^= r->s[2];
	r->s[0] ^= r->s[3];
	r->s[2] ^= t;
	r->s[3] = rotated(r->s[3], 45);
	return result;
}

double rng_unit(struct rng *r)
{
	return (double)(rng_next(r) >> 11) * (1.0 / 9007199254740992.0);
}

double rng_range(struct rng *r, double low, double high)
{
	return low + (high - low) * rng_unit(r);
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)(((rng_next(r) >> 32) * n) >> 32);
}

bool rng_chance(struct rng *r, double p)
{
	return rng_unit(r) < p;
}

/* ln(x) for x > 0: x = m * 2^k with m in [0.7, 1.4], and the series of atanh. */
static double ln(double x)
{
	int k = 0;
	double y, square, term, sum = 0;

	while (x > 1.4) {
		x /= 2;
		k++;
	}
	while (x < 0.7) {
		x *= 2;
		k--;
	}
	y = (x - 1) / (x + 1);
	square = y * y;
	term = y;
	for (int i = 1; i < 30; i += 2) {
		sum += term / i;
		term *= square;
	}
	return 2 * sum + k * LN2;
}

static double power_of_e(double x)
{
	double scale = 1, sum = 1, term = 1;

	while (x > LN2) {
		x -= LN2;
		scale *= 2;
	}
	while (x < -LN2) {
		x += LN2;
		scale /= 2;
	}
	for (int i = 1; i < 20; i++) {
		term *= x / i;
		sum += term;
	}
	return sum * scale;
}

/* Twelve uniform numbers have variance 1; the tails end at six sigma. */
double rng_normal(struct rng *r, double mean, double sigma)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += rng_unit(r);
	return mean + sigma * sum;
}

double rng_exp(struct rng *r, double mean)
{
	return -mean * ln(1 - rng_unit(r));
}

double rng_lognormal(struct rng *r, double median, double sigma)
{
	return median * power_of_e(rng_normal(r, 0, sigma));
}

double rng_log_range(struct rng *r, double low, double high)
{
	return power_of_e(rng_range(r, ln(low), ln(high)));
}

uint32_t rng_poisson(struct rng *r, double mean)
{
	double limit, product = 1;
	uint32_t n = 0;

	if (mean <= 0)
		return 0;
	if (mean > 50) {
		double x = rng_normal(r, mean, power_of_e(ln(mean) / 2));

		return x < 0 ? 0 : (uint32_t)(x + 0.5);
	}
	limit = power_of_e(-mean);
	while ((product *= rng_unit(r)) > limit)
		n++;
	return n;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Distribution of round-trip times.  A bucket is an eighth of a power of two
 * wide: small times have one each, long ones are rounded by 12 % at most.
 */
#include "rtt.h"

static unsigned int
bucket_of(uint64_t ns)
{
	unsigned int high;

	if (ns < 16)
		return (unsigned int)ns;
	high = 63 - (unsigned int)__builtin_clzll(ns);		/* 4 or more */
	return 16 + (high - 4) * 8 + (unsigned int)(ns >> (high - 3) & 7);
}

/* The greatest time of a bucket. */
static uint64_t
bucket_end(unsigned int b)
{
	unsigned int high;

	if (b < 16)
		return b;
	high = 4 + (b - 16) / 8;
	return ((uint64_t)(8 + (b - 16) % 8 + 1) << (high - 3)) - 1;
}

void
rtt_add(struct rtt *r, uint64_t ns)
{
	if (r->count == 0 || ns < r->min_ns)
		r->min_ns = ns;
	if (ns > r->max_ns)
		r->max_ns = ns;
	r->count++;
	r->sum_ns += ns;
	r->buckets[bucket_of(ns)]++;
}

uint64_t
rtt_percentile(const struct rtt *r, unsigned int per_cent)
{
	uint64_t wanted = (r->count * per_cent + 99) / 100, seen = 0;
	unsigned int b;

	for (b = 0; b < RTT_BUCKETS; b++) {
		seen += r->buckets[b];
		if (seen >= wanted && seen > 0)
			return bucket_end(b) < r->max_ns ? bucket_end(b) : r->max_ns;
	}
	return r->max_ns;
}

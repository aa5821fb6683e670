/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKTGEN_RTT_H_
#define PKTGEN_RTT_H_

#include <stdint.h>

#define RTT_BUCKETS	512

/* Round-trip times: exact least, greatest and sum, and counts in narrow buckets. */
struct rtt {
	uint64_t count, sum_ns, min_ns, max_ns;
	uint32_t buckets[RTT_BUCKETS];
};

void rtt_add(struct rtt *r, uint64_t ns);

/* The time that per_cent of the answers did not exceed, up to 1/8 too long. */
uint64_t rtt_percentile(const struct rtt *r, unsigned int per_cent);

#endif

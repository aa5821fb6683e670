/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending at a rate. */
#include "pace.h"

/* Shortest time between two bursts, so that high rates still send in batches. */
#define LEAST_NS	50000u

#define SECOND_NS	1000000000u

/* value * factor / divisor without loss; the result must fit. */
static uint64_t
scale(uint64_t value, uint64_t factor, uint64_t divisor)
{
	return (uint64_t)((long double)value * (long double)factor / (long double)divisor);
}

uint32_t
pace_due(struct pace *p, uint32_t max, uint64_t now_ns, uint64_t *until_ns)
{
	uint64_t due;

	if (p->rate == 0)
		return max;
	due = scale(now_ns - p->start_ns, p->rate, SECOND_NS);
	if (due > p->sent + p->rate / 10 + max) {
		p->start_ns = now_ns;
		p->sent = 0;
		return 1;
	}
	if (due > p->sent)
		return due - p->sent < max ? (uint32_t)(due - p->sent) : max;
	*until_ns = p->start_ns + scale(p->sent + 1, SECOND_NS, p->rate) + 1;
	if (*until_ns < now_ns + LEAST_NS)
		*until_ns = now_ns + LEAST_NS;
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKTGEN_PACE_H_
#define PKTGEN_PACE_H_

#include <stdint.h>

/* Keeping a rate: how far the packets sent follow the clock. */
struct pace {
	uint64_t rate;		/* packets per second, 0: no limit */
	uint64_t start_ns;
	uint64_t sent;		/* since start_ns; the sender adds to it */
};

/*
 * How many packets may go at the time now_ns, up to max.  When it is none, *until_ns is when to
 * ask again.  A sender that was held up for more than a tenth of a second does not make up for it.
 */
uint32_t pace_due(struct pace *p, uint32_t max, uint64_t now_ns, uint64_t *until_ns);

#endif

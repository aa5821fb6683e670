/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKTGEN_FILL_H_
#define PKTGEN_FILL_H_

#include "ringio.h"

/* One tx ring, and what we know of its slots. */
struct tx_ring {
	struct netmap_ring *ring;
	uint64_t *known;	/* by slot: its first eight bytes as we left them, 0 at the start */
	uint8_t *arena;		/* -I: by slot, room for a packet that changes */
};

/* The packets of a worker on their way into its tx rings. */
struct filler {
	struct worker *w;
	struct tx_ring *rings;
	uint32_t n_rings, at;	/* the next one to fill */
	size_t longest;		/* bytes of a packet */
	/* Put up to max packets into a ring with room; how many, and their bytes. */
	uint32_t (*fill)(struct filler *f, struct tx_ring *r, uint32_t max, uint64_t *bytes);
};

/* Choose how to fill; 0, or -1 after a message.  fill_end() in both cases. */
int fill_begin(struct filler *f, struct worker *w);
void fill_end(struct filler *f);

/* Put up to max packets into the next ring that has room; how many, and their bytes. */
uint32_t fill_next(struct filler *f, uint32_t max, uint64_t *bytes);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rx: wait, count what is there, give the slots back.  The clock runs from the
 * first packet to the last, so that waiting before and after does not count.
 */
#include <poll.h>

#include "ringio.h"

struct batch {
	uint64_t packets, bytes;
};

/* Print a packet, which begins at slot i; only its first slot's part. */
static void
show(const struct worker *w, const struct netmap_ring *ring, uint32_t i)
{
	const struct netmap_slot *slot = &ring->slot[i];
	const uint8_t *bytes = (const uint8_t *)NETMAP_BUF_OFFSET(ring, slot);

	if (slot->len >= w->vnet_len)
		dump("received", bytes + w->vnet_len, slot->len - w->vnet_len);
}

/* Take up to max packets off a ring. */
static void
take(const struct worker *w, struct netmap_ring *ring, uint64_t max, struct batch *b)
{
	uint32_t i = ring->head, tail = ring->tail;
	int first = 1;

	while (i != tail && b->packets < max) {
		const struct netmap_slot *slot = &ring->slot[i];

		if (first && w->o->dump)
			show(w, ring, i);
		b->bytes += slot->len - (first && slot->len >= w->vnet_len ? w->vnet_len : 0);
		first = !(slot->flags & NS_MOREFRAG);
		b->packets += (uint64_t)first;
		i = nm_ring_next(ring, i);
	}
	ring->head = ring->cur = i;
}

int
rx_run(struct worker *w)
{
	uint64_t received = 0;
	uint32_t i;

	while (!stopping() && (w->count == 0 || received < w->count)) {
		uint64_t max = w->count != 0 ? w->count - received : UINT64_MAX;
		struct batch b = { 0 };
		int ready = port_wait(w, POLLIN, POLL_MS);

		if (ready < 0)
			return -1;
		if (ready == 0)
			continue;
		if (w->first_ns == 0)
			w->first_ns = now_ns();
		for (i = w->d->first_rx_ring; i <= w->d->last_rx_ring; i++)
			take(w, NETMAP_RXRING(w->d->nifp, i), max, &b);
		w->last_ns = now_ns();
		received += b.packets;
		counters_add(&w->n, b.packets, b.bytes);
	}
	return 0;
}

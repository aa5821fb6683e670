/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rx and rxseq: wait, count what is there, give the slots back.  The clock runs from the
 * first packet to the last, so that waiting before and after does not count.
 *
 * With -n all threads take from one stock, because it is the sender who decides on which ring
 * packets arrive: a thread claims as many as its ring may hold and returns what it
 * did not find.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "ringio.h"

struct batch {
	uint64_t packets, bytes;
};

/* Claim up to max packets of the stock; how many. */
static uint64_t
claim(struct shared *s, uint64_t max)
{
	uint64_t left = atomic_load(&s->left), n;

	if (left == UINT64_MAX)
		return max;
	do {
		n = left < max ? left : max;
	} while (n > 0 && !atomic_compare_exchange_weak(&s->left, &left, left - n));
	return n;
}

/* Account for a claim, part of which was received. */
static void
settle(struct shared *s, uint64_t claimed, uint64_t received)
{
	if (atomic_load(&s->left) == UINT64_MAX)
		return;
	atomic_fetch_add(&s->left, claimed - received);
	atomic_fetch_add(&s->done, received);
}

static int
finished(struct worker *w)
{
	return w->o->count != 0 && atomic_load(&w->shared->done) >= w->o->count;
}

/* Take up to max packets off a ring, only counting them. */
static int
take(struct worker *w, struct netmap_ring *ring, uint64_t max, struct batch *b)
{
	uint32_t i = ring->head, tail = ring->tail, begin = i;
	uint64_t bytes = 0, packets = 0;

	while (i != tail && packets < max) {
		const struct netmap_slot *slot = &ring->slot[i];

		bytes += slot->len;
		i = nm_ring_next(ring, i);
		if (!(slot->flags & NS_MOREFRAG)) {
			b->bytes += bytes > w->vnet_len ? bytes - w->vnet_len : 0;
			bytes = 0;
			packets++;
			begin = i;
		}
	}
	b->packets += packets;
	if (begin == i)
		ring->head = ring->cur = i;
	else
		ring_wait_for_end(ring, begin);
	return 0;
}

/* What is to be done with each packet: -X, -P and rxseq. */
static int
look_at(struct worker *w, const struct netmap_ring *ring, const struct received *r)
{
	/* Enough for the headers, IPv4's with options, and the mark. */
	uint8_t room[ETH_BYTES + 60 + UDP_BYTES + SEQUENCE_BYTES], *frame, *payload;
	struct timeval when = { ring->ts.tv_sec, ring->ts.tv_usec };
	size_t size, length = 0;

	if (w->o->dump)
		dump_parts("received", r->parts, r->n, r->size);
	if (w->o->function == FUNCTION_RXSEQ) {
		frame = received_start(r, room, sizeof(room), &size);
		payload = frame_payload(frame, size, &length);
		sequence_count(&w->shared->sequence, payload, length);
	}
	if (w->shared->written != NULL &&
	    pcap_write(w->shared->written, &when, r->parts, r->n) != 0)
		return complain("%s: %s", w->o->file, strerror(errno));
	return 0;
}

/* The same, looking at each. */
static int
take_each(struct worker *w, struct netmap_ring *ring, uint64_t max, struct batch *b)
{
	uint32_t i = ring->head;
	struct received r;
	uint64_t packets;
	int ret = 0;

	if (w->o->function == FUNCTION_RXSEQ)
		pthread_mutex_lock(&w->shared->lock);
	for (packets = 0; i != ring->tail && packets < max && ret == 0; packets++) {
		if (!ring_get(ring, i, w->vnet_len, &r))
			break;
		ret = look_at(w, ring, &r);
		b->bytes += r.size;
		i = (i + r.slots) % ring->num_slots;
	}
	if (w->o->function == FUNCTION_RXSEQ)
		pthread_mutex_unlock(&w->shared->lock);
	b->packets += packets;
	if (i == ring->tail || packets == max || ret != 0)
		ring->head = ring->cur = i;
	else
		ring_wait_for_end(ring, i);
	return ret;
}

/* Take what all rings of this thread hold. */
static int
take_all(struct worker *w, struct batch *b)
{
	int (*const how)(struct worker *, struct netmap_ring *, uint64_t, struct batch *) =
	    w->o->dump || w->shared->written != NULL || w->o->function == FUNCTION_RXSEQ ?
	    take_each : take;
	uint32_t i;
	int ret = 0;

	for (i = w->d->first_rx_ring; i <= w->d->last_rx_ring && ret == 0; i++) {
		struct netmap_ring *ring = NETMAP_RXRING(w->d->nifp, i);
		uint64_t before = b->packets, max;

		if (nm_ring_empty(ring))
			continue;
		max = claim(w->shared, w->o->burst > 0 ? w->o->burst : ring->num_slots);
		ret = how(w, ring, max, b);
		settle(w->shared, max, b->packets - before);
	}
	return ret;
}

/* Whether there is something to receive now; -1 after a message. */
static int
something_there(struct worker *w)
{
	uint32_t i, n = 0;

	if (port_rxsync(w) != 0)
		return -1;
	for (i = w->d->first_rx_ring; i <= w->d->last_rx_ring; i++)
		n += nm_ring_space(NETMAP_RXRING(w->d->nifp, i));
	return n > 0;
}

int
rx_run(struct worker *w)
{
	if (w->o->no_wait) {
		int there = something_there(w);

		if (there <= 0)
			return there;
	}
	while (!stopping() && !finished(w)) {
		struct batch b = { 0 };
		int ready = port_wait(w, POLLIN, POLL_MS), ret;

		if (ready < 0)
			return -1;
		if (ready == 0)
			continue;
		if (w->first_ns == 0)
			w->first_ns = now_ns();
		ret = take_all(w, &b);
		w->last_ns = now_ns();
		counters_add(&w->n, b.packets, b.bytes);
		if (ret != 0)
			return -1;
	}
	return 0;
}

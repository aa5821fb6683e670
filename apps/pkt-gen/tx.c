/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tx: fill free slots with the packet, sync, and so on.  With -R the number of
 * packets sent follows the clock: a burst is what is due by now, and a thread that
 * could not send for a while does not make up for all of it.
 */
#include <poll.h>
#include <time.h>

#include "ringio.h"

/* Shortest time between two paced bursts, so that high rates still send in batches. */
#define PACE_NS		50000u

struct pace {
	uint64_t rate;		/* packets per second, 0: no limit */
	uint64_t start_ns;
	uint64_t sent;		/* since start_ns */
};

static void
sleep_until(uint64_t ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(ns / 1000000000u),
		.tv_nsec = (long)(ns % 1000000000u),
	};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* How many packets may go now, up to max; sleeps (shortly) when it is none. */
static uint32_t
pace_due(struct pace *p, uint32_t max)
{
	uint64_t now, due;

	if (p->rate == 0)
		return max;
	now = now_ns();
	due = (uint64_t)((double)(now - p->start_ns) * (double)p->rate / 1e9);
	if (due > p->sent + p->rate / 10 + max) {
		/* More than a tenth of a second behind: forget the rest. */
		p->start_ns = now;
		p->sent = 0;
		return 1;
	}
	if (due <= p->sent) {
		uint64_t next = p->start_ns + (uint64_t)((double)(p->sent + 1) * 1e9 / (double)p->rate);

		if (next < now + PACE_NS)
			next = now + PACE_NS;
		if (next > now + POLL_MS * 1000000u)
			next = now + POLL_MS * 1000000u;
		sleep_until(next);
		return 0;
	}
	return due - p->sent < max ? (uint32_t)(due - p->sent) : max;
}

/* Put up to max packets into one ring; returns how many. */
static uint32_t
fill(struct worker *w, struct netmap_ring *ring, uint32_t max)
{
	struct packet *p = &w->packet;
	uint32_t head = ring->head, space = nm_ring_space(ring), n;

	for (n = 0; n < max; n++) {
		/* The last one of a burst asks to be reported, so that waiting for room works. */
		uint32_t used = ring_put(ring, head, space, p->frame, p->size,
		    n + 1 == max ? NS_REPORT : 0);

		if (used == 0)
			break;
		if (w->o->dump)
			dump("sent", p->frame + p->vnet_len, p->size - p->vnet_len);
		space -= used;
		head += used;
		if (head >= ring->num_slots)
			head -= ring->num_slots;
		packet_step(p);
	}
	ring->head = ring->cur = head;
	return n;
}

/* Put up to max packets into the next ring that has room. */
static uint32_t
fill_next(struct worker *w, uint32_t max)
{
	struct nmport_d *d = w->d;
	uint32_t tries = (uint32_t)(d->last_tx_ring - d->first_tx_ring) + 1, n = 0;

	while (tries-- > 0 && n == 0) {
		n = fill(w, NETMAP_TXRING(d->nifp, d->cur_tx_ring), max);
		d->cur_tx_ring = d->cur_tx_ring == d->last_tx_ring ? d->first_tx_ring :
		    (uint16_t)(d->cur_tx_ring + 1);
	}
	return n;
}

int
tx_run(struct worker *w)
{
	struct pace pace = { .rate = w->rate, .start_ns = now_ns() };
	uint64_t sent = 0, bytes = w->packet.size - w->packet.vnet_len;
	uint32_t left;

	w->first_ns = pace.start_ns;
	while (!stopping() && (w->count == 0 || sent < w->count)) {
		uint32_t max = w->o->burst, n;

		if (w->count != 0 && w->count - sent < max)
			max = (uint32_t)(w->count - sent);
		max = pace_due(&pace, max);
		if (max == 0)
			continue;
		n = fill_next(w, max);
		if (n == 0) {
			if (port_wait(w, POLLOUT, POLL_MS) < 0)
				return -1;
			continue;
		}
		if (port_txsync(w) != 0)
			return -1;
		sent += n;
		pace.sent += n;
		counters_add(&w->n, n, n * bytes);
	}
	left = port_drain(w);
	w->last_ns = now_ns();
	if (left > 0) {
		complain("%s: %u slots of packets were not taken off the ring within a second",
		    w->o->port, left);
		return stopping() ? 0 : -1;
	}
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ping sends one packet, waits for its answer, and measures the time between;
 * pong returns each such packet.  Both know them by the first PING_BYTES of the UDP payload:
 *
 *	0  magic   4  id of the asking process   6  REQUEST or REPLY   8  number
 */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "ping.h"
#include "ringio.h"

#define MAGIC		0x6e6d5047u	/* nmPG */
#define REQUEST		1
#define REPLY		2
#define ANSWER_MS	1000

/* The mark in a received frame of the right kind, or NULL. */
static uint8_t *
find_mark(uint8_t *frame, size_t length, uint16_t kind)
{
	size_t payload;
	uint8_t *mark = frame_payload(frame, length, &payload);

	if (mark == NULL || payload < PING_BYTES)
		return NULL;
	return get32(mark) == MAGIC && get16(mark + 6) == kind ? mark : NULL;
}

/* The frame at the head of an rx ring, or NULL with length 0 if it is too short for one. */
static uint8_t *
frame_at(const struct worker *w, struct netmap_ring *ring, uint32_t i, size_t *length)
{
	struct netmap_slot *slot = &ring->slot[i];

	*length = slot->len > w->vnet_len ? slot->len - w->vnet_len : 0;
	return (uint8_t *)NETMAP_BUF_OFFSET(ring, slot) + w->vnet_len;
}

/* Empty the rx rings; whether the answer to number was there. */
static int
answered(struct worker *w, uint16_t id, uint32_t number)
{
	uint32_t r, found = 0;

	for (r = w->d->first_rx_ring; r <= w->d->last_rx_ring; r++) {
		struct netmap_ring *ring = NETMAP_RXRING(w->d->nifp, r);

		while (!nm_ring_empty(ring)) {
			size_t length;
			uint8_t *frame = frame_at(w, ring, ring->head, &length);
			const uint8_t *mark = find_mark(frame, length, REPLY);

			if (mark != NULL && get16(mark + 4) == id && get32(mark + 8) == number) {
				found = 1;
				if (w->o->dump)
					dump("answer", frame, length);
			}
			ring->head = ring->cur = nm_ring_next(ring, ring->head);
		}
	}
	return (int)found;
}

/* Send request number; 1, 0 when there is no room now, -1 after a message. */
static int
ask(struct worker *w, uint16_t id, uint32_t number)
{
	struct netmap_ring *ring = NETMAP_TXRING(w->d->nifp, w->d->first_tx_ring);
	struct packet *p = &w->packet;
	size_t length;
	uint8_t *mark = packet_payload(p, &length);
	uint32_t used;

	put32(mark, MAGIC);
	put16(mark + 4, id);
	put16(mark + 6, REQUEST);
	put32(mark + 8, number);
	packet_checksums(p->frame + p->vnet_len, p->size - p->vnet_len, p->family);
	used = ring_put(ring, ring->head, nm_ring_space(ring), p->frame, p->size, NS_REPORT,
	    &PIECES_PLAIN);
	if (used == 0)
		return 0;
	ring->head = ring->cur = (ring->head + used) % ring->num_slots;
	return port_txsync(w) == 0 ? 1 : -1;
}

int
ping_run(struct worker *w)
{
	uint16_t id = (uint16_t)getpid();
	uint64_t bytes = w->packet.size - w->packet.vnet_len;
	uint32_t number = 0;

	w->first_ns = w->last_ns = now_ns();
	while (!stopping() && (w->count == 0 || number < w->count)) {
		uint64_t sent_ns = now_ns();
		int r = ask(w, id, number), got = 0;

		if (r < 0)
			return -1;
		if (r == 0) {
			if (port_wait(w, POLLOUT, POLL_MS) < 0)
				return -1;
			continue;
		}
		counters_add(&w->n, 1, bytes);
		while (!stopping() && !got && now_ns() - sent_ns < ANSWER_MS * 1000000ull) {
			if (port_wait(w, POLLIN, POLL_MS) < 0)
				return -1;
			got = answered(w, id, number);
		}
		w->last_ns = now_ns();
		if (got)
			rtt_add(&w->rtt, w->last_ns - sent_ns);
		number++;
		packet_step(&w->packet);
		if (w->rate > 0)
			sleep_until(w->first_ns + (uint64_t)((double)number * 1e9 / (double)w->rate));
	}
	return 0;
}

static void
swap(uint8_t *a, uint8_t *b, size_t n)
{
	uint8_t keep[16];

	memcpy(keep, a, n);
	memcpy(a, b, n);
	memcpy(b, keep, n);
}

/*
 * Turn a request into its answer in place.  Exchanging the addresses and ports does not
 * change the sums they are part of; the kind does, in UDP's.
 */
static void
make_answer(uint8_t *frame, uint8_t *mark, uint64_t own_mac)
{
	uint8_t *ip = frame + ETH_BYTES, *udp = mark - UDP_BYTES;

	memcpy(frame, frame + 6, 6);
	put16(frame + 6, (uint16_t)(own_mac >> 32));
	put32(frame + 8, (uint32_t)own_mac);
	if (ip[0] >> 4 == 6)
		swap(ip + 8, ip + 24, 16);
	else
		swap(ip + 12, ip + 16, 4);
	swap(udp, udp + 2, 2);
	put16(mark + 6, REPLY);
	if (get16(udp + 6) != 0)
		udp_checksum_adjust(udp + 6, REQUEST, REPLY);
}

/* Answer what one rx ring holds; packets answered, or -1. */
static int64_t
answer_ring(struct worker *w, struct netmap_ring *rx, uint64_t max, uint64_t *bytes)
{
	struct netmap_ring *tx = NETMAP_TXRING(w->d->nifp, w->d->first_tx_ring);
	int64_t n = 0;

	while (!nm_ring_empty(rx) && (uint64_t)n < max) {
		size_t length;
		uint8_t *frame = frame_at(w, rx, rx->head, &length);
		uint8_t *mark = find_mark(frame, length, REQUEST);

		if (mark != NULL && !(rx->slot[rx->head].flags & NS_MOREFRAG)) {
			uint32_t used;

			if (nm_ring_empty(tx)) {
				if (port_txsync(w) != 0)
					return -1;
				if (nm_ring_empty(tx))
					break;		/* try again after the next wait */
			}
			make_answer(frame, mark, w->mac);
			used = ring_put(tx, tx->head, nm_ring_space(tx), frame - w->vnet_len,
			    length + w->vnet_len, 0, &PIECES_PLAIN);
			tx->head = tx->cur = (tx->head + used) % tx->num_slots;
			if (w->o->dump)
				dump("returned", frame, length);
			*bytes += length;
			n++;
		}
		rx->head = rx->cur = nm_ring_next(rx, rx->head);
	}
	return n;
}

int
pong_run(struct worker *w)
{
	uint64_t done = 0;
	uint32_t r;

	while (!stopping() && (w->count == 0 || done < w->count)) {
		uint64_t packets = 0, bytes = 0;
		int ready = port_wait(w, POLLIN, POLL_MS);

		if (ready < 0)
			return -1;
		if (ready == 0)
			continue;
		for (r = w->d->first_rx_ring; r <= w->d->last_rx_ring; r++) {
			uint64_t max = w->count == 0 ? UINT64_MAX : w->count - done - packets;
			int64_t n = answer_ring(w, NETMAP_RXRING(w->d->nifp, r), max, &bytes);

			if (n < 0)
				return -1;
			packets += (uint64_t)n;
		}
		if (packets == 0)
			continue;
		if (port_txsync(w) != 0)
			return -1;
		if (w->first_ns == 0)
			w->first_ns = now_ns();
		w->last_ns = now_ns();
		done += packets;
		counters_add(&w->n, packets, bytes);
	}
	port_drain(w);
	return 0;
}

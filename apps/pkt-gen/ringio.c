/* SPDX-License-Identifier: BSD-2-Clause */
/* What the functions share: slots, waiting, syncing. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "ringio.h"

uint32_t
ring_put(struct netmap_ring *ring, uint32_t head, uint32_t slots, const uint8_t *bytes,
	 size_t size, uint16_t flags, const struct pieces *how)
{
	const struct pieces p = *how;	/* a copy, which no store to the ring can change */
	const uint16_t kind = p.indirect ? NS_INDIRECT : 0;
	const int copy = bytes != NULL && !p.indirect;
	uint32_t used = 0, i = head;

	while (used < slots) {
		struct netmap_slot *slot = &ring->slot[i];
		size_t offset = (size_t)NETMAP_ROFFSET(ring, slot);
		size_t part = offset < ring->nr_buf_size ? ring->nr_buf_size - offset : 0;

		if (p.indirect) {
			part = UINT16_MAX;
			slot->ptr = (uintptr_t)bytes;
		}
		if (part > p.size && used + 1 < p.number)
			part = p.size;
		if (part > size)
			part = size;
		if (copy)
			nm_pkt_copy(bytes, NETMAP_BUF_OFFSET(ring, slot), (int)part);
		slot->len = (uint16_t)part;
		used++;
		if (part == size) {
			slot->flags = flags | kind;
			return used;
		}
		slot->flags = NS_MOREFRAG | kind;
		if (bytes != NULL)
			bytes += part;
		size -= part;
		i = nm_ring_next(ring, i);
	}
	return 0;
}

int
ring_get(const struct netmap_ring *ring, uint32_t i, size_t vnet_len, struct received *r)
{
	int more = 1;

	r->n = r->slots = 0;
	r->size = 0;
	while (more) {
		const struct netmap_slot *slot = &ring->slot[i];
		const uint8_t *bytes = (const uint8_t *)NETMAP_BUF_OFFSET(ring, slot);
		size_t size = slot->len, skip = vnet_len < size ? vnet_len : size;

		if (i == ring->tail)
			return 0;
		vnet_len -= skip;
		if (size > skip && r->n < MAX_PARTS) {
			r->parts[r->n].bytes = bytes + skip;
			r->parts[r->n++].size = size - skip;
			r->size += size - skip;
		}
		r->slots++;
		more = slot->flags & NS_MOREFRAG;
		i = nm_ring_next(ring, i);
	}
	return 1;
}

uint8_t *
received_start(const struct received *r, uint8_t *room, size_t room_size, size_t *size)
{
	uint32_t i;

	*size = 0;
	if (r->n > 0 && (r->n == 1 || r->parts[0].size >= room_size)) {
		*size = r->parts[0].size;
		return (uint8_t *)(uintptr_t)r->parts[0].bytes;
	}
	for (i = 0; i < r->n && *size < room_size; i++) {
		size_t part = r->parts[i].size;

		if (part > room_size - *size)
			part = room_size - *size;
		memcpy(room + *size, r->parts[i].bytes, part);
		*size += part;
	}
	return room;
}

void
ring_wait_for_end(struct netmap_ring *ring, uint32_t i)
{
	uint32_t tail = ring->tail;

	ring->cur = tail;
	ring->head = nm_ring_next(ring, tail) == i ? tail : i;
}

int
port_wait(struct worker *w, short events, int ms)
{
	struct pollfd fd = { .fd = w->d->fd, .events = events };
	int ready = poll(&fd, 1, ms);

	if (ready < 0 && errno != EINTR)
		return complain("%s: cannot wait for packets: %s", w->o->port, strerror(errno));
	if (ready > 0 && (fd.revents & POLLERR))
		return complain("%s: the port has gone, or its rings were reset", w->o->port);
	return ready > 0;
}

int
port_txsync(struct worker *w)
{
	if (ioctl(w->d->fd, NIOCTXSYNC, NULL) == 0)
		return 0;
	return complain("%s: cannot send: %s", w->o->port, strerror(errno));
}

int
port_rxsync(struct worker *w)
{
	if (ioctl(w->d->fd, NIOCRXSYNC, NULL) == 0)
		return 0;
	return complain("%s: cannot receive: %s", w->o->port, strerror(errno));
}

/* Slots of the tx rings that are still the kernel's. */
static uint32_t
pending(const struct worker *w)
{
	uint32_t i, sum = 0;

	for (i = w->d->first_tx_ring; i <= w->d->last_tx_ring; i++) {
		const struct netmap_ring *ring = NETMAP_TXRING(w->d->nifp, i);
		uint32_t free_slots = (ring->tail + ring->num_slots - ring->head) % ring->num_slots;

		sum += ring->num_slots - 1 - free_slots;
	}
	return sum;
}

uint32_t
port_drain(struct worker *w)
{
	const struct timespec pause = { .tv_nsec = 100000 };
	uint32_t left = pending(w), before;
	uint64_t since = now_ns();

	while (left > 0 && now_ns() - since < 1000000000u) {
		if (ioctl(w->d->fd, NIOCTXSYNC, NULL) != 0)
			break;
		before = left;
		left = pending(w);
		if (left < before)
			since = now_ns();
		else
			nanosleep(&pause, NULL);
	}
	return left;
}

void
sleep_until(uint64_t until)
{
	uint64_t now;

	while (!stopping() && (now = now_ns()) < until) {
		uint64_t ns = until - now < POLL_MS * 1000000u ? until - now : POLL_MS * 1000000u;
		struct timespec ts = { .tv_nsec = (long)ns };

		nanosleep(&ts, NULL);
	}
}

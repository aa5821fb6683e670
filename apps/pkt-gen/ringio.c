/* SPDX-License-Identifier: BSD-2-Clause */
/* What the four functions share: slots, waiting, syncing. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "ringio.h"

uint32_t
ring_put(struct netmap_ring *ring, uint32_t head, uint32_t slots, const uint8_t *bytes,
	 size_t size, uint16_t flags)
{
	uint32_t used = 0, i = head;

	while (used < slots) {
		struct netmap_slot *slot = &ring->slot[i];
		size_t offset = (size_t)NETMAP_ROFFSET(ring, slot);
		size_t part = offset < ring->nr_buf_size ? ring->nr_buf_size - offset : 0;

		if (part > size)
			part = size;
		nm_pkt_copy(bytes, NETMAP_BUF_OFFSET(ring, slot), (int)part);
		slot->len = (uint16_t)part;
		used++;
		if (part == size) {
			slot->flags = flags;
			return used;
		}
		slot->flags = NS_MOREFRAG;
		bytes += part;
		size -= part;
		i = nm_ring_next(ring, i);
	}
	return 0;
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

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKTGEN_RINGIO_H_
#define PKTGEN_RINGIO_H_

#include "pcap.h"
#include "worker.h"

/* How a packet is laid out over slots. */
struct pieces {
	uint32_t number;	/* slots of the packet; the last takes what is left */
	size_t size;		/* bytes in each but the last */
	int indirect;		/* the slots point to the bytes, which stay until the sync */
};

/* As few slots as do. */
#define PIECES_PLAIN	((struct pieces){ UINT32_MAX, SIZE_MAX, 0 })

/*
 * Write a packet into slots from head on, without moving head.  Returns how many slots it
 * took, or 0 when they do not suffice.  flags go into the last slot.  Without bytes (NULL)
 * the buffers keep what they hold.
 */
uint32_t ring_put(struct netmap_ring *ring, uint32_t head, uint32_t slots, const uint8_t *bytes,
		  size_t size, uint16_t flags, const struct pieces *how);

/* Most slots of a received packet; the kernel's switch stops at 64. */
#define MAX_PARTS	256

/* A received packet, without its virtio-net header. */
struct received {
	struct pcap_part parts[MAX_PARTS];
	uint32_t n;
	uint32_t slots;			/* of the ring */
	size_t size;			/* of all parts */
};

/*
 * The packet at slot i of an rx ring; 0 if its end has not come yet.  Parts beyond
 * MAX_PARTS are left out.
 */
int ring_get(const struct netmap_ring *ring, uint32_t i, size_t vnet_len, struct received *r);

/* The first bytes of it in one piece: its own first part, or copied to room if that is shorter. */
uint8_t *received_start(const struct received *r, uint8_t *room, size_t room_size, size_t *size);

/*
 * A packet whose end is missing begins at slot i: wait for the rest, or drop it when the ring
 * is full of it.
 */
void ring_wait_for_end(struct netmap_ring *ring, uint32_t i);

/* Wait for POLLIN or POLLOUT, at most ms.  1 ready, 0 not in time, -1 after a message. */
int port_wait(struct worker *w, short events, int ms);

/* NIOCTXSYNC, NIOCRXSYNC; 0, or -1 after a message. */
int port_txsync(struct worker *w);
int port_rxsync(struct worker *w);

/*
 * Sync until everything that was put into the tx rings has left them, giving up after a second
 * without progress.  Returns how many slots stayed behind.
 */
uint32_t port_drain(struct worker *w);

/* Sleep until a time, waking to see whether to stop. */
void sleep_until(uint64_t ns);

#endif

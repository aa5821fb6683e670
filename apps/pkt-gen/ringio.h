/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKTGEN_RINGIO_H_
#define PKTGEN_RINGIO_H_

#include "worker.h"

/*
 * Write a packet into slots from head on, without moving head.  Returns how
 * many slots it took, or 0 when they do not suffice.  flags go into the last slot.
 */
uint32_t ring_put(struct netmap_ring *ring, uint32_t head, uint32_t slots, const uint8_t *bytes,
		  size_t size, uint16_t flags);

/* Wait for POLLIN or POLLOUT, at most ms.  1 ready, 0 not in time, -1 after a message. */
int port_wait(struct worker *w, short events, int ms);

/* NIOCTXSYNC; 0, or -1 after a message. */
int port_txsync(struct worker *w);

/*
 * Sync until everything that was put into the tx rings has left them, giving up after a second
 * without progress.  Returns how many slots stayed behind.
 */
uint32_t port_drain(struct worker *w);

#endif

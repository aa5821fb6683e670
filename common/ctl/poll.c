/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Syncs that a program asks for: the two ioctls, and poll.  No lock: a binding that
 * is published stays until the file's last close, and each ring says itself
 * whether it may be synced (ring.c).
 *
 * poll records the caller first and syncs afterwards: what comes in between the two finds
 * a sleeper to wake, what came before is found by the sync.
 */
#include "ctl/request.h"

static inline bool is_bound(struct nm_handle *h)
{
	return nm_ptr_load((void *const *)&h->b.nifp) != NULL;
}

static inline bool is_gone(const struct netmap_adapter *na)
{
	return (nm_na_flags(na) & NAF_ZOMBIE) != 0;
}

/* The time of this rx sync, where the program wants to know it.  Both fields have 64 bits
 * wherever netmap runs; another thread of the program may be at the same ring. */
static inline void stamp(struct netmap_kring *kring, const struct timeval *now, bool always)
{
	struct netmap_ring *ring = kring->ring;

	if (always || (nm_user_read32(&ring->flags) & NR_TIMESTAMP)) {
		nm_user_write64((uint64_t *)(void *)&ring->ts.tv_sec, (uint64_t)now->tv_sec);
		nm_user_write64((uint64_t *)(void *)&ring->ts.tv_usec, (uint64_t)now->tv_usec);
	}
}

/* Of two rings' errors the one to tell: a ring that was bad (EINVAL) is whole again. */
static inline int worse(int a, int b)
{
	return a == 0 || (a == EINVAL && b != 0) ? b : a;
}

/* Syncs the rx rings; the worst error of any.  *ready (may be NULL): some has packets. */
static nm_always_inline int sync_rx(struct nm_handle *h, int flags, bool *ready)
{
	struct netmap_kring **krings = h->b.na->rx_rings;
	uint32_t i = h->b.qfirst[NR_RX], last = h->b.qlast[NR_RX];
	bool always = nm_param(no_timestamp) == 0;
	struct timeval now;
	int error = 0, e;

	if (i < last)
		nm_os_timestamp(&now);
	for (; i < last; i++) {
		stamp(krings[i], &now, always);
		e = nm_kr_sync(krings[i], flags);
		if (nm_unlikely(e))
			error = worse(error, e);
		if (ready != NULL)
			*ready |= nm_kr_ready(krings[i]);
	}
	return error;
}

/* The same for tx; without `all` only those rings that have something to send. */
static nm_always_inline int sync_tx(struct nm_handle *h, int flags, bool all, bool *ready)
{
	struct netmap_kring **krings = h->b.na->tx_rings;
	uint32_t i = h->b.qfirst[NR_TX], last = h->b.qlast[NR_TX];
	int error = 0, e;

	for (; i < last; i++) {
		struct netmap_kring *kring = krings[i];

		if (!all && nm_user_read32(&kring->ring->head) == nm_read_once(&kring->nr_hwcur))
			continue;
		e = nm_kr_sync(kring, flags);
		if (nm_unlikely(e))
			error = worse(error, e);
		if (ready != NULL)
			*ready |= nm_kr_ready(kring);
	}
	return error;
}

/* One function a direction, so that each has only its own registers and stack to keep. */
static nm_noinline int ioctl_tx(struct nm_handle *h)
{
	int error;

	if (nm_unlikely(h->b.qfirst[NR_TX] >= h->b.qlast[NR_TX]))
		return is_gone(h->b.na) ? EIO : 0;
	error = sync_tx(h, NAF_FORCE_RECLAIM | NM_SYNC_CAN_FAULT, true, NULL);
	return error == EINVAL ? 0 : error;
}

static nm_noinline int ioctl_rx(struct nm_handle *h)
{
	int error;

	if (nm_unlikely(h->b.qfirst[NR_RX] >= h->b.qlast[NR_RX]))
		return is_gone(h->b.na) ? EIO : 0;
	error = sync_rx(h, NAF_FORCE_READ | NM_SYNC_CAN_FAULT, NULL);
	return error == EINVAL ? 0 : error;
}

int nm_ctl_sync(struct nm_handle *h, enum txrx t)
{
	if (nm_unlikely(!is_bound(h)))
		return ENXIO;
	/* the rings of a port that is gone are stopped, and say EIO themselves; ioctl_* say it
	 * for a file that has none in that direction */
	return t == NR_TX ? ioctl_tx(h) : ioctl_rx(h);
}

int nm_ctl_poll(struct nm_handle *h, int events, struct nm_poll *p)
{
	bool rx = (events & NM_POLLIN) != 0, tx = (events & NM_POLLOUT) != 0;
	bool rx_ready = false, tx_ready = false;
	int error = 0;

	if (!is_bound(h) || is_gone(h->b.na))
		return NM_POLLERR;
	if (p != NULL) {
		if (rx)
			nm_waitq_record(nm_binding_waitq(&h->b, NR_RX), p);
		if (tx)
			nm_waitq_record(nm_binding_waitq(&h->b, NR_TX), p);
		nm_mb(); /* on the queue before the rings are looked at */
	}
	if (tx || !(h->b.flags & NR_NO_TX_POLL))
		error = sync_tx(h, NM_SYNC_CAN_FAULT, tx, &tx_ready);
	if (rx || (h->b.flags & NR_DO_RX_POLL))
		error = worse(error, sync_rx(h, NM_SYNC_CAN_FAULT, &rx_ready));
	/* a ring that is stopped for a while wakes its sleepers when it goes on */
	if (error == EIO && !is_gone(h->b.na))
		error = 0;
	return (rx && rx_ready ? NM_POLLIN : 0) | (tx && tx_ready ? NM_POLLOUT : 0) |
	       (error ? NM_POLLERR : 0);
}

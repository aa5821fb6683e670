/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring/ - one ring: who may sync it, checking what the program wrote, wake-ups.
 * The essay is in ring.c.
 */
#ifndef NM_RING_H
#define NM_RING_H

#include <dev/netmap/netmap_kern.h>

/*
 * Takes the ring for a sync.  0: taken; EBUSY: somebody else is at it and will
 * repeat the sync before leaving; EIO: the ring is stopped.  Context: any.
 */
int nm_kr_enter_slow(struct netmap_kring *kring);

static inline int nm_kr_enter(struct netmap_kring *kring)
{
	if (nm_likely(nm_atomic_cas(&kring->nkr_state, 0, NM_KR_BUSY)))
		return 0;
	return nm_kr_enter_slow(kring);
}

/*
 * Leaves the ring.  True: somebody asked meanwhile; the ring is still taken and
 * the caller repeats its sync.  Context: any.
 */
bool nm_kr_leave_slow(struct netmap_kring *kring);

static inline bool nm_kr_leave(struct netmap_kring *kring)
{
	if (nm_likely(nm_atomic_cas(&kring->nkr_state, NM_KR_BUSY, 0)))
		return false;
	return nm_kr_leave_slow(kring);
}

/* A new kring: stopped once (nm_kr_start begins it) and as often as its port is,
 * indices zero.  Context: sleep. */
void nm_kr_init(struct netmap_kring *kring, struct netmap_adapter *na, enum txrx t, uint32_t id,
		uint32_t slots);
void nm_kr_fini(struct netmap_kring *kring);

/*
 * Stops are counted.  To stop rings: nm_kr_stop_begin on each, nm_kr_stop_wait on each,
 * then one nm_os_synchronize(): no sync runs, none can start, and no producer has a
 * reservation open.  Context: sleep.
 */
void nm_kr_stop_begin(struct netmap_kring *kring);
void nm_kr_stop_wait(struct netmap_kring *kring);
void nm_kr_start(struct netmap_kring *kring);

/* Slots from a to b, going forward. */
static inline uint32_t nm_kr_dist(uint32_t a, uint32_t b, uint32_t n)
{
	return b >= a ? b - a : b + n - a;
}

/* Takes over head and cur; false when they are impossible. */
static inline bool nm_kr_prologue(struct netmap_kring *kring)
{
	struct netmap_ring *ring = kring->ring;
	uint32_t n = kring->nkr_num_slots;
	uint32_t head = nm_user_read32_acquire(&ring->head);
	uint32_t cur = nm_user_read32(&ring->cur);
	uint32_t start = kring->nr_hwcur;
	uint32_t to_head, to_cur;

	if (nm_unlikely(head >= n))
		return false;
	to_cur = to_head = nm_kr_dist(start, head, n);
	if (nm_unlikely(cur != head)) { /* most programs move them together */
		to_cur = nm_kr_dist(start, cur, n);
		if (cur >= n || to_head > to_cur)
			return false;
	}
	if (nm_unlikely(to_cur > nm_kr_dist(start, kring->rtail, n)))
		return false;
	kring->rhead = head;
	kring->rcur = cur;
	return true;
}

static inline void nm_kr_publish(struct netmap_kring *kring)
{
	uint32_t tail = nm_load_acquire(&kring->nr_hwtail);

	nm_write_once(&kring->rtail, tail);
	nm_user_write32_release(&kring->ring->tail, tail);
}

static inline int nm_kr_sync_once(struct netmap_kring *kring, int flags)
{
	int error;

	if (nm_unlikely(!nm_kr_prologue(kring))) {
		netmap_ring_reinit(kring);
		return EINVAL;
	}
	error = kring->nm_sync(kring, flags);
	nm_kr_publish(kring);
	return error;
}

/* Somebody asked for a sync while one was running: until nobody does; then wakes who
 * sleeps, as those who asked have not seen the result. */
int nm_kr_sync_again(struct netmap_kring *kring, int flags, int error);

/*
 * Who is told of a NIC ring's news changes (a switch takes the NIC) while its interrupts
 * go on: they may still call the one before, which then finds the ring stopped.
 * Setting: the ring stopped.  Calling: read.
 */
static inline void nm_kr_set_notify(struct netmap_kring *kring,
				    int (*fn)(struct netmap_kring *, int))
{
	nm_ptr_publish((void **)(void *)&kring->nm_notify, (void *)(uintptr_t)fn);
}

static inline int nm_kr_notify(struct netmap_kring *kring, int flags)
{
	void *fn = nm_ptr_load((void *const *)(const void *)&kring->nm_notify);

	return ((int (*)(struct netmap_kring *, int))(uintptr_t)fn)(kring, flags);
}

/*
 * One whole sync of a program's ring: take, check head and cur, nm_sync, publish
 * tail, leave, repeating while asked.  0 also when another thread does it for us;
 * EIO: stopped; EINVAL: the indices were bad and the ring was re-initialised.
 * Inlined by force: a call costs a tenth of what the sync of an idle ring does.
 * Context: as the port's sync, `flags` as for nm_sync.
 */
static nm_always_inline int nm_kr_sync(struct netmap_kring *kring, int flags)
{
	int error = nm_kr_enter(kring);

	if (nm_unlikely(error))
		return error == EBUSY ? 0 : error;
	error = nm_kr_sync_once(kring, flags);
	if (nm_unlikely(nm_kr_leave(kring)))
		error = nm_kr_sync_again(kring, flags, error);
	return error;
}

/* Indices of a ring back to empty (rx) or all free (tx), in the kring and in the
 * netmap_ring.  Context: the ring stopped or BUSY. */
void nm_kr_reset_indices(struct netmap_kring *kring);

/* Whether the program has something to send / may receive: cur != tail after a sync. */
static inline bool nm_kr_ready(const struct netmap_kring *kring)
{
	return nm_user_read32(&kring->ring->cur) != nm_read_once(&kring->rtail);
}

/* Wakes who waits for this ring and for its port; nobody asleep: two loads.
 * The default nm_notify.  Context: any. */
int nm_kr_wake(struct netmap_kring *kring, int flags);

#endif /* NM_RING_H */

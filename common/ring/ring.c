/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One ring, kernel side.
 *
 * A sync of a program's ring takes these steps (nm_kr_sync):
 *   1. nm_kr_enter     one thread at a time; a second one leaves a mark (AGAIN)
 *                      and goes away, so that nobody ever waits: the second may
 *                      be an interrupt
 *   2. ring_prologue   head and cur are read once, checked against what the
 *                      program was told (rtail), and kept in rhead and rcur;
 *                      impossible values re-initialise the ring
 *   3. nm_sync         the port moves packets and nr_hwcur, nr_hwtail
 *   4. ring_publish    tail is shown to the program, with release order, so that
 *                      slots are complete when it sees them
 *   5. nm_kr_leave     with AGAIN set the steps from 2 on are repeated, and
 *                      whoever sleeps is woken, since the one who left the mark
 *                      has not seen the result
 *
 * INVARIANT  nr_hwcur <= rhead <= rcur <= rtail <= nr_hwtail, going round.  One
 * slot always stays empty.  num_slots is any number from 2 on.
 *
 * The count of stops and BUSY share a word: once stopped no sync can begin, so
 * that waiting for BUSY to clear is enough for the ring's own syncs.  Producers of
 * an rx ring (a switch, the other end of a pipe) do not take BUSY: they look at
 * the count inside a read section, hence the grace period after a stop.
 *
 * LOCKS  The state word by atomics; reservations by q_lock (vale/).
 */
#include "ring/ring.h"

void nm_kr_init(struct netmap_kring *kring, struct netmap_adapter *na, enum txrx t, uint32_t id,
		uint32_t slots)
{
	kring->na = na;
	kring->notify_na = na;
	kring->tx = t;
	kring->ring_id = id;
	kring->nkr_num_slots = slots;
	kring->nm_sync = t == NR_TX ? na->nm_txsync : na->nm_rxsync;
	kring->nm_notify = na->nm_notify;
	kring->nkr_state = NM_KR_STOP * (1 + na->na_stopped);
	kring->nkr_stopped = 1;
	snprintf(kring->name, sizeof(kring->name), "%s %s%u", na->name, t == NR_TX ? "tx" : "rx",
		 (unsigned)id);
	nm_spin_init(&kring->q_lock, "netmap ring");
	nm_waitq_init(&kring->si);
	nm_kr_reset_indices(kring);
}

void nm_kr_fini(struct netmap_kring *kring)
{
	nm_waitq_destroy(&kring->si);
	nm_spin_destroy(&kring->q_lock);
}

void nm_kr_reset_indices(struct netmap_kring *kring)
{
	struct netmap_ring *ring = kring->ring;
	uint32_t tail = kring->tx == NR_TX ? kring->nkr_num_slots - 1 : 0;

	kring->rhead = kring->rcur = 0;
	kring->rtail = tail;
	nm_store_release(&kring->nr_hwcur, 0);
	kring->nkr_lease = tail;
	nm_store_release(&kring->nr_hwtail, tail);
	kring->nkr_hwofs = 0;
	if (ring != NULL) {
		nm_user_write32(&ring->head, 0);
		nm_user_write32(&ring->cur, 0);
		nm_user_write32_release(&ring->tail, tail);
	}
}

void nm_kr_stop_begin(struct netmap_kring *kring)
{
	nm_atomic_add(&kring->nkr_state, NM_KR_STOP);
	nm_write_once(&kring->nkr_stopped, 1);
}

void nm_kr_stop_wait(struct netmap_kring *kring)
{
	while (nm_load_acquire(&kring->nkr_state) & NM_KR_BUSY)
		nm_os_nap();
}

void nm_kr_start(struct netmap_kring *kring)
{
	uint32_t old = nm_atomic_add(&kring->nkr_state, (uint32_t)-NM_KR_STOP);

	NM_BUG_ON((old & NM_KR_STOPPED) == 0);
	if ((old & NM_KR_STOPPED) == NM_KR_STOP)
		nm_write_once(&kring->nkr_stopped, 0);
}

nm_cold int nm_kr_enter_slow(struct netmap_kring *kring)
{
	for (;;) {
		uint32_t s = nm_load_acquire(&kring->nkr_state);

		if (s & NM_KR_STOPPED)
			return EIO;
		if (s & NM_KR_BUSY) {
			if (nm_atomic_cas(&kring->nkr_state, s, s | NM_KR_AGAIN))
				return EBUSY;
		} else if (nm_atomic_cas(&kring->nkr_state, s, NM_KR_BUSY)) {
			return 0;
		}
	}
}

nm_cold bool nm_kr_leave_slow(struct netmap_kring *kring)
{
	for (;;) {
		uint32_t s = nm_load_acquire(&kring->nkr_state);
		uint32_t next = s & ~(uint32_t)(NM_KR_BUSY | NM_KR_AGAIN);
		bool again = (s & (NM_KR_AGAIN | NM_KR_STOPPED)) == NM_KR_AGAIN;

		if (nm_atomic_cas(&kring->nkr_state, s, again ? next | NM_KR_BUSY : next))
			return again;
	}
}

int netmap_ring_reinit(struct netmap_kring *kring)
{
	struct netmap_ring *ring = kring->ring;

	nm_prlim("%s: impossible head or cur (%u, %u; allowed %u to %u), ring re-initialised",
		 kring->name, (unsigned)nm_user_read32(&ring->head),
		 (unsigned)nm_user_read32(&ring->cur), (unsigned)kring->nr_hwcur,
		 (unsigned)kring->rtail);
	kring->rhead = kring->rcur = kring->nr_hwcur;
	kring->rtail = nm_load_acquire(&kring->nr_hwtail);
	nm_user_write32(&ring->head, kring->rhead);
	nm_user_write32(&ring->cur, kring->rcur);
	nm_user_write32_release(&ring->tail, kring->rtail);
	return 1;
}

/* Somebody asked for a sync while one was running: until nobody does. */
nm_cold int nm_kr_sync_again(struct netmap_kring *kring, int flags, int error)
{
	do {
		int e = nm_kr_sync_once(kring, flags);

		if (e && !error)
			error = e;
	} while (nm_kr_leave(kring));
	nm_kr_wake(kring, 0);
	return error;
}

int nm_kr_wake(struct netmap_kring *kring, int flags)
{
	struct nm_waitq *port = &kring->na->si[kring->tx];

	(void)flags;
	/* what was published before what is looked at; nm_ctl_poll() has the other half */
	nm_mb();
	if (nm_waitq_has_sleepers(&kring->si))
		nm_waitq_wake(&kring->si);
	if (nm_waitq_has_sleepers(port))
		nm_waitq_wake(port);
	return NM_IRQ_COMPLETED;
}

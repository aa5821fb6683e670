/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hosted.h - the core as a library, for tests: what a system call layer and a
 * test driver would do.  Python reads it with cffi, so this is plain C with
 * the types of netmap.h and stdint.h only.
 *
 * Functions return 0 or a positive errno unless said otherwise.  Each one that
 * enters the core checks, on leaving, that no lock or read section stayed open.
 */
#ifndef NM_HOSTED_H
#define NM_HOSTED_H

#include <net/netmap.h>


struct nm_handle;
struct nmh_ns;
struct nmh_poll;
struct nmh_mapping;
struct nmh_nic;

/* ---- life of the core; nmh_live_describe says what nmh_live counted ---------- */
int nmh_init(void);
void nmh_fini(void);
uint64_t nmh_live(void);	    /* blocks and regions allocated by the core */
uint64_t nmh_live_bytes(void);
uint64_t nmh_live_page_bytes(void); /* of regions alone */
int nmh_live_describe(char *buf, size_t size);
/* 0, or 1 after telling on stderr what is still there. */
int nmh_left_behind(void);
void nmh_check_freed(void); /* ends the process after a write to freed memory */

struct nmh_ns *nmh_ns_new(void);
void nmh_ns_free(struct nmh_ns *ns);

/* ---- files; open: NULL without memory ------------------------------------------ */
struct nm_handle *nmh_open(struct nmh_ns *ns);
void nmh_close(struct nm_handle *h);
int nmh_ctrl(struct nm_handle *h, uint64_t uhdr); /* NIOCCTRL; header in the arena */
int nmh_legacy_info(struct nm_handle *h, struct nmreq *req);
int nmh_legacy_regif(struct nm_handle *h, struct nmreq *req);
int nmh_txsync(struct nm_handle *h);
int nmh_rxsync(struct nm_handle *h);

/* ---- poll: events and results are NM_POLLIN 1, NM_POLLOUT 2, NM_POLLERR 4 -------- */
/* One call without sleeping. */
int nmh_poll_now(struct nm_handle *h, int events);
/* poll(2): sleeps up to timeout_ms (not below 0) while nothing is ready. */
int nmh_poll_sleep(struct nm_handle *h, int events, int timeout_ms);
/* A sleeper that stays asleep, to see who wakes it and how often. */
struct nmh_poll *nmh_sleeper_new(struct nm_handle *h, int events, int *ready);
uint64_t nmh_sleeper_wakes(struct nmh_poll *p);
int nmh_sleeper_wait(struct nmh_poll *p, uint64_t seen, int timeout_ms); /* 1: woken more often than seen */
void nmh_sleeper_free(struct nmh_poll *p);

/* ---- mmap: *user is the test's own mapping, valid until nmh_munmap --------------- */
int nmh_mmap(struct nm_handle *h, uint64_t offset, uint64_t len, void **user);
void nmh_munmap(void *user, uint64_t len);

/* ---- user memory ------------------------------------------------------------------ */
uint64_t nmh_arena(void **mem, uint64_t *bytes); /* first user address */
void nmh_arena_fault(uint64_t uaddr, int bad);

/* ---- steering ---------------------------------------------------------------------- */
int nmh_param_set(const char *name, int64_t value); /* ENOENT, EINVAL, EPERM */
int nmh_param_get(const char *name, int64_t *value);
int nmh_param_info(uint32_t i, const char **name, int *def, int *min, int *max, int *rw);
void nmh_params_reset(void);
void nmh_clock(uint32_t seconds, uint32_t usec);
void nmh_alloc_fail(uint64_t nth);
uint64_t nmh_alloc_count(void);
int nmh_alloc_failed(void);
int nmh_hostile(uint32_t kind); /* ENOTSUP in other builds */
uint64_t nmh_hostile_reads(void);
int nmh_log_take(char *buf, size_t size);
size_t nmh_abi_slot_offset(void); /* of netmap_ring.slot, as the compiler has it */

/* ---- fake NICs (fake_nic.c) ---------------------------------------------------------- */
struct nmh_nic_config {
	uint32_t tx_rings, rx_rings, tx_slots, rx_slots;
	uint32_t all_or_nothing; /* nm_register switches every ring at once, as iflib does */
	uint32_t irq_thread;	/* 1: interrupts come from a thread, else when a test fires them */
	uint32_t hwofs;		/* netmap_reset at this NIC index on start */
	uint32_t rx_buf;	/* largest frame that it receives, bytes; 0: 1536 */
};
struct nmh_nic *nmh_nic_new(struct nmh_ns *ns, const char *name, const struct nmh_nic_config *cfg,
			    int *err);
/* What a driver's remove does: netmap_detach, then the hardware goes. */
void nmh_nic_detach(struct nmh_nic *nic);
/* Detached before when it was not.  The references that the core still has (0: gone). */
uint32_t nmh_nic_free(struct nmh_nic *nic);
/* Joins two NICs by a wire: what one sends the other receives. NULL: unplugged. */
void nmh_nic_wire(struct nmh_nic *a, struct nmh_nic *b);
/* A packet arrives at an rx queue: 0, EMSGSIZE, ENOBUFS when the hardware ring
 * is full (counted). */
int nmh_nic_receive(struct nmh_nic *nic, uint32_t q, const void *pkt, uint32_t len);
/* The hardware pauses: what is handed to it stays in its ring.  Off: it sends it all. */
void nmh_nic_hold(struct nmh_nic *nic, int on);
/* The oldest packet that was sent and not yet taken: its length, 0 none. */
uint32_t nmh_nic_take_sent(struct nmh_nic *nic, uint32_t q, void *buf, uint32_t size);
/* An interrupt now, on this thread; returns NM_IRQ_*. */
int nmh_nic_rx_irq(struct nmh_nic *nic, uint32_t q);
int nmh_nic_tx_irq(struct nmh_nic *nic, uint32_t q);
/* The same by netmap_common_irq(), for drivers that know the adapter. */
int nmh_nic_common_irq(struct nmh_nic *nic, int tx, uint32_t q);
/* The driver reports these numbers when asked, none above those it was made with. */
void nmh_nic_reports(struct nmh_nic *nic, uint32_t tx_rings, uint32_t rx_rings,
		     uint32_t tx_slots, uint32_t rx_slots);
/* An rx interrupt at the at-th point of whatever this thread does next. */
void nmh_nic_rx_irq_at(struct nmh_nic *nic, uint32_t q, uint64_t at);
int nmh_irq_disarm(void); /* 1: it had not come yet */
/* The next txsync (1) or rxsync (0) of a queue delivers an rx interrupt of another. */
void nmh_nic_irq_in_sync(struct nmh_nic *nic, int tx, uint32_t q, struct nmh_nic *from,
			 uint32_t from_q);
/* The driver's nm_register fails from now on with this errno; 0: it works. */
void nmh_nic_fail_register(struct nmh_nic *nic, int err);
/* Link flap: the driver stops, reinitialises its rings at NIC index `at` and restarts. */
void nmh_nic_reset(struct nmh_nic *nic, uint32_t at);
/* The first half of a reset alone (on 0), and its end (on 1). */
void nmh_nic_rings(struct nmh_nic *nic, int on);
struct nmh_nic_stats {
	uint64_t sent, received, rx_full, bad_slots, txsyncs, rxsyncs, irqs, registers, resets;
};
void nmh_nic_stats(struct nmh_nic *nic, struct nmh_nic_stats *st);
int nmh_nic_ring_on(struct nmh_nic *nic, int tx, uint32_t q);


#endif /* NM_HOSTED_H */

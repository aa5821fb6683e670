/* SPDX-License-Identifier: BSD-2-Clause */
/* What the hosted port offers to tests beyond os.h: seeing and steering the "system". */
#ifndef NM_OS_HOSTED_TEST_H
#define NM_OS_HOSTED_TEST_H

#include "os.h"

/* Stops the process when the calling thread still holds or is inside anything. */
void nm_host_assert_clean(const char *where);

/* The end of a call: that, and what a hostile program overwrote is put back. */
void nm_host_leave(const char *where);

/* Marks the calling thread as inside an interrupt. */
void nm_host_irq_enter(void);
void nm_host_irq_exit(void);
/* Whether an interrupt could come in now (no leaf lock held). */
bool nm_host_irq_possible(void);
/* fn(arg) runs as an interrupt at the at-th point from now on this thread. */
void nm_host_irq_arm(uint64_t at, void (*fn)(void *), void *arg);
/* Ends that; true: it has not happened. */
bool nm_host_irq_disarm(void);

/* No thread for deferred calls: nm_os_defer_barrier() makes them.  Before the first one. */
void nm_host_defer_alone(void);

/* The nth allocation that this thread makes from now on fails; 0: none. */
void nm_host_alloc_fail(uint64_t nth);
/* Allocations since then; whether one was made to fail. */
uint64_t nm_host_alloc_count(void);
bool nm_host_alloc_failed(void);

/* Live blocks and page runs, after all deferred calls; their bytes. */
uint64_t nm_host_live(uint64_t *bytes);
uint64_t nm_host_live_page_bytes(void);
int nm_host_live_describe(char *buf, size_t size);
/* Looks for writes to freed blocks. */
void nm_host_check_freed(void);

void nm_host_clock(uint32_t seconds, uint32_t usec);
/* The oldest log line, taken out; 0: none. */
int nm_host_log_take(char *buf, size_t size);

/* User memory: its first user address; *mem: where the test finds the bytes. */
#define NM_HOST_ARENA_BYTES (1U << 20)
uint64_t nm_host_arena(void **mem);
/* Makes the page of a user address fault, or not. */
void nm_host_arena_fault(uint64_t uaddr, bool bad);

/* Kernel address of a physical one; stops the process when there is none. */
void *nm_host_phys_to_virt(uint64_t phys, size_t len);
/* A further mapping of a region, as mmap() gives to a program. */
int nm_host_pages_map(struct nm_os_pages *p, uint64_t offset, uint64_t len, void **user);

/* 0 off; 1: what is read is overwritten by wild values, 2: by plausible ones.
 * False: this build cannot.  Then the number of places overwritten so far. */
bool nm_host_hostile_arm(uint32_t kind);
uint64_t nm_host_hostile_reads(void);

/* A poll call: the queues it sleeps on and how often they woke it. */
#define NM_HOST_POLL_QUEUES 8
struct nm_poll {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	uint64_t wakes;
	uint32_t nwaiters;
	struct nm_host_waiter *waiter[NM_HOST_POLL_QUEUES];
};
void nm_host_poll_init(struct nm_poll *p);
void nm_host_poll_leave(struct nm_poll *p); /* off all queues */
void nm_host_poll_fini(struct nm_poll *p);
uint64_t nm_host_poll_wakes(struct nm_poll *p);
/* Sleeps until woken more often than `seen`; false: the time is over. */
bool nm_host_poll_wait(struct nm_poll *p, uint64_t seen, int timeout_ms);

/* Interfaces.  free: 0, or the references that are still there (then nothing is done). */
struct nm_host_if *nm_host_if_new(const char *name, void *ns_os);
uint32_t nm_host_if_free(struct nm_host_if *ifp);

#endif /* NM_OS_HOSTED_TEST_H */

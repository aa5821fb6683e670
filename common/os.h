/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os.h - the contract: everything that common/ asks of a system.
 *
 * Four ports implement it: linux/, freebsd/, windows/ and tests/hosted/.  The
 * hot half is inline in os_<system>.h, the rest is declared here.  Core
 * functions return 0 or a positive errno; a port turns that into its own form.
 *
 * CONTEXTS.  Each function names the weakest place that may call it:
 *
 *   sleep      process context, no leaf lock held, outside read sections
 *   fault      as sleep, and the control and region locks are not held either:
 *              the only place from which user memory may be copied or pinned
 *   read       inside nm_read_enter()/nm_read_exit(): no sleep, no fault
 *   any        also in interrupts and with a leaf lock held
 *
 * LOCK ORDER.  Outer first; a thread takes locks only in this order:
 *
 *   1 interface  nm_os_if_lock()             sleep   one, the system's own
 *   2 control    nm_mutex, NM_LOCK_CONTROL   sleep   one
 *   3 region     nm_mutex, NM_LOCK_REGION    sleep   one at a time
 *   4 leaf       nm_spin                     any     one at a time
 *
 * A request that may touch an interface takes the interface lock first.  User
 * copies and pins happen before control is taken; mmap and fault handlers take
 * at most a region lock, which is never held across a copy.  Leaf locks disable
 * interrupts, because attached NICs forward from the interrupt path.
 */
#ifndef NM_OS_H
#define NM_OS_H

#if defined(NETMAP_HOSTED)
#include "os_hosted.h"
#elif defined(__linux__) && defined(__KERNEL__)
#include "os_linux.h"
#elif defined(__FreeBSD__)
#include "os_freebsd.h"
#elif defined(_WIN32)
#include "os_windows.h"
#else
#error "no os_<system>.h for this system"
#endif

/* A function off the hot path: kept out of line, so that its registers and stack do
 * not burden the caller. */
#ifndef nm_cold /* a system may have its own */
#define nm_cold __attribute__((__noinline__, __cold__))
#endif
/* Where a call, or its absence, was measured to matter. */
#define nm_always_inline inline __attribute__((__always_inline__))
#define nm_noinline __attribute__((__noinline__))

enum nm_lock_class {
	NM_LOCK_CONTROL = 2,
	NM_LOCK_REGION = 3,
};

/*
 * What os_<system>.h gives, inline unless noted (types by the same header):
 *
 * Basic: uint8_t..uint64_t, bool, size_t, errno names, memcpy/memset/memcmp/
 * strcmp/strncmp/strnlen/strscpy-like nm_strlcpy(dst, src, size), snprintf;
 * struct timeval; NM_PAGE_SIZE; container_of; nm_likely(x), nm_unlikely(x);
 * NM_BUG_ON(cond) (a broken invariant of ours: stop loudly).
 *
 * Memory order (any):
 *   uint32_t nm_load_acquire(const uint32_t *p)
 *   void nm_store_release(uint32_t *p, uint32_t v)
 *   void nm_mb(void)                        full barrier
 *   void nm_prefetch(const void *p)         read prefetch, never faults
 *   uint32_t nm_read_once(const uint32_t *), void nm_write_once(uint32_t *, v)
 *   void *nm_ptr_load(void *const *pp)      load-acquire of a pointer
 *   void nm_ptr_publish(void **pp, void *v) store-release of a pointer
 *
 * Memory that user programs can write at any time (any; mapped, never faults):
 *   uint32_t nm_user_read32(const uint32_t *p)       one untorn load
 *   uint64_t nm_user_read64(const uint64_t *p)       one untorn load, p 8-aligned
 *   uint64_t nm_user_read64_unaligned(const void *p) payload; may tear
 *   uint32_t nm_user_read32_acquire(const uint32_t *p)
 *   void nm_user_write32(uint32_t *p, uint32_t v), nm_user_write64
 *   void nm_user_write32_release(uint32_t *p, uint32_t v)
 *
 * Atomics, full order, return the old value (any):
 *   uint32_t nm_atomic_or(uint32_t *p, uint32_t v), nm_atomic_and, nm_atomic_add
 *   bool nm_atomic_cas(uint32_t *p, uint32_t old, uint32_t new)
 *
 * Leaf lock (any):
 *   struct nm_spin; nm_irqflags_t
 *   void nm_spin_init(struct nm_spin *, const char *name), nm_spin_destroy
 *   nm_irqflags_t nm_spin_lock(struct nm_spin *)
 *   void nm_spin_unlock(struct nm_spin *, nm_irqflags_t)
 *
 * Control and region locks (sleep):
 *   struct nm_mutex
 *   void nm_mutex_init(struct nm_mutex *, enum nm_lock_class, const char *name)
 *   void nm_mutex_destroy / nm_mutex_lock / nm_mutex_unlock (struct nm_mutex *)
 *   void nm_mutex_assert_held(struct nm_mutex *)
 *
 * Read sections (any; they nest): void nm_read_enter(void), nm_read_exit(void)
 *
 * Wait queues.  struct nm_waitq, and struct nm_poll: the system's record of one
 * poll call, never looked into by the core.
 *   void nm_waitq_init(struct nm_waitq *), nm_waitq_destroy     (sleep)
 *   bool nm_waitq_has_sleepers(struct nm_waitq *)                       (any)
 *     the caller has put nm_mb() between its change and this
 *   void nm_waitq_wake(struct nm_waitq *)          wakes all            (any)
 *   void nm_waitq_record(struct nm_waitq *, struct nm_poll *)           (sleep)
 *
 * Clocks (any):
 *   uint32_t nm_os_seconds(void)            monotonic, coarse and cheap; wraps
 *   void nm_os_timestamp(struct timeval *)  wall clock, microseconds
 *
 * Log (any): nm_os_log(enum nm_log_level, fmt, ...), one line, no newline;
 *   bool nm_os_log_ratelimit(void)          false: say nothing this time
 */
enum nm_log_level { NM_LOG_ERR, NM_LOG_WARN, NM_LOG_INFO };

/* ---- kernel memory -------------------------------------------------------- */

/*
 * Zeroed memory, aligned to 16 bytes at least, not physically contiguous when
 * large.  NULL when there is none.  Context: sleep.
 */
void *nm_os_malloc(size_t bytes);
/* Frees what nm_os_malloc gave; NULL is ignored.  Context: sleep. */
void nm_os_free(void *p);

struct nm_deferred {
	void (*fn)(struct nm_deferred *);
	NM_OS_DEFERRED_FIELDS /* the system's own, from os_<system>.h */
};
/* Calls fn(d) once every read section open now has ended.  fn runs in a
 * context that may not sleep but may call nm_os_free().  Context: any. */
void nm_os_defer(struct nm_deferred *d, void (*fn)(struct nm_deferred *));
/* Waits until every read section open now has ended.  Context: sleep. */
void nm_os_synchronize(void);
/* Waits until every nm_os_defer() so far has run (unload).  Context: sleep. */
void nm_os_defer_barrier(void);
/* Sleeps about a millisecond; for waits that are rare and short.  Context: sleep. */
void nm_os_nap(void);

/* ---- the pages of a region ------------------------------------------------ */

struct nm_os_pages; /* opaque */

/*
 * Zeroed pages for a region of `bytes` (multiple of NM_PAGE_SIZE), contiguous in
 * kernel virtual space at *kva and in every user mapping; physically contiguous
 * only by luck: the largest clusters that come without retrying, then single
 * pages.  Returns NULL when memory is short; nothing is left behind.
 * Context: sleep (region lock may be held).
 */
struct nm_os_pages *nm_os_pages_alloc(size_t bytes, void **kva);
/* Frees; user mappings that still exist keep their pages alive.  Context: sleep. */
void nm_os_pages_free(struct nm_os_pages *);
/* Physical address of a byte of the region (0 where the system has none).  Context: any. */
uint64_t nm_os_pages_phys(const struct nm_os_pages *, size_t offset);

/* ---- user memory by address ------------------------------------------------ */

/* Copies from / to the calling process; EFAULT when an address is bad (then a
 * part may have been copied).  Context: fault. */
int nm_os_copyin(uint64_t uaddr, void *dst, size_t len);
int nm_os_copyout(const void *src, uint64_t uaddr, size_t len);

/* ---- interfaces ------------------------------------------------------------ */

/* The lock that interface events are delivered under (Linux: RTNL).  Context: sleep. */
void nm_os_if_lock(void);
void nm_os_if_unlock(void);
/* Name of an interface, stable while referenced or under the interface lock. */
const char *nm_os_if_name(if_t);
/* A reference that keeps the if_t valid.  Context: any / sleep. */
void nm_os_if_hold(if_t);
void nm_os_if_release(if_t);
/*
 * The adapter attached to an interface, NULL if none.  Set under the interface
 * lock; read in a read section or under the interface lock.  nm_os_if_set_na
 * returns ENOMEM or 0; setting NULL never fails.
 */
struct netmap_adapter;
int nm_os_if_set_na(if_t, struct netmap_adapter *);
struct netmap_adapter *nm_os_if_na(if_t);
/* Whether the interface is visible in a namespace (nm_ns.os).  Interface lock held. */
bool nm_os_if_in_ns(if_t, void *ns_os);

/* ---- unload --------------------------------------------------------------- */

/* A handle keeps the module loaded; the ports do that themselves (a file of an
 * unloadable module cannot be open), so the core has nothing to ask here. */

#define nm_prerr(...) nm_os_log(NM_LOG_ERR, __VA_ARGS__)
#define nm_prwarn(...) nm_os_log(NM_LOG_WARN, __VA_ARGS__)
#define nm_prinf(...) nm_os_log(NM_LOG_INFO, __VA_ARGS__)
/* For what a user program can cause again and again. */
#define nm_prlim(...)                                                          \
	do {                                                                   \
		if (nm_os_log_ratelimit())                                     \
			nm_os_log(NM_LOG_WARN, __VA_ARGS__);                   \
	} while (0)
/* Compiled, type-checked, never printed. */
#define nm_prdis(...)                                                          \
	do {                                                                   \
		if (0)                                                         \
			nm_os_log(NM_LOG_INFO, __VA_ARGS__);                   \
	} while (0)

#endif /* NM_OS_H */

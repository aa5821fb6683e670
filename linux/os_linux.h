/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os_linux.h - the inline half of the contract in common/os.h, for Linux.
 *
 *   read section    an RCU read-side section; nm_os_defer() is call_rcu()
 *   leaf lock       a spin lock with interrupts off
 *   control, region mutexes
 *   interface lock  the RTNL
 *   wait queue      a wait queue head that poll, select and epoll sleep on
 *
 * What the packet path uses is inline and costs what the kernel's own primitive
 * costs.  The rest is in os_sync.c, os_memory.c, os_user.c and os_interface.c.
 * Included by os.h only, before its own declarations.
 */
#ifndef NM_OS_LINUX_H
#define NM_OS_LINUX_H

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <asm/barrier.h>
#include <asm/page.h>

#include "netmap_os_types.h"

/* ---- basic ------------------------------------------------------------------ */

#ifndef UINT16_MAX
#define UINT16_MAX ((uint16_t)~0U)
#endif
#ifndef UINT32_MAX
#define UINT32_MAX ((uint32_t)~0U)
#endif
#ifndef UINT64_MAX
#define UINT64_MAX ((uint64_t)~0ULL)
#endif
#ifndef INT32_MAX
#define INT32_MAX ((int32_t)(UINT32_MAX >> 1))
#endif

#define NM_PAGE_SIZE PAGE_SIZE
#define NM_BUG_ON(cond) BUG_ON(cond)
/* __cold is empty where gcc would not align such functions as the kernel must have them:
 * one at an odd word stops arm64 when the module is loaded. */
#define nm_cold noinline __cold
#define nm_likely(x) likely(x)
#define nm_unlikely(x) unlikely(x)

/* The kernel gave up the name; the core keeps it for times of the wall clock. */
struct timeval {
	long tv_sec;
	long tv_usec;
};

static inline void nm_strlcpy(char *dst, const char *src, size_t size)
{
	strscpy(dst, src, size);
}

/* ---- memory order ------------------------------------------------------------ */

static inline uint32_t nm_load_acquire(const uint32_t *p)
{
	return smp_load_acquire(p);
}

static inline void nm_store_release(uint32_t *p, uint32_t v)
{
	smp_store_release(p, v);
}

static inline void nm_mb(void)
{
	smp_mb();
}

/* Into every level of the cache: what is prefetched is read and copied soon. */
static inline void nm_prefetch(const void *p)
{
	__builtin_prefetch(p, 0, 3);
}

static inline uint32_t nm_read_once(const uint32_t *p)
{
	return READ_ONCE(*p);
}

static inline void nm_write_once(uint32_t *p, uint32_t v)
{
	WRITE_ONCE(*p, v);
}

/* Not READ_ONCE: what was published with the pointer need not lie behind it. */
static inline void *nm_ptr_load(void *const *pp)
{
	return smp_load_acquire(pp);
}

static inline void nm_ptr_publish(void **pp, void *v)
{
	smp_store_release(pp, v);
}

/* ---- memory that programs write ---------------------------------------------- */

static inline uint32_t nm_user_read32(const uint32_t *p)
{
	return READ_ONCE(*p);
}

static inline uint64_t nm_user_read64(const uint64_t *p)
{
	return READ_ONCE(*p);
}

/* Volatile, so that the compiler cannot read the place a second time. */
static inline uint64_t nm_user_read64_unaligned(const void *p)
{
#ifdef CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS
	return *(const volatile uint64_t *)p;
#else
	const volatile uint8_t *b = p;
	uint8_t copy[8];
	uint64_t v;
	int i;

	for (i = 0; i < 8; i++)
		copy[i] = b[i];
	memcpy(&v, copy, sizeof(v));
	return v;
#endif
}

static inline uint32_t nm_user_read32_acquire(const uint32_t *p)
{
	return smp_load_acquire(p);
}

static inline void nm_user_write32(uint32_t *p, uint32_t v)
{
	WRITE_ONCE(*p, v);
}

static inline void nm_user_write64(uint64_t *p, uint64_t v)
{
	WRITE_ONCE(*p, v);
}

static inline void nm_user_write32_release(uint32_t *p, uint32_t v)
{
	smp_store_release(p, v);
}

/* ---- atomics: words of the core seen as the kernel's atomic_t ----------------- */

static_assert(sizeof(atomic_t) == sizeof(uint32_t));

static inline uint32_t nm_atomic_or(uint32_t *p, uint32_t v)
{
	return (uint32_t)atomic_fetch_or((int)v, (atomic_t *)p);
}

static inline uint32_t nm_atomic_and(uint32_t *p, uint32_t v)
{
	return (uint32_t)atomic_fetch_and((int)v, (atomic_t *)p);
}

static inline uint32_t nm_atomic_add(uint32_t *p, uint32_t v)
{
	return (uint32_t)atomic_fetch_add((int)v, (atomic_t *)p);
}

static inline bool nm_atomic_cas(uint32_t *p, uint32_t old, uint32_t new)
{
	int expected = (int)old;

	return atomic_try_cmpxchg((atomic_t *)p, &expected, (int)new);
}

/* ---- leaf lock ----------------------------------------------------------------- */

struct nm_spin {
	spinlock_t lock;
};
typedef unsigned long nm_irqflags_t;

/* All leaf locks are one class to lockdep: no two are ever held together. */
void nm_spin_init(struct nm_spin *l, const char *name);

static inline void nm_spin_destroy(struct nm_spin *l)
{
}

static inline nm_irqflags_t nm_spin_lock(struct nm_spin *l) __acquires(&l->lock)
{
	nm_irqflags_t flags;

	spin_lock_irqsave(&l->lock, flags);
	return flags;
}

static inline void nm_spin_unlock(struct nm_spin *l, nm_irqflags_t flags) __releases(&l->lock)
{
	spin_unlock_irqrestore(&l->lock, flags);
}

/* ---- control and region locks -------------------------------------------------- */

struct nm_mutex {
	struct mutex lock;
};

/* `class` is an enum nm_lock_class, which os.h declares further on. */
void nm_mutex_init(struct nm_mutex *m, int class, const char *name);

static inline void nm_mutex_destroy(struct nm_mutex *m)
{
	mutex_destroy(&m->lock);
}

static inline void nm_mutex_lock(struct nm_mutex *m)
{
	mutex_lock(&m->lock);
}

static inline void nm_mutex_unlock(struct nm_mutex *m)
{
	mutex_unlock(&m->lock);
}

static inline void nm_mutex_assert_held(struct nm_mutex *m)
{
	lockdep_assert_held(&m->lock);
}

/* ---- read sections -------------------------------------------------------------- */

static inline void nm_read_enter(void)
{
	rcu_read_lock();
}

static inline void nm_read_exit(void)
{
	rcu_read_unlock();
}

#define NM_OS_DEFERRED_FIELDS struct rcu_head rcu;

/* ---- wait queues ---------------------------------------------------------------- */

struct nm_waitq {
	wait_queue_head_t head;
};

/* One poll call: the file and the table that its wait queues are put into. */
struct nm_poll {
	struct file *file;
	struct poll_table_struct *table;
};

void nm_waitq_init(struct nm_waitq *q);

static inline void nm_waitq_destroy(struct nm_waitq *q)
{
}

static inline bool nm_waitq_has_sleepers(struct nm_waitq *q)
{
	return waitqueue_active(&q->head);
}

/* Wakes all, but one only of those that asked for that (EPOLLEXCLUSIVE). */
void nm_waitq_wake(struct nm_waitq *q);
void nm_waitq_record(struct nm_waitq *q, struct nm_poll *p);

/* ---- clocks --------------------------------------------------------------------- */

static inline uint32_t nm_os_seconds(void)
{
#if BITS_PER_LONG == 64
	return (uint32_t)(jiffies / HZ);
#else
	return (uint32_t)ktime_get_seconds(); /* jiffies wraps too soon to be divided */
#endif
}

/* Each rx sync asks.  On 64-bit kernels the clock is read straight into the answer, which
 * spares the frame and its canary; 32 bits make the cheapest division. */
static inline void nm_os_timestamp(struct timeval *tv)
{
#if BITS_PER_LONG == 64
	struct timespec64 *now = (struct timespec64 *)tv;

	static_assert(sizeof(*now) == sizeof(*tv));
	static_assert(offsetof(struct timespec64, tv_nsec) == offsetof(struct timeval, tv_usec));
	ktime_get_real_ts64(now);
	tv->tv_usec = (uint32_t)now->tv_nsec / 1000U;
#else
	struct timespec64 now;

	ktime_get_real_ts64(&now);
	tv->tv_sec = (long)now.tv_sec;
	tv->tv_usec = now.tv_nsec / 1000;
#endif
}

/* ---- log ------------------------------------------------------------------------ */

/* `level` is an enum nm_log_level, which os.h declares further on. */
__printf(2, 3) void nm_os_log(int level, const char *fmt, ...);
bool nm_os_log_ratelimit(void);

#endif /* NM_OS_LINUX_H */

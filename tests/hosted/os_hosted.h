/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os_hosted.h - the hot half of os.h on threads and malloc.
 *
 * Compile switches:
 *   NM_HOST_CHECKS  1 (default): every thread carries a record of what it holds,
 *                   and a call from a context that os.h forbids ends the process
 *                   with one line on stderr.  0: native speed, for benchmarks.
 *   NM_HOSTILE      reads of shared memory are spoiled after the fact while a
 *                   thread has armed that (nm_host_hostile_arm()).
 */
#ifndef NM_OS_HOSTED_H
#define NM_OS_HOSTED_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/types.h>

#include "netmap_os_types.h"
#include "sanitizer.h"

#ifndef NM_HOST_CHECKS
#define NM_HOST_CHECKS 1
#endif

#define NM_PAGE_SIZE 4096

#ifndef container_of
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#endif
#define nm_likely(x) __builtin_expect(!!(x), 1)
#define nm_unlikely(x) __builtin_expect(!!(x), 0)

void nm_host_fatal(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

#define NM_BUG_ON(cond)                                                        \
	do {                                                                   \
		if (nm_unlikely(cond))                                         \
			nm_host_fatal("broken invariant at %s:%d: %s", __FILE__, __LINE__, #cond); \
	} while (0)

static inline size_t nm_strlcpy(char *dst, const char *src, size_t size)
{
	size_t n = strlen(src);

	if (size != 0) {
		size_t take = n < size ? n : size - 1;

		memcpy(dst, src, take);
		dst[take] = '\0';
	}
	return n;
}

/* ---- what a thread holds --------------------------------------------------- */

struct nm_host_irq {
	void (*fn)(void *);
	void *arg;
};

/* One per thread that has ever called the core; found by synchronize. */
struct nm_host_thread {
	uint64_t epoch; /* 0: outside read sections, else the epoch it entered in */
	uint32_t read_depth;
	uint32_t irq_depth;    /* inside an (emulated) interrupt */
	uint32_t defer_depth;  /* inside an nm_os_defer callback */
	uint32_t held;	       /* bit per lock class */
	const void *leaf;      /* the nm_spin held */
	const char *leaf_name;
	bool registered;
	/* the n-th allocation from now fails; 0: none */
	uint64_t alloc_fail_at, alloc_count, alloc_failed;
	/* an interrupt that comes at the n-th point where one can come; 0: none */
	uint64_t irq_at, irq_points;
	struct nm_host_irq irq;
	/* hostile reads */
	uint32_t hostile; /* 0 off, 1 wild values, 2 plausible ones */
	struct nm_host_spoilt *spoilt;
	uint32_t nspoilt, spoilt_room;
	uint64_t spoilt_reads;
	struct nm_host_thread *next;
};

extern __thread struct nm_host_thread nm_host_self;
extern uint64_t nm_host_epoch;

void nm_host_thread_register(struct nm_host_thread *t);
void nm_host_irq_point_slow(struct nm_host_thread *t);

static inline struct nm_host_thread *nm_host_me(void)
{
	struct nm_host_thread *t = &nm_host_self;

	if (nm_unlikely(!t->registered))
		nm_host_thread_register(t);
	return t;
}

/* Stops the process unless the caller may sleep / touch user memory. */
void nm_host_check_sleep(const char *what);
void nm_host_check_fault(const char *what);

/* A place where an interrupt may come in. */
static inline void nm_host_irq_point(struct nm_host_thread *t)
{
	if (NM_HOST_CHECKS && nm_unlikely(t->irq_at != 0))
		nm_host_irq_point_slow(t);
}

/* ---- memory order, atomics ---------------------------------------------------- */

#define NM_OS_OWN_MB
#define NM_OS_OWN_CAS
#define nm_write_once nm_builtin_write_once
#define nm_ptr_publish nm_builtin_ptr_publish
#define nm_atomic_or nm_builtin_atomic_or
#define nm_atomic_and nm_builtin_atomic_and
#define nm_atomic_add nm_builtin_atomic_add
#include "os_builtin.h"
#undef nm_write_once
#undef nm_ptr_publish
#undef nm_atomic_or
#undef nm_atomic_and
#undef nm_atomic_add

/* After each change that others can see an interrupt may come and look at it. */
static inline void nm_write_once(uint32_t *p, uint32_t v)
{
	nm_builtin_write_once(p, v);
	nm_host_irq_point(&nm_host_self);
}

static inline void nm_ptr_publish(void **pp, void *v)
{
	nm_builtin_ptr_publish(pp, v);
	nm_host_irq_point(&nm_host_self);
}

static inline uint32_t nm_atomic_or(uint32_t *p, uint32_t v)
{
	uint32_t old = nm_builtin_atomic_or(p, v);

	nm_host_irq_point(&nm_host_self);
	return old;
}

static inline uint32_t nm_atomic_and(uint32_t *p, uint32_t v)
{
	uint32_t old = nm_builtin_atomic_and(p, v);

	nm_host_irq_point(&nm_host_self);
	return old;
}

static inline uint32_t nm_atomic_add(uint32_t *p, uint32_t v)
{
	uint32_t old = nm_builtin_atomic_add(p, v);

	nm_host_irq_point(&nm_host_self);
	return old;
}

static inline void nm_mb(void)
{
#ifdef __SANITIZE_THREAD__
	/* TSan knows no fences: a full-order operation on a word of the thread's own. */
	static __thread uint32_t word;

	__atomic_fetch_add(&word, 1, __ATOMIC_SEQ_CST);
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* ---- memory that programs can write ----------------------------------------- */

typedef uint32_t __attribute__((may_alias)) nm_host_u32;
typedef uint64_t __attribute__((may_alias)) nm_host_u64;

#ifdef NM_HOSTILE
/* Notes that [p, p+n) has been read and overwrites it; n is 4 or 8. */
void nm_host_spoil(const void *p, uint32_t n);
/* The core has written there. */
void nm_host_wrote(const void *p, uint32_t n);
/* Puts back what was overwritten and is still as overwritten. */
void nm_host_unspoil(void);
#define NM_HOST_SPOIL(p, n)                                                    \
	do {                                                                   \
		if (nm_unlikely(nm_host_self.hostile != 0))                    \
			nm_host_spoil(p, n);                                   \
	} while (0)
#define NM_HOST_WROTE(p, n)                                                    \
	do {                                                                   \
		if (nm_unlikely(nm_host_self.nspoilt != 0))                    \
			nm_host_wrote(p, n);                                   \
	} while (0)
#define NM_HOST_UNSPOIL()                                                      \
	do {                                                                   \
		if (nm_unlikely(nm_host_self.nspoilt != 0))                    \
			nm_host_unspoil();                                     \
	} while (0)
#else
#define NM_HOST_SPOIL(p, n) ((void)0)
#define NM_HOST_WROTE(p, n) ((void)0)
#define NM_HOST_UNSPOIL() ((void)0)
#endif

static inline uint32_t nm_user_read32(const uint32_t *p)
{
	uint32_t v = __atomic_load_n((const nm_host_u32 *)p, __ATOMIC_RELAXED);

	NM_HOST_SPOIL(p, 4);
	return v;
}

static inline uint64_t nm_user_read64(const uint64_t *p)
{
	uint64_t v = __atomic_load_n((const nm_host_u64 *)p, __ATOMIC_RELAXED);

	NM_HOST_SPOIL(p, 8);
	return v;
}

/* Payload: read as often as one likes, so never spoilt. */
static inline uint64_t nm_user_read64_unaligned(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t nm_user_read32_acquire(const uint32_t *p)
{
	uint32_t v = __atomic_load_n((const nm_host_u32 *)p, __ATOMIC_ACQUIRE);

	NM_HOST_SPOIL(p, 4);
	return v;
}

static inline void nm_user_write32(uint32_t *p, uint32_t v)
{
	NM_HOST_WROTE(p, 4);
	__atomic_store_n((nm_host_u32 *)p, v, __ATOMIC_RELAXED);
}

static inline void nm_user_write64(uint64_t *p, uint64_t v)
{
	NM_HOST_WROTE(p, 8);
	__atomic_store_n((nm_host_u64 *)p, v, __ATOMIC_RELAXED);
}

static inline void nm_user_write32_release(uint32_t *p, uint32_t v)
{
	NM_HOST_WROTE(p, 4);
	__atomic_store_n((nm_host_u32 *)p, v, __ATOMIC_RELEASE);
}

/* ---- compare and swap ------------------------------------------------------- */

/* Also where an interrupt may come, and what ends a hostile program's turn: a ring
 * changes hands by compare-and-swap, and reading it anew after that is lawful. */
static inline bool nm_atomic_cas(uint32_t *p, uint32_t old, uint32_t new_value)
{
	bool won;

	nm_host_irq_point(&nm_host_self);
	won = __atomic_compare_exchange_n(p, &old, new_value, false, __ATOMIC_SEQ_CST,
					  __ATOMIC_SEQ_CST);
	if (won)
		NM_HOST_UNSPOIL();
	nm_host_irq_point(&nm_host_self);
	return won;
}

/* ---- leaf lock -------------------------------------------------------------- */

struct nm_spin {
	uint32_t word;
	const char *name;
};

typedef uint32_t nm_irqflags_t;

void nm_host_spin_wait(struct nm_spin *s);
void nm_host_spin_check_lock(struct nm_spin *s);
void nm_host_spin_check_unlock(struct nm_spin *s);

static inline void nm_spin_init(struct nm_spin *s, const char *name)
{
	s->word = 0;
	s->name = name;
}

static inline void nm_spin_destroy(struct nm_spin *s)
{
	NM_BUG_ON(s->word != 0);
}

static inline nm_irqflags_t nm_spin_lock(struct nm_spin *s)
{
	if (NM_HOST_CHECKS)
		nm_host_spin_check_lock(s);
	if (nm_unlikely(__atomic_exchange_n(&s->word, 1, __ATOMIC_ACQUIRE) != 0))
		nm_host_spin_wait(s);
	return 0x5a;
}

static inline void nm_spin_unlock(struct nm_spin *s, nm_irqflags_t flags)
{
	if (NM_HOST_CHECKS) {
		nm_host_spin_check_unlock(s);
		NM_BUG_ON(flags != 0x5a);
	}
	__atomic_store_n(&s->word, 0, __ATOMIC_RELEASE);
	nm_host_irq_point(&nm_host_self);
}

/* ---- control and region locks ------------------------------------------------ */

struct nm_mutex {
	pthread_mutex_t lock;
	uint32_t lock_class;
	const char *name;
	struct nm_host_thread *owner;
};

void nm_host_mutex_init(struct nm_mutex *m, uint32_t lock_class, const char *name);
#define nm_mutex_init(m, lock_class, name) nm_host_mutex_init(m, (uint32_t)(lock_class), name)
void nm_mutex_destroy(struct nm_mutex *m);
void nm_mutex_lock(struct nm_mutex *m);
void nm_mutex_unlock(struct nm_mutex *m);
void nm_mutex_assert_held(struct nm_mutex *m);

/* ---- read sections ------------------------------------------------------------ */

static inline void nm_read_enter(void)
{
	struct nm_host_thread *t = nm_host_me();

	if (t->read_depth++ == 0) {
		uint64_t e = __atomic_load_n(&nm_host_epoch, __ATOMIC_ACQUIRE);

		/* full order: no read of the section may come before the mark */
		__atomic_exchange_n(&t->epoch, e, __ATOMIC_SEQ_CST);
	}
	nm_host_irq_point(t);
}

void nm_host_read_underflow(void) __attribute__((noreturn));

static inline void nm_read_exit(void)
{
	struct nm_host_thread *t = &nm_host_self;

	nm_host_irq_point(t);
	if (nm_unlikely(t->read_depth == 0))
		nm_host_read_underflow();
	if (--t->read_depth == 0)
		__atomic_store_n(&t->epoch, 0, __ATOMIC_RELEASE);
	nm_host_irq_point(t);
}

/* ---- wait queues --------------------------------------------------------------- */

struct nm_host_waiter;

struct nm_waitq {
	pthread_mutex_t lock;
	struct nm_host_waiter *first;
	uint32_t sleepers;
	uint64_t wakes; /* calls of nm_waitq_wake, for the tests */
};

struct nm_poll;

void nm_waitq_init(struct nm_waitq *q);
void nm_waitq_destroy(struct nm_waitq *q);
void nm_waitq_wake(struct nm_waitq *q);
void nm_waitq_record(struct nm_waitq *q, struct nm_poll *p);

static inline bool nm_waitq_has_sleepers(struct nm_waitq *q)
{
	return __atomic_load_n(&q->sleepers, __ATOMIC_RELAXED) != 0;
}

/* ---- clocks, log --------------------------------------------------------------- */

extern uint32_t nm_host_seconds; /* moved by the tests, or by a thread of the port */

static inline uint32_t nm_os_seconds(void)
{
	return nm_read_once(&nm_host_seconds);
}

void nm_os_timestamp(struct timeval *tv);

void nm_host_log(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define nm_os_log(level, ...) nm_host_log((int)(level), __VA_ARGS__)
bool nm_os_log_ratelimit(void);

#define NM_OS_DEFERRED_FIELDS struct nm_deferred *next;

/* ---- interfaces ------------------------------------------------------------------ */

#define NM_HOST_IFNAMSIZ 16

struct netmap_adapter;

struct nm_host_if {
	char name[NM_HOST_IFNAMSIZ];
	void *ns_os;		   /* the namespace it is visible in */
	struct netmap_adapter *na; /* set under the interface lock */
	uint32_t refs;
	void *driver; /* the fake NIC */
	struct nm_host_if *next;
};

#endif /* NM_OS_HOSTED_H */

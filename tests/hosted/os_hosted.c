/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os_hosted.c - os.h on threads and malloc: contexts, locks, read sections, memory.
 *
 * Contexts.  Each thread has a struct nm_host_thread that says which locks it
 * holds and whether it is inside a read section, an interrupt or a deferred
 * call.  Every primitive compares that with what os.h allows and ends the
 * process with one line when a rule is broken, so that a rule that only matters
 * under a rare interleaving is found the first time the code runs at all.
 *
 * Interrupts.  An interrupt is a function that runs on top of a thread.  A test
 * arms one for the n-th point where a real one could come in (entering and leaving
 * read sections, around atomics and stores that others can see, at locks and grace
 * periods) and so walks through all of them one after the other; with a leaf lock held
 * none comes.
 *
 * Read sections.  A reader marks its thread with the global epoch; synchronize
 * moves the epoch on and waits until no thread is marked with an older one.
 * nm_os_defer queues to a thread of this file that synchronizes and then calls, or, in
 * a program that wants to be alone, to the next nm_os_defer_barrier().
 *
 * Memory.  Every block is known with its size and the place that asked for it, is
 * aligned to 16 bytes and on purpose not to 32, ends in a guard word, and is
 * overwritten when freed.  Regions are a memfd mapped once for the core with a
 * page without access on either side, and once more for each test that maps it.
 *
 * User memory.  An arena whose user addresses are mapped without any access: the
 * core can reach it through nm_os_copyin()/nm_os_copyout() alone, and single
 * pages of it can be made to fault there too.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "os.h"
#include "os_hosted_test.h"

#ifdef __SANITIZE_ADDRESS__
#define USE_QUARANTINE 0 /* the sanitizer has its own */
#else
#define USE_QUARANTINE NM_HOST_CHECKS
#endif

/* ---- saying what is wrong --------------------------------------------------- */

void nm_host_fatal(const char *fmt, ...)
{
	va_list ap;

	fputs("nm-check: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	fflush(stderr);
	abort();
}

#define LOG_LINES 64
#define LOG_BYTES 200

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char log_line[LOG_LINES][LOG_BYTES];
static unsigned int log_head, log_count;
static int log_echo = -1;

void nm_host_log(int level, const char *fmt, ...)
{
	va_list ap;
	char *line;

	pthread_mutex_lock(&log_lock);
	if (log_echo < 0)
		log_echo = getenv("NM_HOST_LOG") != NULL;
	line = log_line[(log_head + log_count) % LOG_LINES];
	if (log_count < LOG_LINES)
		log_count++;
	else
		log_head = (log_head + 1) % LOG_LINES;
	va_start(ap, fmt);
	vsnprintf(line, LOG_BYTES, fmt, ap);
	va_end(ap);
	if (log_echo)
		fprintf(stderr, "netmap[%d]: %s\n", level, line);
	pthread_mutex_unlock(&log_lock);
}

bool nm_os_log_ratelimit(void)
{
	return true;
}

int nm_host_log_take(char *buf, size_t size)
{
	int got = 0;

	pthread_mutex_lock(&log_lock);
	if (log_count != 0 && size != 0) {
		nm_strlcpy(buf, log_line[log_head], size);
		log_head = (log_head + 1) % LOG_LINES;
		log_count--;
		got = 1;
	}
	pthread_mutex_unlock(&log_lock);
	return got;
}

/*
 * ThreadSanitizer: a volatile access is one untorn load or store, as in a kernel.
 * The compiler calls these for each.
 */
#ifdef __SANITIZE_THREAD__
#define TSAN_VOLATILE(bits, bytes)                                              \
	void __tsan_volatile_read##bytes(void *p);                              \
	void __tsan_volatile_write##bytes(void *p);                             \
	void __tsan_volatile_read##bytes(void *p)                               \
	{                                                                       \
		__atomic_load_n((uint##bits##_t *)p, __ATOMIC_RELAXED);         \
	}                                                                       \
	void __tsan_volatile_write##bytes(void *p)                              \
	{                                                                       \
		/* or-ing nothing: a store that changes nothing */              \
		__atomic_fetch_or((uint##bits##_t *)p, 0, __ATOMIC_RELAXED);    \
	}
TSAN_VOLATILE(8, 1)
TSAN_VOLATILE(16, 2)
TSAN_VOLATILE(32, 4)
TSAN_VOLATILE(64, 8)
#endif

/* ---- threads and contexts ---------------------------------------------------- */

__thread struct nm_host_thread nm_host_self;
uint64_t nm_host_epoch = 1;

static pthread_mutex_t threads_lock = PTHREAD_MUTEX_INITIALIZER;
static struct nm_host_thread *threads;
static pthread_key_t thread_key;
static pthread_once_t thread_key_once = PTHREAD_ONCE_INIT;

static const char *const class_name[] = { "?", "interface", "control", "region" };

static void thread_gone(void *arg)
{
	struct nm_host_thread *t = arg, **pp;

	nm_host_assert_clean("the end of a thread");
	pthread_mutex_lock(&threads_lock);
	for (pp = &threads; *pp != t; pp = &(*pp)->next)
		;
	*pp = t->next;
	pthread_mutex_unlock(&threads_lock);
	free(t->spoilt);
	memset(t, 0, sizeof(*t));
}

static void make_thread_key(void)
{
	if (pthread_key_create(&thread_key, thread_gone) != 0)
		nm_host_fatal("no thread key");
}

void nm_host_thread_register(struct nm_host_thread *t)
{
	pthread_once(&thread_key_once, make_thread_key);
	pthread_setspecific(thread_key, t);
	pthread_mutex_lock(&threads_lock);
	t->next = threads;
	threads = t;
	t->registered = true;
	pthread_mutex_unlock(&threads_lock);
}

static const char *held_name(uint32_t held)
{
	return class_name[held & 8 ? 3 : held & 4 ? 2 : held & 2 ? 1 : 0];
}

void nm_host_check_sleep(const char *what)
{
	struct nm_host_thread *t = nm_host_me();

	if (!NM_HOST_CHECKS)
		return;
	if (t->irq_depth != 0)
		nm_host_fatal("%s may sleep, called in an interrupt", what);
	if (t->leaf != NULL)
		nm_host_fatal("%s may sleep, called with leaf lock %s held", what, t->leaf_name);
	if (t->read_depth != 0)
		nm_host_fatal("%s may sleep, called in a read section", what);
	if (t->defer_depth != 0)
		nm_host_fatal("%s may sleep, called in a deferred function", what);
}

void nm_host_check_fault(const char *what)
{
	struct nm_host_thread *t = nm_host_me();

	nm_host_check_sleep(what);
	if (NM_HOST_CHECKS && (t->held & (1U << NM_LOCK_CONTROL | 1U << NM_LOCK_REGION)) != 0)
		nm_host_fatal("%s may fault, called with the %s lock held", what,
			      held_name(t->held));
}

void nm_host_assert_clean(const char *where)
{
	struct nm_host_thread *t = nm_host_me();

	if (t->read_depth != 0)
		nm_host_fatal("%s: %u read section(s) still open", where, t->read_depth);
	if (t->leaf != NULL)
		nm_host_fatal("%s: leaf lock %s still held", where, t->leaf_name);
	if (t->held != 0)
		nm_host_fatal("%s: the %s lock is still held", where, held_name(t->held));
	if (t->irq_depth != 0)
		nm_host_fatal("%s: still in an interrupt", where);
}

void nm_host_leave(const char *where)
{
	nm_host_assert_clean(where);
	NM_HOST_UNSPOIL();
}

void nm_host_irq_enter(void)
{
	nm_host_me()->irq_depth++;
}

void nm_host_irq_exit(void)
{
	NM_BUG_ON(nm_host_self.irq_depth == 0);
	if (--nm_host_self.irq_depth == 0)
		NM_HOST_UNSPOIL();
}

bool nm_host_irq_possible(void)
{
	return nm_host_me()->leaf == NULL;
}

void nm_host_irq_point_slow(struct nm_host_thread *t)
{
	struct nm_host_irq irq = t->irq;

	if (t->leaf != NULL || t->irq_depth != 0)
		return;
	if (++t->irq_points != t->irq_at)
		return;
	t->irq_at = 0;
	t->irq_depth++;
	irq.fn(irq.arg);
	t->irq_depth--;
}

void nm_host_irq_arm(uint64_t at, void (*fn)(void *), void *arg)
{
	struct nm_host_thread *t = nm_host_me();

	t->irq.fn = fn;
	t->irq.arg = arg;
	t->irq_points = 0;
	t->irq_at = at;
}

bool nm_host_irq_disarm(void)
{
	bool waiting = nm_host_me()->irq_at != 0;

	nm_host_self.irq_at = 0;
	return waiting;
}

/* ---- locks -------------------------------------------------------------------- */

void nm_host_spin_wait(struct nm_spin *s)
{
	unsigned int tries = 0;

	while (__atomic_load_n(&s->word, __ATOMIC_RELAXED) != 0 ||
	       __atomic_exchange_n(&s->word, 1, __ATOMIC_ACQUIRE) != 0) {
		if (++tries % 64 == 0)
			sched_yield();
		else
			__builtin_ia32_pause();
	}
}

void nm_host_spin_check_lock(struct nm_spin *s)
{
	struct nm_host_thread *t = nm_host_me();

	if (t->leaf != NULL)
		nm_host_fatal("leaf lock %s wanted with leaf lock %s held", s->name, t->leaf_name);
	t->leaf = s;
	t->leaf_name = s->name;
}

void nm_host_spin_check_unlock(struct nm_spin *s)
{
	struct nm_host_thread *t = nm_host_me();

	if (t->leaf != s)
		nm_host_fatal("leaf lock %s let go but not held by this thread", s->name);
	t->leaf = NULL;
	t->leaf_name = NULL;
}

static void class_enter(uint32_t lock_class, const char *name)
{
	struct nm_host_thread *t = nm_host_me();

	nm_host_check_sleep(name);
	if (NM_HOST_CHECKS && t->held >> lock_class != 0)
		nm_host_fatal("lock order: %s (class %s) wanted with the %s lock held", name,
			      class_name[lock_class], held_name(t->held));
}

void nm_host_mutex_init(struct nm_mutex *m, uint32_t lock_class, const char *name)
{
	nm_host_check_sleep("nm_mutex_init");
	if (lock_class < 1 || lock_class > 3)
		nm_host_fatal("mutex %s: no lock class %u", name, lock_class);
	pthread_mutex_init(&m->lock, NULL);
	m->lock_class = lock_class;
	m->name = name;
	m->owner = NULL;
}

void nm_mutex_destroy(struct nm_mutex *m)
{
	if (__atomic_load_n(&m->owner, __ATOMIC_RELAXED) != NULL)
		nm_host_fatal("mutex %s destroyed while held", m->name);
	pthread_mutex_destroy(&m->lock);
}

void nm_mutex_lock(struct nm_mutex *m)
{
	struct nm_host_thread *t = nm_host_me();

	class_enter(m->lock_class, m->name);
	pthread_mutex_lock(&m->lock);
	__atomic_store_n(&m->owner, t, __ATOMIC_RELAXED);
	t->held |= 1U << m->lock_class;
	nm_host_irq_point(t);
}

void nm_mutex_unlock(struct nm_mutex *m)
{
	struct nm_host_thread *t = nm_host_me();

	if (__atomic_load_n(&m->owner, __ATOMIC_RELAXED) != t)
		nm_host_fatal("mutex %s let go but not held by this thread", m->name);
	if (t->leaf != NULL)
		nm_host_fatal("mutex %s let go with leaf lock %s held", m->name, t->leaf_name);
	t->held &= ~(1U << m->lock_class);
	__atomic_store_n(&m->owner, NULL, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&m->lock);
	nm_host_irq_point(t);
}

void nm_mutex_assert_held(struct nm_mutex *m)
{
	if (__atomic_load_n(&m->owner, __ATOMIC_RELAXED) != nm_host_me())
		nm_host_fatal("mutex %s should be held by this thread", m->name);
}

/* ---- read sections -------------------------------------------------------------- */

void nm_host_read_underflow(void)
{
	nm_host_fatal("nm_read_exit without nm_read_enter");
}

static void nap(void)
{
	struct timespec ts = { 0, 50 * 1000 };

	nanosleep(&ts, NULL);
}

/* Waits until no thread is in a read section that is open now. */
static void grace_period(void)
{
	uint64_t epoch = __atomic_add_fetch(&nm_host_epoch, 1, __ATOMIC_SEQ_CST);
	struct nm_host_thread *t;
	bool busy = true;

	while (busy) {
		busy = false;
		pthread_mutex_lock(&threads_lock);
		for (t = threads; t != NULL; t = t->next) {
			uint64_t e = __atomic_load_n(&t->epoch, __ATOMIC_SEQ_CST);

			if (e != 0 && e < epoch)
				busy = true;
		}
		pthread_mutex_unlock(&threads_lock);
		if (busy)
			nap();
	}
}

void nm_os_synchronize(void)
{
	nm_host_check_sleep("nm_os_synchronize");
	nm_host_irq_point(&nm_host_self);
	grace_period();
	nm_host_irq_point(&nm_host_self);
}

static pthread_mutex_t defer_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t defer_work = PTHREAD_COND_INITIALIZER;
static pthread_cond_t defer_done = PTHREAD_COND_INITIALIZER;
static struct nm_deferred *defer_first, **defer_last = &defer_first;
static uint64_t defer_queued, defer_ran;
static bool defer_started, defer_alone;

/* Carries out what is queued; the lock is held before and after. */
static void defer_run(struct nm_host_thread *me)
{
	struct nm_deferred *batch = defer_first;
	uint64_t n = 0;

	defer_first = NULL;
	defer_last = &defer_first;
	pthread_mutex_unlock(&defer_lock);
	grace_period();
	me->defer_depth++;
	while (batch != NULL) {
		struct nm_deferred *d = batch;

		batch = d->next;
		d->fn(d);
		n++;
	}
	me->defer_depth--;
	pthread_mutex_lock(&defer_lock);
	defer_ran += n;
	pthread_cond_broadcast(&defer_done);
}

static void *defer_main(void *arg)
{
	struct nm_host_thread *me = nm_host_me();

	(void)arg;
	pthread_mutex_lock(&defer_lock);
	for (;;) {
		while (defer_first == NULL)
			pthread_cond_wait(&defer_work, &defer_lock);
		defer_run(me);
		nm_host_assert_clean("a deferred function");
	}
	return NULL;
}

void nm_host_defer_alone(void)
{
	defer_alone = true;
}

void nm_os_defer(struct nm_deferred *d, void (*fn)(struct nm_deferred *))
{
	pthread_t thread;

	d->fn = fn;
	d->next = NULL;
	pthread_mutex_lock(&defer_lock);
	if (!defer_started && !defer_alone) {
		if (pthread_create(&thread, NULL, defer_main, NULL) != 0)
			nm_host_fatal("no thread for deferred calls");
		pthread_detach(thread);
		defer_started = true;
	}
	*defer_last = d;
	defer_last = &d->next;
	defer_queued++;
	if (!defer_alone)
		pthread_cond_signal(&defer_work);
	pthread_mutex_unlock(&defer_lock);
}

void nm_os_defer_barrier(void)
{
	struct nm_host_thread *me = nm_host_me();
	uint64_t upto;

	nm_host_check_sleep("nm_os_defer_barrier");
	pthread_mutex_lock(&defer_lock);
	upto = defer_queued;
	while (defer_ran < upto) {
		if (defer_alone)
			defer_run(me);
		else
			pthread_cond_wait(&defer_done, &defer_lock);
	}
	pthread_mutex_unlock(&defer_lock);
}

void nm_os_nap(void)
{
	nm_host_check_sleep("nm_os_nap");
	nap();
}

/* ---- wait queues ------------------------------------------------------------------ */

struct nm_host_waiter {
	struct nm_host_waiter *next;
	struct nm_waitq *q;
	struct nm_poll *p;
};

void nm_waitq_init(struct nm_waitq *q)
{
	nm_host_check_sleep("nm_waitq_init");
	pthread_mutex_init(&q->lock, NULL);
	q->first = NULL;
	q->sleepers = 0;
	q->wakes = 0;
}

void nm_waitq_destroy(struct nm_waitq *q)
{
	nm_host_check_sleep("nm_waitq_destroy");
	if (q->sleepers != 0)
		nm_host_fatal("wait queue destroyed with %u sleeper(s)", q->sleepers);
	pthread_mutex_destroy(&q->lock);
}

void nm_waitq_wake(struct nm_waitq *q)
{
	struct nm_host_waiter *w;

	pthread_mutex_lock(&q->lock);
	q->wakes++;
	for (w = q->first; w != NULL; w = w->next) {
		pthread_mutex_lock(&w->p->lock);
		w->p->wakes++;
		pthread_cond_broadcast(&w->p->cond);
		pthread_mutex_unlock(&w->p->lock);
	}
	pthread_mutex_unlock(&q->lock);
}

void nm_waitq_record(struct nm_waitq *q, struct nm_poll *p)
{
	struct nm_host_waiter *w;
	uint32_t i;

	nm_host_check_sleep("nm_waitq_record");
	for (i = 0; i < p->nwaiters; i++) {
		if (p->waiter[i]->q == q)
			return;
	}
	if (p->nwaiters == NM_HOST_POLL_QUEUES)
		nm_host_fatal("one poll recorded more than %d wait queues", NM_HOST_POLL_QUEUES);
	w = malloc(sizeof(*w));
	if (w == NULL)
		nm_host_fatal("out of memory");
	w->q = q;
	w->p = p;
	p->waiter[p->nwaiters++] = w;
	pthread_mutex_lock(&q->lock);
	w->next = q->first;
	q->first = w;
	__atomic_fetch_add(&q->sleepers, 1, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&q->lock);
}

void nm_host_poll_init(struct nm_poll *p)
{
	memset(p, 0, sizeof(*p));
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->cond, NULL);
}

void nm_host_poll_leave(struct nm_poll *p)
{
	while (p->nwaiters != 0) {
		struct nm_host_waiter *w = p->waiter[--p->nwaiters], **pp;

		pthread_mutex_lock(&w->q->lock);
		for (pp = &w->q->first; *pp != w; pp = &(*pp)->next)
			;
		*pp = w->next;
		__atomic_fetch_sub(&w->q->sleepers, 1, __ATOMIC_SEQ_CST);
		pthread_mutex_unlock(&w->q->lock);
		free(w);
	}
}

void nm_host_poll_fini(struct nm_poll *p)
{
	nm_host_poll_leave(p);
	pthread_cond_destroy(&p->cond);
	pthread_mutex_destroy(&p->lock);
}

uint64_t nm_host_poll_wakes(struct nm_poll *p)
{
	uint64_t n;

	pthread_mutex_lock(&p->lock);
	n = p->wakes;
	pthread_mutex_unlock(&p->lock);
	return n;
}

bool nm_host_poll_wait(struct nm_poll *p, uint64_t seen, int timeout_ms)
{
	struct timespec end;
	bool woken;
	int err = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += timeout_ms / 1000;
	end.tv_nsec += (long)(timeout_ms % 1000) * 1000000L;
	if (end.tv_nsec >= 1000000000L) {
		end.tv_nsec -= 1000000000L;
		end.tv_sec++;
	}
	pthread_mutex_lock(&p->lock);
	while (p->wakes == seen && err == 0)
		err = pthread_cond_timedwait(&p->cond, &p->lock, &end);
	woken = p->wakes != seen;
	pthread_mutex_unlock(&p->lock);
	return woken;
}

/* ---- clocks -------------------------------------------------------------------------- */

uint32_t nm_host_seconds = 1000;
static uint32_t host_usec;

void nm_host_clock(uint32_t seconds, uint32_t usec)
{
	__atomic_store_n(&host_usec, usec, __ATOMIC_RELAXED);
	__atomic_store_n(&nm_host_seconds, seconds, __ATOMIC_RELAXED);
}

void nm_os_timestamp(struct timeval *tv)
{
	tv->tv_sec = (time_t)nm_os_seconds();
	tv->tv_usec = (suseconds_t)nm_read_once(&host_usec);
}

/* ---- kernel memory --------------------------------------------------------------------- */

#define BLOCK_SKEW 16 /* so that a block is never aligned to 32 by luck */
#define BLOCK_GUARD 0x6b8f3cde55aa1234ULL
#define FREED_BYTE 0xdb
#define BUCKETS 4096
#define QUARANTINE 1024
#define QUARANTINE_BYTES 65536 /* larger blocks are given back at once */

struct block {
	struct block *next;
	uint8_t *p; /* what the core has */
	size_t size;
	const void *caller;
};

static pthread_mutex_t blocks_lock = PTHREAD_MUTEX_INITIALIZER;
static struct block *blocks[BUCKETS];
static struct block *quarantine[QUARANTINE];
static unsigned int quarantine_at;
static uint64_t live_blocks, live_bytes, live_page_runs, live_page_bytes;

static unsigned int bucket(const void *p)
{
	return (unsigned int)(((uintptr_t)p >> 4) * 2654435761U >> 8) % BUCKETS;
}

/* Whether the allocation that is being made is the one that a test wants to fail. */
static bool alloc_fails(void)
{
	struct nm_host_thread *t = nm_host_me();

	t->alloc_count++;
	if (t->alloc_fail_at == 0 || --t->alloc_fail_at != 0)
		return false;
	t->alloc_failed++;
	return true;
}

void nm_host_alloc_fail(uint64_t nth)
{
	struct nm_host_thread *t = nm_host_me();

	t->alloc_fail_at = nth;
	t->alloc_count = 0;
	t->alloc_failed = 0;
}

uint64_t nm_host_alloc_count(void)
{
	return nm_host_me()->alloc_count;
}

bool nm_host_alloc_failed(void)
{
	return nm_host_me()->alloc_failed != 0;
}

void *nm_os_malloc(size_t bytes)
{
	const uint64_t guard = BLOCK_GUARD;
	struct block *b;
	uint8_t *base;

	nm_host_check_sleep("nm_os_malloc");
	if (alloc_fails())
		return NULL;
	if (bytes > (size_t)1 << 40)
		return NULL;
	b = malloc(sizeof(*b));
	base = aligned_alloc(32, (BLOCK_SKEW + bytes + sizeof(guard) + 31) / 32 * 32);
	if (b == NULL || base == NULL) {
		free(b);
		free(base);
		return NULL;
	}
	b->p = base + BLOCK_SKEW;
	b->size = bytes;
	b->caller = __builtin_return_address(0);
	memset(b->p, 0, bytes);
	memcpy(b->p + bytes, &guard, sizeof(guard));
	ASAN_POISON_MEMORY_REGION(base, BLOCK_SKEW);
	ASAN_POISON_MEMORY_REGION(b->p + bytes, sizeof(guard));
	pthread_mutex_lock(&blocks_lock);
	b->next = blocks[bucket(b->p)];
	blocks[bucket(b->p)] = b;
	live_blocks++;
	live_bytes += bytes;
	pthread_mutex_unlock(&blocks_lock);
	return b->p;
}

/* Ends a freed block's quarantine: nobody may have written to it. */
static void block_release(struct block *b)
{
	size_t i;

	for (i = 0; USE_QUARANTINE && i < b->size; i++) {
		if (b->p[i] != FREED_BYTE)
			nm_host_fatal("write after free: byte %zu of a block of %zu, from %p", i,
				      b->size, b->caller);
	}
	free(b->p - BLOCK_SKEW);
	free(b);
}

void nm_os_free(void *p)
{
	struct block **pp, *b;
	uint64_t guard;

	if (nm_host_me()->defer_depth == 0)
		nm_host_check_sleep("nm_os_free");
	if (p == NULL)
		return;
	pthread_mutex_lock(&blocks_lock);
	for (pp = &blocks[bucket(p)]; *pp != NULL && (*pp)->p != p; pp = &(*pp)->next)
		;
	b = *pp;
	if (b == NULL)
		nm_host_fatal("nm_os_free(%p): no such block (freed twice?)", p);
	*pp = b->next;
	live_blocks--;
	live_bytes -= b->size;
	ASAN_UNPOISON_MEMORY_REGION(b->p - BLOCK_SKEW, BLOCK_SKEW + b->size + sizeof(guard));
	memcpy(&guard, b->p + b->size, sizeof(guard));
	if (guard != BLOCK_GUARD)
		nm_host_fatal("write past the end of a block of %zu bytes, from %p", b->size,
			      b->caller);
	memset(b->p, FREED_BYTE, b->size);
	if (!USE_QUARANTINE || b->size > QUARANTINE_BYTES) {
		block_release(b);
	} else {
		struct block *old = quarantine[quarantine_at];

		quarantine[quarantine_at] = b;
		quarantine_at = (quarantine_at + 1) % QUARANTINE;
		if (old != NULL)
			block_release(old);
	}
	pthread_mutex_unlock(&blocks_lock);
}

uint64_t nm_host_live(uint64_t *bytes)
{
	uint64_t n;

	nm_os_defer_barrier();
	pthread_mutex_lock(&blocks_lock);
	n = live_blocks + live_page_runs;
	if (bytes != NULL)
		*bytes = live_bytes + live_page_bytes;
	pthread_mutex_unlock(&blocks_lock);
	return n;
}

uint64_t nm_host_live_page_bytes(void)
{
	return __atomic_load_n(&live_page_bytes, __ATOMIC_RELAXED);
}

void nm_host_check_freed(void)
{
	unsigned int i;

	pthread_mutex_lock(&blocks_lock);
	for (i = 0; i < QUARANTINE; i++) {
		if (quarantine[i] != NULL)
			block_release(quarantine[i]);
		quarantine[i] = NULL;
	}
	pthread_mutex_unlock(&blocks_lock);
}

int nm_host_live_describe(char *buf, size_t size)
{
	struct block *b;
	size_t n = 0;
	unsigned int i;

	pthread_mutex_lock(&blocks_lock);
	for (i = 0; i < BUCKETS; i++) {
		for (b = blocks[i]; b != NULL && n + 64 < size; b = b->next)
			n += (size_t)snprintf(buf + n, size - n, "%zu bytes from %p\n", b->size,
					      b->caller);
	}
	if (live_page_runs != 0 && n + 64 < size)
		n += (size_t)snprintf(buf + n, size - n, "%llu region(s), %llu bytes\n",
				      (unsigned long long)live_page_runs,
				      (unsigned long long)live_page_bytes);
	pthread_mutex_unlock(&blocks_lock);
	return (int)n;
}

/* ---- the pages of a region ----------------------------------------------------------------- */

struct nm_os_pages {
	int fd;
	size_t bytes;
	uint8_t *guard; /* kva - one page, bytes + 2 pages */
	uint8_t *kva;
	uint64_t phys;
	struct nm_os_pages *next;
};

#ifdef NM_HOSTILE
static void forget_spoilt(const uint8_t *from, size_t bytes);
#else
#define forget_spoilt(from, bytes) ((void)0)
#endif

static struct nm_os_pages *page_runs;
static uint64_t next_phys = 1ULL << 40;

struct nm_os_pages *nm_os_pages_alloc(size_t bytes, void **kva)
{
	struct nm_os_pages *p;

	nm_host_check_sleep("nm_os_pages_alloc");
	if (bytes == 0 || bytes % NM_PAGE_SIZE != 0)
		nm_host_fatal("nm_os_pages_alloc: %zu bytes are not whole pages", bytes);
	if (alloc_fails())
		return NULL;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return NULL;
	p->bytes = bytes;
	p->guard = mmap(NULL, bytes + 2 * NM_PAGE_SIZE, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	p->fd = memfd_create("netmap-region", MFD_CLOEXEC);
	if (p->guard == MAP_FAILED || p->fd < 0 || ftruncate(p->fd, (off_t)bytes) != 0)
		goto fail;
	p->kva = p->guard + NM_PAGE_SIZE;
	if (mmap(p->kva, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, p->fd, 0) ==
	    MAP_FAILED)
		goto fail;
	pthread_mutex_lock(&blocks_lock);
	p->phys = next_phys;
	next_phys += bytes + (1ULL << 30);
	p->next = page_runs;
	page_runs = p;
	live_page_runs++;
	live_page_bytes += bytes;
	pthread_mutex_unlock(&blocks_lock);
	*kva = p->kva;
	return p;
fail:
	if (p->guard != MAP_FAILED)
		munmap(p->guard, bytes + 2 * NM_PAGE_SIZE);
	if (p->fd >= 0)
		close(p->fd);
	free(p);
	return NULL;
}

void nm_os_pages_free(struct nm_os_pages *p)
{
	struct nm_os_pages **pp;

	nm_host_check_sleep("nm_os_pages_free");
	pthread_mutex_lock(&blocks_lock);
	for (pp = &page_runs; *pp != NULL && *pp != p; pp = &(*pp)->next)
		;
	if (*pp == NULL)
		nm_host_fatal("nm_os_pages_free(%p): no such pages (freed twice?)", (void *)p);
	*pp = p->next;
	live_page_runs--;
	live_page_bytes -= p->bytes;
	pthread_mutex_unlock(&blocks_lock);
	forget_spoilt(p->kva, p->bytes);
	munmap(p->guard, p->bytes + 2 * NM_PAGE_SIZE);
	close(p->fd);
	free(p);
}

uint64_t nm_os_pages_phys(const struct nm_os_pages *p, size_t offset)
{
	if (offset >= p->bytes)
		nm_host_fatal("nm_os_pages_phys: offset %zu of %zu bytes", offset, p->bytes);
	return p->phys + offset;
}

void *nm_host_phys_to_virt(uint64_t phys, size_t len)
{
	struct nm_os_pages *p;
	uint8_t *va = NULL;

	pthread_mutex_lock(&blocks_lock);
	for (p = page_runs; p != NULL && va == NULL; p = p->next) {
		if (phys >= p->phys && phys - p->phys < p->bytes &&
		    len <= p->bytes - (phys - p->phys))
			va = p->kva + (phys - p->phys);
	}
	pthread_mutex_unlock(&blocks_lock);
	if (va == NULL)
		nm_host_fatal("DMA to a bad address: %#llx, %zu bytes", (unsigned long long)phys,
			      len);
	return va;
}

int nm_host_pages_map(struct nm_os_pages *p, uint64_t offset, uint64_t len, void **user)
{
	*user = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd, (off_t)offset);
	return *user == MAP_FAILED ? errno : 0;
}

/* ---- user memory ------------------------------------------------------------------------------ */

static uint8_t *arena_user; /* the addresses that the core sees: no access */
static uint8_t *arena_mem;  /* the bytes */
static uint8_t arena_bad[NM_HOST_ARENA_BYTES / NM_PAGE_SIZE];
static pthread_once_t arena_once = PTHREAD_ONCE_INIT;

static void arena_make(void)
{
	arena_user = mmap(NULL, NM_HOST_ARENA_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	arena_mem = mmap(NULL, NM_HOST_ARENA_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (arena_user == MAP_FAILED || arena_mem == MAP_FAILED)
		nm_host_fatal("no memory for the arena");
}

uint64_t nm_host_arena(void **mem)
{
	pthread_once(&arena_once, arena_make);
	*mem = arena_mem;
	return (uint64_t)(uintptr_t)arena_user;
}

void nm_host_arena_fault(uint64_t uaddr, bool bad)
{
	arena_bad[(uaddr - (uint64_t)(uintptr_t)arena_user) / NM_PAGE_SIZE] = bad;
}

/* Bytes at uaddr that can be reached, at most len; *mem: where they are. */
static size_t arena_reach(uint64_t uaddr, size_t len, uint8_t **mem)
{
	void *ignored;
	uint64_t base = nm_host_arena(&ignored), off = uaddr - base, end = off;

	if (off >= NM_HOST_ARENA_BYTES)
		return 0;
	if (len > NM_HOST_ARENA_BYTES - off)
		len = NM_HOST_ARENA_BYTES - off;
	while (end < off + len && !arena_bad[end / NM_PAGE_SIZE])
		end = (end / NM_PAGE_SIZE + 1) * NM_PAGE_SIZE;
	*mem = arena_mem + off;
	return end < off + len ? end - off : len;
}

int nm_os_copyin(uint64_t uaddr, void *dst, size_t len)
{
	uint8_t *mem;
	size_t n;

	nm_host_check_fault("nm_os_copyin");
	n = arena_reach(uaddr, len, &mem);
	if (n != 0)
		memcpy(dst, mem, n);
#ifdef NM_HOSTILE
	if (nm_host_self.hostile != 0) {
		size_t i;

		for (i = 0; i + 4 <= n; i += 4)
			nm_host_spoil(mem + i, 4);
	}
#endif
	return n == len ? 0 : EFAULT;
}

int nm_os_copyout(const void *src, uint64_t uaddr, size_t len)
{
	uint8_t *mem = NULL;
	size_t n;

	nm_host_check_fault("nm_os_copyout");
	n = arena_reach(uaddr, len, &mem);
	if (n != 0)
		memcpy(mem, src, n);
	forget_spoilt(mem, n); /* an answer may look like what was spoilt */
	return n == len ? 0 : EFAULT;
}

/* ---- a hostile program -------------------------------------------------------------------------- */

/*
 * What has been read is overwritten at once, so that code which reads it a second
 * time works on another value than the one it checked.  What is still as
 * overwritten when the ring changes hands, or when the call ends, is put back,
 * so that everything else works as usual and any test can run with this on.
 */
struct nm_host_spoilt {
	uint8_t *p;
	uint32_t n;
	uint64_t before, after;
};

bool nm_host_hostile_arm(uint32_t kind)
{
#ifdef NM_HOSTILE
	nm_host_me()->hostile = kind;
	nm_host_self.spoilt_reads = 0;
	return true;
#else
	return kind == 0;
#endif
}

uint64_t nm_host_hostile_reads(void)
{
	return nm_host_me()->spoilt_reads;
}

#ifdef NM_HOSTILE
/* Where in spoilt[] an address may be: a guess, checked against what is there. */
#define GUESSES 65536
static __thread uint32_t guess_of[GUESSES];

static uint32_t *guess(const void *p)
{
	return &guess_of[((uintptr_t)p >> 2) % GUESSES];
}

/* The note about an address, NULL: there is none. */
static struct nm_host_spoilt *spoilt_at(const void *p)
{
	struct nm_host_thread *t = nm_host_me();
	uint32_t i = *guess(p);

	return i < t->nspoilt && t->spoilt[i].p == p ? &t->spoilt[i] : NULL;
}

void nm_host_spoil(const void *p, uint32_t n)
{
	struct nm_host_thread *t = nm_host_me();
	struct nm_host_spoilt *s = spoilt_at(p);

	if (s != NULL && s->n == n && memcmp(p, &s->after, n) == 0)
		return; /* the reader has had the bad value already */
	if (t->nspoilt == t->spoilt_room) {
		t->spoilt_room = t->spoilt_room ? 2 * t->spoilt_room : 1024;
		t->spoilt = realloc(t->spoilt, t->spoilt_room * sizeof(*t->spoilt));
		if (t->spoilt == NULL)
			nm_host_fatal("out of memory");
	}
	*guess(p) = t->nspoilt;
	s = &t->spoilt[t->nspoilt++];
	memset(s, 0, sizeof(*s));
	s->p = (uint8_t *)(uintptr_t)p;
	s->n = n;
	memcpy(&s->before, p, n);
	if (t->hostile == 1)
		s->after = ~s->before;
	else
		s->after = s->before + (n == 8 ? 0x0000000100000001ULL : 1); /* buf_idx, len */
	if (n == 4)
		s->after &= UINT32_MAX;
	memcpy(s->p, &s->after, n);
	t->spoilt_reads++;
}

void nm_host_wrote(const void *p, uint32_t n)
{
	const uint8_t *q;

	/* notes are of 4 or 8 bytes: one that begins before may reach into it */
	for (q = (const uint8_t *)p - 4; q < (const uint8_t *)p + n; q += 4) {
		struct nm_host_spoilt *s = spoilt_at(q);

		if (s != NULL && q + s->n > (const uint8_t *)p)
			s->n = 0;
	}
}

/* Memory that is going away, or was written by the core, needs nothing put back. */
static void forget_spoilt(const uint8_t *from, size_t bytes)
{
	struct nm_host_thread *t = nm_host_me();
	uint32_t i;

	for (i = 0; i < t->nspoilt; i++) {
		if (t->spoilt[i].p >= from && t->spoilt[i].p < from + bytes)
			t->spoilt[i].n = 0;
	}
}

void nm_host_unspoil(void)
{
	struct nm_host_thread *t = nm_host_me();

	while (t->nspoilt != 0) {
		struct nm_host_spoilt *s = &t->spoilt[--t->nspoilt];

		if (memcmp(s->p, &s->after, s->n) == 0)
			memcpy(s->p, &s->before, s->n);
	}
}
#endif

/* ---- interfaces --------------------------------------------------------------------------------- */

static struct nm_mutex if_lock = { PTHREAD_MUTEX_INITIALIZER, 1, "interface", NULL };
static pthread_mutex_t ifs_lock = PTHREAD_MUTEX_INITIALIZER;
static struct nm_host_if *ifs;

void nm_os_if_lock(void)
{
	nm_mutex_lock(&if_lock);
}

void nm_os_if_unlock(void)
{
	nm_mutex_unlock(&if_lock);
}

const char *nm_os_if_name(if_t ifp)
{
	return ifp->name;
}

void nm_os_if_hold(if_t ifp)
{
	if (__atomic_fetch_add(&ifp->refs, 1, __ATOMIC_RELAXED) == 0)
		nm_host_fatal("interface %s held after its last reference", ifp->name);
}

void nm_os_if_release(if_t ifp)
{
	nm_host_check_sleep("nm_os_if_release");
	if (__atomic_fetch_sub(&ifp->refs, 1, __ATOMIC_ACQ_REL) <= 1)
		nm_host_fatal("interface %s let go more often than held", ifp->name);
}

int nm_os_if_set_na(if_t ifp, struct netmap_adapter *na)
{
	nm_mutex_assert_held(&if_lock);
	if (na != NULL && alloc_fails())
		return ENOMEM;
	__atomic_store_n(&ifp->na, na, __ATOMIC_RELEASE);
	return 0;
}

struct netmap_adapter *nm_os_if_na(if_t ifp)
{
	struct nm_host_thread *t = nm_host_me();

	if (NM_HOST_CHECKS && t->read_depth == 0 && (t->held & 2) == 0)
		nm_host_fatal("nm_os_if_na(%s) outside a read section and the interface lock",
			      ifp->name);
	return __atomic_load_n(&ifp->na, __ATOMIC_ACQUIRE);
}

bool nm_os_if_in_ns(if_t ifp, void *ns_os)
{
	nm_mutex_assert_held(&if_lock);
	return ifp->ns_os == ns_os;
}

struct nm_host_if *nm_host_if_new(const char *name, void *ns_os)
{
	struct nm_host_if *ifp = calloc(1, sizeof(*ifp));

	if (ifp == NULL)
		nm_host_fatal("out of memory");
	nm_strlcpy(ifp->name, name, sizeof(ifp->name));
	ifp->ns_os = ns_os;
	ifp->refs = 1;
	pthread_mutex_lock(&ifs_lock);
	ifp->next = ifs;
	ifs = ifp;
	pthread_mutex_unlock(&ifs_lock);
	return ifp;
}

uint32_t nm_host_if_free(struct nm_host_if *ifp)
{
	struct nm_host_if **pp;
	uint32_t refs = __atomic_load_n(&ifp->refs, __ATOMIC_ACQUIRE);

	if (refs != 1)
		return refs;
	nm_os_synchronize();
	pthread_mutex_lock(&ifs_lock);
	for (pp = &ifs; *pp != ifp; pp = &(*pp)->next)
		;
	*pp = ifp->next;
	pthread_mutex_unlock(&ifs_lock);
	free(ifp);
	return 0;
}

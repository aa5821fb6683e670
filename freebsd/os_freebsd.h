/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os_freebsd.h - the part of the OS contract (common/os.h) that is needed to compile
 * the core in a FreeBSD 14 or 15 kernel.  The types are the system's, the hot
 * primitives are compiler built-ins, locks are inline; what takes more is declared
 * only.  The port that defines it is written later.
 *
 *   leaf lock       a spin mutex
 *   control, region sx locks
 *   interface lock  the system's lock of interfaces
 *   wait queue      a selinfo
 */
#ifndef NM_OS_FREEBSD_H
#define NM_OS_FREEBSD_H

#include <sys/param.h>
#include <sys/errno.h>
#include <sys/limits.h>
#include <sys/lock.h>
#include <sys/mutex.h>
#include <sys/selinfo.h>
#include <sys/stdint.h>
#include <sys/sx.h>
#include <sys/systm.h>
#include <sys/time.h>

#include "netmap_os_types.h"

#define NM_PAGE_SIZE PAGE_SIZE

#ifndef container_of
#define container_of(p, type, member) ((type *)(void *)((char *)(p) - offsetof(type, member)))
#endif
#define nm_likely(x)   __builtin_expect(!!(x), 1)
#define nm_unlikely(x) __builtin_expect(!!(x), 0)

#define NM_BUG_ON(cond)                                                        \
	do {                                                                   \
		if (nm_unlikely(cond))                                         \
			panic("netmap: broken invariant at %s:%d: %s", __FILE__, __LINE__, #cond); \
	} while (0)

static inline void nm_strlcpy(char *dst, const char *src, size_t size)
{
	strlcpy(dst, src, size);
}

#include "os_builtin.h"
#include "os_builtin_user.h"

/* ---- locks ------------------------------------------------------------------------ */

struct nm_spin {
	struct mtx mtx;
};
typedef int nm_irqflags_t; /* a spin mutex keeps the interrupt state itself */

static inline void nm_spin_init(struct nm_spin *s, const char *name)
{
	mtx_init(&s->mtx, name, NULL, MTX_SPIN);
}

static inline void nm_spin_destroy(struct nm_spin *s)
{
	mtx_destroy(&s->mtx);
}

static inline nm_irqflags_t nm_spin_lock(struct nm_spin *s)
{
	mtx_lock_spin(&s->mtx);
	return 0;
}

static inline void nm_spin_unlock(struct nm_spin *s, nm_irqflags_t flags)
{
	(void)flags;
	mtx_unlock_spin(&s->mtx);
}

struct nm_mutex {
	struct sx sx;
};

static inline void nm_mutex_init(struct nm_mutex *m, int lock_class, const char *name)
{
	(void)lock_class; /* the order is what witness(4) sees */
	sx_init(&m->sx, name);
}

static inline void nm_mutex_destroy(struct nm_mutex *m)
{
	sx_destroy(&m->sx);
}

static inline void nm_mutex_lock(struct nm_mutex *m)
{
	sx_xlock(&m->sx);
}

static inline void nm_mutex_unlock(struct nm_mutex *m)
{
	sx_xunlock(&m->sx);
}

static inline void nm_mutex_assert_held(struct nm_mutex *m)
{
	sx_assert(&m->sx, SA_XLOCKED);
}

/* ---- defined by the port ------------------------------------------------------------ */

void nm_read_enter(void);
void nm_read_exit(void);

struct nm_poll;
struct nm_waitq {
	struct selinfo si;
	struct mtx mtx;
	uint32_t sleepers;
};
void nm_waitq_init(struct nm_waitq *);
void nm_waitq_destroy(struct nm_waitq *);
void nm_waitq_wake(struct nm_waitq *);
void nm_waitq_record(struct nm_waitq *, struct nm_poll *);

static inline bool nm_waitq_has_sleepers(struct nm_waitq *q)
{
	return nm_read_once(&q->sleepers) != 0;
}

#define NM_OS_DEFERRED_FIELDS struct nm_deferred *next;

uint32_t nm_os_seconds(void);
void nm_os_timestamp(struct timeval *);

/* level: enum nm_log_level, which os.h defines behind this header */
__attribute__((format(printf, 2, 3))) void nm_os_log(int level, const char *fmt, ...);
bool nm_os_log_ratelimit(void);

#endif /* NM_OS_FREEBSD_H */

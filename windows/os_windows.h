/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os_windows.h - the part of the OS contract (common/os.h) that is needed to compile
 * the core for Windows with mingw-w64, x86-64.  The types have room for the system's
 * objects, the hot primitives are compiler built-ins; what needs the system is
 * declared only.  The port that defines it is written later.
 */
#ifndef NM_OS_WINDOWS_H
#define NM_OS_WINDOWS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "netmap_os_types.h"

#define NM_PAGE_SIZE 4096u

#ifndef container_of
#define container_of(p, type, member) ((type *)(void *)((char *)(p) - offsetof(type, member)))
#endif
#define nm_likely(x)   __builtin_expect(!!(x), 1)
#define nm_unlikely(x) __builtin_expect(!!(x), 0)

__attribute__((noreturn)) void nm_win_bug(const char *file, int line);
#define NM_BUG_ON(cond)                                                        \
	do {                                                                   \
		if (nm_unlikely(cond))                                         \
			nm_win_bug(__FILE__, __LINE__);                        \
	} while (0)

size_t nm_strlcpy(char *dst, const char *src, size_t size);
/* The C library's is out of reach in the kernel. */
__attribute__((format(gnu_printf, 3, 4))) int nm_win_snprintf(char *dst, size_t size,
							     const char *fmt, ...);
#define snprintf nm_win_snprintf

#include "os_builtin.h"
#include "os_builtin_user.h"

/* ---- locks, read sections, wait queues: defined by the port ------------------- */

struct nm_spin {
	uintptr_t lock; /* KSPIN_LOCK */
	const char *name;
};
typedef uint8_t nm_irqflags_t; /* KIRQL */

void nm_spin_init(struct nm_spin *, const char *name);
void nm_spin_destroy(struct nm_spin *);
nm_irqflags_t nm_spin_lock(struct nm_spin *);
void nm_spin_unlock(struct nm_spin *, nm_irqflags_t);

struct nm_mutex {
	void *owner;
	uint64_t event[4]; /* KEVENT, a fast mutex's */
	const char *name;
};
/* the class is an enum nm_lock_class, which os.h defines behind this header */
void nm_mutex_init(struct nm_mutex *, int lock_class, const char *name);
void nm_mutex_destroy(struct nm_mutex *);
void nm_mutex_lock(struct nm_mutex *);
void nm_mutex_unlock(struct nm_mutex *);
void nm_mutex_assert_held(struct nm_mutex *);

void nm_read_enter(void);
void nm_read_exit(void);

struct nm_poll;
struct nm_waitq {
	struct nm_spin lock;
	void *head[2]; /* LIST_ENTRY of pended requests */
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

/* ---- clocks, log --------------------------------------------------------------- */

/* mingw's has 32-bit fields; its header leaves the name to whoever came first */
#ifndef _TIMEVAL_DEFINED
#define _TIMEVAL_DEFINED
struct timeval {
	int64_t tv_sec;
	int64_t tv_usec;
};
#endif

uint32_t nm_os_seconds(void);
void nm_os_timestamp(struct timeval *);

__attribute__((format(gnu_printf, 2, 3))) void nm_os_log(int level, const char *fmt, ...);
bool nm_os_log_ratelimit(void);

#endif /* NM_OS_WINDOWS_H */

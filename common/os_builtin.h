/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory order and atomics of os.h by the compiler's builtins, for the ports that have
 * nothing better: included by their os_<system>.h, by nobody else.  A port that defines
 * NM_OS_OWN_MB or NM_OS_OWN_CAS brings its own nm_mb() or nm_atomic_cas().
 */
#ifndef NM_OS_BUILTIN_H
#define NM_OS_BUILTIN_H

/* ---- memory order ------------------------------------------------------------ */

static inline uint32_t nm_load_acquire(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void nm_store_release(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

#ifndef NM_OS_OWN_MB
static inline void nm_mb(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
#endif

static inline void nm_prefetch(const void *p)
{
	__builtin_prefetch(p);
}

static inline uint32_t nm_read_once(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline void nm_write_once(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

static inline void *nm_ptr_load(void *const *pp)
{
	return __atomic_load_n(pp, __ATOMIC_ACQUIRE);
}

static inline void nm_ptr_publish(void **pp, void *v)
{
	__atomic_store_n(pp, v, __ATOMIC_RELEASE);
}

/* ---- atomics -------------------------------------------------------------------- */

static inline uint32_t nm_atomic_or(uint32_t *p, uint32_t v)
{
	return __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST);
}

static inline uint32_t nm_atomic_and(uint32_t *p, uint32_t v)
{
	return __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST);
}

static inline uint32_t nm_atomic_add(uint32_t *p, uint32_t v)
{
	return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST);
}

#ifndef NM_OS_OWN_CAS
static inline bool nm_atomic_cas(uint32_t *p, uint32_t old, uint32_t val)
{
	return __atomic_compare_exchange_n(p, &old, val, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}
#endif

#endif /* NM_OS_BUILTIN_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os.h's access to memory that programs write, by volatile loads and stores: for ports
 * that have nothing of their own to do there.
 */
#ifndef NM_OS_BUILTIN_USER_H
#define NM_OS_BUILTIN_USER_H

static inline uint32_t nm_user_read32(const uint32_t *p)
{
	return *(const volatile uint32_t *)p;
}

static inline uint64_t nm_user_read64(const uint64_t *p)
{
	return *(const volatile uint64_t *)p;
}

static inline uint64_t nm_user_read64_unaligned(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	__asm__ __volatile__("" : "+r"(v));
	return v;
}

static inline uint32_t nm_user_read32_acquire(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void nm_user_write32(uint32_t *p, uint32_t v)
{
	*(volatile uint32_t *)p = v;
}

static inline void nm_user_write64(uint64_t *p, uint64_t v)
{
	*(volatile uint64_t *)p = v;
}

static inline void nm_user_write32_release(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

#endif /* NM_OS_BUILTIN_USER_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A slot as the kernel reads it: buf_idx, len and flags in one load, so that the three
 * belong together whatever a program writes meanwhile.
 */
#ifndef NM_SLOT_H
#define NM_SLOT_H

#include <dev/netmap/netmap_kern.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "slots are read as one little-endian word"
#endif

/* The slot's first 8 bytes. */
static inline uint64_t nm_slot_read(const struct netmap_slot *slot)
{
	return nm_user_read64((const uint64_t *)(const void *)slot);
}

/* len and flags alone: the upper half of the word. */
static inline void nm_slot_write_tail(struct netmap_slot *slot, uint32_t tail)
{
	nm_user_write32((uint32_t *)(void *)&slot->len, tail);
}

#define NM_SLOT_IDX(w) ((uint32_t)(w))
#define NM_SLOT_LEN(w) ((uint32_t)((w) >> 32) & 0xffff)
#define NM_SLOT_FLAGS(w) ((uint32_t)((w) >> 48))
#define NM_SLOT_FLAG(f) ((uint64_t)(f) << 48) /* where a flag is in the word */
#define NM_SLOT_TAIL(len, flags) ((uint32_t)(len) | (uint32_t)(flags) << 16)

#endif /* NM_SLOT_H */

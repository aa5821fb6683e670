/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying a packet between two netmap buffers.
 *
 * Most packets are short, and a call of memcpy costs more than moving them: up to
 * NM_COPY_INLINE bytes go in whole 64-byte blocks, as long as the rounded length
 * stays inside both buffers.  What lies behind a packet in its own buffer may be
 * copied with it.  Larger ones go to the system's memcpy, which knows the CPU best.
 */
#ifndef NM_COPY_H
#define NM_COPY_H

#include "os.h"

#define NM_COPY_INLINE 256

/* Bytes of the longest packet to go in blocks, for buffers of `room` bytes. */
static inline uint32_t nm_copy_limit(uint32_t room)
{
	return room < NM_COPY_INLINE ? room & ~63u : NM_COPY_INLINE;
}

/* `len` >= 1; `limit` from nm_copy_limit() for the smaller of the two buffers. */
static inline void nm_copy_packet(void *dst, const void *src, uint32_t len, uint32_t limit)
{
	uint64_t *d = dst;
	const uint64_t *s = src;
	int32_t left = (int32_t)len;

	if (nm_unlikely(len > limit)) {
		memcpy(dst, src, len);
		return;
	}
	do {
		/* loads before stores, as the compiler cannot know that the two do not
		 * overlap; four at a time, as more do not fit its registers */
		uint64_t a0 = s[0], a1 = s[1], a2 = s[2], a3 = s[3];

		d[0] = a0;
		d[1] = a1;
		d[2] = a2;
		d[3] = a3;
		a0 = s[4];
		a1 = s[5];
		a2 = s[6];
		a3 = s[7];
		d[4] = a0;
		d[5] = a1;
		d[6] = a2;
		d[7] = a3;
		d += 8;
		s += 8;
		left -= 64;
	} while (nm_unlikely(left > 0));
}

#endif /* NM_COPY_H */

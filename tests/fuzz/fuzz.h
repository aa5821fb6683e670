/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the fuzz targets share.  A target defines the two functions of libFuzzer; driver.c
 * calls them too, where there is no libFuzzer.
 */
#ifndef NM_FUZZ_H
#define NM_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_MUST(cond)                                                             \
	do {                                                                        \
		if (!(cond)) {                                                      \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #cond); \
			abort();                                                    \
		}                                                                   \
	} while (0)

/* An input that is being used up; past its end it is zeros. */
struct input {
	const uint8_t *p, *end;
};

static inline uint32_t take(struct input *in, uint32_t bytes)
{
	uint32_t v = 0, i;

	for (i = 0; i < bytes && in->p < in->end; i++)
		v |= (uint32_t)*in->p++ << (8 * i);
	return v;
}

static inline void take_raw(struct input *in, void *to, size_t n)
{
	size_t left = (size_t)(in->end - in->p);

	memset(to, 0, n);
	memcpy(to, in->p, left < n ? left : n);
	in->p += left < n ? left : n;
}

#endif /* NM_FUZZ_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bitmap with a hint below which nothing is free.  Taking the lowest free object
 * keeps what is in use together: the buffers of a ring made in one go lie in
 * ascending order, next to each other unless there are holes, and a program that
 * comes and goes meets the same pages again.  The hint only moves over words found
 * empty, so a run of takes looks at each word once.
 */
#include "pool.h"

#define NM_POOL_WORD 64u

int nm_pool_init(struct nm_pool *p, uint32_t total, uint32_t first)
{
	size_t words = (size_t)total / NM_POOL_WORD + 1;
	size_t whole = total / NM_POOL_WORD;

	NM_BUG_ON(first >= NM_POOL_WORD || first > total);
	p->free_bits = nm_os_malloc(words * sizeof(*p->free_bits));
	if (p->free_bits == NULL)
		return ENOMEM;
	memset(p->free_bits, 0xff, whole * sizeof(*p->free_bits));
	p->free_bits[whole] = (1ULL << total % NM_POOL_WORD) - 1;
	p->free_bits[0] &= ~((1ULL << first) - 1);
	p->total = total;
	p->first = first;
	p->nfree = total - first;
	p->hint = 0;
	return 0;
}

void nm_pool_fini(struct nm_pool *p)
{
	nm_os_free(p->free_bits);
	memset(p, 0, sizeof(*p));
}

uint32_t nm_pool_take(struct nm_pool *p)
{
	uint32_t bit;

	if (p->nfree == 0)
		return NM_POOL_NONE;
	while (p->free_bits[p->hint] == 0)
		p->hint++;
	bit = (uint32_t)__builtin_ctzll(p->free_bits[p->hint]);
	p->free_bits[p->hint] &= p->free_bits[p->hint] - 1;
	p->nfree--;
	return p->hint * NM_POOL_WORD + bit;
}

bool nm_pool_give(struct nm_pool *p, uint32_t idx)
{
	uint32_t word = idx / NM_POOL_WORD;
	uint64_t mask = 1ULL << idx % NM_POOL_WORD;

	if (idx < p->first || idx >= p->total || (p->free_bits[word] & mask) != 0)
		return false;
	p->free_bits[word] |= mask;
	p->nfree++;
	if (word < p->hint)
		p->hint = word;
	return true;
}

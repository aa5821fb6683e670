/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects of one size, one after the other, inside mem/ only.  A pool knows which
 * of its objects are free and nothing about their contents.  The caller locks.
 */
#ifndef NM_MEM_POOL_H
#define NM_MEM_POOL_H

#include <dev/netmap/netmap_kern.h>

#define NM_POOL_NONE UINT32_MAX

struct nm_pool {
	uint64_t *free_bits; /* bit set: object free */
	uint32_t total;	     /* objects */
	uint32_t first;	     /* objects below this are never given out */
	uint32_t nfree;
	uint32_t hint; /* no word of free_bits below this one has a free object */
};

/* All objects from `first` on free.  ENOMEM.  Context: sleep. */
int nm_pool_init(struct nm_pool *p, uint32_t total, uint32_t first);
void nm_pool_fini(struct nm_pool *p);

/* The lowest free object, NM_POOL_NONE when there is none.  Context: any. */
uint32_t nm_pool_take(struct nm_pool *p);
/* False, and nothing changes, when idx is no object or is free already. */
bool nm_pool_give(struct nm_pool *p, uint32_t idx);

static inline bool nm_pool_all_free(const struct nm_pool *p)
{
	return p->nfree == p->total - p->first;
}

#endif /* NM_MEM_POOL_H */

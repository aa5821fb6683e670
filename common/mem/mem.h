/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mem/ - regions: the memory that a port shares with programs.
 *
 * A region is one run of pages [netmap_ifs][rings][buffers], each pool starting
 * on a page, contiguous in the kernel's and in every program's address space, so
 * that a buffer's address is base + index * size.  It has pages only while a file
 * or a switch holds it active.  Calls nothing but os.h.
 */
#ifndef NM_MEM_H
#define NM_MEM_H

#include <dev/netmap/netmap_kern.h>

#define NM_MEM_GLOBAL_ID 1
/* By how many extra buffers a private region grows for a request, at most. */
#define NM_MEM_MAX_EXTRA (1u << 18)

struct nm_mem;

/* What a private region must be able to hold beyond its defaults. */
struct nm_mem_need {
	uint32_t ifs;	    /* netmap_ifs */
	uint32_t if_bytes;  /* bytes of the largest netmap_if */
	uint32_t rings;	    /* netmap_rings */
	uint32_t ring_slots; /* slots of the largest ring */
	uint32_t bufs;	    /* buffers, the two reserved ones not counted */
};

/* Module load and unload.  nm_mem_fini expects that no region is held. */
int nm_mem_init(void);
void nm_mem_fini(void);

/*
 * Regions by reference.  nm_mem_find: 0 stands for no id, gives NULL; an id nobody
 * has gives NULL too.  nm_mem_private_new: a region with an id of its own, at least
 * as large as priv_* says and `need` asks; NULL: *err holds ENOMEM or EINVAL.
 * nm_mem_grow: raises the need of a private region; ignored for the global one;
 * EBUSY when it is active and too small.  Context: sleep, control lock held.
 */
struct nm_mem *nm_mem_global(void); /* takes a reference */
struct nm_mem *nm_mem_find(uint16_t id);
struct nm_mem *nm_mem_private_new(const struct nm_mem_need *need, int *err);
int nm_mem_grow(struct nm_mem *m, const struct nm_mem_need *need);
void nm_mem_get(struct nm_mem *m);
void nm_mem_put(struct nm_mem *m);
uint16_t nm_mem_id(const struct nm_mem *m);

/*
 * The first activation gets the pages (global: with the sizes that the parameters
 * have now), the last deactivation frees them.  ENOMEM; nothing is left behind.
 * Context: sleep.
 */
int nm_mem_activate(struct nm_mem *m);
void nm_mem_deactivate(struct nm_mem *m);

/* Bytes of the whole region: of its pages while active, else of what it would
 * take if it were activated now.  Context: sleep. */
uint64_t nm_mem_bytes(struct nm_mem *m);
/* Fills memsize, id, pool offsets, numbers, sizes.  Context: sleep. */
void nm_mem_pools_info(struct nm_mem *m, struct nmreq_pools_info *info);

/* The rest needs an active region.  Context: sleep. */

void nm_mem_lut(struct nm_mem *m, struct netmap_lut *lut);
/* The backing, for the port's mmap; NULL when not active. */
struct nm_os_pages *nm_mem_pages(struct nm_mem *m);

/* Objects, zeroed; NULL when the pool is empty or the object would be too large. */
struct netmap_if *nm_mem_if_new(struct nm_mem *m, size_t bytes);
void nm_mem_if_free(struct nm_mem *m, struct netmap_if *nifp);
struct netmap_ring *nm_mem_ring_new(struct nm_mem *m, uint32_t slots);
void nm_mem_ring_free(struct nm_mem *m, struct netmap_ring *ring);
/* Offset from the start of the region (what mmap shows at 0). */
uint64_t nm_mem_offset(struct nm_mem *m, const void *obj);
/* Offset from an object to buffer 0. */
int64_t nm_mem_buf_offset(struct nm_mem *m, const void *obj);

/*
 * Gives every slot of a ring a buffer; ENOMEM, then no slot has one.
 * The free side reads the indices that programs left there: bad ones, free ones
 * and doubles are skipped (and logged once per call), never trusted.
 */
int nm_mem_slots_fill(struct nm_mem *m, struct netmap_slot *slots, uint32_t n);
void nm_mem_slots_free(struct nm_mem *m, struct netmap_slot *slots, uint32_t n);

/*
 * Extra buffers: a list linked through the first uint32 of each, 0 ends it.
 * new: up to n; returns how many were had, *head the first index (0: none).
 * free: walks at most objtotal links, skips what is bad; returns how many it freed.
 */
uint32_t nm_mem_extra_new(struct nm_mem *m, uint32_t n, uint32_t *head);
uint32_t nm_mem_extra_free(struct nm_mem *m, uint32_t head);

/* Buffers free now (tests, POOLS). */
uint32_t nm_mem_bufs_free(struct nm_mem *m);

#endif /* NM_MEM_H */

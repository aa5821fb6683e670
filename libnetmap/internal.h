/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of libnetmap share with each other only. */
#ifndef LIBNETMAP_INTERNAL_H_
#define LIBNETMAP_INTERNAL_H_

#include "libnetmap.h"

/*
 * A mapped region.  Ports with the same region id share one; the last that
 * leaves unmaps it.  Protected by the context's lock.
 */
struct nmem_d {
	uint16_t mem_id;
	int refcount;
	void *mem;
	size_t size;
	int is_extmem;		/* the program's own memory: nothing to unmap */
	struct nmem_d *next;
};

/*
 * Something that a port owns: an option made for it, a file mapped for it.  Undone, last
 * in first out, when the port's name is taken back.  The first member of a struct of
 * nmctx_malloc()'s, which is freed after undo().
 */
struct nmport_cleanup_d {
	struct nmport_cleanup_d *next;
	void (*undo)(struct nmport_cleanup_d *self, struct nmport_d *d);
};

/* Undo what the port came to own since its list was `mark`; NULL: everything. */
void nm_cleanups_run(struct nmport_d *d, struct nmport_cleanup_d *mark);

/* Find or make the mapping of a registered port's region, counted; NULL with errno. */
struct nmem_d *nm_mem_get(struct nmport_d *d);
/* Give it back.  Both are called with the context locked. */
void nm_mem_put(struct nmctx *ctx, struct nmem_d *m);
/*
 * Leave the pages at base, which a port mapped, to the region that lies in them and that
 * other ports still use.  0 when there is none: the caller unmaps.  Takes the lock.
 */
int nm_mem_adopt(struct nmctx *ctx, void *base, size_t size);

/* Give a clone the options that do not follow from the region's id; 0, or -1 with errno. */
int nm_options_copy(struct nmport_d *to, struct nmport_d *from);

/* The options that names of ports may carry now; see nmopt.c. */
struct nmreq_opt_parser *nm_port_options(void);

/* Read a whole string as a decimal number <= max; 0, or -1 if it is none. */
int nm_parse_u64(const char *text, uint64_t max, uint64_t *value);

/* Open /dev/netmap; -1 with errno, the reason told with what to do about it. */
int nm_dev_open(struct nmctx *ctx);

#endif /* LIBNETMAP_INTERNAL_H_ */

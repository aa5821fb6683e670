/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mappings.  A region is mapped once per context and counted, because a process
 * needs to see the same buffers at one address to move them between its ports.
 * A region's id stays taken as long as a file is bound to it, so a port gives its
 * mapping back before it closes its file.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "internal.h"

struct nmem_d *
nm_mem_get(struct nmport_d *d)
{
	struct nmctx *ctx = d->ctx;
	struct nmem_d *m;

	for (m = ctx->mem_descs; m != NULL; m = m->next) {
		if (m->mem_id == d->reg.nr_mem_id) {
			m->refcount++;
			return m;
		}
	}
	m = nmctx_malloc(ctx, sizeof(*m));
	if (m == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	memset(m, 0, sizeof(*m));
	m->mem_id = d->reg.nr_mem_id;
	m->refcount = 1;
	if (d->extmem != NULL) {
		m->is_extmem = 1;
		m->mem = (void *)(uintptr_t)d->extmem->nro_usrptr;
		m->size = (size_t)d->extmem->nro_info.nr_memsize;
	} else {
		m->size = (size_t)d->reg.nr_memsize;
		m->mem = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED, d->fd, 0);
		if (m->mem == MAP_FAILED) {
			int error = errno;

			nmctx_free(ctx, m);
			errno = error;
			return NULL;
		}
	}
	m->next = ctx->mem_descs;
	ctx->mem_descs = m;
	return m;
}

void
nm_mem_put(struct nmctx *ctx, struct nmem_d *m)
{
	struct nmem_d **link = &ctx->mem_descs;

	if (--m->refcount > 0)
		return;
	while (*link != m)
		link = &(*link)->next;
	*link = m->next;
	if (!m->is_extmem)
		munmap(m->mem, m->size);
	nmctx_free(ctx, m);
}

int
nm_mem_adopt(struct nmctx *ctx, void *base, size_t size)
{
	struct nmem_d *m;

	nmctx_lock(ctx);
	for (m = ctx->mem_descs; m != NULL && (!m->is_extmem || m->mem != base); m = m->next)
		;
	if (m != NULL) {
		m->is_extmem = 0;
		m->size = size;
	}
	nmctx_unlock(ctx);
	return m != NULL;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Handles: one per open file; binding it to a port, what mmap shows of it. */
#include "ctl/request.h"

struct nm_handle *nm_ctl_open(struct nm_ns *ns)
{
	struct nm_handle *h = nm_os_malloc(sizeof(*h));

	if (h != NULL)
		h->ns = ns;
	return h;
}

void nm_ctl_close(struct nm_handle *h)
{
	if (h->b.na != NULL) {
		nm_os_if_lock();
		nm_mutex_lock(&nm_control);
		nm_port_unbind(&h->b);
		nm_mutex_unlock(&nm_control);
		nm_os_if_unlock();
	}
	nm_os_free(h);
}

int nm_handle_resolve(struct nm_handle *h, const char *name, const struct nmreq_register *reg,
		      struct nm_mem *mem, bool create, struct netmap_adapter **na)
{
	struct nm_resolve r = { .ns = h->ns, .name = name, .reg = reg, .mem = mem, .create = create };

	return name[0] == '\0' ? ENXIO : nm_port_resolve(&r, na);
}

/* Old ways to ask for a pipe are translated by legacy.c; here a pipe is a name. */
static bool mode_is_known(uint32_t mode)
{
	return mode >= NR_REG_ALL_NIC && mode <= NR_REG_ONE_SW && mode != NR_REG_PIPE_MASTER &&
	       mode != NR_REG_PIPE_SLAVE;
}

/* There is no monitor to bind yet, and the port itself is not what was asked for. */
#define MONITOR_FLAGS (NR_MONITOR_TX | NR_MONITOR_RX | NR_ZCOPY_MON)

/* A syncing thread may look at the handle at any time: nifp comes last. */
static void handle_publish(struct nm_handle *h, const struct nm_binding *b)
{
	h->b.na = b->na;
	memcpy(h->b.qfirst, b->qfirst, sizeof(h->b.qfirst));
	memcpy(h->b.qlast, b->qlast, sizeof(h->b.qlast));
	h->b.flags = b->flags;
	h->b.mode = b->mode;
	h->b.extra_bufs = b->extra_bufs;
	nm_ptr_publish((void **)&h->b.nifp, b->nifp);
}

/* Binds to na and keeps its reference; on errors the caller has it still. */
static int handle_bind(struct nm_handle *h, struct netmap_adapter *na, struct nmreq_register *reg,
		       uint32_t image_flags)
{
	struct nm_binding b = { 0 };
	int error;

	/* a program that does not know of the header would take it for payload */
	if (na->virt_hdr_len != 0 && !(reg->nr_flags & NR_ACCEPT_VNET_HDR))
		return EIO;
	error = nm_port_bind(&b, na, reg);
	if (error)
		return error;
	/* the region's size is certain only now; b is still nobody's but ours */
	if ((image_flags & NM_IMAGE_FIT32) && reg->nr_memsize > UINT32_MAX) {
		netmap_adapter_get(na);
		nm_port_unbind(&b);
		return EOVERFLOW;
	}
	handle_publish(h, &b);
	return 0;
}

int nm_handle_register(struct nm_handle *h, struct nm_image *img)
{
	struct nmreq_register *reg = nm_image_body(img);
	struct netmap_adapter *na;
	struct nm_mem *mem = NULL;
	int error;

	if (h->b.na != NULL)
		return EBUSY;
	if (!mode_is_known(reg->nr_mode))
		return EINVAL;
	if (nm_image_has_unhandled(img) || (reg->nr_flags & MONITOR_FLAGS))
		return EOPNOTSUPP;
	if (reg->nr_mem_id != 0) {
		mem = nm_mem_find(reg->nr_mem_id);
		if (mem == NULL)
			return EINVAL;
	}
	error = nm_handle_resolve(h, img->hdr.nr_name, reg, mem, true, &na);
	if (!error) {
		error = handle_bind(h, na, reg, img->flags);
		if (error)
			netmap_adapter_put(na);
	}
	if (mem != NULL)
		nm_mem_put(mem);
	return error;
}

int nm_ctl_mmap(struct nm_handle *h, uint64_t offset, uint64_t len, struct nm_os_pages **pages)
{
	struct nm_mem *mem;
	uint64_t bytes;

	if (nm_ptr_load((void *const *)&h->b.nifp) == NULL)
		return ENXIO;
	mem = h->b.na->nm_mem;
	bytes = nm_mem_bytes(mem);
	if (offset > bytes || len > bytes - offset)
		return EINVAL;
	*pages = nm_mem_pages(mem);
	return 0;
}

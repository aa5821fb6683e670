/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports.  The life of one, each step with the function that undoes it:
 *
 *	nmport_new		nmport_delete		memory for the struct
 *	nmport_parse		nmport_undo_parse	name into hdr, reg, options
 *	nmport_register		nmport_undo_register	file open and bound
 *	nmport_mmap		nmport_undo_mmap	region mapped, rings found
 *
 * A step that fails leaves the port as it was before it.  A function that undoes a step
 * first undoes those after it, so any order of them is safe.  The kernel options that hang
 * on the request are in nmportopt.c, the mappings in nmem.c.
 */
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

struct nmport_d *
nmport_new(void)
{
	struct nmctx *ctx = nmctx_get();
	struct nmport_d *d = nmctx_malloc(ctx, sizeof(*d));

	if (d == NULL) {
		nmctx_ferror(ctx, "no memory for a port");
		errno = ENOMEM;
		return NULL;
	}
	memset(d, 0, sizeof(*d));
	nmreq_header_init(&d->hdr, NETMAP_REQ_REGISTER, &d->reg);
	d->ctx = ctx;
	d->fd = -1;
	return d;
}

void
nm_cleanups_run(struct nmport_d *d, struct nmport_cleanup_d *mark)
{
	while (d->clist != mark) {
		struct nmport_cleanup_d *c = d->clist;

		d->clist = c->next;
		c->undo(c, d);
		nmctx_free(d->ctx, c);
	}
}

void
nmport_delete(struct nmport_d *d)
{
	if (d == NULL)
		return;
	nmport_undo_open_desc(d);
	nm_cleanups_run(d, NULL);
	nmctx_free(d->ctx, d);
}

int
nmport_parse(struct nmport_d *d, const char *portspec)
{
	const struct nmport_d before = *d;
	const char *rest = portspec;
	int error;

	if (d->register_done) {
		nmctx_ferror(d->ctx, "%s: the port is open already", d->hdr.nr_name);
		errno = EINVAL;
		return -1;
	}
	if (nmreq_header_decode(&rest, &d->hdr, d->ctx) == 0 &&
	    nmreq_register_decode(&rest, &d->reg, d->ctx) == 0 &&
	    nmreq_options_decode(rest, nm_port_options(), d, d->ctx) == 0)
		return 0;
	error = errno;
	nm_cleanups_run(d, before.clist);
	memcpy(d->hdr.nr_name, before.hdr.nr_name, sizeof(d->hdr.nr_name));
	d->reg = before.reg;
	errno = error;
	return -1;
}

void
nmport_undo_parse(struct nmport_d *d)
{
	nmport_undo_open_desc(d);
	nm_cleanups_run(d, NULL);
	memset(&d->reg, 0, sizeof(d->reg));
	memset(d->hdr.nr_name, 0, sizeof(d->hdr.nr_name));
}

struct nmport_d *
nmport_prepare(const char *portspec)
{
	struct nmport_d *d = nmport_new();
	int error;

	if (d == NULL)
		return NULL;
	if (nmport_parse(d, portspec) != 0) {
		error = errno;
		nmport_delete(d);
		errno = error;
		return NULL;
	}
	return d;
}

void
nmport_undo_prepare(struct nmport_d *d)
{
	nmport_delete(d);
}

/* Why the kernel refused, in words that help. */
static const char *
register_hint(int error, const char *name)
{
	switch (error) {
	case ENXIO:
		return if_nametoindex(name) != 0 ?
		    "; the interface is there, but netmap cannot use it" :
		    "; no such interface, or its name is misspelt";
	case EBUSY:
		return "; it is in use by another program or a switch";
	case EIO:
		return "; it needs virtio-net headers, which this program did not accept";
	case ENOMEM:
		return "; no room for its rings and buffers in the machine or the region: see the kernel log";
	case EINVAL:
		return "; it has no such ring, or there is no such region";
	case EOPNOTSUPP:
		return "; this netmap does not do what the name asks for";
	default:
		return "";
	}
}

/*
 * Tell which option the kernel did not take; returns whether there was one.  When it
 * fails for another reason, options that it did not come to have a status as well.
 */
static int
blame_option(struct nmport_d *d, int error)
{
	struct nmreq_option *opt;
	int found = 0;

	nmreq_foreach_option(&d->hdr, opt) {
		if (opt->nro_status != (uint32_t)error)
			continue;
		nmctx_ferror(d->ctx, "%s: option %s: %s", d->hdr.nr_name,
		    nmreq_option_name(opt->nro_reqtype), strerror((int)opt->nro_status));
		found = 1;
	}
	return found;
}

int
nmport_register(struct nmport_d *d)
{
	int error;

	if (d->register_done) {
		nmctx_ferror(d->ctx, "%s: already open", d->hdr.nr_name);
		errno = EINVAL;
		return -1;
	}
	d->fd = nm_dev_open(d->ctx);
	if (d->fd < 0)
		return -1;
	d->asked = d->reg;
	/* The program may have copied the struct: the body is the one in this port. */
	d->hdr.nr_body = (uintptr_t)&d->reg;
	if (ioctl(d->fd, NIOCCTRL, &d->hdr) != 0) {
		error = errno;
		if (!blame_option(d, error))
			nmctx_ferror(d->ctx, "%s: cannot open the port: %s%s", d->hdr.nr_name,
			    strerror(error), register_hint(error, d->hdr.nr_name));
		close(d->fd);
		d->fd = -1;
		errno = error;
		return -1;
	}
	d->register_done = 1;
	return 0;
}

void
nmport_undo_register(struct nmport_d *d)
{
	nmport_undo_mmap(d);
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
	/* The region that the kernel chose may be gone with the file: forget its id. */
	if (d->register_done)
		d->reg = d->asked;
	d->register_done = 0;
}

/*
 * First and last ring of one direction; 1 and 0 when the port uses none.  Where a direction
 * has fewer rings than the number asked for, the kernel binds its first.
 */
static void
set_range(const struct nmreq_register *reg, uint32_t nic, uint32_t host, int unused,
	  uint16_t *first, uint16_t *last)
{
	uint32_t from = 0, to = nic;	/* one beyond the last */

	switch (reg->nr_mode) {
	case NR_REG_SW:
		from = nic;
		to = nic + host;
		break;
	case NR_REG_NIC_SW:
		to = nic + host;
		break;
	case NR_REG_ONE_NIC:
		from = reg->nr_ringid < nic ? reg->nr_ringid : 0;
		to = from + 1;
		break;
	case NR_REG_ONE_SW:
		from = nic + (reg->nr_ringid < host ? reg->nr_ringid : 0);
		to = from + 1;
		break;
	case NR_REG_NULL:
		to = 0;
		break;
	default:
		break;
	}
	if (unused || from >= to) {
		*first = 1;
		*last = 0;
	} else {
		*first = (uint16_t)from;
		*last = (uint16_t)(to - 1);
	}
}

int
nmport_mmap(struct nmport_d *d)
{
	uint64_t flags = d->reg.nr_flags;
	int monitor = (flags & (NR_MONITOR_TX | NR_MONITOR_RX)) != 0;
	int error;

	if (!d->register_done || d->mmap_done) {
		nmctx_ferror(d->ctx, "%s: %s", d->hdr.nr_name,
		    d->mmap_done ? "already mapped" : "not registered, so nothing to map");
		errno = EINVAL;
		return -1;
	}
	nmctx_lock(d->ctx);
	d->mem = nm_mem_get(d);
	error = errno;
	nmctx_unlock(d->ctx);
	if (d->mem == NULL) {
		nmctx_ferror(d->ctx, "%s: cannot map %llu bytes: %s", d->hdr.nr_name,
		    (unsigned long long)d->reg.nr_memsize, strerror(error));
		errno = error;
		return -1;
	}
	d->nifp = NETMAP_IF(d->mem->mem, d->reg.nr_offset);
	set_range(&d->reg, d->reg.nr_tx_rings, d->reg.nr_host_tx_rings,
	    monitor || (flags & NR_RX_RINGS_ONLY), &d->first_tx_ring, &d->last_tx_ring);
	set_range(&d->reg, d->reg.nr_rx_rings, d->reg.nr_host_rx_rings,
	    (flags & NR_TX_RINGS_ONLY) != 0, &d->first_rx_ring, &d->last_rx_ring);
	d->cur_tx_ring = d->first_tx_ring;
	d->cur_rx_ring = d->first_rx_ring;
	d->mmap_done = 1;
	return 0;
}

void
nmport_undo_mmap(struct nmport_d *d)
{
	if (!d->mmap_done)
		return;
	nmctx_lock(d->ctx);
	nm_mem_put(d->ctx, d->mem);
	nmctx_unlock(d->ctx);
	d->mem = NULL;
	d->nifp = NULL;
	d->first_tx_ring = d->last_tx_ring = d->cur_tx_ring = 0;
	d->first_rx_ring = d->last_rx_ring = d->cur_rx_ring = 0;
	d->mmap_done = 0;
}

int
nmport_open_desc(struct nmport_d *d)
{
	int error;

	if (nmport_register(d) != 0)
		return -1;
	if (nmport_mmap(d) != 0) {
		error = errno;
		nmport_undo_register(d);
		errno = error;
		return -1;
	}
	return 0;
}

/* The mapping goes first, while the file still keeps the region's id taken. */
void
nmport_undo_open_desc(struct nmport_d *d)
{
	nmport_undo_register(d);
}

struct nmport_d *
nmport_open(const char *portspec)
{
	struct nmport_d *d = nmport_prepare(portspec);
	int error;

	if (d == NULL)
		return NULL;
	if (nmport_open_desc(d) != 0) {
		error = errno;
		nmport_delete(d);
		errno = error;
		return NULL;
	}
	return d;
}

void
nmport_close(struct nmport_d *d)
{
	nmport_delete(d);
}

struct nmport_d *
nmport_clone(struct nmport_d *d)
{
	struct nmport_d *c;

	if (d->extmem != NULL && !d->register_done) {
		nmctx_ferror(d->ctx, "%s: open the port with external memory before cloning it",
		    d->hdr.nr_name);
		errno = EINVAL;
		return NULL;
	}
	c = nmport_new();
	if (c == NULL)
		return NULL;
	c->ctx = d->ctx;
	memcpy(c->hdr.nr_name, d->hdr.nr_name, sizeof(c->hdr.nr_name));
	c->reg = d->reg;
	c->reg.nr_extra_bufs = 0;
	if (nm_options_copy(c, d) != 0) {
		int error = errno;

		nmport_delete(c);
		errno = error;
		return NULL;
	}
	return c;
}

/* Fill slots from head on with one packet; the index behind it, or -1 if it does not fit. */
static int64_t
fill_slots(struct netmap_ring *ring, const char *from, size_t left)
{
	uint32_t i = ring->head, slots = nm_ring_space(ring);

	while (slots-- > 0) {
		struct netmap_slot *slot = &ring->slot[i];
		size_t offset = (size_t)NETMAP_ROFFSET(ring, slot);
		size_t part = offset < ring->nr_buf_size ? ring->nr_buf_size - offset : 0;

		if (part > left)
			part = left;
		nm_pkt_copy(from, NETMAP_BUF_OFFSET(ring, slot), (int)part);
		slot->len = (uint16_t)part;
		/* What an earlier packet of the program asked for is not asked for this one. */
		slot->flags &= NS_BUF_CHANGED;
		from += part;
		left -= part;
		i = nm_ring_next(ring, i);
		if (left == 0)
			return i;
		slot->flags |= NS_MOREFRAG;
	}
	return -1;
}

int
nmport_inject(struct nmport_d *d, const void *buf, size_t size)
{
	uint32_t n, rings;

	if (d->first_tx_ring > d->last_tx_ring || size == 0)
		return 0;
	rings = (uint32_t)(d->last_tx_ring - d->first_tx_ring) + 1;
	for (n = 0; n < rings; n++) {
		uint32_t i = d->first_tx_ring + (d->cur_tx_ring - d->first_tx_ring + n) % rings;
		struct netmap_ring *ring = NETMAP_TXRING(d->nifp, i);
		int64_t next = fill_slots(ring, buf, size);

		if (next < 0)
			continue;
		ring->head = ring->cur = (uint32_t)next;
		d->cur_tx_ring = (uint16_t)i;
		return (int)size;
	}
	return 0;
}

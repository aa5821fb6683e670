/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening the port for every thread. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "link.h"
#include "ports.h"

/* libnetmap explains a failure in one or more calls; each is a line of ours. */
static void
on_library_error(struct nmctx *ctx, const char *message)
{
	(void)ctx;
	complain("%s", message);
}

static int
sends(const struct options *o)
{
	return o->function != FUNCTION_RX;
}

static int
receives(const struct options *o)
{
	return o->function != FUNCTION_TX;
}

/* Bytes of virtio-net header before each frame; most ports have none. */
static size_t
vnet_header(const struct nmport_d *d)
{
	struct nmreq_port_hdr body;
	struct nmreq_header hdr;

	memset(&body, 0, sizeof(body));
	nmreq_header_init(&hdr, NETMAP_REQ_PORT_HDR_GET, &body);
	memcpy(hdr.nr_name, d->hdr.nr_name, sizeof(hdr.nr_name));
	if (ioctl(d->fd, NIOCCTRL, &hdr) != 0 || body.nr_hdr_len > 12)
		return 0;
	return body.nr_hdr_len;
}

/* Whether the rings that the function needs are there. */
static int
check_rings(const struct nmport_d *d, const struct options *o)
{
	uint32_t rings = sends(o) ? d->reg.nr_tx_rings : d->reg.nr_rx_rings;

	if (receives(o) && d->reg.nr_rx_rings < rings)
		rings = d->reg.nr_rx_rings;
	if (o->threads > rings)
		return complain("-p %u: %s has %u ring%s; use -p %u, or ask for more rings with "
		    "-i %s@conf:rings=%u", o->threads, o->port, rings, rings == 1 ? "" : "s", rings,
		    d->hdr.nr_name, o->threads);
	if (sends(o) && d->first_tx_ring > d->last_tx_ring)
		return complain("%s: no tx ring is bound, so nothing can be sent; leave out /R, /r, /t",
		    o->port);
	if (receives(o) && d->first_rx_ring > d->last_rx_ring)
		return complain("%s: no rx ring is bound, so nothing can be received; leave out /T",
		    o->port);
	return 0;
}

/* Open the first thread's port; with several threads it gets ring 0. */
static struct nmport_d *
open_first(const struct options *o)
{
	struct nmport_d *d = nmport_prepare(o->port);

	if (d == NULL)
		return NULL;
	if (o->threads > 1) {
		if (d->reg.nr_mode != NR_REG_ALL_NIC) {
			complain("-p %u: the name %s selects rings itself; leave out -p or that part of it",
			    o->threads, o->port);
			goto fail;
		}
		d->reg.nr_mode = NR_REG_ONE_NIC;
		d->reg.nr_ringid = 0;
	}
	d->reg.nr_flags |= NR_ACCEPT_VNET_HDR;
	if (o->function == FUNCTION_RX)
		d->reg.nr_flags |= NR_NO_TX_POLL;
	if (nmport_open_desc(d) == 0)
		return d;
fail:
	nmport_undo_prepare(d);
	return NULL;
}

static struct nmport_d *
open_next(struct nmport_d *first, uint32_t ring)
{
	struct nmport_d *d = nmport_clone(first);

	if (d == NULL)
		return NULL;
	d->reg.nr_ringid = (uint16_t)ring;
	if (nmport_open_desc(d) == 0)
		return d;
	nmport_undo_prepare(d);
	return NULL;
}

/* Part i of total dealt out to n. */
static uint64_t
share(uint64_t total, uint32_t n, uint32_t i)
{
	return total / n + (i < total % n);
}

static int
prepare_worker(struct worker *w, const struct options *o, uint32_t i)
{
	struct endpoint src = o->src;

	w->o = o;
	w->vnet_len = vnet_header(w->d);
	w->count = share(o->count, o->threads, i);
	w->rate = share(o->rate, o->threads, i);
	w->mac = link_mac(w->d->hdr.nr_name);
	if (w->mac == 0)
		w->mac = link_made_up_mac(w->d->hdr.nr_name);
	if (!o->have_src_mac)
		src.mac_first = src.mac_last = w->mac;
	if (packet_init(&w->packet, &src, &o->dst, o->length, w->vnet_len) != 0)
		return complain("no memory for a packet");
	return 0;
}

int
ports_open(struct worker *workers, const struct options *o)
{
	const char *name;
	uint32_t i;

	nmctx_get()->error = on_library_error;
	if (o->count > 0 && o->count < o->threads)
		return complain("-n %llu: fewer packets than threads; use -p %llu",
		    (unsigned long long)o->count, (unsigned long long)o->count);
	if (o->rate > 0 && o->rate < o->threads)
		return complain("-R %llu: fewer packets a second than threads; use -p %llu",
		    (unsigned long long)o->rate, (unsigned long long)o->rate);
	for (i = 0; i < o->threads; i++) {
		struct worker *w = &workers[i];

		w->d = i == 0 ? open_first(o) : open_next(workers[0].d, i);
		if (w->d == NULL || (i == 0 && check_rings(w->d, o) != 0) ||
		    prepare_worker(w, o, i) != 0)
			return -1;
	}
	name = workers[0].d->hdr.nr_name;
	if (link_exists(name) && !link_wait(name, o->wait_seconds))
		fprintf(stderr, "pkt-gen: %s: the link is still down after %u s; going on\n", name,
		    o->wait_seconds);
	return 0;
}

void
ports_close(struct worker *workers, const struct options *o)
{
	uint32_t i;

	for (i = 0; i < o->threads; i++) {
		packet_free(&workers[i].packet);
		nmport_close(workers[i].d);
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening the port for every thread. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

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
header_request(const struct nmport_d *d, uint16_t type, struct nmreq_port_hdr *body)
{
	struct nmreq_header hdr;

	nmreq_header_init(&hdr, type, body);
	memcpy(hdr.nr_name, d->hdr.nr_name, sizeof(hdr.nr_name));
	return ioctl(d->fd, NIOCCTRL, &hdr);
}

/* Bytes of virtio-net header before each frame; most ports have none. */
static size_t
vnet_header(const struct nmport_d *d)
{
	struct nmreq_port_hdr body = { 0 };

	if (header_request(d, NETMAP_REQ_PORT_HDR_GET, &body) != 0 || body.nr_hdr_len > 12)
		return 0;
	return body.nr_hdr_len;
}

/*
 * The same when -H decides.  A port of a switch is told, so that the switch finds the
 * Ethernet header; others (pipes) carry the bytes to whoever expects them.
 */
static size_t
settle_vnet_header(const struct nmport_d *d, const struct options *o)
{
	struct nmreq_port_hdr body = { .nr_hdr_len = (uint32_t)o->vnet_len };

	if (o->vnet_len < 0)
		return vnet_header(d);
	if (header_request(d, NETMAP_REQ_PORT_HDR_SET, &body) != 0 && o->verbose)
		printf("%s: the port itself has no virtio-net header to set (%s)\n", o->port,
		    strerror(errno));
	return (size_t)o->vnet_len;
}

/* Whether the rings that the function needs are there. */
static int
check_rings(const struct nmport_d *d, const struct options *o)
{
	uint32_t rings = options_sends(o) ? d->reg.nr_tx_rings : d->reg.nr_rx_rings;

	if (options_receives(o) && d->reg.nr_rx_rings < rings)
		rings = d->reg.nr_rx_rings;
	if (o->threads > rings)
		return complain("-p %u: %s has %u ring%s; use -p %u, or ask for more rings with "
		    "-i %s@conf:rings=%u", o->threads, o->port, rings, rings == 1 ? "" : "s", rings,
		    d->hdr.nr_name, o->threads);
	if (options_sends(o) && d->first_tx_ring > d->last_tx_ring)
		return complain("%s: no tx ring is bound, so nothing can be sent; leave out /R, /r, /t",
		    o->port);
	if (options_receives(o) && d->first_rx_ring > d->last_rx_ring)
		return complain("%s: no rx ring is bound, so nothing can be received; leave out /T",
		    o->port);
	return 0;
}

/* -C over what the name asks for. */
static void
set_rings(struct nmport_d *d, const struct options *o)
{
	if (o->tx_slots > 0)
		d->reg.nr_tx_slots = o->tx_slots;
	if (o->rx_slots > 0)
		d->reg.nr_rx_slots = o->rx_slots;
	if (o->tx_rings > 0)
		d->reg.nr_tx_rings = (uint16_t)o->tx_rings;
	if (o->rx_rings > 0)
		d->reg.nr_rx_rings = (uint16_t)o->rx_rings;
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
	set_rings(d, o);
	d->reg.nr_flags |= NR_ACCEPT_VNET_HDR;
	if (!options_sends(o))
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

/* What all threads share; 0, or -1 after a message. */
static int
prepare_shared(struct shared *s, const struct options *o, size_t vnet_len)
{
	char why[160];

	s->sequence.verbose = o->verbose >= 2;
	s->run = (uint16_t)((now_ns() >> 10) ^ (uint64_t)getpid());
	atomic_init(&s->left, o->count > 0 ? o->count : UINT64_MAX);
	atomic_init(&s->done, 0);
	if (o->file == NULL)
		return 0;
	if (o->function == FUNCTION_TX) {
		if (pcap_read(&s->to_send, o->file, vnet_len, why, sizeof(why)) != 0)
			return complain("%s: %s", o->file, why);
		return 0;
	}
	s->written = pcap_create(o->file);
	return s->written != NULL ? 0 : complain("%s: %s", o->file, strerror(errno));
}

/* What the thread sends; 0, or -1 after a message. */
static int
prepare_packet(struct worker *w, uint32_t i)
{
	const struct options *o = w->o;
	struct packet_plan plan = {
		.family = o->family,
		.src = o->src,
		.dst = o->dst,
		.length = o->length,
		.length_min = o->length_min,
		.vnet_len = w->vnet_len,
		.seed = now_ns() + i,
		.numbered = o->function == FUNCTION_TXSEQ,
		.run = w->shared->run,
		.stream = w->d->first_tx_ring,
	};

	if (w->shared->to_send.n > 0) {
		packet_from_list(&w->packet, w->shared->to_send.frames, w->shared->to_send.n,
		    w->vnet_len);
		return 0;
	}
	if (!o->have_src_mac)
		plan.src.mac_first = plan.src.mac_last = w->mac;
	if (packet_init(&w->packet, &plan) != 0)
		return complain("no memory for a packet");
	return 0;
}

static int
prepare_worker(struct worker *w, const struct options *o, struct shared *s, uint32_t i)
{
	w->o = o;
	w->shared = s;
	w->vnet_len = settle_vnet_header(w->d, o);
	w->count = share(o->count, o->threads, i);
	w->rate = share(o->rate, o->threads, i);
	w->mac = link_mac(w->d->hdr.nr_name);
	if (w->mac == 0)
		w->mac = link_made_up_mac(w->d->hdr.nr_name);
	if (i == 0 && prepare_shared(s, o, w->vnet_len) != 0)
		return -1;
	return prepare_packet(w, i);
}

static void
tell(const struct nmport_d *d, const struct options *o, size_t vnet_len)
{
	const struct netmap_ring *ring = d->first_tx_ring <= d->last_tx_ring ?
	    NETMAP_TXRING(d->nifp, d->first_tx_ring) : NETMAP_RXRING(d->nifp, d->first_rx_ring);

	printf("%s: %u tx ring%s of %u slots, %u rx ring%s of %u slots, buffers of %u bytes, "
	    "region %u, virtio-net header of %zu bytes\n", o->port, d->reg.nr_tx_rings,
	    d->reg.nr_tx_rings == 1 ? "" : "s", d->reg.nr_tx_slots, d->reg.nr_rx_rings,
	    d->reg.nr_rx_rings == 1 ? "" : "s", d->reg.nr_rx_slots, ring->nr_buf_size,
	    d->reg.nr_mem_id, vnet_len);
}

int
ports_open(struct worker *workers, const struct options *o, struct shared *s)
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
		    prepare_worker(w, o, s, i) != 0)
			return -1;
	}
	if (o->verbose)
		tell(workers[0].d, o, workers[0].vnet_len);
	name = workers[0].d->hdr.nr_name;
	if (link_exists(name) && !link_wait(name, o->wait_seconds))
		fprintf(stderr, "pkt-gen: %s: the link is still down after %u s; going on\n", name,
		    o->wait_seconds);
	return 0;
}

int
ports_close(struct worker *workers, const struct options *o, struct shared *s)
{
	uint32_t i;
	int ret = 0;

	for (i = 0; i < o->threads; i++) {
		packet_free(&workers[i].packet);
		nmport_close(workers[i].d);
	}
	pcap_free(&s->to_send);
	sequence_free(&s->sequence);
	if (pcap_close(s->written) != 0)
		ret = complain("%s: %s", o->file, strerror(errno));
	s->written = NULL;
	return ret;
}

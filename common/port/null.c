/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Null ports: any name bound with NR_REG_NULL.  A port without traffic, which exists
 * for its region and its extra buffers: the counts of rings and slots that were asked
 * for size the region, and are what other ports find when they share it by its id, but
 * no ring is ever in netmap mode.  Each request makes a port of its own, which nobody
 * finds by name.
 */
#include "port/port.h"

static int null_sync(struct netmap_kring *kring, int flags)
{
	(void)kring;
	(void)flags;
	return 0;
}

static struct nm_mem *null_mem(const struct nm_resolve *r, const struct netmap_adapter *na,
			       int *error)
{
	uint32_t extra = r->reg->nr_extra_bufs;
	struct nm_mem_need need;

	if (r->mem != NULL) {
		nm_mem_get(r->mem);
		return r->mem;
	}
	nm_port_need(na, 1, &need);
	need.bufs += extra < NM_MEM_MAX_EXTRA ? extra : NM_MEM_MAX_EXTRA;
	return nm_mem_private_new(&need, error);
}

static int null_resolve(struct nm_resolve *r, struct netmap_adapter **out)
{
	const struct nmreq_register *reg = r->reg;
	struct netmap_adapter *na;
	int error;

	if (reg->nr_mode != NR_REG_NULL)
		return 0;
	if (!r->create)
		return ENXIO;
	na = nm_port_alloc(sizeof(*na), r->name, r->ns);
	if (na == NULL)
		return ENOMEM;
	na->num_tx_rings = nm_port_count(reg->nr_tx_rings, 1, 1, NM_MAX_PIPE_RINGS);
	na->num_rx_rings = nm_port_count(reg->nr_rx_rings, 1, 1, NM_MAX_PIPE_RINGS);
	na->num_tx_desc = nm_port_count(reg->nr_tx_slots, NM_DEFAULT_SLOTS, 2, NM_MAX_SLOTS);
	na->num_rx_desc = nm_port_count(reg->nr_rx_slots, NM_DEFAULT_SLOTS, 2, NM_MAX_SLOTS);
	na->na_flags = NAF_SW_ONLY;
	na->nm_register = nm_port_sw_register;
	na->nm_txsync = null_sync;
	na->nm_rxsync = null_sync;
	error = nm_port_complete(na);
	if (error == 0)
		na->nm_mem = null_mem(r, na, &error);
	if (error != 0) {
		nm_port_discard(na);
		return error;
	}
	*out = na;
	return 0;
}

static struct nm_port_kind null_kind = {
	.name = "null",
	.order = 10,
	.resolve = null_resolve,
};

void nm_null_init(void)
{
	nm_port_kind_register(&null_kind);
}

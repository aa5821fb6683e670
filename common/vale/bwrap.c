/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A NIC attached to a switch.
 *
 * The switch port (bwrap) and the NIC's adapter share netmap_rings, crosswise:
 *
 *   NIC rx ring i = switch tx ring i   what the NIC received goes into the switch
 *   NIC tx ring i = switch rx ring i   what the switch delivers goes to the wire
 *
 * Receiving (from_nic, the NIC rx ring's nm_notify, in its interrupt): take the NIC
 * ring, let it publish what came, forward those slots, give them all back.
 * Sending (to_nic, the switch rx ring's nm_notify, in the sender's read section, and
 * the NIC tx ring's nm_notify, in its interrupt): take the NIC ring, show it all
 * slots that the switch has published, and make those that were sent free for the
 * switch again.  Both are short, sleep nowhere, and when the NIC ring is BUSY leave
 * AGAIN behind, so that no wake-up is lost.
 *
 * The slots lie in memory that programs of the NIC's region can write, but no index
 * is taken from it: the switch checks each slot it reads, and so does the driver.
 *
 * LOCKS  Attach and detach under control (and the interface lock).  The notify
 * pointers are set only while the NIC's rings are stopped.
 */
#include "vale/switch.h"

struct nm_bwrap {
	struct nm_vale_port port; /* the switch's view */
	struct nm_binding hw;	  /* all rings of the NIC, exclusively */
};

/* What the NIC has received goes into the switch; repeated while others ask meanwhile. */
static int from_nic(struct netmap_kring *hk, int flags)
{
	struct netmap_kring *bk;
	bool more;

	(void)flags;
	if (nm_kr_enter(hk) != 0)
		return NM_IRQ_COMPLETED;
	bk = hk->bwrap_peer; /* not before: it is set while the ring is stopped */
	do {
		hk->nm_sync(hk, NAF_FORCE_READ);
		bk->rhead = nm_load_acquire(&hk->nr_hwtail);
		bk->nm_sync(bk, 0);
		more = hk->nr_hwcur != bk->rhead;
		hk->rhead = hk->rcur = bk->rhead;
		hk->rtail = bk->rhead;
		if (more)
			hk->nm_sync(hk, 0); /* buffers back to the NIC */
	} while (nm_kr_leave(hk));
	return NM_IRQ_COMPLETED;
}

static int to_nic(struct netmap_kring *hk)
{
	uint32_t lim = hk->nkr_num_slots - 1;
	struct netmap_kring *bk;

	if (nm_kr_enter(hk) != 0)
		return NM_IRQ_COMPLETED;
	bk = hk->bwrap_peer;
	do {
		hk->rhead = hk->rcur = nm_load_acquire(&bk->nr_hwtail);
		hk->nm_sync(hk, NAF_FORCE_RECLAIM);
		hk->rtail = nm_load_acquire(&hk->nr_hwtail);
		/* [nr_hwcur, nr_hwtail] is with the NIC; one slot stays empty */
		nm_store_release(&bk->nr_hwcur, nm_next(hk->rtail, lim));
	} while (nm_kr_leave(hk));
	return NM_IRQ_COMPLETED;
}

static int switch_notify(struct netmap_kring *bk, int flags)
{
	(void)flags;
	return to_nic(bk->bwrap_peer);
}

static int nic_tx_notify(struct netmap_kring *hk, int flags)
{
	(void)flags;
	return to_nic(hk);
}

/* The switch's rx rings are read by nobody but to_nic(). */
static int bwrap_rxsync(struct netmap_kring *kring, int flags)
{
	(void)kring;
	(void)flags;
	return 0;
}

static struct nm_bwrap *bwrap_of(struct netmap_adapter *na)
{
	return container_of(na, struct nm_bwrap, port.up);
}

static bool is_bwrap(const struct netmap_adapter *na)
{
	return na->nm_rxsync == bwrap_rxsync;
}

static void bwrap_dtor(struct netmap_adapter *na)
{
	NM_BUG_ON(bwrap_of(na)->port.sw != NULL);
}

/* Couples one NIC ring, stopped, with its switch ring, not started yet. */
static void couple(struct netmap_kring *hk, struct netmap_kring *bk)
{
	bk->ring = hk->ring;
	bk->bwrap_peer = hk;
	bk->nr_mode = bk->nr_pending_mode = NKR_NETMAP_ON;
	hk->bwrap_peer = bk;
	if (hk->tx == NR_RX) {
		/* what the NIC has not given out yet begins at its tail */
		bk->nr_hwcur = bk->rhead = nm_load_acquire(&hk->nr_hwtail);
		nm_kr_set_notify(hk, from_nic);
	} else {
		uint32_t free = nm_load_acquire(&hk->nr_hwcur);

		bk->nkr_lease = free;
		nm_store_release(&bk->nr_hwtail, free);
		nm_store_release(&bk->nr_hwcur, nm_next(nm_load_acquire(&hk->nr_hwtail),
							hk->nkr_num_slots - 1));
		bk->nm_notify = switch_notify;
		nm_kr_set_notify(hk, nic_tx_notify);
	}
	nm_kr_start(bk);
}

static void uncouple(struct netmap_kring *hk)
{
	hk->bwrap_peer = NULL;
	nm_kr_set_notify(hk, hk->na->nm_notify);
}

static void bwrap_leave(struct netmap_adapter *hw);

/* The two adapters become one; the NIC's rings start to feed the switch. */
static void join(struct nm_bwrap *bw)
{
	struct netmap_adapter *hw = bw->hw.na, *up = &bw->port.up;
	enum txrx t;
	u_int i;

	nm_port_stop_rings(hw);
	for_rx_tx(t) {
		for (i = 0; i < nma_get_nrings(hw, t); i++)
			couple(NMR(hw, t)[i], NMR(up, nm_txrx_swap(t))[i]);
	}
	nm_na_flags_set(hw, NAF_BUSY);
	hw->nm_owner_leave = bwrap_leave;
	hw->na_private = bw;
	nm_port_start_rings(hw);
	/* packets may have come while nobody listened */
	nm_read_enter();
	for (i = 0; i < hw->num_rx_rings; i++)
		from_nic(hw->rx_rings[i], 0);
	nm_read_exit();
}

/* The reverse of attach; `bw` is freed. */
static void part(struct nm_bwrap *bw)
{
	struct netmap_adapter *hw = bw->hw.na, *up = &bw->port.up;
	enum txrx t;
	u_int i;

	nm_switch_remove(&bw->port); /* nobody delivers to it any more */
	nm_port_stop_rings(hw);
	for_rx_tx(t) {
		for (i = 0; i < nma_get_nrings(hw, t); i++)
			uncouple(NMR(hw, t)[i]);
	}
	nm_na_flags_clear(hw, NAF_BUSY);
	hw->nm_owner_leave = NULL;
	hw->na_private = NULL;
	for_rx_tx(t) {
		for (i = 0; i < nma_get_nrings(up, t); i++)
			NMR(up, t)[i]->ring = NULL; /* the NIC's, not ours */
	}
	up->active_fds--;
	nm_vale_krings_delete(up);
	nm_port_start_rings(hw);
	nm_port_unbind(&bw->hw);
	netmap_adapter_put(up);
}

static void bwrap_leave(struct netmap_adapter *hw)
{
	part(hw->na_private);
}

/* The NIC that a switch port's name ends with. */
static int find_nic(struct nm_ns *ns, const char *name, const struct nmreq_register *reg,
		    struct nm_mem *mem, struct netmap_adapter **hw)
{
	struct nm_resolve r = { .ns = ns, .name = name, .reg = reg, .mem = mem, .depth = 1 };
	int error = nm_port_resolve(&r, hw);

	if (error)
		return error;
	error = (*hw)->nm_owner_leave != NULL || (*hw)->active_fds > 0 ? EBUSY : 0;
	if (!((*hw)->na_flags & NAF_NATIVE))
		error = EINVAL;
	if (error)
		netmap_adapter_put(*hw);
	return error;
}

static int bwrap_new(const char *name, struct nm_ns *ns, struct netmap_adapter *hw,
		     struct nm_bwrap **out)
{
	struct netmap_adapter *na = nm_port_alloc(sizeof(struct nm_bwrap), name, ns);
	int error;

	if (na == NULL)
		return ENOMEM;
	na->num_tx_rings = hw->num_rx_rings;
	na->num_rx_rings = hw->num_tx_rings;
	na->num_tx_desc = hw->num_rx_desc;
	na->num_rx_desc = hw->num_tx_desc;
	na->na_flags = NAF_BUSY | NAF_MOREFRAG;
	na->nm_register = nm_port_sw_register;
	na->nm_txsync = nm_vale_txsync;
	na->nm_rxsync = bwrap_rxsync;
	na->nm_krings_create = nm_vale_krings_create;
	na->nm_krings_delete = nm_vale_krings_delete;
	na->nm_dtor = bwrap_dtor;
	error = nm_port_complete(na);
	if (error) {
		nm_port_discard(na);
		return error;
	}
	na->nm_mem = hw->nm_mem;
	nm_mem_get(na->nm_mem);
	*out = bwrap_of(na);
	return 0;
}

int nm_vale_attach(struct nm_ns *ns, const char *name, const struct nmreq_register *reg,
		   struct nm_mem *mem, uint32_t *index)
{
	struct nmreq_register hwreg;
	struct netmap_adapter *hw;
	struct nm_bwrap *bw;
	struct nm_switch *sw;
	uint32_t len;
	int error;

	len = nm_switch_parse(name, &error);
	if (len == 0 || error || reg->nr_ringid != 0 ||
	    (reg->nr_mode != NR_REG_ALL_NIC && reg->nr_mode != NR_REG_NIC_SW))
		return EINVAL;
	error = find_nic(ns, name + len + 1, reg, mem, &hw);
	if (error)
		return error;
	sw = nm_switch_get(ns, name, len, true, &error);
	if (sw == NULL)
		goto out_nic;
	if (nm_switch_find_port(sw, name) != NULL) {
		error = EBUSY;
		goto out_switch;
	}
	memset(&hwreg, 0, sizeof(hwreg));
	hwreg.nr_mode = reg->nr_mode;
	hwreg.nr_flags = NR_EXCLUSIVE;
	/* binding asks the NIC for its numbers of now, which the switch port copies */
	nm_port_fill_info(hw, &hwreg);
	error = bwrap_new(name, ns, hw, &bw);
	if (error)
		goto out_switch;
	error = nm_port_bind(&bw->hw, hw, &hwreg);
	if (error)
		goto out_bwrap;
	/* from here on the binding holds the reference to hw */
	bw->port.up.na_lut = hw->na_lut;
	error = nm_vale_krings_create(&bw->port.up);
	if (error)
		goto out_bind;
	bw->port.up.active_fds++;
	error = nm_switch_add(sw, &bw->port);
	if (error)
		goto out_krings;
	join(bw);
	*index = bw->port.index;
	return 0;

out_krings:
	bw->port.up.active_fds--;
	nm_vale_krings_delete(&bw->port.up);
out_bind:
	nm_port_unbind(&bw->hw);
	hw = NULL;
out_bwrap:
	netmap_adapter_put(&bw->port.up);
out_switch:
	nm_switch_gc(sw);
out_nic:
	if (hw != NULL)
		netmap_adapter_put(hw);
	return error;
}

int nm_vale_detach(struct nm_ns *ns, const char *name, uint32_t *index)
{
	struct nm_vale_port *p;
	struct nm_switch *sw;
	uint32_t len;
	int error;

	len = nm_switch_parse(name, &error);
	if (len == 0 || error)
		return EINVAL;
	sw = nm_switch_get(ns, name, len, false, &error);
	if (sw == NULL)
		return ENXIO;
	p = nm_switch_find_port(sw, name);
	if (p == NULL)
		return ENXIO;
	if (!is_bwrap(&p->up))
		return EINVAL; /* a port that a program has opened */
	*index = p->index;
	part(bwrap_of(&p->up));
	return 0;
}

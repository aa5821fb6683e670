/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Native NICs: what a driver calls, and the kind of port that finds them by name.
 *
 * LOCKS  Attach and detach: interface lock held by the caller, control taken
 * here.  Interrupts: a read section, nothing else.  netmap_disable_all_rings()
 * is also called by a driver's nm_register, that is with control held, so the
 * stops are atomics in the rings' state words.
 */
#include "port/port.h"

static struct nm_list nics; /* attached adapters, by na_link; control lock */

int netmap_attach_ext(struct netmap_adapter *tmpl, size_t size, int override_reg)
{
	struct netmap_adapter *na;
	const char *name;
	int error;

	/* override_reg asks for a guard around nm_register; bind.c is always that */
	(void)override_reg;
	if (tmpl->ifp == NULL || size < sizeof(*na))
		return EINVAL;
	name = tmpl->name[0] ? tmpl->name : nm_os_if_name(tmpl->ifp);
	nm_mutex_lock(&nm_control);
	if (nm_os_if_na(tmpl->ifp) != NULL) {
		error = EBUSY;
		goto out;
	}
	na = nm_port_alloc(size, name, NULL);
	if (na == NULL) {
		error = ENOMEM;
		goto out;
	}
	na->na_flags = tmpl->na_flags | NAF_NATIVE;
	na->ifp = tmpl->ifp;
	na->pdev = tmpl->pdev;
	na->num_tx_rings = tmpl->num_tx_rings;
	na->num_rx_rings = tmpl->num_rx_rings;
	na->num_host_tx_rings = tmpl->num_host_tx_rings;
	na->num_host_rx_rings = tmpl->num_host_rx_rings;
	na->num_tx_desc = tmpl->num_tx_desc;
	na->num_rx_desc = tmpl->num_rx_desc;
	na->rx_buf_maxsize = tmpl->rx_buf_maxsize;
	na->nm_register = tmpl->nm_register;
	na->nm_txsync = tmpl->nm_txsync;
	na->nm_rxsync = tmpl->nm_rxsync;
	na->nm_notify = tmpl->nm_notify;
	na->nm_config = tmpl->nm_config;
	na->nm_intr = tmpl->nm_intr;
	na->nm_krings_create = tmpl->nm_krings_create;
	na->nm_krings_delete = tmpl->nm_krings_delete;
	na->nm_bufcfg = tmpl->nm_bufcfg;
	na->nm_dtor = tmpl->nm_dtor;
	na->na_private = tmpl->na_private;
	error = nm_port_complete(na);
	if (!error)
		error = nm_os_if_set_na(na->ifp, na);
	if (error) {
		nm_port_discard(na);
		goto out;
	}
	na->nm_mem = nm_mem_global();
	nm_os_if_hold(na->ifp);
	nm_list_append(&nics, &na->na_link);
out:
	nm_mutex_unlock(&nm_control);
	return error;
}

int netmap_attach(struct netmap_adapter *tmpl)
{
	return netmap_attach_ext(tmpl, sizeof(*tmpl), 0);
}

static void stop_all(struct netmap_adapter *na)
{
	nm_atomic_add(&na->na_stopped, 1);
	nm_port_stop_rings(na);
}

static void leave_netmap_mode(struct netmap_kring *kring)
{
	kring->nr_pending_mode = NKR_NETMAP_OFF;
}

static void wake_all(struct netmap_kring *kring)
{
	nm_kr_wake(kring, 0);
}

/*
 * Everything that is the driver's is called for the last time here: its module may
 * be gone when the last file closes.  The rings stay stopped, so that no sync
 * reaches it either.
 */
void netmap_detach(if_t ifp)
{
	struct netmap_adapter *na;

	nm_mutex_lock(&nm_control);
	na = nm_os_if_na(ifp);
	if (na == NULL)
		goto out;
	if (na->nm_owner_leave != NULL)
		na->nm_owner_leave(na);
	stop_all(na);
	nm_na_flags_set(na, NAF_ZOMBIE);
	if (nm_netmap_on(na)) {
		nm_port_each_ring(na, leave_netmap_mode);
		if (na->nm_register(na, 0) != 0)
			nm_prerr("%s: could not leave netmap mode", na->name);
		if (na->krings_mem != NULL)
			netmap_krings_mode_commit(na, 0);
	}
	nm_os_if_set_na(ifp, NULL);
	nm_os_synchronize(); /* interrupts find the adapter in read sections */
	if (na->nm_dtor != NULL)
		na->nm_dtor(na);
	na->nm_dtor = NULL;
	na->nm_config = NULL;
	na->nm_krings_delete = netmap_krings_delete;
	na->ifp = NULL;
	na->pdev = NULL;
	nm_list_remove(&na->na_link);
	nm_port_each_ring(na, wake_all); /* who sleeps in poll sees POLLERR */
	nm_os_if_release(ifp);
	netmap_adapter_put(na);
out:
	nm_mutex_unlock(&nm_control);
}

struct netmap_slot *netmap_reset(struct netmap_adapter *na, enum txrx t, u_int ring, u_int new_cur)
{
	struct netmap_kring *kring;
	int32_t ofs;

	if (!nm_native_on(na) || NMR(na, t) == NULL || ring >= nma_get_nrings(na, t))
		return NULL;
	kring = NMR(na, t)[ring];
	nm_write_once(&kring->nr_mode, kring->nr_pending_mode);
	if (kring->nr_mode == NKR_NETMAP_OFF || kring->ring == NULL ||
	    new_cur >= kring->nkr_num_slots)
		return NULL;
	if (t == NR_TX) {
		/* what was on its way is lost: the NIC goes on at the first unsent slot */
		ofs = (int32_t)new_cur - (int32_t)kring->nr_hwcur;
		nm_store_release(&kring->nr_hwtail,
				 nm_prev(kring->nr_hwcur, kring->nkr_num_slots - 1));
	} else {
		/* what was received stays: the NIC fills the first slot after it */
		ofs = (int32_t)new_cur - (int32_t)kring->nr_hwtail;
	}
	kring->nkr_hwofs = ofs;
	nm_kr_wake(kring, 0);
	return kring->ring->slot;
}

static int ring_irq(struct netmap_adapter *na, enum txrx t, u_int q)
{
	struct netmap_kring **krings = nm_ptr_load(
		t == NR_TX ? (void **)&na->tx_rings : (void **)&na->rx_rings);
	struct netmap_kring *kring;

	if (krings == NULL || q >= nma_get_nrings(na, t))
		return NM_IRQ_PASS;
	kring = krings[q];
	if (nm_read_once(&kring->nr_mode) != NKR_NETMAP_ON)
		return NM_IRQ_PASS;
	if (t == NR_RX)
		nm_atomic_or(&kring->nr_kflags, NKR_PENDINTR);
	return nm_kr_notify(kring, 0);
}

int netmap_common_irq(struct netmap_adapter *na, u_int q, u_int *work_done)
{
	int ret;

	nm_read_enter();
	ret = ring_irq(na, work_done != NULL ? NR_RX : NR_TX, q);
	nm_read_exit();
	if (ret != NM_IRQ_PASS && work_done != NULL)
		*work_done = 1;
	return ret;
}

static int if_irq(if_t ifp, enum txrx t, u_int q)
{
	struct netmap_adapter *na;
	int ret = NM_IRQ_PASS;

	nm_read_enter();
	na = nm_os_if_na(ifp);
	if (nm_native_on(na) && !(nm_na_flags(na) & NAF_SKIP_INTR))
		ret = ring_irq(na, t, q);
	nm_read_exit();
	return ret;
}

int netmap_rx_irq(if_t ifp, u_int q, u_int *work_done)
{
	int ret = if_irq(ifp, NR_RX, q);

	if (ret != NM_IRQ_PASS && work_done != NULL)
		*work_done = 1;
	return ret;
}

int netmap_tx_irq(if_t ifp, u_int q)
{
	return if_irq(ifp, NR_TX, q);
}

void netmap_disable_all_rings(if_t ifp)
{
	struct netmap_adapter *na = nm_os_if_na(ifp);

	if (na != NULL)
		stop_all(na);
}

void netmap_enable_all_rings(if_t ifp)
{
	struct netmap_adapter *na = nm_os_if_na(ifp);

	if (na == NULL)
		return;
	NM_BUG_ON(na->na_stopped == 0);
	nm_atomic_add(&na->na_stopped, (uint32_t)-1);
	nm_port_start_rings(na);
	nm_port_each_ring(na, wake_all); /* they may have slept through the stop */
}

static int nic_resolve(struct nm_resolve *r, struct netmap_adapter **na)
{
	struct nm_list *pos;

	nm_list_for_each(pos, &nics) {
		struct netmap_adapter *nic = container_of(pos, struct netmap_adapter, na_link);

		if (!nm_os_if_in_ns(nic->ifp, r->ns->os) ||
		    strcmp(nm_os_if_name(nic->ifp), r->name) != 0)
			continue;
		if (r->mem != NULL && r->mem != nic->nm_mem)
			return EINVAL; /* its region is not a matter of choice */
		netmap_adapter_get(nic);
		*na = nic;
		break;
	}
	return 0;
}

static struct nm_port_kind nic_kind = {
	.name = "nic",
	.order = 50,
	.resolve = nic_resolve,
};

void nm_nic_init(void)
{
	nm_list_init(&nics);
	nm_port_kind_register(&nic_kind);
}

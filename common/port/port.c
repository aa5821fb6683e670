/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports: what every kind has in common.
 *
 * A name becomes a port by walking the kinds in their order (nm_port_resolve):
 * null, monitor, pipe, vale, nic.  A kind answers with an adapter and a
 * reference, with "not mine", or with an error.  Pipes and monitors resolve
 * their parent through the same walk, and so never name another kind.
 *
 * The life of an adapter:
 *   nm_port_alloc     the kind makes it and fills numbers and functions
 *   nm_port_complete  defaults and limits
 *   nm_port_bind      (bind.c) a file or a switch uses rings of it: the first
 *                     binding makes krings and activates the region, the last
 *                     unbinding takes them away
 *   netmap_adapter_put  the last reference: nm_dtor makes it unreachable, then
 *                     it is freed behind a grace period, because packet paths
 *                     find adapters inside read sections
 *
 * krings exist while somebody is bound, all of them; netmap_rings only for the
 * rings that are bound, or that another port needs (NKR_NEEDRING).
 *
 * LOCKS  Everything here is under nm_control, and under the interface lock where
 * the port has an interface.
 */
#include "port/port.h"

/* More than any NIC has; keeps every product below in 32 bits. */
#define NM_MAX_NIC_RINGS 1024
#define NM_MAX_NIC_SLOTS 32768

struct nm_mutex nm_control;

static struct nm_list port_kinds;

int nm_port_init(void)
{
	nm_mutex_init(&nm_control, NM_LOCK_CONTROL, "netmap control");
	nm_list_init(&port_kinds);
	nm_null_init();
	nm_pipe_init();
	nm_nic_init();
	return 0;
}

void nm_port_fini(void)
{
	nm_mutex_destroy(&nm_control);
}

void nm_port_kind_register(struct nm_port_kind *kind)
{
	struct nm_list *pos;

	nm_list_for_each(pos, &port_kinds) {
		if (container_of(pos, struct nm_port_kind, link)->order > kind->order)
			break;
	}
	nm_list_append(pos, &kind->link); /* before pos */
}

int nm_port_resolve(struct nm_resolve *r, struct netmap_adapter **na)
{
	struct nm_list *pos;

	*na = NULL;
	nm_list_for_each(pos, &port_kinds) {
		struct nm_port_kind *kind = container_of(pos, struct nm_port_kind, link);
		int error = kind->resolve(r, na);

		if (error)
			return error;
		if (*na != NULL)
			return 0;
	}
	return ENXIO;
}

void nm_ns_init(struct nm_ns *ns, void *os)
{
	memset(ns, 0, sizeof(*ns));
	ns->os = os;
	nm_list_init(&ns->phantoms);
}

void nm_ns_fini(struct nm_ns *ns)
{
	struct nm_list *pos;

	nm_os_if_lock();
	nm_mutex_lock(&nm_control);
	nm_list_for_each(pos, &port_kinds) {
		struct nm_port_kind *kind = container_of(pos, struct nm_port_kind, link);

		if (kind->ns_fini != NULL)
			kind->ns_fini(ns);
	}
	nm_mutex_unlock(&nm_control);
	nm_os_if_unlock();
}

/* ---- adapters ---------------------------------------------------------------- */

struct netmap_adapter *nm_port_alloc(size_t size, const char *name, struct nm_ns *ns)
{
	struct netmap_adapter *na = nm_os_malloc(size);
	enum txrx t;

	if (na == NULL)
		return NULL;
	nm_strlcpy(na->name, name, sizeof(na->name));
	na->ns = ns;
	na->na_refcount = 1;
	nm_list_init(&na->na_pipes);
	nm_list_init(&na->na_link);
	for_rx_tx(t)
		nm_waitq_init(&na->si[t]);
	return na;
}

static void adapter_free(struct nm_deferred *d)
{
	nm_os_free(container_of(d, struct netmap_adapter, na_deferred));
}

void nm_port_discard(struct netmap_adapter *na)
{
	enum txrx t;

	for_rx_tx(t)
		nm_waitq_destroy(&na->si[t]);
	nm_os_defer(&na->na_deferred, adapter_free);
}

int nm_port_complete(struct netmap_adapter *na)
{
	enum txrx t;

	if (na->num_host_tx_rings == 0)
		na->num_host_tx_rings = 1;
	if (na->num_host_rx_rings == 0)
		na->num_host_rx_rings = 1;
	for_rx_tx(t) {
		u_int rings = nma_get_nrings(na, t), slots = nma_get_ndesc(na, t);

		if (rings < 1 || rings > NM_MAX_NIC_RINGS || slots < 2 || slots > NM_MAX_NIC_SLOTS ||
		    nma_get_host_nrings(na, t) > NM_MAX_NIC_RINGS) {
			nm_prerr("%s: %u %s rings of %u slots: 1 to %u rings of 2 to %u are possible",
				 na->name, rings, t == NR_TX ? "tx" : "rx", slots, NM_MAX_NIC_RINGS,
				 NM_MAX_NIC_SLOTS);
			return EINVAL;
		}
	}
	if (na->nm_register == NULL || na->nm_txsync == NULL || na->nm_rxsync == NULL)
		return EINVAL;
	if (na->nm_notify == NULL)
		na->nm_notify = nm_kr_wake;
	if (na->nm_krings_create == NULL) {
		na->nm_krings_create = netmap_krings_create;
		na->nm_krings_delete = netmap_krings_delete;
	}
	return na->nm_krings_delete == NULL ? EINVAL : 0;
}

void netmap_adapter_get(struct netmap_adapter *na)
{
	na->na_refcount++;
}

void netmap_adapter_put(struct netmap_adapter *na)
{
	struct nm_mem *mem;

	nm_mutex_assert_held(&nm_control);
	NM_BUG_ON(na->na_refcount == 0);
	if (--na->na_refcount > 0)
		return;
	NM_BUG_ON(na->active_fds != 0);
	if (na->nm_dtor != NULL)
		na->nm_dtor(na);
	mem = na->nm_mem;
	nm_port_discard(na);
	if (mem != NULL)
		nm_mem_put(mem);
}

int nm_port_sw_register(struct netmap_adapter *na, int onoff)
{
	if (onoff)
		nm_na_flags_set(na, NAF_NETMAP_ON);
	else if (na->active_fds == 0)
		nm_na_flags_clear(na, NAF_NETMAP_ON);
	return 0;
}

/* ---- what a region must hold -------------------------------------------------- */

static size_t if_bytes(const struct netmap_adapter *na)
{
	return sizeof(struct netmap_if) +
	       (netmap_all_rings(na, NR_TX) + netmap_all_rings(na, NR_RX)) * sizeof(ssize_t);
}

void nm_port_need(const struct netmap_adapter *na, uint32_t copies, struct nm_mem_need *need)
{
	enum txrx t;

	memset(need, 0, sizeof(*need));
	need->if_bytes = (uint32_t)if_bytes(na);
	for_rx_tx(t) {
		uint32_t rings = na->na_flags & NAF_HOST_RINGS ? netmap_all_rings(na, t)
							       : nma_get_nrings(na, t);

		need->rings += rings * copies;
		need->bufs += rings * nma_get_ndesc(na, t) * copies;
		if (need->ring_slots < nma_get_ndesc(na, t))
			need->ring_slots = nma_get_ndesc(na, t);
	}
	/* one file per ring is a common way to use a port */
	need->ifs = need->rings > 2 ? need->rings : 2;
}

/* ---- krings -------------------------------------------------------------------- */

int netmap_krings_create(struct netmap_adapter *na)
{
	u_int n[NR_TXRX] = { [NR_RX] = netmap_all_rings(na, NR_RX),
			     [NR_TX] = netmap_all_rings(na, NR_TX) };
	size_t total = (size_t)n[NR_RX] + n[NR_TX];
	struct netmap_kring **ptrs, *kring;
	enum txrx t;
	u_int i;

	/* one block: the krings, on cache lines of their own, then the pointers */
	na->krings_mem = nm_os_malloc(total * (sizeof(*kring) + sizeof(*ptrs)) + 63);
	if (na->krings_mem == NULL)
		return ENOMEM;
	kring = (struct netmap_kring *)(((uintptr_t)na->krings_mem + 63) & ~(uintptr_t)63);
	ptrs = (struct netmap_kring **)(kring + total);
	for_rx_tx(t) {
		struct netmap_kring **arr = ptrs;

		for (i = 0; i < n[t]; i++, kring++) {
			nm_kr_init(kring, na, t, i, nma_get_ndesc(na, t));
			*ptrs++ = kring;
		}
		nm_ptr_publish(t == NR_TX ? (void **)&na->tx_rings : (void **)&na->rx_rings, arr);
	}
	return 0;
}

void netmap_krings_delete(struct netmap_adapter *na)
{
	struct netmap_kring **arr[NR_TXRX] = { [NR_RX] = na->rx_rings, [NR_TX] = na->tx_rings };
	enum txrx t;
	u_int i;

	if (na->krings_mem == NULL)
		return;
	nm_ptr_publish((void **)&na->tx_rings, NULL);
	nm_ptr_publish((void **)&na->rx_rings, NULL);
	nm_os_synchronize(); /* producers and interrupts look them up in read sections */
	for_rx_tx(t) {
		for (i = 0; i < netmap_all_rings(na, t); i++)
			nm_kr_fini(arr[t][i]);
	}
	nm_os_free(na->krings_mem);
	na->krings_mem = NULL;
}

void netmap_krings_mode_commit(struct netmap_adapter *na, int onoff)
{
	enum txrx t;
	u_int i;

	for_rx_tx(t) {
		for (i = 0; i < netmap_all_rings(na, t); i++) {
			struct netmap_kring *kring = NMR(na, t)[i];

			if (onoff ? nm_kring_pending_on(kring) : nm_kring_pending_off(kring))
				nm_write_once(&kring->nr_mode, kring->nr_pending_mode);
		}
	}
}

void nm_port_each_ring(struct netmap_adapter *na, nm_kring_fn fn)
{
	enum txrx t;
	u_int i;

	if (na->krings_mem == NULL)
		return;
	for_rx_tx(t) {
		for (i = 0; i < netmap_all_rings(na, t); i++)
			fn(NMR(na, t)[i]);
	}
}

void nm_port_stop_rings(struct netmap_adapter *na)
{
	nm_port_each_ring(na, nm_kr_stop_begin);
	nm_port_each_ring(na, nm_kr_stop_wait);
	nm_os_synchronize();
}

void nm_port_start_rings(struct netmap_adapter *na)
{
	nm_port_each_ring(na, nm_kr_start);
}

/* ---- netmap_rings --------------------------------------------------------------- */

static bool has_buffers(const struct netmap_kring *kring)
{
	const struct netmap_adapter *na = kring->na;

	if (nm_read_once(&kring->nr_kflags) & NKR_FAKERING)
		return false;
	return kring->ring_id < nma_get_nrings(na, kring->tx) || (na->na_flags & NAF_HOST_RINGS);
}

static int ring_create(struct netmap_kring *kring)
{
	struct netmap_adapter *na = kring->na;
	uint32_t n = kring->nkr_num_slots;
	struct netmap_ring *ring = nm_mem_ring_new(na->nm_mem, n);

	if (ring == NULL) {
		nm_prerr("%s: no netmap_ring of %u slots left in region %u", kring->name,
			 (unsigned)n, nm_mem_id(na->nm_mem));
		return ENOMEM;
	}
	NM_SHARED_SET(int64_t, ring->buf_ofs, nm_mem_buf_offset(na->nm_mem, ring));
	NM_SHARED_SET(uint32_t, ring->num_slots, n);
	NM_SHARED_SET(uint32_t, ring->nr_buf_size, na->na_lut.objsize);
	NM_SHARED_SET(uint16_t, ring->ringid, (uint16_t)kring->ring_id);
	NM_SHARED_SET(uint16_t, ring->dir, kring->tx == NR_TX ? 1 : 0);
	NM_SHARED_SET(uint64_t, ring->offset_mask, kring->offset_mask);
	NM_SHARED_SET(uint64_t, ring->buf_align, kring->buf_align);
	if (has_buffers(kring)) {
		int error = nm_mem_slots_fill(na->nm_mem, ring->slot, n);

		if (error) {
			nm_prerr("%s: no %u buffers left in region %u", kring->name, (unsigned)n,
				 nm_mem_id(na->nm_mem));
			nm_mem_ring_free(na->nm_mem, ring);
			return error;
		}
	}
	kring->hwbuf_len = na->na_lut.objsize;
	kring->ring = ring;
	nm_kr_reset_indices(kring);
	return 0;
}

static void ring_delete(struct netmap_kring *kring)
{
	struct nm_mem *mem = kring->na->nm_mem;

	if (has_buffers(kring))
		nm_mem_slots_free(mem, kring->ring->slot, kring->nkr_num_slots);
	nm_mem_ring_free(mem, kring->ring);
	kring->ring = NULL;
}

static bool ring_wanted(const struct netmap_kring *kring)
{
	return kring->users > 0 || (nm_read_once(&kring->nr_kflags) & NKR_NEEDRING);
}

int nm_port_rings_create(struct netmap_adapter *na)
{
	enum txrx t, ut;
	u_int i, ui;
	int error;

	for_rx_tx(t) {
		for (i = 0; i < netmap_all_rings(na, t); i++) {
			struct netmap_kring *kring = NMR(na, t)[i];

			kring->nkr_fresh = 0;
			if (kring->ring != NULL || !ring_wanted(kring))
				continue;
			error = ring_create(kring);
			if (error)
				goto undo;
			kring->nkr_fresh = 1;
		}
	}
	return 0;
undo:
	for_rx_tx(ut) {
		for (ui = 0; ui < netmap_all_rings(na, ut); ui++) {
			struct netmap_kring *kring = NMR(na, ut)[ui];

			if (ut == t && ui == i)
				return error;
			if (kring->nkr_fresh)
				ring_delete(kring);
		}
	}
	return error;
}

void nm_port_rings_delete(struct netmap_adapter *na, bool all)
{
	enum txrx t;
	u_int i;

	for_rx_tx(t) {
		for (i = 0; i < netmap_all_rings(na, t); i++) {
			struct netmap_kring *kring = NMR(na, t)[i];

			if (kring->ring != NULL && (all || !ring_wanted(kring)))
				ring_delete(kring);
		}
	}
}

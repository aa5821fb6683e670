/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binding: a file (or a switch) takes rings of a port.
 *
 * nm_port_bind, in order, each step undone when a later one fails:
 *   1. rings that mode, ringid and flags mean (ranges), exclusivity
 *   2. the region is activated
 *   3. first binding: the NIC's numbers are asked again, krings are made
 *   4. users are counted, netmap_rings and the netmap_if are made
 *   5. extra buffers
 *   6. nm_register swaps the rings whose pending mode changed; they start
 *
 * nm_port_unbind is the same backwards; rings that lose their last user are
 * stopped first, so that nothing touches them when they go.
 *
 * LOCKS  nm_control, and the interface lock where the port has an interface.
 */
#include "port/port.h"

/* The rings that a request means. */
static int ring_ranges(struct nm_binding *b, const struct netmap_adapter *na,
		       const struct nmreq_register *reg)
{
	uint64_t only = reg->nr_flags & (NR_RX_RINGS_ONLY | NR_TX_RINGS_ONLY);
	enum txrx t;

	if (only == (NR_RX_RINGS_ONLY | NR_TX_RINGS_ONLY))
		return EINVAL;
	for_rx_tx(t) {
		uint32_t nic = nma_get_nrings(na, t), host = nma_get_host_nrings(na, t);
		uint32_t first = 0, last = 0;

		switch (reg->nr_mode) {
		case NR_REG_ALL_NIC:
			last = nic;
			break;
		case NR_REG_ONE_NIC:
			if (reg->nr_ringid >= na->num_tx_rings && reg->nr_ringid >= na->num_rx_rings)
				return EINVAL;
			/* where this direction has fewer rings, its first serves */
			first = reg->nr_ringid < nic ? reg->nr_ringid : 0;
			last = first + 1;
			break;
		case NR_REG_SW:
		case NR_REG_NIC_SW:
			if (!(na->na_flags & NAF_HOST_RINGS))
				return EINVAL;
			first = reg->nr_mode == NR_REG_SW ? nic : 0;
			last = nic + host;
			break;
		case NR_REG_ONE_SW:
			if (!(na->na_flags & NAF_HOST_RINGS) ||
			    (reg->nr_ringid >= na->num_host_tx_rings &&
			     reg->nr_ringid >= na->num_host_rx_rings))
				return EINVAL;
			first = nic + (reg->nr_ringid < host ? reg->nr_ringid : 0);
			last = first + 1;
			break;
		case NR_REG_NULL:
			break;
		default:
			return EINVAL;
		}
		if (only == (t == NR_TX ? NR_RX_RINGS_ONLY : NR_TX_RINGS_ONLY))
			first = last = 0;
		b->qfirst[t] = first;
		b->qlast[t] = last;
	}
	return 0;
}

static int check_exclusive(const struct nm_binding *b, const struct netmap_adapter *na)
{
	enum txrx t;
	uint32_t i;

	if (NMR(na, NR_RX) == NULL)
		return 0; /* nobody is bound */
	for_rx_tx(t) {
		for (i = b->qfirst[t]; i < b->qlast[t]; i++) {
			const struct netmap_kring *kring = NMR(na, t)[i];

			if ((nm_read_once(&kring->nr_kflags) & NKR_EXCLUSIVE) ||
			    (kring->users > 0 && (b->flags & NR_EXCLUSIVE)))
				return EBUSY;
		}
	}
	return 0;
}

/* The NIC's own numbers may have changed while nobody was looking. */
static void update_config(struct netmap_adapter *na)
{
	struct nm_config_info info = {
		.num_tx_rings = na->num_tx_rings,
		.num_rx_rings = na->num_rx_rings,
		.num_tx_descs = na->num_tx_desc,
		.num_rx_descs = na->num_rx_desc,
		.rx_buf_maxsize = na->rx_buf_maxsize,
	};

	if (na->active_fds > 0 || na->nm_config == NULL || na->nm_config(na, &info) != 0)
		return;
	na->num_tx_rings = info.num_tx_rings;
	na->num_rx_rings = info.num_rx_rings;
	na->num_tx_desc = info.num_tx_descs;
	na->num_rx_desc = info.num_rx_descs;
	na->rx_buf_maxsize = info.rx_buf_maxsize;
}

void nm_port_fill_info(struct netmap_adapter *na, struct nmreq_register *reg)
{
	update_config(na);
	reg->nr_memsize = nm_mem_bytes(na->nm_mem);
	reg->nr_mem_id = nm_mem_id(na->nm_mem);
	reg->nr_tx_slots = na->num_tx_desc;
	reg->nr_rx_slots = na->num_rx_desc;
	reg->nr_tx_rings = (uint16_t)na->num_tx_rings;
	reg->nr_rx_rings = (uint16_t)na->num_rx_rings;
	reg->nr_host_tx_rings = (uint16_t)na->num_host_tx_rings;
	reg->nr_host_rx_rings = (uint16_t)na->num_host_rx_rings;
}

/* ---- users of rings --------------------------------------------------------------- */

static void users_add(struct nm_binding *b)
{
	enum txrx t;
	uint32_t i;

	for_rx_tx(t) {
		for (i = b->qfirst[t]; i < b->qlast[t]; i++) {
			struct netmap_kring *kring = NMR(b->na, t)[i];

			kring->users++;
			if (b->flags & NR_EXCLUSIVE)
				nm_atomic_or(&kring->nr_kflags, NKR_EXCLUSIVE);
			kring->nr_pending_mode = NKR_NETMAP_ON;
		}
	}
}

static void users_remove(struct nm_binding *b)
{
	enum txrx t;
	uint32_t i;

	for_rx_tx(t) {
		for (i = b->qfirst[t]; i < b->qlast[t]; i++) {
			struct netmap_kring *kring = NMR(b->na, t)[i];

			/* exclusive: this was the only user */
			nm_atomic_and(&kring->nr_kflags, ~(uint32_t)NKR_EXCLUSIVE);
			if (--kring->users == 0)
				kring->nr_pending_mode = NKR_NETMAP_OFF;
		}
	}
}

/* Calls fn for every ring of the binding that enters (on) or leaves netmap mode. */
static bool for_changing(struct nm_binding *b, bool on, nm_kring_fn fn)
{
	bool any = false;
	enum txrx t;
	uint32_t i;

	for_rx_tx(t) {
		for (i = b->qfirst[t]; i < b->qlast[t]; i++) {
			struct netmap_kring *kring = NMR(b->na, t)[i];

			if (!(on ? nm_kring_pending_on(kring) : nm_kring_pending_off(kring)))
				continue;
			any = true;
			if (fn != NULL)
				fn(kring);
		}
	}
	return any;
}

/* Starts the rings that have got their first user: those that for_changing() found before
 * nm_register, which may have committed their modes by now. */
static void start_new(struct nm_binding *b)
{
	enum txrx t;
	uint32_t i;

	for_rx_tx(t) {
		for (i = b->qfirst[t]; i < b->qlast[t]; i++) {
			if (NMR(b->na, t)[i]->users == 1)
				nm_kr_start(NMR(b->na, t)[i]);
		}
	}
}

/* ---- the netmap_if ------------------------------------------------------------------ */

static int if_create(struct nm_binding *b, struct netmap_if **out)
{
	struct netmap_adapter *na = b->na;
	size_t n = netmap_all_rings(na, NR_TX) + netmap_all_rings(na, NR_RX);
	size_t bytes = sizeof(struct netmap_if) + n * sizeof(ssize_t);
	struct netmap_if *nifp = nm_mem_if_new(na->nm_mem, bytes);
	uint64_t self;
	ssize_t *ofs;
	uint32_t i;

	if (nifp == NULL) {
		nm_prerr("%s: no netmap_if of %zu bytes left in region %u", na->name, bytes,
			 nm_mem_id(na->nm_mem));
		return ENOMEM;
	}
	nm_strlcpy(nifp->ni_name, na->name, sizeof(nifp->ni_name));
	NM_SHARED_SET(uint32_t, nifp->ni_version, NETMAP_API);
	NM_SHARED_SET(uint32_t, nifp->ni_flags, nm_mem_id(na->nm_mem) == NM_MEM_GLOBAL_ID ? 0 : NI_PRIV_MEM);
	NM_SHARED_SET(uint32_t, nifp->ni_tx_rings, na->num_tx_rings);
	NM_SHARED_SET(uint32_t, nifp->ni_rx_rings, na->num_rx_rings);
	NM_SHARED_SET(uint32_t, nifp->ni_host_tx_rings, na->num_host_tx_rings);
	NM_SHARED_SET(uint32_t, nifp->ni_host_rx_rings, na->num_host_rx_rings);
	/* NIC tx, host tx, NIC rx, host rx; 0 for what this binding does not hold */
	self = nm_mem_offset(na->nm_mem, nifp);
	ofs = (ssize_t *)(uintptr_t)nifp->ring_ofs;
	for (i = b->qfirst[NR_TX]; i < b->qlast[NR_TX]; i++)
		ofs[i] = (ssize_t)(nm_mem_offset(na->nm_mem, na->tx_rings[i]->ring) - self);
	ofs += netmap_all_rings(na, NR_TX);
	for (i = b->qfirst[NR_RX]; i < b->qlast[NR_RX]; i++)
		ofs[i] = (ssize_t)(nm_mem_offset(na->nm_mem, na->rx_rings[i]->ring) - self);
	*out = nifp;
	return 0;
}

/* ---- bind and unbind ------------------------------------------------------------------ */

static int may_bind(const struct netmap_adapter *na, const struct nmreq_register *reg)
{
	if (na->na_flags & NAF_ZOMBIE)
		return ENXIO;
	if (na->na_flags & NAF_BUSY)
		return EBUSY;
	if (na->nm_bind_check != NULL)
		return na->nm_bind_check((struct netmap_adapter *)(uintptr_t)na, reg);
	return 0;
}

static int check_buf_size(const struct netmap_adapter *na)
{
	if (na->rx_buf_maxsize <= na->na_lut.objsize)
		return 0;
	nm_prerr("%s: the NIC writes up to %u bytes into a buffer, buffers have %u: raise buf_size",
		 na->name, na->rx_buf_maxsize, (unsigned)na->na_lut.objsize);
	return EINVAL;
}

int nm_port_bind(struct nm_binding *b, struct netmap_adapter *na, struct nmreq_register *reg)
{
	struct netmap_if *nifp;
	bool changing;
	int error;

	nm_mutex_assert_held(&nm_control);
	NM_BUG_ON(b->na != NULL);
	error = may_bind(na, reg);
	if (error)
		return error;
	update_config(na);
	b->mode = reg->nr_mode;
	b->flags = reg->nr_flags;
	error = ring_ranges(b, na, reg);
	if (!error)
		error = check_exclusive(b, na);
	if (error)
		return error;

	error = nm_mem_activate(na->nm_mem);
	if (error)
		return error;
	if (na->active_fds == 0) {
		nm_mem_lut(na->nm_mem, &na->na_lut);
		error = check_buf_size(na);
		if (!error)
			error = na->nm_krings_create(na);
		if (error)
			goto out_mem;
	}
	b->na = na;
	users_add(b);
	error = nm_port_rings_create(na);
	if (error)
		goto out_users;
	error = if_create(b, &nifp);
	if (error)
		goto out_rings;
	b->extra_bufs = 0;
	if (reg->nr_extra_bufs > 0)
		b->extra_bufs = nm_mem_extra_new(na->nm_mem, reg->nr_extra_bufs, &nifp->ni_bufs_head);

	changing = for_changing(b, true, NULL);
	if (changing) {
		error = na->nm_register(na, 1);
		if (error)
			goto out_if;
	}
	netmap_krings_mode_commit(na, 1);
	start_new(b);
	na->active_fds++;
	nm_port_fill_info(na, reg);
	reg->nr_extra_bufs = b->extra_bufs;
	reg->nr_offset = nm_mem_offset(na->nm_mem, nifp);
	nm_ptr_publish((void **)&b->nifp, nifp);
	return 0;

out_if:
	nm_mem_extra_free(na->nm_mem, nm_user_read32(&nifp->ni_bufs_head));
	nm_mem_if_free(na->nm_mem, nifp);
out_rings:
	users_remove(b);
	nm_port_rings_delete(na, false);
	goto out_krings;
out_users:
	users_remove(b);
out_krings:
	if (na->active_fds == 0)
		na->nm_krings_delete(na);
	b->na = NULL;
out_mem:
	nm_mem_deactivate(na->nm_mem);
	return error;
}

void nm_port_unbind(struct nm_binding *b)
{
	struct netmap_adapter *na = b->na;
	struct netmap_if *nifp = b->nifp;

	nm_mutex_assert_held(&nm_control);
	nm_ptr_publish((void **)&b->nifp, NULL);
	users_remove(b);
	if (for_changing(b, false, nm_kr_stop_begin)) {
		for_changing(b, false, nm_kr_stop_wait);
		nm_os_synchronize();
	}
	na->active_fds--;
	if (for_changing(b, false, NULL)) {
		/* a NIC that left has nothing to be told */
		if (!(na->na_flags & NAF_ZOMBIE) && na->nm_register(na, 0) != 0)
			nm_prerr("%s: could not leave netmap mode", na->name);
		netmap_krings_mode_commit(na, 0);
	}
	nm_mem_extra_free(na->nm_mem, nm_user_read32(&nifp->ni_bufs_head));
	nm_mem_if_free(na->nm_mem, nifp);
	nm_port_rings_delete(na, false);
	if (na->active_fds == 0)
		na->nm_krings_delete(na);
	nm_mem_deactivate(na->nm_mem);
	b->na = NULL;
	netmap_adapter_put(na);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_nic.c - a NIC and its driver.
 *
 * The driver half uses netmap_kern.h and nothing else of the core, the way a real
 * driver does.  The hardware half has descriptor rings that hold physical addresses,
 * reads and writes packets through those, raises interrupts on a thread of its own
 * or when a test says so, and is joined to another NIC by a wire.
 *
 * Hardware rings and the core's rings run shifted against each other after a reset
 * at an index other than 0, so that a mistake in index translation shows.
 *
 * LOCKS  A plain mutex per hardware ring ("the bus"), never held while the core is
 * called or a packet is on the wire.
 */
#include <stdlib.h>

#include <dev/netmap/netmap_kern.h>
#include "hosted.h"
#include "os_hosted_test.h"

#define MAX_FRAME 65536

/* ---- hardware ------------------------------------------------------------------ */

struct desc {
	uint64_t phys;
	uint32_t len;
	bool more; /* tx: the frame goes on in the next descriptor */
	bool skip; /* tx: the driver found the slot unusable */
	bool done; /* rx: the hardware has filled it */
};

struct frame {
	struct frame *next;
	uint32_t len;
	uint8_t data[];
};

struct queue {
	pthread_mutex_t bus;
	struct nmh_nic *nic;
	uint32_t index, n;
	struct desc *desc;
	bool on;
	uint32_t hw;   /* next descriptor that the hardware looks at */
	uint32_t stop; /* first one that is not its own */
	uint8_t *partial; /* tx: the fragments so far */
	uint32_t partial_len;
	struct frame *sent, **sent_last; /* tx without a wire */
};

struct irq_in_sync {
	struct nmh_nic *from;
	uint32_t q;
};

struct nmh_nic {
	if_t ifp;
	struct nmh_nic_config cfg;
	struct nm_config_info reports;
	struct queue *tx, *rx;
	struct nmh_nic *peer; /* the other end of the wire; wire_lock */
	bool attached, hold;
	int register_error;
	struct nmh_nic_stats stats;
	struct irq_in_sync *in_sync[NR_TXRX]; /* by queue */

	pthread_t irq_thread;
	pthread_mutex_t irq_lock;
	pthread_cond_t irq_cond;
	uint64_t irq_pending[NR_TXRX]; /* bit per queue */
	bool irq_stop;
};

static pthread_rwlock_t wire_lock = PTHREAD_RWLOCK_INITIALIZER;

static void count(uint64_t *p)
{
	__atomic_fetch_add(p, 1, __ATOMIC_RELAXED);
}

static void irq_raise(struct nmh_nic *nic, enum txrx t, uint32_t q)
{
	if (!nic->cfg.irq_thread)
		return;
	pthread_mutex_lock(&nic->irq_lock);
	nic->irq_pending[t] |= 1ULL << q;
	pthread_cond_signal(&nic->irq_cond);
	pthread_mutex_unlock(&nic->irq_lock);
}

static int hw_input(struct nmh_nic *nic, uint32_t qi, const void *data, uint32_t len)
{
	struct queue *q = &nic->rx[qi % nic->cfg.rx_rings];
	int err = ENOBUFS;

	if (len > nic->cfg.rx_buf)
		return EMSGSIZE;
	pthread_mutex_lock(&q->bus);
	if (q->on && q->hw != q->stop) {
		struct desc *d = &q->desc[q->hw];

		memcpy(nm_host_phys_to_virt(d->phys, len), data, len);
		d->len = len;
		d->done = true;
		q->hw = nm_next(q->hw, q->n - 1);
		err = 0;
	}
	pthread_mutex_unlock(&q->bus);
	count(err ? &nic->stats.rx_full : &nic->stats.received);
	if (err == 0)
		irq_raise(nic, NR_RX, q->index);
	return err;
}

static void hw_output(struct queue *q)
{
	struct nmh_nic *nic = q->nic;
	struct frame *f;

	count(&nic->stats.sent);
	pthread_rwlock_rdlock(&wire_lock);
	if (nic->peer != NULL) {
		hw_input(nic->peer, q->index, q->partial, q->partial_len);
	} else {
		f = malloc(sizeof(*f) + q->partial_len);
		if (f == NULL)
			nm_host_fatal("out of memory");
		f->next = NULL;
		f->len = q->partial_len;
		memcpy(f->data, q->partial, f->len);
		pthread_mutex_lock(&q->bus);
		*q->sent_last = f;
		q->sent_last = &f->next;
		pthread_mutex_unlock(&q->bus);
	}
	pthread_rwlock_unlock(&wire_lock);
	q->partial_len = 0;
}

/* Sends everything that the driver has handed over.  One caller at a time per queue:
 * the ring's sync, or the test that lets the hardware go on. */
static void hw_transmit(struct queue *q)
{
	for (;;) {
		bool whole = false;

		pthread_mutex_lock(&q->bus);
		if (!q->on || q->hw == q->stop || __atomic_load_n(&q->nic->hold, __ATOMIC_RELAXED)) {
			pthread_mutex_unlock(&q->bus);
			return;
		}
		if (!q->desc[q->hw].skip) {
			struct desc *d = &q->desc[q->hw];

			if (q->partial_len + d->len <= MAX_FRAME) {
				memcpy(q->partial + q->partial_len,
				       nm_host_phys_to_virt(d->phys, d->len), d->len);
				q->partial_len += d->len;
			}
			whole = !d->more;
		}
		q->hw = nm_next(q->hw, q->n - 1);
		pthread_mutex_unlock(&q->bus);
		if (whole)
			hw_output(q);
	}
}

static void hw_stop(struct queue *q)
{
	pthread_mutex_lock(&q->bus);
	q->on = false;
	q->partial_len = 0;
	pthread_mutex_unlock(&q->bus);
}

static void *irq_main(void *arg)
{
	struct nmh_nic *nic = arg;

	for (;;) {
		uint64_t pending[NR_TXRX];
		enum txrx t;
		uint32_t q;
		bool stop;

		pthread_mutex_lock(&nic->irq_lock);
		while (!nic->irq_stop && nic->irq_pending[NR_RX] == 0 && nic->irq_pending[NR_TX] == 0)
			pthread_cond_wait(&nic->irq_cond, &nic->irq_lock);
		for_rx_tx(t) {
			pending[t] = nic->irq_pending[t];
			nic->irq_pending[t] = 0;
		}
		stop = nic->irq_stop;
		pthread_mutex_unlock(&nic->irq_lock);
		if (stop)
			return NULL;
		for_rx_tx(t) {
			for (q = 0; q < 64; q++) {
				if (!(pending[t] & 1ULL << q))
					continue;
				if (t == NR_RX)
					nmh_nic_rx_irq(nic, q);
				else
					nmh_nic_tx_irq(nic, q);
			}
		}
	}
}

/* ---- driver -------------------------------------------------------------------- */

static struct nmh_nic *nic_of(struct netmap_kring *kring)
{
	return kring->na->ifp->driver;
}

/* The test wants an interrupt to come in the middle of this sync, once. */
static void irq_now(struct nmh_nic *nic, enum txrx t, uint32_t q)
{
	struct irq_in_sync irq = nic->in_sync[t][q];

	if (irq.from == NULL)
		return;
	NM_BUG_ON(!nm_host_irq_possible());
	nic->in_sync[t][q].from = NULL;
	nmh_nic_rx_irq(irq.from, irq.q);
}

static int nic_txsync(struct netmap_kring *kring, int flags)
{
	struct netmap_adapter *na = kring->na;
	struct nmh_nic *nic = nic_of(kring);
	struct queue *q = &nic->tx[kring->ring_id];
	uint32_t lim = kring->nkr_num_slots - 1;
	uint32_t i, nic_i = netmap_idx_k2n(kring, kring->nr_hwcur);

	(void)flags;
	count(&nic->stats.txsyncs);
	NM_HOST_UNSPOIL(); /* the driver's reads are its own, not the core's again */
	pthread_mutex_lock(&q->bus);
	for (i = kring->nr_hwcur; q->on && i != kring->rhead; i = nm_next(i, lim)) {
		uint64_t slot = nm_user_read64((const uint64_t *)(const void *)&kring->ring->slot[i]);
		uint32_t idx = (uint32_t)slot, len = (uint32_t)(slot >> 32) & 0xffff;
		struct desc *d = &q->desc[nic_i];

		d->skip = !nm_lut_has(&na->na_lut, idx) || len == 0 || len > NETMAP_BUF_SIZE(na);
		if (d->skip) {
			count(&nic->stats.bad_slots);
		} else {
			d->phys = nm_mem_buf_phys(na->nm_mem, idx);
			d->len = len;
			d->more = ((slot >> 48) & NS_MOREFRAG) != 0;
		}
		nic_i = nm_next(nic_i, lim);
	}
	if (q->on) {
		q->stop = nic_i;
		kring->nr_hwcur = kring->rhead;
	}
	pthread_mutex_unlock(&q->bus);
	irq_now(nic, NR_TX, kring->ring_id);
	hw_transmit(q);
	pthread_mutex_lock(&q->bus);
	if (q->on)
		nm_store_release(&kring->nr_hwtail, nm_prev(netmap_idx_n2k(kring, q->hw), lim));
	pthread_mutex_unlock(&q->bus);
	return 0;
}

static int nic_rxsync(struct netmap_kring *kring, int flags)
{
	struct netmap_adapter *na = kring->na;
	struct nmh_nic *nic = nic_of(kring);
	struct queue *q = &nic->rx[kring->ring_id];
	uint32_t lim = kring->nkr_num_slots - 1;
	uint32_t i, nic_i;

	count(&nic->stats.rxsyncs);
	NM_HOST_UNSPOIL();
	if (nm_param(no_pendintr) || (flags & NAF_FORCE_READ) || (nm_read_once(&kring->nr_kflags) & NKR_PENDINTR)) {
		nm_atomic_and(&kring->nr_kflags, ~(uint32_t)NKR_PENDINTR);
		pthread_mutex_lock(&q->bus);
		i = kring->nr_hwtail;
		for (nic_i = netmap_idx_k2n(kring, i); q->on && q->desc[nic_i].done;
		     nic_i = nm_next(nic_i, lim)) {
			kring->ring->slot[i].len = (uint16_t)q->desc[nic_i].len;
			kring->ring->slot[i].flags = 0;
			q->desc[nic_i].done = false;
			i = nm_next(i, lim);
		}
		nm_store_release(&kring->nr_hwtail, i);
		pthread_mutex_unlock(&q->bus);
	}
	irq_now(nic, NR_RX, kring->ring_id);
	if (kring->nr_hwcur == kring->rhead)
		return 0;
	pthread_mutex_lock(&q->bus);
	nic_i = netmap_idx_k2n(kring, kring->nr_hwcur);
	for (i = kring->nr_hwcur; i != kring->rhead; i = nm_next(i, lim)) {
		uint64_t phys;

		/* a bad index leads to buffer 0, which nobody has */
		if (PNMB(na, &kring->ring->slot[i], &phys) == NETMAP_BUF_BASE(na))
			count(&nic->stats.bad_slots);
		q->desc[nic_i].phys = phys;
		nic_i = nm_next(nic_i, lim);
	}
	q->stop = nm_prev(nic_i, lim);
	kring->nr_hwcur = kring->rhead;
	pthread_mutex_unlock(&q->bus);
	return 0;
}

/* Hardware ring q begins at descriptor `at`, if the core wants it. */
static void ring_init(struct netmap_adapter *na, enum txrx t, uint32_t qi, uint32_t at)
{
	struct nmh_nic *nic = na->ifp->driver;
	struct queue *q = t == NR_TX ? &nic->tx[qi] : &nic->rx[qi];
	struct netmap_slot *slots;
	struct netmap_kring *kring;
	uint32_t i;

	hw_stop(q);
	slots = netmap_reset(na, t, qi, at % q->n);
	if (slots == NULL)
		return;
	kring = NMR(na, t)[qi];
	pthread_mutex_lock(&q->bus);
	memset(q->desc, 0, q->n * sizeof(*q->desc));
	q->hw = q->stop = at % q->n;
	if (t == NR_RX) {
		for (i = 0; i < q->n; i++) {
			uint64_t phys;

			PNMB(na, &slots[netmap_idx_n2k(kring, i)], &phys);
			q->desc[i].phys = phys;
		}
		q->stop = netmap_idx_k2n(kring, nm_prev(kring->nr_hwcur, q->n - 1));
	}
	q->on = true;
	pthread_mutex_unlock(&q->bus);
}

static void all_rings_init(struct netmap_adapter *na, uint32_t at)
{
	enum txrx t;
	uint32_t q;

	for_rx_tx(t) {
		for (q = 0; q < nma_get_nrings(na, t); q++)
			ring_init(na, t, q, at);
	}
}

/* As iflib: whatever has changed, the whole NIC starts anew. */
static int register_whole(struct netmap_adapter *na, int onoff)
{
	struct nmh_nic *nic = na->ifp->driver;

	if (onoff)
		nm_set_native_flags(na);
	else
		nm_clear_native_flags(na);
	netmap_disable_all_rings(na->ifp);
	all_rings_init(na, nic->cfg.hwofs);
	netmap_enable_all_rings(na->ifp);
	return 0;
}

/* The rings whose mode changes, and no others. */
static int register_rings(struct netmap_adapter *na, int onoff)
{
	struct nmh_nic *nic = na->ifp->driver;
	bool any_on = false;
	enum txrx t;
	uint32_t q;

	if (onoff)
		nm_set_native_flags(na);
	for_rx_tx(t) {
		for (q = 0; q < nma_get_nrings(na, t); q++) {
			struct netmap_kring *kring = NMR(na, t)[q];

			if (nm_kring_pending_on(kring)) {
				ring_init(na, t, q, nic->cfg.hwofs);
			} else if (nm_kring_pending_off(kring)) {
				hw_stop(t == NR_TX ? &nic->tx[q] : &nic->rx[q]);
			}
			any_on = any_on || kring->nr_pending_mode == NKR_NETMAP_ON;
		}
	}
	netmap_krings_mode_commit(na, onoff);
	if (!any_on)
		nm_clear_native_flags(na);
	return 0;
}

static int nic_register(struct netmap_adapter *na, int onoff)
{
	struct nmh_nic *nic = na->ifp->driver;

	count(&nic->stats.registers);
	if (onoff && nic->register_error != 0)
		return nic->register_error;
	return nic->cfg.all_or_nothing ? register_whole(na, onoff) : register_rings(na, onoff);
}

/* Nobody uses the rings when this is asked. */
static int nic_config(struct netmap_adapter *na, struct nm_config_info *info)
{
	struct nmh_nic *nic = na->ifp->driver;
	uint32_t i;

	*info = nic->reports;
	for (i = 0; i < nic->reports.num_tx_rings; i++)
		nic->tx[i].n = nic->reports.num_tx_descs;
	for (i = 0; i < nic->reports.num_rx_rings; i++)
		nic->rx[i].n = nic->reports.num_rx_descs;
	return 0;
}

/* ---- what tests do to it --------------------------------------------------------- */

static struct queue *queues_new(struct nmh_nic *nic, uint32_t n, uint32_t slots)
{
	struct queue *q = calloc(n ? n : 1, sizeof(*q));
	uint32_t i;

	for (i = 0; q != NULL && i < n; i++) {
		pthread_mutex_init(&q[i].bus, NULL);
		q[i].nic = nic;
		q[i].index = i;
		q[i].n = slots;
		q[i].desc = calloc(slots ? slots : 1, sizeof(*q[i].desc));
		q[i].partial = malloc(MAX_FRAME);
		q[i].sent_last = &q[i].sent;
		if (q[i].desc == NULL || q[i].partial == NULL)
			nm_host_fatal("out of memory");
	}
	return q;
}

static void queues_free(struct queue *q, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		while (q[i].sent != NULL) {
			struct frame *f = q[i].sent;

			q[i].sent = f->next;
			free(f);
		}
		free(q[i].desc);
		free(q[i].partial);
	}
	free(q);
}

static void nic_destroy(struct nmh_nic *nic)
{
	queues_free(nic->tx, nic->cfg.tx_rings);
	queues_free(nic->rx, nic->cfg.rx_rings);
	free(nic->in_sync[NR_TX]);
	free(nic->in_sync[NR_RX]);
	free(nic);
}

struct nmh_nic *nmh_nic_new(struct nmh_ns *ns, const char *name, const struct nmh_nic_config *cfg,
			    int *err)
{
	struct nmh_nic *nic = calloc(1, sizeof(*nic));
	struct netmap_adapter na;

	if (nic == NULL)
		nm_host_fatal("out of memory");
	nic->cfg = *cfg;
	if (nic->cfg.rx_buf == 0)
		nic->cfg.rx_buf = 1536;
	nic->reports = (struct nm_config_info){ cfg->tx_rings, cfg->rx_rings, cfg->tx_slots,
						cfg->rx_slots, nic->cfg.rx_buf };
	nic->tx = queues_new(nic, cfg->tx_rings, cfg->tx_slots);
	nic->rx = queues_new(nic, cfg->rx_rings, cfg->rx_slots);
	nic->in_sync[NR_TX] = calloc(cfg->tx_rings + 1, sizeof(struct irq_in_sync));
	nic->in_sync[NR_RX] = calloc(cfg->rx_rings + 1, sizeof(struct irq_in_sync));
	nic->ifp = nm_host_if_new(name, ns);
	nic->ifp->driver = nic;
	pthread_mutex_init(&nic->irq_lock, NULL);
	pthread_cond_init(&nic->irq_cond, NULL);

	memset(&na, 0, sizeof(na));
	na.ifp = nic->ifp;
	na.na_flags = NAF_MOREFRAG;
	na.num_tx_rings = cfg->tx_rings;
	na.num_rx_rings = cfg->rx_rings;
	na.num_tx_desc = cfg->tx_slots;
	na.num_rx_desc = cfg->rx_slots;
	na.rx_buf_maxsize = nic->cfg.rx_buf;
	na.nm_register = nic_register;
	na.nm_txsync = nic_txsync;
	na.nm_rxsync = nic_rxsync;
	na.nm_config = nic_config;
	nm_os_if_lock();
	*err = netmap_attach(&na);
	nm_os_if_unlock();
	nm_host_leave("netmap_attach");
	if (*err != 0) {
		nm_host_if_free(nic->ifp);
		nic_destroy(nic);
		return NULL;
	}
	nic->attached = true;
	if (cfg->irq_thread && pthread_create(&nic->irq_thread, NULL, irq_main, nic) != 0)
		nm_host_fatal("no thread for interrupts");
	return nic;
}

void nmh_nic_detach(struct nmh_nic *nic)
{
	if (!nic->attached)
		return;
	nm_os_if_lock();
	netmap_detach(nic->ifp);
	nm_os_if_unlock();
	nm_host_leave("netmap_detach");
	nic->attached = false;
	if (nic->cfg.irq_thread) {
		pthread_mutex_lock(&nic->irq_lock);
		nic->irq_stop = true;
		pthread_cond_signal(&nic->irq_cond);
		pthread_mutex_unlock(&nic->irq_lock);
		pthread_join(nic->irq_thread, NULL);
	}
}

uint32_t nmh_nic_free(struct nmh_nic *nic)
{
	uint32_t refs;

	nmh_nic_detach(nic);
	nmh_nic_wire(nic, NULL);
	refs = nm_host_if_free(nic->ifp);
	if (refs == 0)
		nic_destroy(nic);
	return refs;
}

void nmh_nic_wire(struct nmh_nic *a, struct nmh_nic *b)
{
	pthread_rwlock_wrlock(&wire_lock);
	if (a->peer != NULL)
		a->peer->peer = NULL;
	if (b != NULL && b->peer != NULL)
		b->peer->peer = NULL;
	a->peer = b;
	if (b != NULL)
		b->peer = a;
	pthread_rwlock_unlock(&wire_lock);
}

int nmh_nic_receive(struct nmh_nic *nic, uint32_t q, const void *pkt, uint32_t len)
{
	return hw_input(nic, q, pkt, len);
}

void nmh_nic_hold(struct nmh_nic *nic, int on)
{
	uint32_t q;

	__atomic_store_n(&nic->hold, on != 0, __ATOMIC_RELAXED);
	for (q = 0; !on && q < nic->cfg.tx_rings; q++) {
		hw_transmit(&nic->tx[q]);
		irq_raise(nic, NR_TX, q);
	}
}

uint32_t nmh_nic_take_sent(struct nmh_nic *nic, uint32_t qi, void *buf, uint32_t size)
{
	struct queue *q = &nic->tx[qi];
	struct frame *f;
	uint32_t len;

	pthread_mutex_lock(&q->bus);
	f = q->sent;
	if (f != NULL) {
		q->sent = f->next;
		if (q->sent == NULL)
			q->sent_last = &q->sent;
	}
	pthread_mutex_unlock(&q->bus);
	if (f == NULL)
		return 0;
	len = f->len < size ? f->len : size;
	memcpy(buf, f->data, len);
	free(f);
	return len;
}

int nmh_nic_rx_irq(struct nmh_nic *nic, uint32_t q)
{
	u_int work = 0;
	int ret;

	count(&nic->stats.irqs);
	nm_host_irq_enter();
	ret = netmap_rx_irq(nic->ifp, q, &work);
	nm_host_irq_exit();
	NM_BUG_ON((ret != NM_IRQ_PASS) != (work == 1));
	return ret;
}

int nmh_nic_tx_irq(struct nmh_nic *nic, uint32_t q)
{
	int ret;

	count(&nic->stats.irqs);
	nm_host_irq_enter();
	ret = netmap_tx_irq(nic->ifp, q);
	nm_host_irq_exit();
	return ret;
}

int nmh_nic_common_irq(struct nmh_nic *nic, int tx, uint32_t q)
{
	struct netmap_adapter *na;
	u_int work = 0;
	int ret;

	count(&nic->stats.irqs);
	nm_host_irq_enter();
	nm_read_enter();
	na = NA(nic->ifp);
	nm_read_exit();
	ret = netmap_common_irq(na, q, tx ? NULL : &work);
	nm_host_irq_exit();
	NM_BUG_ON(!tx && (ret != NM_IRQ_PASS) != (work == 1));
	return ret;
}

void nmh_nic_reports(struct nmh_nic *nic, uint32_t tx_rings, uint32_t rx_rings,
		     uint32_t tx_slots, uint32_t rx_slots)
{
	NM_BUG_ON(tx_rings > nic->cfg.tx_rings || rx_rings > nic->cfg.rx_rings ||
		  tx_slots > nic->cfg.tx_slots || rx_slots > nic->cfg.rx_slots);
	nic->reports.num_tx_rings = tx_rings;
	nic->reports.num_rx_rings = rx_rings;
	nic->reports.num_tx_descs = tx_slots;
	nic->reports.num_rx_descs = rx_slots;
}

static __thread struct irq_in_sync irq_at;

static void irq_at_fire(void *arg)
{
	struct irq_in_sync *irq = arg;

	nmh_nic_rx_irq(irq->from, irq->q);
}

void nmh_nic_rx_irq_at(struct nmh_nic *nic, uint32_t q, uint64_t at)
{
	irq_at.from = nic;
	irq_at.q = q;
	nm_host_irq_arm(at, irq_at_fire, &irq_at);
}

void nmh_nic_irq_in_sync(struct nmh_nic *nic, int tx, uint32_t q, struct nmh_nic *from,
			 uint32_t from_q)
{
	struct irq_in_sync *irq = &nic->in_sync[tx ? NR_TX : NR_RX][q];

	irq->from = from;
	irq->q = from_q;
}

void nmh_nic_fail_register(struct nmh_nic *nic, int err)
{
	nic->register_error = err;
}

void nmh_nic_reset(struct nmh_nic *nic, uint32_t at)
{
	struct netmap_adapter *na;
	enum txrx t;
	uint32_t q;

	count(&nic->stats.resets);
	nm_os_if_lock();
	na = NA(nic->ifp);
	if (na != NULL) {
		netmap_disable_all_rings(nic->ifp);
		for_rx_tx(t) {
			for (q = 0; q < nma_get_nrings(na, t); q++) {
				if (netmap_kring_on(na, q, t) != NULL)
					ring_init(na, t, q, at);
			}
		}
		netmap_enable_all_rings(nic->ifp);
	}
	nm_os_if_unlock();
	nm_host_leave("a reset");
}

void nmh_nic_rings(struct nmh_nic *nic, int on)
{
	nm_os_if_lock();
	if (on)
		netmap_enable_all_rings(nic->ifp);
	else
		netmap_disable_all_rings(nic->ifp);
	nm_os_if_unlock();
	nm_host_leave("stopping or starting rings");
}

void nmh_nic_stats(struct nmh_nic *nic, struct nmh_nic_stats *st)
{
	const uint64_t *from = (const uint64_t *)&nic->stats;
	uint64_t *to = (uint64_t *)st;
	size_t i;

	for (i = 0; i < sizeof(*st) / sizeof(*to); i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

int nmh_nic_ring_on(struct nmh_nic *nic, int tx, uint32_t q)
{
	return tx ? nic->tx[q].on : nic->rx[q].on;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes: two ports joined back to back, what one end sends the other receives.
 *
 * NAMES  `<parent>{<id>` is the master end of pipe <id>, `<parent>}<id>` the slave; an id
 * is made of letters, digits, and `_-.`.  The two ends are alike; a parent has up to
 * NM_MAX_PIPES pipes (one more: EBUSY).  The parent is any port but a pipe, or a name that no
 * kind of port knows: then a phantom stands for it, an adapter that only carries the list
 * of its pipes.  The first end decides the numbers of rings and slots, the second mirrors
 * them: the tx rings of one are the rx rings of the other, ring by ring, slot by slot.
 *
 * MEMORY  Both ends live in one region: the one asked for by id; else the parent's,
 * where that can hold the pipe (it is grown while nobody uses it); else, and for
 * phantoms, a private one made for this pipe.
 *
 * LIFE  Ends come and go in any order.  The krings of both are made when the first is
 * bound and go when the last is unbound; while it is bound an end holds a reference to
 * the other, which exists for that reason even if no program ever opened it.  An rx ring
 * has slots and buffers (NKR_NEEDRING) as long as the tx ring that feeds it is bound, so
 *
 *     a tx ring that may run has a whole rx ring at its other end,
 *
 * and the transfer checks nothing about the other end's life: pipe_register() sees to it
 * before the ring starts and undoes it after the ring has stopped.  Packets sent while
 * nobody reads wait in the rx ring.  What a reader leaves unread when it closes is
 * dropped, and its slots go back to the sender.
 *
 * THE WAY OF A PACKET  No lock, no copy; the two ends share two indices of the rx ring.
 *   1. pipe_txsync walks the slots the program queued.  The fields of a slot are read
 *      once and checked; then the buffer goes into the next rx slot, and the one that
 *      lay there into the tx slot, its index checked too: each side has been writing to
 *      its own slots.
 *   2. The rx ring's nr_hwtail moves (release) behind whole packets only; the end of the
 *      fragments moved so far is kept in its nkr_lease across syncs.
 *   3. The reader is notified once per sync.
 *   4. pipe_rxsync moves the rx ring's nr_hwcur (release) over what the program gave
 *      back, and notifies the sender.
 * The tx ring's tail shows as many slots as the rx ring can take: a program cannot queue
 * more than fits, so nothing is ever dropped for want of room and nothing stays behind.
 *
 * WHAT IS DROPPED  A packet with a bad index, a length beyond a buffer, NS_INDIRECT, or
 * more than NETMAP_MAX_FRAGS slots, with all its slots.  If a buffer index that the reader left
 * in its ring is bad, that slot comes back to it empty, with buffer 0 and length 0, and the packet
 * is dropped: neither a bad index nor a lack of buffers crosses to the sender.
 *
 * LOCKS  Control for everything but the syncs.  A tx ring's holder (NM_KR_BUSY) owns the
 * rx ring's nr_hwtail and nkr_lease and the slots from there to nr_hwcur; the rx ring's
 * holder owns nr_hwcur.
 */
#include "port/port.h"
#include "ring/slot.h"

/* A program that dies while it exchanges buffers loses some, and the other end keeps the
 * region alive: enough of them that the program can come back. */
#define SPARE_BUFS 64

struct pipe_end {
	struct netmap_adapter up;
	struct pipe_end *peer; /* NULL while it does not exist */
	const char *id;	       /* in up.name, behind the mark */
	bool master;
};

static struct pipe_end *end_of(struct netmap_adapter *na)
{
	return container_of(na, struct pipe_end, up);
}

/* ---- the transfer ------------------------------------------------------------ */

/* In nkr_lease of an rx ring: the rest of a packet being dropped is still to come. */
#define LEASE_SKIPPING NM_LEASE_OPEN

struct xfer {
	struct netmap_slot *ts, *rs; /* of the tx ring, of the rx ring */
	struct netmap_lut lut;
	uint32_t n;    /* slots, the same in both */
	uint32_t i;    /* next tx slot */
	uint32_t end;  /* first tx slot that is not queued */
	uint32_t at;   /* where the next fragment goes in the rx ring */
	uint32_t full; /* the rx slot that must stay empty */
	uint32_t done; /* end of the whole packets in the rx ring */
	bool skipping; /* the slots up to the end of a packet are to be dropped */
};

static inline uint32_t forward(uint32_t a, uint32_t by, uint32_t n)
{
	a += by;
	return a >= n ? a - n : a;
}

/* Exchanges buffers between a tx slot of which `w` was read and checked, and an rx slot
 * whose index `spare` was. */
static inline void exchange(struct netmap_slot *ts, uint64_t w, uint64_t ptr,
			    struct netmap_slot *rs, uint32_t spare, uint32_t more)
{
	uint32_t tail = (uint32_t)(w >> 32);

	/* by halves: 32-bit constants fit into instructions, 64-bit ones do not */
	nm_user_write32(&rs->buf_idx, NM_SLOT_IDX(w));
	nm_slot_write_tail(rs, NM_SLOT_TAIL(NM_SLOT_LEN(w), more | NS_BUF_CHANGED));
	nm_user_write64(&rs->ptr, ptr);
	nm_user_write32(&ts->buf_idx, spare);
	nm_slot_write_tail(ts, tail | NM_SLOT_TAIL(0, NS_BUF_CHANGED));
}

/* What was read for one move, so that it is read once. */
struct seen {
	uint64_t w, ptr;
	uint32_t spare;
};

/*
 * The hot loop: packets of one slot, all good, in slots that lie one after the other in
 * both rings.  Returns how many of `run` were moved; if not all, the next one needs a
 * closer look, and *seen is what it holds.
 */
static inline uint32_t move_run(struct netmap_slot *ts, struct netmap_slot *rs, uint32_t run,
				uint32_t objtotal, uint32_t objsize, struct seen *seen)
{
	const struct netmap_lut lut = { .objtotal = objtotal, .objsize = objsize };
	const struct netmap_slot *stop = ts + run, *start = ts;

	for (; ts != stop; ts++, rs++) {
		const uint64_t w = nm_slot_read(ts);
		const uint64_t ptr = nm_user_read64(&ts->ptr);
		const uint32_t spare = nm_user_read32(&rs->buf_idx);

		if (nm_unlikely(!nm_lut_has(&lut, NM_SLOT_IDX(w))) ||
		    nm_unlikely(NM_SLOT_LEN(w) > objsize) ||
		    nm_unlikely((uint32_t)(w >> 32) &
				NM_SLOT_TAIL(0, NS_INDIRECT | NS_MOREFRAG)) ||
		    nm_unlikely(!nm_lut_has(&lut, spare))) {
			*seen = (struct seen){ w, ptr, spare };
			break;
		}
		exchange(ts, w, ptr, rs, spare, 0);
	}
	return (uint32_t)(ts - start);
}

/* Goes on to where a packet being dropped ends, at most to the end. */
static void skip_packet(struct xfer *x)
{
	while (x->skipping && x->i != x->end) {
		uint64_t w = nm_slot_read(&x->ts[x->i]);

		x->skipping = (w & NM_SLOT_FLAG(NS_MOREFRAG)) != 0;
		x->i = nm_next(x->i, x->n - 1);
	}
}

/* The reader left a bad index in slot `at`: that slot and the fragments before it become
 * empty packets. */
static void give_back_empty(struct xfer *x)
{
	nm_user_write32(&x->rs[x->at].buf_idx, 0);
	x->at = nm_next(x->at, x->n - 1);
	for (; x->done != x->at; x->done = nm_next(x->done, x->n - 1))
		nm_slot_write_tail(&x->rs[x->done], NM_SLOT_TAIL(0, NS_BUF_CHANGED));
}

/* One slot that is a fragment, or bad. */
static void move_slot(struct xfer *x, const struct seen *seen)
{
	struct netmap_slot *ts = &x->ts[x->i], *rs = &x->rs[x->at];
	const uint32_t len = NM_SLOT_LEN(seen->w);
	const uint32_t flags = NM_SLOT_FLAGS(seen->w), more = flags & NS_MOREFRAG;
	bool good = nm_lut_has(&x->lut, NM_SLOT_IDX(seen->w)) && len <= x->lut.objsize &&
		    !(flags & NS_INDIRECT);

	x->i = nm_next(x->i, x->n - 1);
	if (good && !nm_lut_has(&x->lut, seen->spare)) {
		give_back_empty(x);
		good = false;
	}
	if (good) {
		/* a fragment with more to come: a good slot without is moved by move_run() */
		exchange(ts, seen->w, seen->ptr, rs, seen->spare, more);
		x->at = nm_next(x->at, x->n - 1);
		/* one that goes on and has no slots left to do so is too long */
		good = nm_kr_dist(x->done, x->at, x->n) < NETMAP_MAX_FRAGS;
	}
	if (!good) {
		x->at = x->done;
		x->skipping = more != 0;
		skip_packet(x);
	}
}

static int pipe_txsync(struct netmap_kring *tx, int flags)
{
	struct netmap_kring *rx = tx->pipe_peer;
	const uint32_t n = tx->nkr_num_slots;
	struct xfer x = {
		.ts = tx->ring->slot,
		.rs = rx->ring->slot,
		.lut = tx->na->na_lut,
		.n = n,
		.i = tx->nr_hwcur,
		.end = tx->rhead,
		.at = rx->nkr_lease,
		.full = nm_prev(nm_load_acquire(&rx->nr_hwcur), n - 1),
		.done = rx->nr_hwtail,
	};

	struct seen seen = { 0, 0, 0 };

	(void)flags;
	if (nm_unlikely(x.at == LEASE_SKIPPING)) {
		x.at = x.done;
		x.skipping = true;
		skip_packet(&x);
	}
	while (x.i != x.end && x.at != x.full) {
		uint32_t queued = (x.end > x.i ? x.end : n) - x.i;
		uint32_t room = (x.full > x.at ? x.full : n) - x.at;
		uint32_t run = queued < room ? queued : room;
		uint32_t moved = move_run(x.ts + x.i, x.rs + x.at, run, x.lut.objtotal,
					  x.lut.objsize, &seen);

		if (nm_likely(moved > 0)) {
			x.i = forward(x.i, moved, n);
			x.done = x.at = forward(x.at, moved, n);
		}
		if (nm_unlikely(moved < run))
			move_slot(&x, &seen);
	}
	nm_write_once(&tx->nr_hwcur, x.i); /* poll looks at it */
	rx->nkr_lease = x.skipping ? LEASE_SKIPPING : x.at;
	if (x.done != rx->nr_hwtail) {
		nm_store_release(&rx->nr_hwtail, x.done);
		nm_read_enter();
		rx->nm_notify(rx, 0);
		nm_read_exit();
	}
	nm_store_release(&tx->nr_hwtail, forward(x.i, nm_kr_dist(x.at, x.full, n), n));
	return 0;
}

static int pipe_rxsync(struct netmap_kring *rx, int flags)
{
	struct netmap_kring *tx = rx->pipe_peer;

	(void)flags;
	if (rx->nr_hwcur == rx->rhead)
		return 0;
	nm_store_release(&rx->nr_hwcur, rx->rhead);
	nm_read_enter();
	tx->nm_notify(tx, 0);
	nm_read_exit();
	return 0;
}

/* ---- rings coming and going ---------------------------------------------------- */

/* The ring is stopped; both sides of it start from here. */
static void indices_set(struct netmap_kring *kring, uint32_t cur, uint32_t tail)
{
	struct netmap_ring *ring = kring->ring;

	kring->rhead = kring->rcur = cur;
	nm_store_release(&kring->nr_hwcur, cur);
	nm_write_once(&kring->rtail, tail);
	nm_user_write32(&ring->head, cur);
	nm_user_write32(&ring->cur, cur);
	nm_user_write32_release(&ring->tail, tail);
}

/* A tx ring enters netmap mode: as many free slots as its reader has. */
static void tx_enter(struct netmap_kring *tx)
{
	struct netmap_kring *rx = tx->pipe_peer;
	uint32_t n = tx->nkr_num_slots;
	uint32_t full = nm_prev(nm_load_acquire(&rx->nr_hwcur), n - 1);
	uint32_t tail = nm_kr_dist(rx->nr_hwtail, full, n);

	rx->nkr_lease = rx->nr_hwtail; /* what the writer before began is not finished */
	nm_store_release(&tx->nr_hwtail, tail);
	indices_set(tx, 0, tail);
}

/* An rx ring enters netmap mode: packets may be waiting, behind the traces of the
 * program that had the ring before. */
static void rx_enter(struct netmap_kring *rx)
{
	indices_set(rx, rx->nr_hwcur, nm_load_acquire(&rx->nr_hwtail));
}

/* An rx ring without a reader, whose sender goes on: what was not read is dropped. */
static void rx_leave(struct netmap_kring *rx)
{
	uint32_t tail = nm_load_acquire(&rx->nr_hwtail);

	indices_set(rx, tail, tail);
	nm_read_enter();
	rx->pipe_peer->nm_notify(rx->pipe_peer, 0);
	nm_read_exit();
}

/* The rings at the other end of tx rings whose users came or went. */
static void peers_need(struct netmap_adapter *na, bool needed)
{
	u_int i;

	for (i = 0; i < na->num_tx_rings; i++) {
		struct netmap_kring *tx = na->tx_rings[i];

		if (needed ? !nm_kring_pending_on(tx) : !nm_kring_pending_off(tx))
			continue;
		if (needed)
			tx->pipe_peer->nr_kflags |= NKR_NEEDRING;
		else
			tx->pipe_peer->nr_kflags &= ~(uint32_t)NKR_NEEDRING;
	}
}

static int pipe_enter(struct pipe_end *end)
{
	struct netmap_adapter *na = &end->up;
	u_int i;
	int error;

	peers_need(na, true);
	error = nm_port_rings_create(&end->peer->up);
	if (error != 0) {
		for (i = 0; i < na->num_tx_rings; i++) {
			if (nm_kring_pending_on(na->tx_rings[i]))
				na->tx_rings[i]->pipe_peer->nr_kflags &= ~(uint32_t)NKR_NEEDRING;
		}
		return error;
	}
	for (i = 0; i < na->num_tx_rings; i++) {
		if (nm_kring_pending_on(na->tx_rings[i]))
			tx_enter(na->tx_rings[i]);
	}
	for (i = 0; i < na->num_rx_rings; i++) {
		if (nm_kring_pending_on(na->rx_rings[i]))
			rx_enter(na->rx_rings[i]);
	}
	return 0;
}

static void pipe_leave(struct pipe_end *end)
{
	struct netmap_adapter *na = &end->up;
	u_int i;

	for (i = 0; i < na->num_rx_rings; i++) {
		if (nm_kring_pending_off(na->rx_rings[i]))
			rx_leave(na->rx_rings[i]);
	}
	peers_need(na, false);
	nm_port_rings_delete(&end->peer->up, false);
}

static int pipe_register(struct netmap_adapter *na, int onoff)
{
	int error = 0;

	if (onoff)
		error = pipe_enter(end_of(na));
	else
		pipe_leave(end_of(na));
	return error != 0 ? error : nm_port_sw_register(na, onoff);
}

static struct pipe_end *end_new(struct netmap_adapter *parent, struct nm_ns *ns, const char *id,
				bool master, struct nm_mem *mem, const u_int *rings,
				const u_int *slots, int *error);

/* The end at the other side of one that is being bound, with a reference. */
static struct pipe_end *peer_get(struct pipe_end *end, int *error)
{
	struct netmap_adapter *na = &end->up;
	const u_int rings[NR_TXRX] = { [NR_RX] = na->num_tx_rings, [NR_TX] = na->num_rx_rings };
	const u_int slots[NR_TXRX] = { [NR_RX] = na->num_tx_desc, [NR_TX] = na->num_rx_desc };

	if (end->peer != NULL) {
		netmap_adapter_get(&end->peer->up);
		return end->peer;
	}
	return end_new(na->na_parent, na->ns, end->id, !end->master, na->nm_mem, rings, slots,
		       error);
}

static void join(struct netmap_adapter *from, struct netmap_adapter *to)
{
	u_int i;

	for (i = 0; i < from->num_tx_rings; i++) {
		from->tx_rings[i]->pipe_peer = to->rx_rings[i];
		to->rx_rings[i]->pipe_peer = from->tx_rings[i];
	}
}

/* First binding of an end: krings for both, unless the other has made them. */
static int pipe_krings_create(struct netmap_adapter *na)
{
	struct pipe_end *peer;
	int error = 0;

	peer = peer_get(end_of(na), &error);
	if (peer == NULL)
		return error;
	if (peer->up.active_fds > 0)
		return 0;
	error = netmap_krings_create(na);
	if (error == 0) {
		error = netmap_krings_create(&peer->up);
		if (error != 0)
			netmap_krings_delete(na);
	}
	if (error != 0) {
		netmap_adapter_put(&peer->up);
		return error;
	}
	peer->up.na_lut = na->na_lut; /* one region */
	join(na, &peer->up);
	join(&peer->up, na);
	return 0;
}

static void pipe_krings_delete(struct netmap_adapter *na)
{
	struct netmap_adapter *peer = &end_of(na)->peer->up;

	if (peer->active_fds == 0) {
		netmap_krings_delete(na);
		netmap_krings_delete(peer);
	}
	netmap_adapter_put(peer);
}

/* ---- ends and their parents ------------------------------------------------------ */

static void pipe_dtor(struct netmap_adapter *na)
{
	struct pipe_end *end = end_of(na);

	nm_list_remove(&na->na_link);
	if (end->peer != NULL)
		end->peer->peer = NULL;
	netmap_adapter_put(na->na_parent);
}

static struct pipe_end *end_find(struct netmap_adapter *parent, const char *id,
				 bool master)
{
	struct nm_list *pos;

	nm_list_for_each(pos, &parent->na_pipes) {
		struct pipe_end *end = container_of(pos, struct pipe_end, up.na_link);

		if (end->master == master && strcmp(end->id, id) == 0)
			return end;
	}
	return NULL;
}

/* A new end, joined to its peer if that exists, with one reference. */
static struct pipe_end *end_new(struct netmap_adapter *parent, struct nm_ns *ns, const char *id,
				bool master, struct nm_mem *mem, const u_int *rings,
				const u_int *slots, int *error)
{
	char name[2 * NETMAP_REQ_IFNAMSIZ]; /* two parts of one name: no more than half is used */
	struct pipe_end *end;
	struct netmap_adapter *na;

	snprintf(name, sizeof(name), "%s%c%s", parent->name, master ? '{' : '}', id);
	na = nm_port_alloc(sizeof(*end), name, ns);
	if (na == NULL) {
		*error = ENOMEM;
		return NULL;
	}
	na->num_tx_rings = rings[NR_TX];
	na->num_rx_rings = rings[NR_RX];
	na->num_tx_desc = slots[NR_TX];
	na->num_rx_desc = slots[NR_RX];
	na->na_flags = NAF_SW_ONLY | NAF_MOREFRAG;
	na->nm_register = pipe_register;
	na->nm_txsync = pipe_txsync;
	na->nm_rxsync = pipe_rxsync;
	na->nm_krings_create = pipe_krings_create;
	na->nm_krings_delete = pipe_krings_delete;
	na->nm_dtor = pipe_dtor;
	*error = nm_port_complete(na);
	if (*error != 0) {
		nm_port_discard(na);
		return NULL;
	}
	end = end_of(na);
	end->id = na->name + strlen(parent->name) + 1;
	end->master = master;
	end->peer = end_find(parent, id, !master);
	if (end->peer != NULL)
		end->peer->peer = end;
	na->nm_mem = mem;
	nm_mem_get(mem);
	na->na_parent = parent;
	netmap_adapter_get(parent);
	nm_list_append(&parent->na_pipes, &na->na_link);
	return end;
}

static void need_add(struct nm_mem_need *sum, const struct netmap_adapter *na)
{
	struct nm_mem_need need;

	nm_port_need(na, 2, &need); /* both ends */
	sum->ifs += 2 * need.ifs;   /* for writers and readers of their own */
	sum->rings += need.rings;
	sum->bufs += need.bufs;
	if (sum->if_bytes < need.if_bytes)
		sum->if_bytes = need.if_bytes;
	if (sum->ring_slots < need.ring_slots)
		sum->ring_slots = need.ring_slots;
}

/* Makes room in a parent's region for its pipes and one more; EBUSY: cannot grow now. */
static int parent_mem_grow(struct netmap_adapter *parent, const struct netmap_adapter *pipe)
{
	struct nm_mem_need sum;
	struct nm_list *pos;

	nm_port_need(parent, 1, &sum);
	need_add(&sum, pipe);
	nm_list_for_each(pos, &parent->na_pipes) {
		struct pipe_end *end = container_of(pos, struct pipe_end, up.na_link);

		if (end->up.nm_mem == parent->nm_mem && (end->master || end->peer == NULL))
			need_add(&sum, &end->up);
	}
	return nm_mem_grow(parent->nm_mem, &sum);
}

/* The region for a pipe of these numbers, with a reference; NULL: *error. */
static struct nm_mem *pipe_mem(struct nm_resolve *r, struct netmap_adapter *parent,
			       const u_int *rings, const u_int *slots, int *error)
{
	uint32_t extra = r->reg->nr_extra_bufs;
	struct netmap_adapter numbers = {
		.num_tx_rings = rings[NR_TX],
		.num_rx_rings = rings[NR_RX],
		.num_host_tx_rings = 1,
		.num_host_rx_rings = 1,
		.num_tx_desc = slots[NR_TX],
		.num_rx_desc = slots[NR_RX],
	};
	struct nm_mem_need need;

	if (r->mem != NULL) {
		nm_mem_get(r->mem);
		return r->mem;
	}
	if (parent->nm_mem != NULL) {
		*error = parent_mem_grow(parent, &numbers);
		if (*error == 0) {
			nm_mem_get(parent->nm_mem);
			return parent->nm_mem;
		}
		if (*error != EBUSY)
			return NULL;
	}
	memset(&need, 0, sizeof(need));
	need_add(&need, &numbers);
	need.bufs += SPARE_BUFS;
	need.bufs += extra < NM_MEM_MAX_EXTRA ? extra : NM_MEM_MAX_EXTRA;
	return nm_mem_private_new(&need, error);
}

/* How many pipes a parent has: masters, and slaves without one. */
static uint32_t pipes_of(const struct netmap_adapter *parent)
{
	const struct nm_list *pos;
	uint32_t count = 0;

	nm_list_for_each(pos, &parent->na_pipes) {
		const struct pipe_end *end = container_of(pos, struct pipe_end, up.na_link);

		count += end->master || end->peer == NULL;
	}
	return count;
}

/* The first end of a pipe, as the request asks. */
static int pipe_new(struct nm_resolve *r, struct netmap_adapter *parent, const char *id,
		    bool master, struct pipe_end **out)
{
	const struct nmreq_register *reg = r->reg;
	const u_int rings[NR_TXRX] = {
		[NR_RX] = nm_port_count(reg->nr_rx_rings, 1, 1, NM_MAX_PIPE_RINGS),
		[NR_TX] = nm_port_count(reg->nr_tx_rings, 1, 1, NM_MAX_PIPE_RINGS),
	};
	const u_int slots[NR_TXRX] = {
		[NR_RX] = nm_port_count(reg->nr_rx_slots, NM_DEFAULT_SLOTS, 2, NM_MAX_SLOTS),
		[NR_TX] = nm_port_count(reg->nr_tx_slots, NM_DEFAULT_SLOTS, 2, NM_MAX_SLOTS),
	};
	struct nm_mem *mem;
	int error = 0;

	if (pipes_of(parent) >= NM_MAX_PIPES)
		return EBUSY;
	mem = pipe_mem(r, parent, rings, slots, &error);
	if (mem == NULL)
		return error;
	*out = end_new(parent, r->ns, id, master, mem, rings, slots, &error);
	nm_mem_put(mem);
	return error;
}

static void phantom_dtor(struct netmap_adapter *na)
{
	nm_list_remove(&na->na_link);
}

static int phantom_new(struct nm_resolve *r, const char *name, struct netmap_adapter **out)
{
	struct netmap_adapter *na = nm_port_alloc(sizeof(*na), name, r->ns);

	if (na == NULL)
		return ENOMEM;
	na->nm_dtor = phantom_dtor;
	nm_list_append(&r->ns->phantoms, &na->na_link);
	*out = na;
	return 0;
}

/* The parent by name, with a reference.  A phantom keeps its name as long as it has
 * pipes, whatever appears under it meanwhile, so that both ends meet. */
static int parent_get(struct nm_resolve *r, const char *name, struct netmap_adapter **out)
{
	static const struct nmreq_register plain = { .nr_mode = NR_REG_ALL_NIC };
	struct nm_resolve up = {
		.ns = r->ns,
		.name = name,
		.reg = &plain,
		.create = r->create,
		.depth = r->depth + 1,
	};
	struct nm_list *pos;
	int error;

	nm_list_for_each(pos, &r->ns->phantoms) {
		struct netmap_adapter *na = container_of(pos, struct netmap_adapter, na_link);

		if (strcmp(na->name, name) == 0) {
			netmap_adapter_get(na);
			*out = na;
			return 0;
		}
	}
	error = nm_port_resolve(&up, out);
	if (error == ENXIO && r->create)
		error = phantom_new(r, name, out);
	return error;
}

static bool id_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || c == '-' || c == '.';
}

/* Takes `<parent>{<id>` apart; `parent` has NETMAP_REQ_IFNAMSIZ bytes, *id points into
 * name.  0, EINVAL, or ENOENT: no such mark in it. */
static int name_parse(const char *name, char *parent, const char **id, bool *master)
{
	size_t len = 0;

	while (name[len] != '{' && name[len] != '}') {
		if (name[len] == '\0')
			return ENOENT;
		len++;
	}
	if (len == 0 || len >= NETMAP_REQ_IFNAMSIZ || name[len + 1] == '\0')
		return EINVAL;
	memcpy(parent, name, len);
	parent[len] = '\0';
	*master = name[len] == '{';
	*id = name + len + 1;
	for (name = *id; *name != '\0'; name++) {
		/* a second mark ends up here too: no pipes of pipes */
		if (!id_char(*name))
			return EINVAL;
	}
	return 0;
}

static int pipe_resolve(struct nm_resolve *r, struct netmap_adapter **out)
{
	char parent_name[NETMAP_REQ_IFNAMSIZ];
	struct netmap_adapter *parent;
	struct pipe_end *end, *peer;
	const char *id;
	bool master;
	int error = name_parse(r->name, parent_name, &id, &master);

	if (error != 0)
		return error == ENOENT ? 0 : error;
	error = parent_get(r, parent_name, &parent);
	if (error != 0)
		return error;
	end = end_find(parent, id, master);
	peer = end_find(parent, id, !master);
	if ((end != NULL || peer != NULL) && r->mem != NULL &&
	    r->mem != (end != NULL ? end : peer)->up.nm_mem)
		error = EINVAL; /* the pipe lives in another region */
	else if (end != NULL)
		netmap_adapter_get(&end->up);
	else if (!r->create)
		error = ENXIO;
	else if (peer != NULL)
		end = peer_get(peer, &error);
	else
		error = pipe_new(r, parent, id, master, &end);
	netmap_adapter_put(parent); /* the end has its own reference */
	if (error != 0)
		return error;
	*out = &end->up;
	return 0;
}

static void pipe_ns_fini(struct nm_ns *ns)
{
	NM_BUG_ON(!nm_list_empty(&ns->phantoms)); /* a pipe would still be open */
}

static struct nm_port_kind pipe_kind = {
	.name = "pipe",
	.order = 30,
	.resolve = pipe_resolve,
	.ns_fini = pipe_ns_fini,
};

void nm_pipe_init(void)
{
	nm_port_kind_register(&pipe_kind);
}

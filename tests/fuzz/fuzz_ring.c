/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_ring - whatever programs write into memory that they share with the core.
 *
 * An input sets a scene (ports, sizes, which programs are honest) and is then a list of
 * steps: writes to rings, slots and buffers, syncs, polls, packets and interrupts of fake
 * NICs, ports that come and go.  A hostile program writes anything anywhere; an honest one moves
 * head and cur as it may, and exchanges buffers only between slots that it owns.
 *
 * What must hold, after every step:
 *   - the core's own indices are in range and in order, no ring is left taken;
 *   - an honest program's slots hold buffers of the pool, its head and cur stay;
 *   - while all programs are honest, no buffer is in two places and none is lost;
 *   - two honest programs with regions of their own on the same switch exchange what they
 *     want, byte for byte and in order, whenever they want;
 * and at the end: nothing of the core is left.  A sync touches nothing of a region but the
 * rings in use and the buffers: the rest is poisoned for the address sanitizer, and a guard
 * page lies behind the last buffer.
 */
#include "client.h"
#include "ctl/ctl.h"
#include "fuzz.h"
#include "os_hosted_test.h"
#include "vale/mactable.h"

#define PROGS 2
#define NICS 2
#define MAX_BUFS 8192
#define HEALTHY_SLOTS 8
#define HEALTHY_BUF 320

struct prog {
	struct client c; /* c.h is NULL: closed */
	bool honest;
	struct nmh_poll *sleeper;
};

/* One input's world. */
static struct nmh_ns *ns;
static struct nmh_nic *nics[NICS];
static struct prog progs[PROGS];
static struct client healthy[2];
static bool all_honest; /* so far */
static bool no_lists;	/* of extra buffers, which may lead to buffers of others */
static uint32_t sequence;

/* ---- scenes ------------------------------------------------------------------------ */

static const struct scene {
	const char *name[PROGS]; /* of the ports */
	uint32_t nics;
	bool shared; /* the second one in the region of the first */
	bool null;   /* the first one is a null port */
	const char *attach;
} scenes[] = {
	{ .name = { "vale0:a", "vale0:b" } },
	{ .name = { "vale0:a", "vale0:b" }, .shared = true },
	{ .name = { "p{1", "p}1" } },
	{ .name = { "vale0:a{1", "vale0:a}1" } },
	{ .name = { "nic0", "nic1" }, .nics = 2 },
	{ .name = { "nic0", "vale0:a" }, .nics = 2, .attach = "vale0:nic1" },
	{ .name = { "nic0{1", "nic0}1" }, .nics = 1 },
	{ .name = { "x", "vale0:b" }, .null = true, .shared = true },
	{ .name = { "p{1", "p{1" } },
};

#define NSCENES (sizeof(scenes) / sizeof(scenes[0]))

static const struct scene *scene;

static void param(const char *name, int64_t value)
{
	FUZZ_MUST(nmh_param_set(name, value) == 0);
}

/* A request that fails is as good as one that does not. */
static int request(uint16_t type, const char *name, const void *body, size_t size)
{
	struct nmreq_header hdr = { .nr_version = NETMAP_API, .nr_reqtype = type };
	struct nm_handle *h = nmh_open(ns);
	uint64_t base, bytes;
	void *mem;
	int err;

	if (h == NULL)
		return ENOMEM;
	base = nmh_arena(&mem, &bytes);
	strncpy(hdr.nr_name, name, sizeof(hdr.nr_name) - 1);
	hdr.nr_body = base + sizeof(hdr);
	memcpy(mem, &hdr, sizeof(hdr));
	memcpy((char *)mem + sizeof(hdr), body, size);
	err = nmh_ctrl(h, base);
	nmh_close(h);
	return err;
}

static void attach(bool on)
{
	struct nmreq_vale_attach body = { .reg.nr_mode = NR_REG_ALL_NIC };

	if (scene->attach != NULL)
		request(on ? NETMAP_REQ_VALE_ATTACH : NETMAP_REQ_VALE_DETACH, scene->attach, &body,
			sizeof(body));
}

static struct netmap_adapter *port_of(const struct prog *p)
{
	return p->c.h->b.na;
}

static void open_prog(struct input *in, uint32_t i)
{
	static const uint32_t slots[] = { 4, 2, 3, 8, 16, 17, 33, 300 };
	static const uint64_t flags[] = { 0, NR_EXCLUSIVE, NR_NO_TX_POLL, NR_DO_RX_POLL,
					  NR_RX_RINGS_ONLY, NR_TX_RINGS_ONLY, NR_TIMESTAMP, 0 };
	struct nmreq_register reg = { .nr_mode = NR_REG_ALL_NIC };
	uint32_t how = take(in, 1), sizes = take(in, 1);

	if (how & 0x80)
		reg.nr_mode = NR_REG_ONE_NIC, reg.nr_ringid = how >> 5 & 3;
	reg.nr_flags = flags[how & 7];
	reg.nr_extra_bufs = how >> 3 & 3;
	reg.nr_tx_slots = slots[sizes & 7];
	reg.nr_rx_slots = slots[sizes >> 3 & 7];
	reg.nr_tx_rings = 1 + (sizes >> 6 & 1);
	reg.nr_rx_rings = 1 + (sizes >> 7);
	if (scene->null && i == 0)
		reg.nr_mode = NR_REG_NULL;
	if (scene->shared && progs[!i].c.h != NULL)
		reg.nr_mem_id = nm_mem_id(port_of(&progs[!i])->nm_mem);
	if (client_open(&progs[i].c, ns, scene->name[i], &reg) != 0)
		progs[i].c.h = NULL;
	else if (progs[i].c.reg.nr_extra_bufs != 0)
		no_lists = false;
}

static void close_prog(struct prog *p)
{
	if (p->sleeper != NULL)
		nmh_sleeper_free(p->sleeper);
	p->sleeper = NULL;
	if (p->c.h != NULL)
		client_close(&p->c);
	p->c.h = NULL;
}

/* ---- rings --------------------------------------------------------------------------- */

/* Calls fn for every ring of a port that there is. */
static void each_ring(struct netmap_adapter *na, void (*fn)(struct netmap_kring *, void *),
		      void *arg)
{
	enum txrx t;
	uint32_t i;

	if (na->krings_mem == NULL)
		return;
	for_rx_tx(t) {
		for (i = 0; i < netmap_all_rings(na, t); i++)
			fn(NMR(na, t)[i], arg);
	}
}

/* A ring as its program sees it. */
static struct netmap_ring *seen_by(const struct prog *p, struct netmap_kring *k)
{
	return (void *)((char *)p->c.mem + nm_mem_offset(k->na->nm_mem, k->ring));
}

/* One of the rings that a program has bound; NULL: it has none. */
static struct netmap_kring *a_ring(const struct prog *p, uint32_t which)
{
	const struct nm_binding *b = &p->c.h->b;
	uint32_t n[NR_TXRX], i;
	enum txrx t;

	for_rx_tx(t)
		n[t] = b->qlast[t] - b->qfirst[t];
	if (n[NR_TX] + n[NR_RX] == 0)
		return NULL;
	i = which % (n[NR_TX] + n[NR_RX]);
	t = i < n[NR_TX] ? NR_TX : NR_RX;
	return NMR(b->na, t)[b->qfirst[t] + (t == NR_TX ? i : i - n[NR_TX])];
}

static char *buffer(const struct prog *p, uint32_t idx)
{
	const struct netmap_lut *lut = &port_of(p)->na_lut;

	if (!nm_lut_has(lut, idx))
		return NULL;
	return (char *)p->c.mem + nm_mem_offset(port_of(p)->nm_mem, nm_lut_buf(lut, idx));
}

/* A number of use where indices, lengths and sizes are compared. */
static uint64_t value(struct input *in, const struct netmap_kring *k)
{
	const struct netmap_lut *lut = &k->na->na_lut;
	uint32_t kind = take(in, 1);

	if (kind < 0x80)
		return kind;
	switch (kind & 0x1f) {
	case 0: return k->nkr_num_slots - 1;
	case 1: return k->nkr_num_slots;
	case 2: return k->nkr_num_slots + 1;
	case 3: return k->nr_hwcur;
	case 4: return k->nr_hwtail;
	case 5: return k->rhead;
	case 6: return lut->objtotal - 1;
	case 7: return lut->objtotal;
	case 8: return lut->objtotal + 1;
	case 9: return lut->objsize - 1;
	case 10: return lut->objsize;
	case 11: return lut->objsize + 1;
	case 12: return UINT32_MAX;
	case 13: return 0x80000000u;
	case 14: return 0xffff;
	case 15: return UINT64_MAX;
	default: return take(in, 1 + (kind & 3));
	}
}

/* ---- what must hold -------------------------------------------------------------------- */

static uint32_t ahead(const struct netmap_kring *k, uint32_t of)
{
	return nm_kr_dist(k->nr_hwcur, of, k->nkr_num_slots);
}

static void check_kring(struct netmap_kring *k, void *arg)
{
	uint32_t n = k->nkr_num_slots;

	(void)arg;
	FUZZ_MUST(!(k->nkr_state & NM_KR_BUSY));
	if (k->ring == NULL)
		return;
	FUZZ_MUST(k->nr_hwcur < n && k->nr_hwtail < n);
	FUZZ_MUST(k->rhead < n && k->rcur < n && k->rtail < n);
	if (k->nr_mode != NKR_NETMAP_ON)
		return;
	FUZZ_MUST(ahead(k, k->rhead) <= ahead(k, k->rcur));
	FUZZ_MUST(ahead(k, k->rcur) <= ahead(k, k->rtail));
	FUZZ_MUST(ahead(k, k->rtail) <= ahead(k, k->nr_hwtail));
}

/* An honest program's slots: from head to tail they are its own. */
static void check_owned(const struct prog *p)
{
	struct netmap_kring *k;
	uint32_t r, i;

	for (r = 0; (k = a_ring(p, r)) != NULL && (r == 0 || k != a_ring(p, 0)); r++) {
		const struct netmap_ring *ring = seen_by(p, k);

		FUZZ_MUST(ring->num_slots == k->nkr_num_slots && ring->tail == k->rtail);
		FUZZ_MUST(ring->head < ring->num_slots && ring->cur < ring->num_slots);
		for (i = ring->head; i != ring->tail; i = nm_ring_next(ring, i)) {
			FUZZ_MUST(nm_lut_has(&k->na->na_lut, ring->slot[i].buf_idx));
			FUZZ_MUST(k->tx == NR_TX || ring->slot[i].len <= k->na->na_lut.objsize);
		}
	}
}

/* Where each buffer of a region is. */
struct census {
	struct nm_mem *mem;
	uint32_t total, found;
	uint8_t seen[MAX_BUFS];
};

static void count_buffer(struct census *c, uint32_t idx)
{
	FUZZ_MUST(idx >= 2 && idx < c->total);
	FUZZ_MUST(!c->seen[idx]); /* in two places */
	c->seen[idx] = 1;
	c->found++;
}

static bool has_buffers(const struct netmap_kring *k)
{
	return k->ring != NULL && !(k->nr_kflags & NKR_FAKERING) &&
	       (k->ring_id < nma_get_nrings(k->na, k->tx) || (k->na->na_flags & NAF_HOST_RINGS));
}

static void count_ring(struct netmap_kring *k, void *arg)
{
	struct census *c = arg;
	uint32_t i;

	if (!has_buffers(k) || k->na->nm_mem != c->mem)
		return;
	for (i = 0; i < k->nkr_num_slots; i++)
		count_buffer(c, k->ring->slot[i].buf_idx);
}

static void count_extra(struct census *c, const struct prog *p)
{
	uint32_t idx = p->c.nifp->ni_bufs_head, n = 0;

	for (; idx != 0; n++) {
		count_buffer(c, idx);
		memcpy(&idx, buffer(p, idx), sizeof(idx));
	}
	FUZZ_MUST(n == p->c.h->b.extra_bufs);
}

/* The other end of a pipe; it has rings even when no program has it open. */
static struct netmap_adapter *other_end(struct netmap_adapter *na)
{
	if (na->krings_mem == NULL || na->num_tx_rings == 0 || na->tx_rings[0]->pipe_peer == NULL)
		return NULL;
	return na->tx_rings[0]->pipe_peer->na;
}

/* Calls fn for the rings of all ports that programs have open, and their other ends. */
static void all_rings(void (*fn)(struct netmap_kring *, void *), void *arg)
{
	struct netmap_adapter *na[2 * PROGS];
	uint32_t n = 0, i, j;

	for (i = 0; i < PROGS; i++) {
		if (progs[i].c.h == NULL)
			continue;
		na[n++] = port_of(&progs[i]);
		na[n] = other_end(na[n - 1]);
		n += na[n] != NULL;
	}
	for (i = 0; i < n; i++) {
		for (j = 0; j < i && na[j] != na[i]; j++)
			;
		if (j == i)
			each_ring(na[i], fn, arg);
	}
}

static void take_census(struct nm_mem *mem)
{
	static struct census c;
	struct nmreq_pools_info info;
	uint32_t i;

	nm_mem_pools_info(mem, &info);
	FUZZ_MUST(info.nr_buf_pool_objtotal <= MAX_BUFS);
	c.mem = mem;
	c.total = info.nr_buf_pool_objtotal;
	c.found = 0;
	memset(c.seen, 0, c.total);
	all_rings(count_ring, &c);
	for (i = 0; i < PROGS; i++) {
		if (progs[i].c.h != NULL && port_of(&progs[i])->nm_mem == mem)
			count_extra(&c, &progs[i]);
	}
	if (scene->attach == NULL) /* else a switch has rings that are not looked at here */
		FUZZ_MUST(c.found == c.total - 2 - nm_mem_bufs_free(mem));
}

static void count_slots(struct netmap_kring *k, void *arg)
{
	struct census *c = arg;

	if (has_buffers(k) && k->na->nm_mem == c->mem)
		c->found += k->nkr_num_slots;
}

/* Whatever is in the slots: no more buffers are free than rings have given back. */
static void check_free(struct nm_mem *mem)
{
	struct nmreq_pools_info info;
	static struct census c;

	nm_mem_pools_info(mem, &info);
	c.mem = mem;
	c.found = 0;
	all_rings(count_slots, &c);
	FUZZ_MUST(c.found + nm_mem_bufs_free(mem) <= info.nr_buf_pool_objtotal - 2);
}

static void check_all(void)
{
	uint32_t i;

	all_rings(check_kring, NULL);
	each_ring(healthy[0].h->b.na, check_kring, NULL);
	each_ring(healthy[1].h->b.na, check_kring, NULL);
	for (i = 0; i < PROGS; i++) {
		if (progs[i].c.h == NULL)
			continue;
		if (all_honest)
			take_census(port_of(&progs[i])->nm_mem);
		if (no_lists)
			check_free(port_of(&progs[i])->nm_mem);
		if (progs[i].honest)
			check_owned(&progs[i]);
	}
}

/* ---- poison ------------------------------------------------------------------------------ */

static void unpoison_ring(struct netmap_kring *k, void *arg)
{
	if (k->ring != NULL && k->na->nm_mem == arg)
		ASAN_UNPOISON_MEMORY_REGION(k->ring, sizeof(*k->ring) +
					    k->nkr_num_slots * sizeof(k->ring->slot[0]));
}

/* What no sync has any business with, in the regions of the programs. */
static void poison(bool on)
{
	uint32_t i;

	for (i = 0; i < PROGS; i++) {
		struct nmreq_pools_info info;
		struct nm_mem *mem;
		char *bufs, *base;

		if (progs[i].c.h == NULL)
			continue;
		mem = port_of(&progs[i])->nm_mem;
		nm_mem_pools_info(mem, &info);
		bufs = port_of(&progs[i])->na_lut.base;
		base = bufs - info.nr_buf_pool_offset;
		if (!on) {
			ASAN_UNPOISON_MEMORY_REGION(base, info.nr_memsize);
		} else if (scene->attach == NULL || nm_mem_id(mem) != NM_MEM_GLOBAL_ID) {
			uint64_t used = (uint64_t)info.nr_buf_pool_objtotal * info.nr_buf_pool_objsize;

			/* bad indices lead a NIC to buffer 0, but nobody to buffer 1 */
			ASAN_POISON_MEMORY_REGION(base, info.nr_buf_pool_offset);
			ASAN_POISON_MEMORY_REGION(bufs + info.nr_buf_pool_objsize,
						  info.nr_buf_pool_objsize);
			ASAN_POISON_MEMORY_REGION(bufs + used, base + info.nr_memsize - bufs - used);
			all_rings(unpoison_ring, mem);
		}
	}
}

/* ---- two programs that mind their own business --------------------------------------------- */

/* Who is who: all in one bucket of a switch's table, where they drive each other out. */
#define STATIONS 8
#define MAC_A	 0
#define MAC_B	 1
static uint64_t macs[STATIONS];

static void find_macs(void)
{
	uint64_t mac = 0x4d4e02; /* as the switch reads it: the first byte is the lowest */
	uint32_t n = 0;

	for (; n < STATIONS; mac += 1ULL << 24) {
		if ((mac * 0x9e3779b97f4a7c15ull) >> (64 - NM_MAC_BITS) ==
		    (macs[0] * 0x9e3779b97f4a7c15ull) >> (64 - NM_MAC_BITS) || n == 0)
			macs[n++] = mac;
	}
}

static void mac_of(char *to, uint32_t who)
{
	memcpy(to, &macs[who], 6);
}

static void put_frame(struct client *c, uint32_t to, uint32_t from, uint32_t seq, uint32_t len)
{
	struct netmap_ring *ring = NETMAP_TXRING(c->nifp, 0);
	struct netmap_slot *slot = &ring->slot[ring->head];
	char *p = NETMAP_BUF(ring, slot->buf_idx);
	uint32_t i;

	for (i = 12; i < len; i++)
		p[i] = (char)(seq * 31 + i);
	if (to < STATIONS)
		mac_of(p, to);
	else
		memset(p, 0xff, 6);
	mac_of(p + 6, from);
	slot->len = (uint16_t)len;
	slot->flags = 0;
	client_advance(ring, nm_ring_next(ring, ring->head));
}

static void drain(struct client *c)
{
	struct netmap_ring *ring = NETMAP_RXRING(c->nifp, 0);

	uint32_t i;

	FUZZ_MUST(nmh_rxsync(c->h) == 0);
	for (i = ring->head; i != ring->tail; i = nm_ring_next(ring, i))
		FUZZ_MUST(ring->slot[i].len <= HEALTHY_BUF);
	client_advance(ring, ring->tail);
	FUZZ_MUST(nmh_rxsync(c->h) == 0);
}

static void healthy_round(uint32_t n, uint32_t size)
{
	struct client *a = &healthy[0], *b = &healthy[1];
	struct netmap_ring *rx = NETMAP_RXRING(b->nifp, 0);
	uint32_t i, j, len;

	nmh_hostile(0);
	nmh_alloc_fail(0);
	nmh_irq_disarm();
	put_frame(a, STATIONS, MAC_A, sequence, 60);
	FUZZ_MUST(nmh_txsync(a->h) == 0);
	put_frame(b, STATIONS, MAC_B, sequence, 60); /* so that the switch knows where b is */
	FUZZ_MUST(nmh_txsync(b->h) == 0);
	drain(b);
	for (i = 0; i < n; i++)
		put_frame(a, MAC_B, MAC_A, sequence + i, 14 + (size + 37 * i) % (HEALTHY_BUF - 13));
	FUZZ_MUST(nmh_txsync(a->h) == 0);
	FUZZ_MUST(nmh_rxsync(b->h) == 0);
	for (i = 0; i < n; i++) {
		struct netmap_slot *slot = &rx->slot[rx->head];
		const char *p = NETMAP_BUF(rx, slot->buf_idx);

		len = 14 + (size + 37 * i) % (HEALTHY_BUF - 13);
		FUZZ_MUST(rx->head != rx->tail && slot->len == len);
		for (j = 12; j < len; j++)
			FUZZ_MUST(p[j] == (char)((sequence + i) * 31 + j));
		client_advance(rx, nm_ring_next(rx, rx->head));
	}
	FUZZ_MUST(rx->head == rx->tail);
	FUZZ_MUST(nmh_rxsync(b->h) == 0);
	drain(a);
	sequence += n;
}

/* ---- steps ------------------------------------------------------------------------------------ */

/* A field of the ring, const ones too. */
static void write_ring(struct input *in, struct prog *p, struct netmap_kring *k)
{
	struct netmap_ring *ring = seen_by(p, k);
	uint32_t field = take(in, 1) % 14;
	uint64_t v = value(in, k);

	if (p->honest)
		return;
	switch (field) {
	case 0: case 1: ring->head = (uint32_t)v; break;
	case 2: case 3: ring->cur = (uint32_t)v; break;
	case 4: ring->head = ring->cur = (uint32_t)v; break;
	case 5: ring->tail = (uint32_t)v; break;
	case 6: ring->flags = (uint32_t)v; break;
	case 7: NM_SHARED_SET(uint32_t, ring->num_slots, (uint32_t)v); break;
	case 8: NM_SHARED_SET(int64_t, ring->buf_ofs, (int64_t)v); break;
	case 9: NM_SHARED_SET(uint32_t, ring->nr_buf_size, (uint32_t)v); break;
	case 10: NM_SHARED_SET(uint16_t, ring->ringid, (uint16_t)v); break;
	case 11: NM_SHARED_SET(uint16_t, ring->dir, (uint16_t)v); break;
	case 12: NM_SHARED_SET(uint64_t, ring->offset_mask, v); break;
	case 13: memset(ring, (int)v, sizeof(*ring)); break;
	}
}

static void write_slots(struct input *in, struct prog *p, struct netmap_kring *k)
{
	struct netmap_ring *ring = seen_by(p, k);
	uint32_t field = take(in, 1), at = take(in, 1), n = 1 + field / 8 % 8;
	uint64_t v = value(in, k), base;
	void *mem;

	if (p->honest)
		return;
	for (; n > 0; n--, at++, v += field >> 6) {
		struct netmap_slot *slot = &ring->slot[at % k->nkr_num_slots];

		switch (field % 8) {
		case 0: case 1: slot->buf_idx = (uint32_t)v; break;
		case 2: slot->len = (uint16_t)v; break;
		case 3: slot->flags = (uint16_t)v; break;
		case 4: slot->ptr = v; break;
		case 5: slot->ptr = nmh_arena(&mem, &base) + v; break;
		case 6: slot->flags ^= (uint16_t)(1u << v % 16); break;
		case 7: memset(slot, (int)v, sizeof(*slot)); break;
		}
	}
}

/* Frames into the slots from head on, as many as there are of its own. */
static void fill(struct input *in, struct prog *p, struct netmap_kring *k)
{
	struct netmap_ring *ring = seen_by(p, k);
	uint32_t n = take(in, 1) % 16, who = take(in, 1), len = (uint32_t)value(in, k);
	uint32_t flags = take(in, 1), i, tail = k->rtail;
	uint32_t at = p->honest ? ring->head : k->rhead;

	if (k->tx != NR_TX)
		return;
	if (p->honest)
		flags &= ~(uint32_t)NS_INDIRECT, len %= k->na->na_lut.objsize + 1;
	for (i = 0; i < n && at != tail; i++) {
		struct netmap_slot *slot = &ring->slot[at];
		char *b = buffer(p, slot->buf_idx);

		if (b != NULL) {
			if ((who & 7) == 7)
				memset(b, 0xff, 6);
			else
				mac_of(b, who & 7);
			mac_of(b + 6, who >> 3 & 7);
			b[6] ^= who >> 7; /* a group as sender */
		}
		slot->len = (uint16_t)len;
		slot->flags = (uint16_t)flags;
		at = nm_next(at, k->nkr_num_slots - 1);
	}
	ring->cur = ring->head = at;
}

/* As a program may: not beyond tail, cur not behind head. */
static void advance(struct input *in, struct prog *p, struct netmap_kring *k)
{
	struct netmap_ring *ring = seen_by(p, k);
	uint32_t n = k->nkr_num_slots, step = take(in, 1), more = step >> 6, space;

	if (!p->honest) {
		ring->head = (k->rhead + (step & 63)) % n;
		ring->cur = (ring->head + more) % n;
		return;
	}
	space = nm_kr_dist(ring->head, ring->tail, n);
	step = (step & 63) < space ? step & 63 : space;
	more = step + more < space ? more : space - step;
	if (nm_kr_dist(ring->head, ring->cur, n) > step + more)
		more = nm_kr_dist(ring->head, ring->cur, n) - step; /* cur does not go back */
	ring->head = (ring->head + step) % n;
	ring->cur = (ring->head + more) % n;
}

/* Two slots that the program owns, perhaps of two rings, exchange their buffers; or
 * one of them with the first extra buffer. */
static void swap(struct input *in, struct prog *p, struct netmap_kring *k)
{
	struct netmap_kring *k2 = a_ring(p, take(in, 1));
	struct netmap_ring *r1 = seen_by(p, k), *r2 = seen_by(p, k2);
	uint32_t how = take(in, 1), idx, next;
	struct netmap_slot *s1 = &r1->slot[r1->head], *s2 = &r2->slot[r2->head];
	uint32_t *head = &p->c.nifp->ni_bufs_head;

	if (!p->honest || r1->head == r1->tail || r2->head == r2->tail)
		return;
	idx = s1->buf_idx;
	if (how & 1) {
		s1->buf_idx = s2->buf_idx;
		s2->buf_idx = idx;
		s2->flags |= NS_BUF_CHANGED;
	} else if (*head != 0) {
		memcpy(&next, buffer(p, *head), sizeof(next));
		memcpy(buffer(p, idx), &next, sizeof(next));
		s1->buf_idx = *head;
		*head = idx;
	}
	s1->flags |= NS_BUF_CHANGED;
}

/* The list of extra buffers, and all else of the netmap_if. */
static void write_if(struct input *in, struct prog *p, const struct netmap_kring *k)
{
	uint32_t how = take(in, 1), at = take(in, 1);
	uint32_t v = (uint32_t)value(in, k);
	char *b;

	if (p->honest)
		return;
	no_lists = false;
	b = buffer(p, at);
	if (how % 4 == 0)
		p->c.nifp->ni_bufs_head = v;
	else if (how % 4 == 1)
		memset(p->c.nifp, (int)v, sizeof(*p->c.nifp) + 4 * sizeof(ssize_t));
	else if (b != NULL)
		memcpy(b, &v, sizeof(v));
}

static void of_nic(struct input *in)
{
	uint32_t what = take(in, 1), arg = take(in, 1), q = what >> 4 & 1;
	struct nmh_nic *nic = nics[what >> 5 & 1];
	uint8_t frame[HEALTHY_BUF];

	if (nic == NULL)
		return;
	switch (what & 15) {
	default:
		memset(frame, (int)arg, sizeof(frame));
		nmh_nic_receive(nic, q, frame, 14 + arg);
		break;
	case 0:
		nmh_nic_rx_irq(nic, q);
		break;
	case 1:
		nmh_nic_tx_irq(nic, q);
		break;
	case 2:
		nmh_nic_reset(nic, arg);
		break;
	case 3:
		nmh_nic_hold(nic, arg & 1);
		break;
	case 4:
		nmh_nic_irq_in_sync(nic, arg & 1, q, nic, arg >> 1 & 1);
		break;
	case 5:
		nmh_nic_rx_irq_at(nic, q, arg);
		break;
	case 6:
		attach(arg & 1);
		break;
	case 7:
		if (arg < 8) /* the NIC leaves */
			nmh_nic_detach(nic);
		break;
	}
}

/* What concerns everybody. */
static void of_system(struct input *in)
{
	static const uint32_t hdr[] = { 0, 10, 12 };
	struct nmreq_port_hdr body = { 0 };
	uint32_t what = take(in, 1), arg = take(in, 1);

	switch (what % 5) {
	case 0:
		nmh_clock(1000 + arg * 16, 0);
		break;
	case 1:
		/* what is overwritten are honest programs' slots too */
		if (nmh_hostile(arg % 3) == 0 && arg % 3 != 0 && !progs[0].honest)
			all_honest = progs[1].honest = false;
		else
			nmh_hostile(0);
		break;
	case 2:
		nmh_alloc_fail(arg % 4);
		break;
	case 3:
		body.nr_hdr_len = hdr[arg % 3];
		request(NETMAP_REQ_PORT_HDR_SET, scene->name[arg >> 7], &body, sizeof(body));
		break;
	case 4: {
		uint64_t bytes;
		void *mem;

		nmh_arena_fault(nmh_arena(&mem, &bytes) + (arg & 15) * 4096, arg >> 7);
		break;
	}
	}
}

/* A program goes to sleep in poll, or gets up. */
static void sleeper_change(struct prog *p, int events)
{
	int ready;

	if (p->sleeper != NULL) {
		nmh_sleeper_free(p->sleeper);
		p->sleeper = NULL;
	} else {
		p->sleeper = nmh_sleeper_new(p->c.h, events, &ready);
	}
}

/* A sync of an honest program leaves its head and cur alone. */
static void sync(struct prog *p, uint32_t what, uint32_t arg)
{
	struct { uint32_t head, cur; } before[8];
	struct netmap_kring *k;
	uint32_t r;

	for (r = 0; r < 8 && (k = a_ring(p, r)) != NULL; r++) {
		before[r].head = seen_by(p, k)->head;
		before[r].cur = seen_by(p, k)->cur;
	}
	poison(true);
	if (what == 0)
		nmh_txsync(p->c.h);
	else if (what == 1)
		nmh_rxsync(p->c.h);
	else if (arg & 8)
		sleeper_change(p, (int)arg & 3);
	else
		nmh_poll_now(p->c.h, (int)arg & 7);
	poison(false);
	for (r = 0; p->honest && r < 8 && (k = a_ring(p, r)) != NULL; r++) {
		FUZZ_MUST(before[r].head == seen_by(p, k)->head);
		FUZZ_MUST(before[r].cur == seen_by(p, k)->cur);
	}
}

static void step(struct input *in)
{
	uint32_t op = take(in, 1), n = op >> 7, arg;
	struct prog *p = &progs[n];
	struct netmap_kring *k;

	switch (op & 31) {
	case 0:
		close_prog(p);
		return;
	case 1:
	case 2:
		healthy_round(1 + (op >> 5 & 3), take(in, 1));
		return;
	case 3:
	case 4:
	case 5:
		of_nic(in);
		return;
	case 6:
		of_system(in);
		return;
	default:
		break;
	}
	if (p->c.h == NULL) {
		open_prog(in, n);
		return;
	}
	arg = take(in, 1);
	if ((op & 31) >= 26) {
		sync(p, op % 3, arg);
		return;
	}
	k = a_ring(p, arg);
	if (k == NULL)
		return;
	switch (op & 31) {
	case 7: case 8: case 9:
		write_ring(in, p, k);
		break;
	case 10: case 11: case 12: case 13:
		write_slots(in, p, k);
		break;
	case 14: case 15: case 16: case 17: case 18:
		fill(in, p, k);
		break;
	case 19: case 20: case 21:
		advance(in, p, k);
		break;
	case 22: case 23:
		swap(in, p, k);
		break;
	case 24: case 25:
		write_if(in, p, k);
		break;
	}
}

/* ---- an input ----------------------------------------------------------------------------------- */

static void open_healthy(void)
{
	static const struct nmreq_register reg = {
		.nr_mode = NR_REG_ALL_NIC, .nr_tx_slots = HEALTHY_SLOTS, .nr_rx_slots = HEALTHY_SLOTS,
	};

	param("priv_buf_size", HEALTHY_BUF);
	FUZZ_MUST(client_open(&healthy[0], ns, "vale0:h1", &reg) == 0);
	FUZZ_MUST(client_open(&healthy[1], ns, "vale0:h2", &reg) == 0);
}

static void set_scene(struct input *in)
{
	static const uint32_t buf_sizes[] = { 64, 256, 320, 2048 }, batches[] = { 256, 1, 3, 64 };
	uint32_t which = take(in, 1), sizes = take(in, 1), i;
	struct nmh_nic_config cfg = { .tx_rings = 2, .rx_rings = 2 };
	int err;

	ns = nmh_ns_new();
	open_healthy();
	scene = &scenes[(which & 0x3f) % NSCENES];
	progs[0].honest = which >> 6 & 1;
	progs[1].honest = which >> 7 & 1;
	if (strcmp(scene->name[0], scene->name[1]) == 0) /* they have the same rings */
		progs[0].honest = progs[1].honest;
	all_honest = progs[0].honest && progs[1].honest;
	no_lists = true;
	param("priv_buf_size", buf_sizes[sizes & 3]);
	param("buf_size", buf_sizes[sizes >> 2 & 3]);
	param("bridge_batch", batches[sizes >> 4 & 3]);
	param("no_pendintr", sizes >> 6 & 1);
	cfg.tx_slots = cfg.rx_slots = sizes >> 7 ? 5 : 8;
	cfg.rx_buf = buf_sizes[sizes >> 2 & 3];
	cfg.hwofs = sizes >> 5;
	cfg.all_or_nothing = sizes >> 4 & 1;
	for (i = 0; i < scene->nics; i++) {
		nics[i] = nmh_nic_new(ns, i == 0 ? "nic0" : "nic1", &cfg, &err);
		FUZZ_MUST(nics[i] != NULL);
	}
	if (nics[1] != NULL)
		nmh_nic_wire(nics[0], nics[1]);
	attach(true);
	for (i = 0; i < PROGS; i++)
		open_prog(in, i);
}

static void end_scene(void)
{
	uint32_t i;

	nmh_hostile(0);
	nmh_alloc_fail(0);
	nmh_irq_disarm();
	for (i = 0; i < 16; i++) {
		uint64_t bytes;
		void *mem;

		nmh_arena_fault(nmh_arena(&mem, &bytes) + 4096 * i, 0);
	}
	healthy_round(HEALTHY_SLOTS - 1, 0);
	for (i = 0; i < PROGS; i++)
		close_prog(&progs[i]);
	attach(false);
	healthy_round(HEALTHY_SLOTS - 1, 100);
	client_close(&healthy[0]);
	client_close(&healthy[1]);
	for (i = 0; i < NICS; i++) {
		FUZZ_MUST(nics[i] == NULL || nmh_nic_free(nics[i]) == 0);
		nics[i] = NULL;
	}
	nmh_ns_free(ns);
	FUZZ_MUST(nmh_left_behind() == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	nm_host_defer_alone();
	param("if_num", 16);
	param("ring_num", 32);
	param("ring_size", 8192);
	param("buf_num", 1024);
	param("priv_buf_num", 64);
	param("priv_ring_size", 512);
	FUZZ_MUST(nmh_init() == 0);
	find_macs();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };

	nmh_clock(1000, 0);
	sequence = 0;
	set_scene(&in);
	check_all();
	while (in.p < in.end) {
		step(&in);
		check_all();
	}
	end_scene();
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packet path of a switch.
 *
 * nm_vale_txsync takes the new slots of a tx ring in chunks of up to 256:
 *
 *   gather    reads each slot once, as one word, checks it, and notes address and
 *             length (16 bytes a packet); headers are prefetched.  Bad packets end
 *             here.  NS_INDIRECT data is copied from the program's memory into the
 *             scratch, the only step that may fault, hence outside the read section.
 *   classify  looks up where each packet goes.  The same 12 address bytes as the
 *             packet before mean the same port (flow memo), without hash or
 *             learning; the memo holds for one second and one generation of the
 *             MAC table.  Packets to one port in a row are a run [start, count);
 *             the runs of a port are chained; a list names the ports touched.
 *   deliver   per port touched: reserve slots of its rx ring for whole packets that
 *             fit (leaf lock), copy without a lock, publish, wake who sleeps once.
 *             What does not fit is dropped, and the tx ring always drains.
 *
 * RESERVATIONS  Several rings may copy into one rx ring at a time.  nkr_lease is the
 * end of what is reserved, nr_hwtail the end of what is published.  Slots become
 * visible in the order they were reserved: whoever finishes at nr_hwtail moves it
 * over its own slots and over those that finished before (nkr_leases: by first slot
 * the end); others leave a note there.  Nobody waits.  Reservation to publication
 * lies in one read section, so a grace period after a stop means: none is open.
 *
 * ORDER  is kept from one tx ring to one rx ring.  Rx ring = tx ring modulo the
 * port's rings; broadcasts go to ring 0.
 *
 * CONTEXT  Any: with an attached NIC this runs in its interrupt.
 *
 * A port whose vnet header length differs from the sender's gets nothing.
 */
#include "ring/slot.h"
#include "vale/switch.h"
#include "vale/copy.h"

#define CHUNK 256
#define MIN_FRAME 14		 /* an Ethernet header */
#define ARENA_BYTES 65536	 /* NS_INDIRECT data of one chunk */
#define ARENA_SLACK 64		 /* block copies read in whole blocks */
#define DST_DROP 0xfffeu
#define DST_ALL 0xffffu
#define NO_RUN 0xffffu

/* Flags that a packet may carry, but not one that takes the short way. */
#define SPECIAL NM_SLOT_FLAG(NS_INDIRECT | NS_MOREFRAG | NS_NO_LEARN | NS_BUF_CHANGED)

/* One slot of the chunk: where the bytes are, and in one word (FRAME) what to write
 * to the rx slot (length and flags), the packet's slots (on its first, 0 on the
 * others) and whether its sender is not to be learnt. */
struct frame {
	const char *buf;
	uint64_t meta;
};

#define FRAME(len, flags, frags, no_learn)                                     \
	((uint64_t)(len) | (uint64_t)(flags) << 16 | (uint64_t)(frags) << 32 | \
	 (uint64_t)(no_learn) << 40)
#define FRAME_SLOT(m) ((uint32_t)(m))
#define FRAME_LEN(m) ((uint32_t)(m) & 0xffff)
#define FRAME_FRAGS(m) ((uint32_t)((m) >> 32) & 0xff)
#define FRAME_NO_LEARN(m) ((m) >> 40 != 0)

struct run {
	uint16_t start, count; /* slots of the chunk */
	uint16_t next;	       /* the next run to the same port */
};

struct dest {
	uint16_t port, first, last;
};

struct nm_vale_scratch {
	/* the flow memo; memo_rest holds 32 bits, so ~0 matches nothing */
	uint64_t memo_first, memo_rest;
	uint32_t memo_dst, memo_generation, memo_second;

	uint32_t n;	     /* slots gathered */
	uint32_t max_len;    /* longest of them */
	bool fragments;	     /* some packet has several slots */
	uint32_t arena_used;
	char *arena;	     /* made at the first NS_INDIRECT */

	uint32_t nruns, ndests;
	uint16_t all_first, all_last; /* runs to everybody */
	struct frame frame[CHUNK + NETMAP_MAX_FRAGS];
	struct run run[CHUNK + NETMAP_MAX_FRAGS];
	struct dest dest[NM_SWITCH_PORTS];
	uint8_t dest_of[256]; /* port to dest: a guess, checked against dest[].port */
	uint32_t npick;
	struct run pick[CHUNK + NETMAP_MAX_FRAGS]; /* runs of the destination at hand */
	struct run spare[CHUNK + NETMAP_MAX_FRAGS]; /* pick[] before keep_fitting() */
};

int nm_vale_scratch_new(struct netmap_kring *kring)
{
	kring->vale = nm_os_malloc(sizeof(*kring->vale));
	if (kring->vale == NULL)
		return ENOMEM;
	kring->vale->memo_rest = ~0ull;
	return 0;
}

void nm_vale_scratch_free(struct netmap_kring *kring)
{
	if (kring->vale != NULL)
		nm_os_free(kring->vale->arena);
	nm_os_free(kring->vale);
	kring->vale = NULL;
}

/* ---- gather ------------------------------------------------------------------------- */

/* The data of an NS_INDIRECT slot, into the arena; NULL: drop the packet. */
static nm_cold char *fetch_indirect(struct nm_vale_scratch *s, const struct netmap_slot *slot,
			    uint32_t len, int flags)
{
	char *to;

	/* only a program's own call runs with its memory at hand */
	if (!(flags & NM_SYNC_CAN_FAULT))
		return NULL;
	if (s->arena == NULL) {
		s->arena = nm_os_malloc(ARENA_BYTES + ARENA_SLACK);
		if (s->arena == NULL)
			return NULL;
	}
	to = s->arena + s->arena_used;
	if (nm_os_copyin(nm_user_read64(&slot->ptr), to, len) != 0)
		return NULL;
	s->arena_used += (len + 63) & ~63u;
	return to;
}

/*
 * One packet with anything out of the ordinary, from slot `pos` on, whose word is `w`:
 * fragments, flags, bad values.  Returns the slot after it, or `pos` itself when the
 * packet does not fit in this chunk's arena.
 */
static nm_cold uint32_t gather_packet(struct netmap_kring *kring, uint32_t pos, uint64_t w,
				      uint32_t min_len, int flags)
{
	struct nm_vale_scratch *s = kring->vale;
	const struct netmap_lut *lut = &kring->na->na_lut;
	uint32_t j = pos, n = s->n, frags = 0, arena = s->arena_used;
	uint32_t max_len = s->max_len, i;
	bool bad = false, no_learn = false, more = true;

	while (more) {
		struct netmap_slot *slot = &kring->ring->slot[j];
		uint32_t len, fl;
		const char *buf;

		if (frags > 0) {
			if (j == kring->rhead) {
				bad = true; /* the last fragment is missing */
				break;
			}
			w = nm_slot_read(slot);
		}
		len = NM_SLOT_LEN(w);
		fl = NM_SLOT_FLAGS(w);
		buf = nm_lut_buf(lut, NM_SLOT_IDX(w));
		if (fl & NS_BUF_CHANGED)
			*(volatile uint16_t *)&slot->flags = (uint16_t)(fl & ~NS_BUF_CHANGED);
		more = (fl & NS_MOREFRAG) != 0;
		j = nm_next(j, kring->nkr_num_slots - 1);
		if (++frags > NETMAP_MAX_FRAGS || !nm_lut_has(lut, NM_SLOT_IDX(w)) ||
		    len > lut->objsize || len < (frags == 1 ? min_len : 1))
			bad = true;
		if (bad)
			continue; /* to the end of the packet */
		if (frags == 1)
			no_learn = (fl & NS_NO_LEARN) != 0;
		if (fl & NS_INDIRECT) {
			if (len > ARENA_BYTES - s->arena_used) {
				s->arena_used = arena;
				if (n > 0)
					return pos;
				bad = true;
				continue;
			}
			buf = fetch_indirect(s, slot, len, flags);
			if (buf == NULL) {
				bad = true;
				continue;
			}
		}
		if (len > max_len)
			max_len = len;
		s->frame[n + frags - 1].buf = buf;
		s->frame[n + frags - 1].meta = FRAME(len, more ? NS_MOREFRAG : 0, 0, 0);
	}
	if (bad) {
		s->arena_used = arena;
		nm_prlim("%s: a packet with a bad slot was dropped", kring->name);
		return j;
	}
	for (i = 0; i < frags; i++)
		s->frame[n + i].meta |= FRAME(0, frags << NS_PORT_SHIFT, 0, 0);
	s->frame[n].meta |= FRAME(0, 0, frags, no_learn);
	if (frags > 1)
		s->fragments = true;
	s->max_len = max_len;
	s->n = n + frags;
	return j;
}

/* A slot that needs no closer look: one good packet by itself.  `len_range` and
 * `idx_range` make a comparison of two: len in [min_len, objsize], idx in [2, objtotal). */
static inline bool is_plain(uint64_t w, uint32_t min_len, uint32_t len_range, uint32_t idx_range)
{
	return !(w & SPECIAL) && NM_SLOT_IDX(w) - 2 < idx_range &&
	       NM_SLOT_LEN(w) - min_len <= len_range;
}

#define PLAIN(len) FRAME(len, 1 << NS_PORT_SHIFT, 1, 0)

/* The chunk is just the last new slot, of word `w`; false: that needs gather(). */
static inline bool gather_one(struct netmap_kring *kring, uint64_t w, uint32_t min_len)
{
	struct nm_vale_scratch *s = kring->vale;
	const struct netmap_lut *lut = &kring->na->na_lut;

	if (!is_plain(w, min_len, lut->objsize - min_len, lut->objtotal - 2))
		return false;
	s->frame[0].buf = nm_lut_buf(lut, NM_SLOT_IDX(w));
	s->frame[0].meta = PLAIN(NM_SLOT_LEN(w));
	s->n = 1;
	s->max_len = NM_SLOT_LEN(w);
	s->fragments = false;
	return true;
}

/* Fills the chunk from slot `pos` on, whose word is `w`; returns the first slot not
 * taken. */
static uint32_t gather(struct netmap_kring *kring, uint32_t pos, uint64_t w, uint32_t min_len,
		       uint32_t limit, int flags)
{
	struct nm_vale_scratch *s = kring->vale;
	const struct netmap_lut lut = kring->na->na_lut;
	const struct netmap_slot *slots = kring->ring->slot;
	uint32_t head = kring->rhead, lim = kring->nkr_num_slots - 1;
	uint32_t n = 0, max_len = 0;
	uint32_t len_range = lut.objsize - min_len, idx_range = lut.objtotal - 2;
	struct frame *f = s->frame;

	s->n = 0;
	s->max_len = 0;
	s->fragments = false;
	s->arena_used = 0;
	for (;;) {
		if (nm_likely(is_plain(w, min_len, len_range, idx_range))) {
			uint32_t len = NM_SLOT_LEN(w);

			f->buf = nm_lut_buf(&lut, NM_SLOT_IDX(w));
			f->meta = PLAIN(len);
			nm_prefetch(f->buf);
			f++;
			n++;
			if (len > max_len)
				max_len = len;
			pos = nm_next(pos, lim);
		} else {
			uint32_t next;

			s->n = n;
			s->max_len = max_len;
			next = gather_packet(kring, pos, w, min_len, flags);
			if (next == pos)
				break;
			pos = next;
			n = s->n;
			f = &s->frame[n];
			max_len = s->max_len;
		}
		if (pos == head || n >= limit)
			break;
		w = nm_slot_read(&slots[pos]);
	}
	s->n = n;
	s->max_len = max_len;
	return pos;
}

/* ---- classify ----------------------------------------------------------------------- */

/* Learns the sender, finds the receiver, and keeps it as the memo. */
static nm_cold uint32_t look_up(struct nm_switch *sw, const struct nm_vale_port *from,
			struct nm_vale_scratch *s, const struct frame *f, uint64_t first,
			uint64_t rest, uint32_t now)
{
	uint64_t to_mac = first & 0xffffffffffffull;
	uint64_t from_mac = first >> 48 | rest << 16;
	uint32_t dst = DST_ALL;

	if (!FRAME_NO_LEARN(f->meta) && !(from_mac & 1))
		nm_mactable_learn(&sw->macs, from_mac, from->index, now);
	if (!(to_mac & 1)) {
		dst = nm_mactable_lookup(&sw->macs, to_mac, now);
		if (dst == NM_MAC_NONE)
			dst = DST_ALL;
		else if (dst == from->index)
			dst = DST_DROP; /* it is on the sender's own segment */
	}
	if (!FRAME_NO_LEARN(f->meta)) {
		s->memo_first = first;
		s->memo_rest = rest;
		s->memo_dst = dst;
	}
	return dst;
}

static void chain(struct nm_vale_scratch *s, uint16_t *first, uint16_t *last, uint16_t run)
{
	if (*first == NO_RUN)
		*first = run;
	else
		s->run[*last].next = run;
	*last = run;
}

/* Slots [start, end) go to dst: a new run, and the port is noted. */
static nm_cold void add_run(struct nm_vale_scratch *s, uint32_t dst, uint32_t start, uint32_t end)
{
	uint16_t r = (uint16_t)s->nruns++;
	struct dest *d;

	s->run[r] = (struct run){ (uint16_t)start, (uint16_t)(end - start), NO_RUN };
	if (dst == DST_ALL) {
		chain(s, &s->all_first, &s->all_last, r);
		return;
	}
	d = &s->dest[s->dest_of[dst]];
	if (s->dest_of[dst] >= s->ndests || d->port != dst) {
		s->dest_of[dst] = (uint8_t)s->ndests;
		d = &s->dest[s->ndests++];
		*d = (struct dest){ (uint16_t)dst, NO_RUN, NO_RUN };
	}
	chain(s, &d->first, &d->last, r);
}

/* Where a packet goes whose Ethernet header is at `eth`: by the memo, else by look-up. */
static inline uint32_t port_for(struct nm_switch *sw, const struct nm_vale_port *from,
				struct nm_vale_scratch *s, const struct frame *f, uint32_t hdr_len,
				uint32_t now)
{
	const char *eth = f->buf + hdr_len;
	uint64_t first = nm_user_read64_unaligned(eth);
	/* bytes 8 to 11; read so that no more than 12 are touched */
	uint64_t rest = nm_user_read64_unaligned(eth + 4) >> 32;

	if (nm_likely(first == s->memo_first && rest == s->memo_rest))
		return s->memo_dst;
	return look_up(sw, from, s, f, first, rest, now);
}

/* Forgets the memo when the second or the table has changed; returns the second. */
static inline uint32_t memo_check(const struct nm_switch *sw, struct nm_vale_scratch *s)
{
	uint32_t generation = nm_load_acquire(&sw->macs.generation);
	uint32_t now = nm_os_seconds();

	if (nm_unlikely(s->memo_generation != generation || s->memo_second != now)) {
		s->memo_generation = generation;
		s->memo_second = now;
		s->memo_rest = ~0ull;
	}
	return now;
}

static inline void runs_clear(struct nm_vale_scratch *s)
{
	s->nruns = s->ndests = 0;
	s->all_first = s->all_last = NO_RUN;
}

/* Sorts the chunk into runs; returns the port when all of it goes to that one, else
 * DST_DROP: then the runs say where. */
static inline uint32_t classify(struct nm_switch *sw, const struct nm_vale_port *from,
				struct nm_vale_scratch *s, uint32_t hdr_len)
{
	uint32_t now = memo_check(sw, s);
	uint32_t i, start = 0, run_dst = DST_DROP, dst;
	uint32_t n = s->n;

	runs_clear(s);
	for (i = 0; i < n; i += FRAME_FRAGS(s->frame[i].meta)) {
		dst = port_for(sw, from, s, &s->frame[i], hdr_len, now);
		if (nm_likely(dst == run_dst))
			continue;
		if (run_dst != DST_DROP)
			add_run(s, run_dst, start, i);
		run_dst = dst;
		start = i;
	}
	if (start == 0 && run_dst < NM_SWITCH_PORTS)
		return run_dst;
	if (run_dst != DST_DROP)
		add_run(s, run_dst, start, n);
	return DST_DROP;
}

/* The same for a chunk that is one slot. */
static inline uint32_t classify_one(struct nm_switch *sw, const struct nm_vale_port *from,
				    struct nm_vale_scratch *s, uint32_t hdr_len)
{
	uint32_t dst = port_for(sw, from, s, s->frame, hdr_len, memo_check(sw, s));

	if (nm_likely(dst < NM_SWITCH_PORTS))
		return dst;
	runs_clear(s);
	if (dst != DST_DROP)
		add_run(s, dst, 0, 1);
	return DST_DROP;
}

/* ---- deliver ------------------------------------------------------------------------ */

/* The runs of two chains in their order, flat; returns their slots. */
static uint32_t flatten(struct nm_vale_scratch *s, uint32_t one, uint32_t all)
{
	uint32_t slots = 0, n = 0;

	while (one != NO_RUN || all != NO_RUN) {
		uint32_t *which = all == NO_RUN || (one != NO_RUN && one < all) ? &one : &all;
		const struct run *r = &s->run[*which];

		s->pick[n++] = *r;
		slots += r->count;
		*which = r->next;
	}
	s->npick = n;
	return slots;
}

/*
 * Keeps of pick[] the packets whose fragments fit buffers of `size` bytes, as many
 * whole ones as `space` slots hold; returns their slots.
 */
static nm_cold uint32_t keep_fitting(struct nm_vale_scratch *s, uint32_t size, uint32_t space)
{
	const struct run *in = s->spare;
	uint32_t nin = s->npick, used = 0, i, j, k, n = 0;

	memcpy(s->spare, s->pick, nin * sizeof(*in));
	for (i = 0; i < nin; i++) {
		uint32_t end = (uint32_t)in[i].start + in[i].count;
		bool joins = false;

		for (j = in[i].start; j < end; j += FRAME_FRAGS(s->frame[j].meta)) {
			uint32_t frags = FRAME_FRAGS(s->frame[j].meta);
			bool fits = true;

			for (k = 0; k < frags; k++)
				fits = fits && FRAME_LEN(s->frame[j + k].meta) <= size;
			if (!fits) {
				joins = false;
				continue;
			}
			if (used + frags > space)
				goto out;
			used += frags;
			if (joins)
				s->pick[n - 1].count = (uint16_t)(s->pick[n - 1].count + frags);
			else
				s->pick[n++] = (struct run){ (uint16_t)j, (uint16_t)frags, NO_RUN };
			joins = true;
		}
	}
out:
	s->npick = n;
	return used;
}

/*
 * Reserves room for as many of the picked packets as fit; returns the slots, 0 when
 * none do or the ring is closed.  *start: the first slot.
 */
static uint32_t reserve(struct netmap_kring *k, struct nm_vale_scratch *s, uint32_t want,
			uint32_t *start)
{
	nm_irqflags_t irq = nm_spin_lock(&k->q_lock);
	uint32_t lease, space, got = want;

	if (nm_unlikely(nm_load_acquire(&k->nkr_state) & NM_KR_STOPPED)) {
		nm_spin_unlock(&k->q_lock, irq);
		return 0;
	}
	lease = k->nkr_lease; /* not before: it is set while the ring is stopped */
	space = nm_load_acquire(&k->nr_hwcur);
	space = (space > lease ? space : space + k->nkr_num_slots) - lease - 1;
	if (nm_unlikely(want > space)) {
		/* in overload only: a walk of at most one chunk under the lock, as what
		 * is reserved cannot be given back */
		got = s->fragments ? keep_fitting(s, UINT32_MAX, space) : space;
	}
	*start = lease;
	lease += got;
	k->nkr_lease = lease < k->nkr_num_slots ? lease : lease - k->nkr_num_slots;
	nm_spin_unlock(&k->q_lock, irq);
	return got;
}

/* Makes slots [start, end) visible, as soon as all before them are. */
static void publish(struct netmap_kring *k, uint32_t start, uint32_t end)
{
	nm_irqflags_t irq = nm_spin_lock(&k->q_lock);

	if (nm_likely(start == k->nr_hwtail)) {
		/* with no other reservation open there are no notes to look for */
		while (nm_unlikely(end != k->nkr_lease && k->nkr_leases[end] != NM_LEASE_OPEN)) {
			uint32_t next = k->nkr_leases[end];

			k->nkr_leases[end] = NM_LEASE_OPEN;
			end = next;
		}
		nm_store_release(&k->nr_hwtail, end);
	} else {
		k->nkr_leases[start] = end;
	}
	nm_spin_unlock(&k->q_lock, irq);
}

/* One slot of a packet into one slot of the ring. */
static inline void put(struct netmap_slot *slot, const struct netmap_lut *lut,
		       const struct frame *f, uint32_t limit)
{
	uint32_t idx = nm_user_read32(&slot->buf_idx);
	uint64_t m = f->meta;

	if (nm_likely(nm_lut_has(lut, idx)))
		nm_copy_packet(nm_lut_buf(lut, idx), f->buf, FRAME_LEN(m), limit);
	else
		m &= ~0xffffull; /* the reader broke its own slot: no bytes */
	/* len and flags in one store */
	nm_slot_write_tail(slot, FRAME_SLOT(m));
}

/* Copies `got` slots of the picked runs into the ring from `j` on; returns the end. */
static uint32_t fill(struct netmap_kring *k, const struct nm_vale_scratch *s, uint32_t j,
		     uint32_t got, uint32_t room)
{
	const struct netmap_lut lut = k->na->na_lut;
	struct netmap_slot *slots = k->ring->slot;
	uint32_t lim = k->nkr_num_slots - 1;
	uint32_t limit = nm_copy_limit(room);
	const struct run *r = s->pick;

	for (; got > 0; r++) {
		const struct frame *f = &s->frame[r->start];
		uint32_t count = r->count < got ? r->count : got;
		const struct frame *end = f + count;

		got -= count;
		for (; f < end; f++) {
			put(&slots[j], &lut, f, limit);
			j = nm_next(j, lim);
		}
	}
	return j;
}

/* Packets of the picked runs to one rx ring. */
static void deliver_ring(struct netmap_kring *k, struct nm_vale_scratch *s, uint32_t want,
			 uint32_t src_size)
{
	uint32_t size = k->na->na_lut.objsize, start, got, end;

	if (nm_read_once(&k->nr_mode) != NKR_NETMAP_ON)
		return;
	if (nm_unlikely(s->max_len > size))
		want = keep_fitting(s, size, UINT32_MAX);
	if (want == 0)
		return;
	got = reserve(k, s, want, &start);
	if (got == 0)
		return;
	end = fill(k, s, start, got, size < src_size ? size : src_size);
	publish(k, start, end);
	k->nm_notify(k, 0);
}

/* The rx rings of a port for packets from that ring; NULL: it takes none now. */
static inline struct netmap_kring **rings_of(struct nm_switch *sw, uint32_t port,
					     const struct netmap_kring *from, uint32_t hdr_len,
					     uint32_t *r)
{
	struct nm_vale_port *p = nm_ptr_load((void **)&sw->port[port]);

	if (p == NULL || nm_read_once(&p->up.virt_hdr_len) != hdr_len)
		return NULL;
	*r = from->ring_id;
	if (nm_unlikely(*r >= p->up.num_rx_rings))
		*r %= p->up.num_rx_rings; /* only where the receiver has fewer rings */
	return nm_ptr_load((void **)&p->up.rx_rings);
}

/* Two chains of runs, `one` to this port and `all` to everybody, to one port. */
static void deliver(struct nm_switch *sw, struct netmap_kring *from, uint32_t hdr_len,
		    uint32_t port, uint32_t one, uint32_t all)
{
	struct nm_vale_scratch *s = from->vale;
	uint32_t r, size = from->na->na_lut.objsize;
	struct netmap_kring **rings = rings_of(sw, port, from, hdr_len, &r);

	if (rings == NULL)
		return;
	if (r != 0 && one != NO_RUN) {
		deliver_ring(rings[r], s, flatten(s, one, NO_RUN), size);
		one = NO_RUN;
	}
	if (one != NO_RUN || all != NO_RUN)
		deliver_ring(rings[0], s, flatten(s, one, all), size);
}

/* Several ports, or everybody. */
static nm_cold void deliver_runs(struct nm_switch *sw, const struct nm_vale_port *from,
				 struct netmap_kring *kring, uint32_t hdr_len)
{
	struct nm_vale_scratch *s = kring->vale;
	const struct nm_port_set *set;
	uint32_t i;

	if (s->all_first == NO_RUN) {
		for (i = 0; i < s->ndests; i++)
			deliver(sw, kring, hdr_len, s->dest[i].port, s->dest[i].first, NO_RUN);
		return;
	}
	set = nm_ptr_load((void **)&sw->set);
	for (i = 0; i < set->n; i++) {
		uint32_t port = set->index[i], d = s->dest_of[port], one = NO_RUN;

		if (port == from->index)
			continue;
		if (d < s->ndests && s->dest[d].port == port)
			one = s->dest[d].first;
		deliver(sw, kring, hdr_len, port, one, s->all_first);
	}
}

/*
 * A single short packet, which is what programs that care about latency send: no
 * chunk, and no reservation either, because moving at most NM_COPY_INLINE bytes takes
 * less time than taking the lock again.  False: let the general path do it.
 */
static inline bool put_one(struct netmap_kring *k, const struct frame *f, uint32_t src_size)
{
	uint32_t size = k->na->na_lut.objsize, lim = k->nkr_num_slots - 1, at, next;
	uint32_t limit = nm_copy_limit(size < src_size ? size : src_size);
	nm_irqflags_t irq;
	bool ok = false;

	if (nm_unlikely(k->nr_mode != NKR_NETMAP_ON || FRAME_LEN(f->meta) > limit))
		return false;
	irq = nm_spin_lock(&k->q_lock);
	if (nm_unlikely(nm_load_acquire(&k->nkr_state) & NM_KR_STOPPED))
		goto out;
	at = k->nkr_lease;
	next = nm_next(at, lim);
	if (nm_likely(at == k->nr_hwtail && next != nm_load_acquire(&k->nr_hwcur))) {
		put(&k->ring->slot[at], &k->na->na_lut, f, limit);
		k->nkr_lease = next;
		nm_store_release(&k->nr_hwtail, next);
		ok = true;
	}
out:
	nm_spin_unlock(&k->q_lock, irq);
	if (nm_likely(ok))
		k->nm_notify(k, 0);
	return ok;
}

/* The chunk goes where it belongs; `one`, known when compiling: it is one slot. */
static nm_always_inline void forward(const struct nm_vale_port *from, struct netmap_kring *kring,
				     uint32_t hdr_len, bool one)
{
	struct nm_vale_scratch *s = kring->vale;
	uint32_t size = kring->na->na_lut.objsize, port, r;
	struct netmap_kring **rings;
	struct nm_switch *sw;

	nm_read_enter();
	sw = nm_ptr_load((void *const *)&from->sw);
	if (nm_unlikely(sw == NULL))
		goto out;
	port = one ? classify_one(sw, from, s, hdr_len) : classify(sw, from, s, hdr_len);
	if (nm_unlikely(port == DST_DROP)) {
		deliver_runs(sw, from, kring, hdr_len);
		goto out;
	}
	/* the usual case: one run of everything to one port */
	rings = rings_of(sw, port, kring, hdr_len, &r);
	if (nm_unlikely(rings == NULL) || (one && put_one(rings[r], s->frame, size)))
		goto out;
	s->npick = 1;
	s->pick[0] = (struct run){ 0, (uint16_t)s->n, NO_RUN };
	deliver_ring(rings[r], s, s->n, size);
out:
	nm_read_exit();
}

/* Everything from slot `pos` on, whose word is `w`, chunk by chunk. */
static nm_noinline void forward_chunks(const struct nm_vale_port *p, struct netmap_kring *kring,
				       uint32_t pos, uint64_t w, uint32_t hdr_len, int flags)
{
	uint32_t limit = (uint32_t)nm_param(bridge_batch);

	for (;;) {
		pos = gather(kring, pos, w, MIN_FRAME + hdr_len, limit, flags);
		if (kring->vale->n > 0)
			forward(p, kring, hdr_len, false);
		if (pos == kring->rhead)
			break;
		w = nm_slot_read(&kring->ring->slot[pos]);
	}
}

int nm_vale_txsync(struct netmap_kring *kring, int flags)
{
	const struct nm_vale_port *p = container_of(kring->na, struct nm_vale_port, up);
	uint32_t pos = kring->nr_hwcur, head = kring->rhead, lim = kring->nkr_num_slots - 1;

	if (pos != head) {
		uint32_t hdr_len = nm_read_once(&kring->na->virt_hdr_len);
		uint64_t w = nm_slot_read(&kring->ring->slot[pos]);

		if (nm_next(pos, lim) == head && gather_one(kring, w, MIN_FRAME + hdr_len))
			forward(p, kring, hdr_len, true);
		else
			forward_chunks(p, kring, pos, w, hdr_len, flags);
	}
	nm_store_release(&kring->nr_hwcur, head);
	nm_store_release(&kring->nr_hwtail, nm_prev(head, lim));
	return 0;
}

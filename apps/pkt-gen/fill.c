/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Putting packets into tx rings, in one of three ways that is chosen once per run:
 *
 *	same	each packet is like the other and fits into a slot.  A buffer that we have
 *		written once need not be written again: what the kernel sends from it, it
 *		does not change.  But where it exchanges buffers (pipes, monitors) a slot comes back
 *		with another one, so each slot's buffer is compared with the one last seen there.
 *	moving	one slot a packet, of which the front changes: only that is written again.
 *	pieces	everything else: several slots a packet, indirect buffers, offsets, -X.
 */
#include <stdlib.h>
#include <string.h>

#include "fill.h"

/* A slot's buf_idx, len and flags as one word, buf_idx in the lower half or the upper. */
static inline uint64_t
slot_word(const struct netmap_slot *slot)
{
	uint64_t word;

	memcpy(&word, slot, sizeof(word));
	return word;
}

/* The buffer of such a word. */
static inline uint32_t
word_buf(uint64_t word)
{
	struct netmap_slot slot;

	memcpy(&slot, &word, sizeof(word));
	return slot.buf_idx;
}

static uint32_t
least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Hand a burst to the kernel at the next sync; the last slot asks to be reported when sent. */
static void
publish(struct netmap_ring *ring, uint32_t last, uint32_t head)
{
	ring->slot[last].flags |= NS_REPORT;
	ring->head = ring->cur = head;
}

/* A slot that is not as we left it: set it up, and write its buffer if it is another one. */
static void
refresh(struct filler *f, struct tx_ring *r, uint32_t i)
{
	const struct packet *p = &f->w->packet;
	struct netmap_slot *slot = &r->ring->slot[i];

	if (word_buf(r->known[i]) != slot->buf_idx && !f->w->o->rubbish)
		nm_pkt_copy(p->frame, NETMAP_BUF(r->ring, slot->buf_idx), (int)p->size);
	slot->len = (uint16_t)p->size;
	slot->flags = 0;
	r->known[i] = slot_word(slot);
}

static uint32_t
fill_same(struct filler *f, struct tx_ring *r, uint32_t max, uint64_t *bytes)
{
	struct netmap_ring *ring = r->ring;
	const struct packet *p = &f->w->packet;
	uint32_t n = least(max, nm_ring_space(ring)), i = ring->head, left, last = i;

	if (n == 0)
		return 0;
	for (left = n; left > 0;) {
		uint32_t end = i + least(left, ring->num_slots - i);

		left -= end - i;
		for (; i < end; i++) {
			if (unlikely(slot_word(&ring->slot[i]) != r->known[i]))
				refresh(f, r, i);
		}
		last = i - 1;
		if (i == ring->num_slots)
			i = 0;
	}
	publish(ring, last, i);
	*bytes += (uint64_t)n * (p->size - p->vnet_len);
	return n;
}

static uint32_t
fill_moving(struct filler *f, struct tx_ring *r, uint32_t max, uint64_t *bytes)
{
	struct netmap_ring *ring = r->ring;
	struct packet *p = &f->w->packet;
	uint32_t n = least(max, nm_ring_space(ring)), i = ring->head, last = i, k;

	for (k = 0; k < n; k++) {
		struct netmap_slot *slot = &ring->slot[i];
		uint32_t buf = slot->buf_idx;

		nm_pkt_copy(p->frame, NETMAP_BUF(ring, buf),
		    (int)(r->known[i] == buf ? p->head : p->room));
		r->known[i] = buf;
		slot->len = (uint16_t)p->size;
		slot->flags = 0;
		*bytes += p->size - p->vnet_len;
		last = i;
		i = nm_ring_next(ring, i);
		packet_step(p);
	}
	if (n > 0)
		publish(ring, last, i);
	return n;
}

/* How -F and -M cut a packet of that size. */
static struct pieces
cut(const struct options *o, size_t size)
{
	struct pieces how = PIECES_PLAIN;

	how.indirect = o->indirect;
	if (o->frags > 0) {
		how.number = o->frags;
		how.size = size / o->frags;
		if (o->frag_size > 0 && o->frag_size < how.size)
			how.size = o->frag_size;
	}
	return how;
}

/* Where the bytes of the packet for slot i are taken from; NULL: from nowhere. */
static const uint8_t *
source(struct filler *f, struct tx_ring *r, uint32_t i)
{
	const struct packet *p = &f->w->packet;
	uint8_t *own;

	if (f->w->o->rubbish)
		return NULL;
	if (r->arena == NULL)
		return p->frame;
	/* The packet changes while the kernel may not have fetched this one yet. */
	own = r->arena + (size_t)i * f->longest;
	memcpy(own, p->frame, p->size);
	return own;
}

/* -X: what stands in the ring, wherever it came from. */
static void
show(const struct worker *w, const struct netmap_ring *ring, uint32_t i)
{
	const struct packet *p = &w->packet;
	struct received r;

	if (w->o->indirect)
		dump("sent", p->frame + p->vnet_len, p->size - p->vnet_len);
	else if (ring_get(ring, i, p->vnet_len, &r))
		dump_parts("sent", r.parts, r.n, r.size);
}

static uint32_t
fill_pieces(struct filler *f, struct tx_ring *r, uint32_t max, uint64_t *bytes)
{
	struct netmap_ring *ring = r->ring;
	struct packet *p = &f->w->packet;
	uint32_t head = ring->head, space = nm_ring_space(ring), n;
	struct pieces how = cut(f->w->o, p->size);

	for (n = 0; n < max && space > 0; n++) {
		uint32_t used = ring_put(ring, head, space, source(f, r, head), p->size, 0, &how);

		if (used == 0)
			break;
		if (f->w->o->dump)
			show(f->w, ring, head);
		space -= used;
		head += used;
		if (head >= ring->num_slots)
			head -= ring->num_slots;
		*bytes += p->size - p->vnet_len;
		if (p->n_steps > 0) {
			packet_step(p);
			how = cut(f->w->o, p->size);
		}
	}
	if (n > 0)
		publish(ring, head > 0 ? head - 1 : ring->num_slots - 1, head);
	return n;
}

uint32_t
fill_next(struct filler *f, uint32_t max, uint64_t *bytes)
{
	uint32_t tries, n = 0;

	for (tries = f->n_rings; tries > 0 && n == 0; tries--) {
		n = f->fill(f, &f->rings[f->at], max, bytes);
		f->at = f->at + 1 == f->n_rings ? 0 : f->at + 1;
	}
	return n;
}

/* Bytes that a slot of the ring can take at least. */
static size_t
slot_room(const struct netmap_ring *ring)
{
	size_t least_room = ring->nr_buf_size;
	uint32_t i;

	for (i = 0; i < ring->num_slots; i++) {
		uint64_t offset = NETMAP_ROFFSET(ring, &ring->slot[i]);
		size_t room = offset < ring->nr_buf_size ? ring->nr_buf_size - offset : 0;

		if (room < least_room)
			least_room = room;
	}
	return least_room;
}

/* Whether packets of that size can be cut as asked, and fit into the ring. */
static int
check_size(const struct worker *w, const struct netmap_ring *ring, size_t size)
{
	const struct options *o = w->o;
	size_t room = o->indirect ? UINT16_MAX : slot_room(ring);
	struct pieces how = cut(o, size);
	size_t slots = o->frags, tail;

	if (room == 0)
		return complain("%s: the offset leaves no room in a buffer", o->port);
	if (o->frags == 0) {
		slots = (size + room - 1) / room;
	} else {
		tail = size - how.size * (o->frags - 1);
		if (o->frags > 1 && how.size < ETH_BYTES + w->vnet_len)
			return complain("-F %u: pieces of %zu bytes are less than the %zu of the first headers; "
			    "use fewer, or longer packets (-l)", o->frags, how.size,
			    ETH_BYTES + w->vnet_len);
		if (tail > room)
			return complain("-F %u: the last piece would have %zu bytes, a buffer has %zu; "
			    "use more pieces, or leave out -M", o->frags, tail, room);
	}
	if (slots >= ring->num_slots)
		return complain("%s: a packet of %zu bytes takes %zu slots, the ring has %u; "
		    "ask for more with -C %zu", o->port, size, slots, ring->num_slots, 2 * slots);
	return 0;
}

static int
check_sizes(const struct filler *f)
{
	const struct packet *p = &f->w->packet;
	uint32_t i;

	for (i = 0; i < f->n_rings; i++) {
		if (check_size(f->w, f->rings[i].ring, f->longest) != 0)
			return -1;
		if (p->length_min != 0 && f->w->o->frags > 0 &&
		    check_size(f->w, f->rings[i].ring, p->vnet_len + p->length_min) != 0)
			return -1;
	}
	return 0;
}

static int
make_rings(struct filler *f)
{
	struct nmport_d *d = f->w->d;
	const struct packet *p = &f->w->packet;
	int arena = f->w->o->indirect && p->n_steps > 0 && p->list == NULL;
	uint32_t i;

	/* Numbers follow each other on one ring; everything else goes to all. */
	f->n_rings = f->w->o->function == FUNCTION_TXSEQ ? 1 :
	    (uint32_t)(d->last_tx_ring - d->first_tx_ring) + 1;
	f->rings = calloc(f->n_rings, sizeof(*f->rings));
	if (f->rings == NULL)
		return complain("no memory for %u rings", f->n_rings);
	for (i = 0; i < f->n_rings; i++) {
		struct tx_ring *r = &f->rings[i];

		r->ring = NETMAP_TXRING(d->nifp, d->first_tx_ring + i);
		r->known = calloc(r->ring->num_slots, sizeof(*r->known));
		if (arena)
			r->arena = malloc(r->ring->num_slots * f->longest);
		if (r->known == NULL || (arena && r->arena == NULL))
			return complain("no memory for a ring of %u slots", r->ring->num_slots);
	}
	return 0;
}

int
fill_begin(struct filler *f, struct worker *w)
{
	const struct options *o = w->o;
	const struct netmap_ring *ring;

	memset(f, 0, sizeof(*f));
	f->w = w;
	f->longest = packet_longest(&w->packet);
	if (make_rings(f) != 0 || check_sizes(f) != 0)
		return -1;
	ring = f->rings[0].ring;
	if (o->frags > 1 || o->indirect || o->dump || ring->offset_mask != 0 ||
	    f->longest > ring->nr_buf_size || (o->rubbish && w->packet.n_steps > 0))
		f->fill = fill_pieces;
	else if (w->packet.n_steps > 0)
		f->fill = fill_moving;
	else
		f->fill = fill_same;
	return 0;
}

void
fill_end(struct filler *f)
{
	uint32_t i;

	for (i = 0; f->rings != NULL && i < f->n_rings; i++) {
		free(f->rings[i].known);
		free(f->rings[i].arena);
	}
	free(f->rings);
	f->rings = NULL;
}

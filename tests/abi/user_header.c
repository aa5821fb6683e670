/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of net/netmap_user.h on rings in plain memory.
 * user_header --list prints the names; user_header NAME runs one of them.
 */
#define NETMAP_WITH_LIBS
#include <net/netmap_user.h>
#include <net/netmap_virt.h>

#define SLOTS		8
#define BUF_SIZE	128
#define BUFS		64

#define CHECK(cond)	do {							\
	if (!(cond)) {								\
		fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond); \
		exit(1);							\
	}									\
} while (0)

/* A region laid out by hand: 2 NIC and 1 host ring a direction, as a kernel would. */
struct region {
	struct nm_desc d;
	struct netmap_if *nifp;
	struct netmap_ring *tx[3], *rx[3];
	char *bufs;
	char *mem;
};

#define RING_BYTES	(sizeof(struct netmap_ring) + SLOTS * sizeof(struct netmap_slot))

#define SET(type, lvalue, value)	(*(type *)(uintptr_t)&(lvalue) = (value))

static struct netmap_ring *
make_ring(struct region *r, size_t index, uint16_t ringid, int tx)
{
	struct netmap_ring *ring = (struct netmap_ring *)(void *)(r->mem + 1024 + index * RING_BYTES);
	uint32_t i;

	SET(int64_t, ring->buf_ofs, r->bufs - (char *)ring);
	SET(uint32_t, ring->num_slots, SLOTS);
	SET(uint32_t, ring->nr_buf_size, BUF_SIZE);
	SET(uint16_t, ring->ringid, ringid);
	SET(uint16_t, ring->dir, (uint16_t)tx);
	for (i = 0; i < SLOTS; i++)
		ring->slot[i].buf_idx = (uint32_t)(2 + index * SLOTS + i);
	ring->tail = tx ? SLOTS - 1 : 0;
	SET(ssize_t, r->nifp->ring_ofs[index], (char *)ring - (char *)r->nifp);
	return ring;
}

static struct region *
make_region(void)
{
	struct region *r = calloc(1, sizeof(*r));
	size_t i;

	CHECK(r != NULL);
	r->mem = aligned_alloc(NM_CACHE_ALIGN, 65536);
	CHECK(r->mem != NULL);
	memset(r->mem, 0, 65536);
	r->bufs = r->mem + 16384;
	r->nifp = (struct netmap_if *)(void *)r->mem;
	SET(uint32_t, r->nifp->ni_tx_rings, 2);
	SET(uint32_t, r->nifp->ni_rx_rings, 2);
	SET(uint32_t, r->nifp->ni_host_tx_rings, 1);
	SET(uint32_t, r->nifp->ni_host_rx_rings, 1);
	for (i = 0; i < 3; i++)
		r->tx[i] = make_ring(r, i, (uint16_t)i, 1);
	for (i = 0; i < 3; i++)
		r->rx[i] = make_ring(r, 3 + i, (uint16_t)i, 0);
	r->d.self = &r->d;
	r->d.fd = -1;
	r->d.mem = r->mem;
	r->d.nifp = r->nifp;
	r->d.req.nr_tx_rings = r->d.req.nr_rx_rings = 2;
	r->d.req.nr_flags = NR_REG_ALL_NIC;
	nm_desc_ranges_(&r->d);
	return r;
}

static void
free_region(struct region *r)
{
	free(r->mem);
	free(r);
}

/* Put a packet of len bytes of a letter into an rx ring, as the kernel would. */
static void
receive(struct netmap_ring *ring, char letter, uint16_t len, uint16_t flags)
{
	struct netmap_slot *slot = &ring->slot[ring->tail];

	memset(NETMAP_BUF(ring, slot->buf_idx), letter, len);
	slot->len = len;
	slot->flags = flags;
	ring->tail = nm_ring_next(ring, ring->tail);
}

static void
macros_find_rings_in_the_order_of_ring_ofs(void)
{
	struct region *r = make_region();
	int i;

	for (i = 0; i < 3; i++) {
		CHECK(NETMAP_TXRING(r->nifp, i) == r->tx[i]);
		CHECK(NETMAP_RXRING(r->nifp, i) == r->rx[i]);
	}
	CHECK(NETMAP_IF(r->mem, 0) == r->nifp);
	free_region(r);
}

static void
macros_turn_buffer_numbers_into_addresses_and_back(void)
{
	struct region *r = make_region();
	uint32_t i;

	for (i = 0; i < BUFS; i++) {
		CHECK(NETMAP_BUF(r->rx[1], i) == r->bufs + i * BUF_SIZE);
		CHECK(NETMAP_BUF_IDX(r->rx[1], r->bufs + i * BUF_SIZE) == i);
		CHECK(NETMAP_BUF_IDX(r->rx[1], r->bufs + i * BUF_SIZE + BUF_SIZE - 1) == i);
	}
	free_region(r);
}

static void
a_buffer_beyond_four_gigabytes_keeps_its_address(void)
{
	struct region *r = make_region();
	uint32_t idx = 3000000000u;

	CHECK((uintptr_t)NETMAP_BUF(r->tx[0], idx) - (uintptr_t)r->bufs == (uintptr_t)idx * BUF_SIZE);
	free_region(r);
}

static void
offsets_leave_the_programs_bits_of_ptr_alone(void)
{
	struct region *r = make_region();
	struct netmap_slot *slot = &r->tx[0]->slot[0];

	SET(uint64_t, r->tx[0]->offset_mask, 0xffff);
	slot->ptr = 0xabcd00000000ffffull;
	NETMAP_WOFFSET(r->tx[0], slot, 64);
	CHECK(slot->ptr == 0xabcd000000000040ull);
	CHECK(NETMAP_ROFFSET(r->tx[0], slot) == 64);
	CHECK(NETMAP_BUF_OFFSET(r->tx[0], slot) == NETMAP_BUF(r->tx[0], slot->buf_idx) + 64);
	free_region(r);
}

static void
ring_indices_wrap_at_any_number_of_slots(void)
{
	struct region *r = make_region();
	struct netmap_ring *ring = r->rx[0];

	SET(uint32_t, ring->num_slots, 7);
	CHECK(nm_ring_next(ring, 5) == 6);
	CHECK(nm_ring_next(ring, 6) == 0);
	ring->head = ring->cur = 5;
	ring->tail = 2;
	CHECK(nm_ring_space(ring) == 4);
	CHECK(!nm_ring_empty(ring));
	ring->tail = 5;
	CHECK(nm_ring_space(ring) == 0);
	CHECK(nm_ring_empty(ring));
	free_region(r);
}

static void
a_tx_ring_is_pending_until_all_but_one_slot_came_back(void)
{
	struct region *r = make_region();
	struct netmap_ring *ring = r->tx[0];

	CHECK(!nm_tx_pending(ring));
	ring->head = ring->cur = 3;
	CHECK(nm_tx_pending(ring));
	ring->tail = 2;
	CHECK(!nm_tx_pending(ring));
	free_region(r);
}

static void
a_packet_copy_touches_no_byte_beyond_its_length(void)
{
	int len, i;

	for (len = 0; len < 1200; len++) {
		char *src = malloc((size_t)len + 1), *dst = malloc((size_t)len + 1);

		CHECK(src != NULL && dst != NULL);
		for (i = 0; i < len; i++)
			src[i] = (char)(i * 7 + len);
		src[len] = 'S';
		dst[len] = 'D';
		nm_pkt_copy(src, dst, len);
		CHECK(memcmp(src, dst, (size_t)len) == 0 && dst[len] == 'D');
		free(src);
		free(dst);
	}
}

struct seen {
	int count;
	char letters[32];
	uint64_t more[32];
	uint32_t len[32];
	uint32_t caplen[32];
	struct netmap_ring *watch;
	uint32_t head_inside;
};

static void
note(u_char *arg, const struct nm_pkthdr *h, const u_char *buf)
{
	struct seen *s = (struct seen *)(void *)arg;

	CHECK(buf == h->buf);
	s->letters[s->count] = (char)buf[0];
	s->more[s->count] = h->flags;
	s->len[s->count] = h->len;
	s->caplen[s->count] = h->caplen;
	if (s->watch != NULL)
		s->head_inside = s->watch->head;
	s->count++;
}

static void
dispatch_hands_out_every_packet_of_every_ring(void)
{
	struct region *r = make_region();
	struct seen s = { 0 };

	receive(r->rx[0], 'a', 60, 0);
	receive(r->rx[0], 'b', 61, 0);
	receive(r->rx[1], 'c', 62, 0);
	CHECK(nm_dispatch(&r->d, -1, note, (u_char *)&s) == 3);
	CHECK(strcmp(s.letters, "abc") == 0);
	CHECK(s.len[0] == 60 && s.len[1] == 61 && s.len[2] == 62);
	CHECK(s.more[0] == NM_MORE_PKTS && s.more[1] == NM_MORE_PKTS && s.more[2] == 0);
	CHECK(r->rx[0]->head == 2 && r->rx[0]->cur == 2 && r->rx[1]->head == 1);
	CHECK(nm_dispatch(&r->d, -1, note, (u_char *)&s) == 0);
	free_region(r);
}

static void
dispatch_stops_at_the_count_and_goes_on_there(void)
{
	struct region *r = make_region();
	struct seen s = { 0 };

	receive(r->rx[0], 'a', 60, 0);
	receive(r->rx[0], 'b', 60, 0);
	receive(r->rx[1], 'c', 60, 0);
	CHECK(nm_dispatch(&r->d, 2, note, (u_char *)&s) == 2);
	CHECK(s.more[1] == 0);
	CHECK(nm_dispatch(&r->d, 2, note, (u_char *)&s) == 1);
	CHECK(strcmp(s.letters, "abc") == 0);
	free_region(r);
}

static void
dispatch_keeps_the_buffer_during_the_callback(void)
{
	struct region *r = make_region();
	struct seen s = { 0 };

	s.watch = r->rx[0];
	receive(r->rx[0], 'a', 60, 0);
	CHECK(nm_dispatch(&r->d, 1, note, (u_char *)&s) == 1);
	CHECK(s.head_inside == 0);
	CHECK(r->rx[0]->head == 1);
	free_region(r);
}

static void
a_packet_of_several_slots_is_handed_out_once(void)
{
	struct region *r = make_region();
	struct seen s = { 0 };

	receive(r->rx[0], 'a', 128, NS_MOREFRAG);
	receive(r->rx[0], 'A', 128, NS_MOREFRAG);
	receive(r->rx[0], 'A', 10, 0);
	receive(r->rx[0], 'b', 60, 0);
	CHECK(nm_dispatch(&r->d, -1, note, (u_char *)&s) == 2);
	CHECK(strcmp(s.letters, "ab") == 0);
	CHECK(s.len[0] == 266 && s.caplen[0] == 128);
	free_region(r);
}

static void
a_chain_that_never_ends_stops_at_tail(void)
{
	struct region *r = make_region();
	struct seen s = { 0 };
	int i;

	for (i = 0; i < SLOTS - 1; i++)
		receive(r->rx[0], 'a', 10, NS_MOREFRAG);
	CHECK(nm_dispatch(&r->d, -1, note, (u_char *)&s) == 1);
	CHECK(s.len[0] == 70);
	CHECK(r->rx[0]->head == r->rx[0]->tail);
	free_region(r);
}

static void
nextpkt_returns_packets_until_the_rings_are_empty(void)
{
	struct region *r = make_region();
	struct nm_pkthdr h;

	receive(r->rx[1], 'x', 99, 0);
	r->rx[1]->ts.tv_sec = 5;
	r->rx[1]->ts.tv_usec = 7;
	CHECK(nm_nextpkt(&r->d, &h) == (u_char *)NETMAP_BUF(r->rx[1], r->rx[1]->slot[0].buf_idx));
	CHECK(h.len == 99 && h.caplen == 99 && h.slot == &r->rx[1]->slot[0] && h.d == &r->d);
	CHECK(h.ts.tv_sec == 5 && h.ts.tv_usec == 7 && h.flags == 0);
	CHECK(nm_nextpkt(&r->d, &h) == NULL);
	free_region(r);
}

static void
inject_fills_rings_in_turn_and_reports_when_all_are_full(void)
{
	struct region *r = make_region();
	int i;

	for (i = 0; i < 2 * (SLOTS - 1); i++)
		CHECK(nm_inject(&r->d, "packet", 7) == 7);
	CHECK(nm_inject(&r->d, "packet", 7) == 0);
	CHECK(nm_ring_empty(r->tx[0]) && nm_ring_empty(r->tx[1]));
	CHECK(r->tx[2]->head == 0);	/* the host ring is not bound */
	r->tx[0]->tail = r->tx[0]->head + 1;
	CHECK(nm_inject(&r->d, "packet", 0) == 0 && !nm_ring_empty(r->tx[0]));
	CHECK(strcmp(NETMAP_BUF(r->tx[1], r->tx[1]->slot[3].buf_idx), "packet") == 0);
	CHECK(r->tx[1]->slot[3].len == 7);
	free_region(r);
}

static void
inject_splits_a_large_packet_over_slots(void)
{
	struct region *r = make_region();
	char pkt[3 * BUF_SIZE + 1];
	struct netmap_slot *s = r->tx[0]->slot;
	size_t i;

	for (i = 0; i < sizeof(pkt); i++)
		pkt[i] = (char)i;
	s[3].flags = NS_MOREFRAG | NS_INDIRECT | NS_REPORT;	/* left over from before */
	s[1].flags = NS_BUF_CHANGED;
	CHECK(nm_inject(&r->d, pkt, sizeof(pkt)) == (int)sizeof(pkt));
	CHECK(r->tx[0]->head == 4);
	CHECK((s[0].flags & NS_MOREFRAG) && (s[1].flags & NS_MOREFRAG) && (s[2].flags & NS_MOREFRAG));
	CHECK(s[3].flags == 0 && s[1].flags == (NS_MOREFRAG | NS_BUF_CHANGED));
	CHECK(s[0].len == BUF_SIZE && s[2].len == BUF_SIZE && s[3].len == 1);
	CHECK(memcmp(NETMAP_BUF(r->tx[0], s[1].buf_idx), pkt + BUF_SIZE, BUF_SIZE) == 0);
	free_region(r);
}

static void
inject_refuses_a_packet_larger_than_a_ring(void)
{
	struct region *r = make_region();
	static char pkt[SLOTS * BUF_SIZE];

	CHECK(nm_inject(&r->d, pkt, sizeof(pkt)) == 0);
	CHECK(nm_inject(&r->d, pkt, sizeof(pkt) - BUF_SIZE) == (int)(sizeof(pkt) - BUF_SIZE));
	free_region(r);
}

static void
a_port_without_tx_rings_injects_nothing(void)
{
	struct region *r = make_region();

	r->d.req.nr_flags |= NR_RX_RINGS_ONLY;
	nm_desc_ranges_(&r->d);
	CHECK(r->d.first_tx_ring > r->d.last_tx_ring);
	CHECK(nm_inject(&r->d, "packet", 7) == 0);
	free_region(r);
}

static void
each_mode_uses_its_rings(void)
{
	static const struct {
		uint32_t flags;
		uint16_t ringid, first, last;
	} modes[] = {
		{ NR_REG_ALL_NIC, 0, 0, 1 }, { NR_REG_SW, 0, 2, 2 }, { NR_REG_NIC_SW, 0, 0, 2 },
		{ NR_REG_ONE_NIC, 1, 1, 1 }, { NR_REG_ONE_NIC, 2, 0, 0 }, { NR_REG_ONE_SW, 0, 2, 2 }, { NR_REG_NULL, 0, 1, 0 },
		{ NR_REG_PIPE_MASTER, 1, 0, 1 }, { NR_REG_ONE_NIC, 1 | NETMAP_NO_TX_POLL, 1, 1 },
	};
	struct region *r = make_region();
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		r->d.req.nr_flags = modes[i].flags;
		r->d.req.nr_ringid = modes[i].ringid;
		nm_desc_ranges_(&r->d);
		CHECK(r->d.first_tx_ring == modes[i].first && r->d.last_tx_ring == modes[i].last);
		CHECK(r->d.first_rx_ring == modes[i].first && r->d.last_rx_ring == modes[i].last);
	}
	free_region(r);
}

static void
names_are_taken_apart(void)
{
	static const struct {
		const char *spec, *name;
		uint32_t flags;
		uint16_t ringid, mem_id;
	} good[] = {
		{ "netmap:eth0", "eth0", NR_REG_ALL_NIC, 0, 0 },
		{ "netmap:eth0^", "eth0", NR_REG_SW, 0, 0 },
		{ "netmap:eth0^3", "eth0", NR_REG_ONE_SW, 3, 0 },
		{ "netmap:eth0*", "eth0", NR_REG_NIC_SW, 0, 0 },
		{ "netmap:eth0-12", "eth0", NR_REG_ONE_NIC, 12, 0 },
		{ "netmap:eth0{7", "eth0", NR_REG_PIPE_MASTER, 7, 0 },
		{ "netmap:eth0}7", "eth0", NR_REG_PIPE_SLAVE, 7, 0 },
		{ "vale0:p", "vale0:p", NR_REG_ALL_NIC, 0, 0 },
		{ "vale0:p-1", "vale0:p", NR_REG_ONE_NIC, 1, 0 },
		{ "valeX:p{1@3", "valeX:p", NR_REG_PIPE_MASTER, 1, 3 },
		{ "netmap:eth0{abc", "eth0{abc", NR_REG_ALL_NIC, 0, 0 },
		{ "vale0:p}4b/x", "vale0:p}4b", NR_REG_ALL_NIC | NR_EXCLUSIVE, 0, 0 },
		{ "netmap:eth0{a-1", "eth0{a", NR_REG_ONE_NIC, 1, 0 },
		{ "netmap:br-lan", "br-lan", NR_REG_ALL_NIC, 0, 0 },
		{ "netmap:veth-a1-2", "veth-a1", NR_REG_ONE_NIC, 2, 0 },
		{ "netmap:eth0/x", "eth0", NR_REG_ALL_NIC | NR_EXCLUSIVE, 0, 0 },
		{ "netmap:eth0-1/xR@65535", "eth0",
		  NR_REG_ONE_NIC | NR_EXCLUSIVE | NR_RX_RINGS_ONLY, 1, 65535 },
		{ "netmap:eth0/T", "eth0", NR_REG_ALL_NIC | NR_TX_RINGS_ONLY, 0, 0 },
		{ "netmap:eth0/rt", "eth0", NR_REG_ALL_NIC | NR_MONITOR_RX | NR_MONITOR_TX, 0, 0 },
		{ "netmap:eth0/z", "eth0",
		  NR_REG_ALL_NIC | NR_ZCOPY_MON | NR_MONITOR_RX | NR_MONITOR_TX, 0, 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct nmreq req = { 0 };

		req.nr_flags = NR_ACCEPT_VNET_HDR | NR_REG_NULL;
		CHECK(nm_name_parse_(good[i].spec, &req) == 0);
		CHECK(strcmp(req.nr_name, good[i].name) == 0);
		CHECK(req.nr_flags == (good[i].flags | NR_ACCEPT_VNET_HDR));
		CHECK(req.nr_ringid == good[i].ringid);
		CHECK(req.nr_arg2 == good[i].mem_id);
	}
}

static void
bad_names_are_refused(void)
{
	static const char *const bad[] = {
		"netmap:", "netmap:/x", "netmap:eth0/q", "netmap:eth0@", "netmap:eth0@x",
		"netmap:eth0@65536", "netmap:eth0{", "netmap:eth0{4096", "netmap:eth0^x",
		"netmap:eth0*1", "netmap:eth0^99999999999999999999", "netmap:eth0@1/x",
	};
	struct nmreq req = { 0 };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(nm_name_parse_(bad[i], &req) == EINVAL);
	CHECK(nm_name_parse_("netmap:abcdefghijklmnop", &req) == ENAMETOOLONG);
	CHECK(nm_name_parse_("netmap:abcdefghijklmno", &req) == 0);
}

static void
open_leaves_errno_clear_for_a_name_of_somebody_else(void)
{
	errno = EIO;
	CHECK(nm_open("eth0", NULL, 0, NULL) == NULL);
	CHECK(errno == 0);
	CHECK(nm_open("netmap:eth0/?", NULL, 0, NULL) == NULL);
	CHECK(errno == EINVAL);
}

static void
close_refuses_what_is_no_descriptor(void)
{
	struct nm_desc d;

	memset(&d, 0, sizeof(d));
	CHECK(nm_close(NULL) == EINVAL);
	CHECK(nm_close(&d) == EINVAL);
}

static void
csb_functions_carry_their_words(void)
{
	struct nm_csb_atok atok = { 0 };
	struct nm_csb_ktoa ktoa = { 0 };
	uint32_t head, cur, flags, hwcur, hwtail;

	nm_sync_kloop_appl_write(&atok, 9, 4);
	atok.sync_flags = 2;
	nm_sync_kloop_kern_read(&atok, &head, &cur, &flags);
	CHECK(head == 4 && cur == 9 && flags == 2);
	nm_sync_kloop_kern_write(&ktoa, 3, 8);
	nm_sync_kloop_appl_read(&ktoa, &hwtail, &hwcur);
	CHECK(hwcur == 3 && hwtail == 8);
	nm_ldld_barrier();
	nm_stst_barrier();
	nm_stld_barrier();
}

#define TEST(name)	{ #name, name }
static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	TEST(macros_find_rings_in_the_order_of_ring_ofs),
	TEST(macros_turn_buffer_numbers_into_addresses_and_back),
	TEST(a_buffer_beyond_four_gigabytes_keeps_its_address),
	TEST(offsets_leave_the_programs_bits_of_ptr_alone),
	TEST(ring_indices_wrap_at_any_number_of_slots),
	TEST(a_tx_ring_is_pending_until_all_but_one_slot_came_back),
	TEST(a_packet_copy_touches_no_byte_beyond_its_length),
	TEST(dispatch_hands_out_every_packet_of_every_ring),
	TEST(dispatch_stops_at_the_count_and_goes_on_there),
	TEST(dispatch_keeps_the_buffer_during_the_callback),
	TEST(a_packet_of_several_slots_is_handed_out_once),
	TEST(a_chain_that_never_ends_stops_at_tail),
	TEST(nextpkt_returns_packets_until_the_rings_are_empty),
	TEST(inject_fills_rings_in_turn_and_reports_when_all_are_full),
	TEST(inject_splits_a_large_packet_over_slots),
	TEST(inject_refuses_a_packet_larger_than_a_ring),
	TEST(a_port_without_tx_rings_injects_nothing),
	TEST(each_mode_uses_its_rings),
	TEST(names_are_taken_apart),
	TEST(bad_names_are_refused),
	TEST(open_leaves_errno_clear_for_a_name_of_somebody_else),
	TEST(close_refuses_what_is_no_descriptor),
	TEST(csb_functions_carry_their_words),
};

int
main(int argc, char **argv)
{
	size_t i, n = sizeof(tests) / sizeof(tests[0]);

	for (i = 0; argc == 2 && i < n; i++) {
		if (strcmp(argv[1], "--list") == 0) {
			puts(tests[i].name);
		} else if (strcmp(argv[1], tests[i].name) == 0) {
			tests[i].run();
			return 0;
		}
	}
	return argc == 2 && strcmp(argv[1], "--list") == 0 ? 0 : 2;
}

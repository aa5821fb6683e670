/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of what pkt-gen sends and measures: packet.c, range.c, sequence.c, pace.c, stats.c, rtt.c. */
#include <stdint.h>

#include "check.h"
#include "pace.h"
#include "packet.h"
#include "rtt.h"
#include "sequence.h"
#include "stats.h"

/* An own, plain reckoning to compare with: the sum of all 16-bit words, carries added back. */
static uint16_t
words(const uint8_t *p, size_t n)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += (uint64_t)p[i] << (i % 2 == 0 ? 8 : 0);
	while (sum > 0xffff)
		sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)sum;
}

/* Both checksums of a frame are right exactly when the sums over all they cover are 0xffff. */
static int
sums_hold(const struct packet *p)
{
	const uint8_t *f = p->frame + p->vnet_len;
	size_t at_udp = p->family == 6 ? 54 : 34, at_ip = p->family == 6 ? 22 : 26;
	size_t ips = p->family == 6 ? 32 : 8, udp = p->size - p->vnet_len - at_udp;
	uint8_t *pseudo = malloc(ips + 4 + udp);
	uint16_t ip_sum = p->family == 6 ? 0xffff : words(f + 14, 20), udp_sum;

	CHECK(pseudo != NULL);
	memcpy(pseudo, f + at_ip, ips);
	pseudo[ips] = 0;
	pseudo[ips + 1] = 17;
	pseudo[ips + 2] = (uint8_t)(udp >> 8);
	pseudo[ips + 3] = (uint8_t)udp;
	memcpy(pseudo + ips + 4, f + at_udp, udp);
	udp_sum = words(pseudo, ips + 4 + udp);
	free(pseudo);
	return ip_sum == 0xffff && udp_sum == 0xffff && (f[at_udp + 6] != 0 || f[at_udp + 7] != 0);
}

/* A packet between two ends. */
static void
make(struct packet *p, struct endpoint src, struct endpoint dst, size_t length, size_t vnet_len)
{
	struct packet_plan plan = {
		.family = src.family, .src = src, .dst = dst, .length = length, .vnet_len = vnet_len,
	};

	CHECK(packet_init(p, &plan) == 0);
}

static struct endpoint
side(const char *ip, const char *mac)
{
	struct endpoint e;

	memset(&e, 0, sizeof(e));
	CHECK(range_read_ip(ip, &e) == NULL);
	CHECK(range_read_mac(mac, &e) == NULL);
	return e;
}

static void
a_packet_has_its_headers_and_right_checksums(void)
{
	static const uint8_t start[] = {
		0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1, 0x08, 0x00,
		0x45, 0, 0, 46, 0, 0, 0x40, 0, 64, 17,
	};
	static const uint8_t addresses[] = { 10, 0, 0, 1, 10, 1, 0, 1, 0x04, 0xd2, 0x16, 0x2e, 0, 26 };
	struct endpoint src = side("10.0.0.1:1234", "2:0:0:0:0:1");
	struct endpoint dst = side("10.1.0.1:5678", "02:00:00:00:00:02");
	struct packet p;

	make(&p, src, dst, 60, 0);
	CHECK(p.size == 60 && p.n_steps == 0);
	CHECK(memcmp(p.frame, start, sizeof(start)) == 0);
	CHECK(memcmp(p.frame + 26, addresses, sizeof(addresses)) == 0);
	CHECK(sums_hold(&p));
	packet_free(&p);
}

static void
every_length_has_right_checksums(void)
{
	struct endpoint src = side("192.168.7.9:65535", "2:0:0:0:0:1");
	struct endpoint dst = side("255.255.255.255:0", "ff:ff:ff:ff:ff:ff");
	struct packet p;
	size_t length;

	for (length = 42; length < 2000; length++) {
		make(&p, src, dst, length, length % 3 * 6);
		CHECK(sums_hold(&p));
		packet_free(&p);
	}
	make(&p, src, dst, 65549, 12);
	CHECK(sums_hold(&p) && p.size == 65561);
	packet_free(&p);
}

static void
stepping_keeps_both_checksums_right(void)
{
	struct endpoint src = side("10.0.255.250:65000-10.1.0.10:65535", "2:0:0:0:0:1");
	struct endpoint dst = side("0.0.0.0:0-0.0.1.3:9", "2:0:0:0:0:2");
	struct packet p;
	long i;

	make(&p, src, dst, 61, 10);
	for (i = 0; i < 200000; i++) {
		packet_step(&p);
		if (i % 7 == 0)
			CHECK(sums_hold(&p));
	}
	packet_free(&p);
}

static void
a_udp_checksum_is_never_zero(void)
{
	struct endpoint src = side("10.0.0.1:0-65535", "2:0:0:0:0:1");
	struct endpoint dst = side("10.0.0.2:7", "2:0:0:0:0:2");
	struct packet p;
	long i, at_limit = 0;

	make(&p, src, dst, 60, 0);
	/* Over all values of one word the sum takes all values, the forbidden one too. */
	for (i = 0; i < 65536; i++) {
		at_limit += get16(p.frame + 40) == 0xffff;
		CHECK(get16(p.frame + 40) != 0);
		packet_step(&p);
	}
	CHECK(at_limit >= 1);
	CHECK(sums_hold(&p));
	packet_free(&p);
}

static void
ranges_turn_like_an_odometer(void)
{
	struct endpoint src = side("10.0.0.1:1-10.0.0.2:2", "2:0:0:0:0:1-2:0:0:0:0:2");
	struct endpoint dst = side("10.0.1.1:8-9", "2:0:0:0:1:1-2:0:0:0:1:2");
	struct packet p;
	int seen[32] = { 0 }, i;

	make(&p, src, dst, 60, 0);
	CHECK(p.n_steps == 1);
	for (i = 0; i < 64; i++) {
		int member = (p.src_now.port - 1) | (int)((p.src_now.ip.lo - 1) & 1) << 1 |
		    (p.dst_now.port - 8) << 2 | (int)((p.src_now.mac - 1) & 1) << 3 |
		    (int)((p.dst_now.mac - 1) & 1) << 4;

		CHECK(member == i % 32);
		CHECK(get16(p.frame + 34) == p.src_now.port && get32(p.frame + 26) == p.src_now.ip.lo);
		CHECK(get16(p.frame + 36) == p.dst_now.port);
		CHECK(p.frame[11] == (uint8_t)p.src_now.mac && p.frame[5] == (uint8_t)p.dst_now.mac);
		CHECK(sums_hold(&p));
		seen[member]++;
		packet_step(&p);
	}
	for (i = 0; i < 32; i++)
		CHECK(seen[i] == 2);
	packet_free(&p);
}

static void
a_packet_without_ranges_stays_as_it_is(void)
{
	struct endpoint src = side("10.0.0.1:1", "2:0:0:0:0:1"), dst = side("10.0.0.2:2", "2:0:0:0:0:2");
	struct packet p;
	uint8_t before[100];
	size_t length;

	make(&p, src, dst, 100, 0);
	memcpy(before, p.frame, 100);
	packet_step(&p);
	CHECK(memcmp(before, p.frame, 100) == 0);
	CHECK(packet_payload(&p, &length) == p.frame + 42 && length == 58);
	packet_free(&p);
}

static void
a_checksum_follows_any_change_of_one_word(void)
{
	uint8_t data[8] = { 0x12, 0x34, 0xff, 0xff, 0x00, 0x00, 0, 0 };
	uint32_t v;

	put16(data + 6, (uint16_t)~words(data, 6));
	for (v = 0; v < 65536; v++) {
		checksum_adjust(data + 6, get16(data + 4), (uint16_t)v);
		put16(data + 4, (uint16_t)v);
		CHECK(words(data, 8) == 0xffff);
	}
	CHECK(sum16(data, 7, 0) == words(data, 7));
}

static void
ranges_of_addresses_are_read(void)
{
	struct endpoint e;

	memset(&e, 0, sizeof(e));
	e.port_first = e.port_last = 1234;
	CHECK(range_read_ip("1.2.3.4", &e) == NULL);
	CHECK(e.ip_first.lo == 0x01020304 && e.ip_last.lo == e.ip_first.lo && e.port_first == 1234);
	CHECK(range_read_ip("1.2.3.4:5", &e) == NULL);
	CHECK(e.port_first == 5 && e.port_last == 5);
	CHECK(range_read_ip("1.2.3.4:5-9", &e) == NULL);
	CHECK(e.ip_last.lo == 0x01020304 && e.port_first == 5 && e.port_last == 9);
	CHECK(range_read_ip("1.2.3.4-1.2.3.9", &e) == NULL);
	CHECK(e.ip_last.lo == 0x01020309 && e.port_first == 5 && e.port_last == 5);
	CHECK(range_read_ip("1.2.3.4:1-1.2.4.0:65535", &e) == NULL);
	CHECK(e.ip_last.lo == 0x01020400 && e.port_first == 1 && e.port_last == 65535);
	CHECK(range_read_ip("1.2.3.4:1-:3", &e) == NULL);
	CHECK(e.ip_last.lo == 0x01020304 && e.port_last == 3);
	CHECK(range_read_mac("ff:FF:0:1:2:3-ff:ff:00:01:02:04", &e) == NULL);
	CHECK(e.mac_first == 0xffff00010203 && e.mac_last == 0xffff00010204);
}

static void
bad_ranges_are_refused_and_change_nothing(void)
{
	static const char *const ips[] = {
		"", "-", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:x",
		"1.2.3.4-", "1.2.3.4-1.2.3.3", "1.2.3.4:5-4", "1.2.3.4:5-1.2.3.4:4", ":5", "1.2.3.4:5-6-7",
		"1.2.3.4:99999999999999999999", "host", " 1.2.3.4",
		"[::1", "[::1]5", "[::1]:", "[::1]:x", "::1-", "[1.2.3.4]:5", "::g", "::1-1.2.3.4", "[]:1",
		"1.2.3.4-::5", "::2-::1", "[::1]:2-:1", "::1%lo", "1:2:3:4:5:6:7:8:9",
		"1.2.3.4:5-1.2.3.4:5-1.2.3.4:5-1.2.3.4:5-1.2.3.4:5-1.2.3.4:5-1.2.3.4:5",
	};
	static const char *const macs[] = {
		"", "-", "1:2:3:4:5", "1:2:3:4:5:6:7", "1:2:3:4:5:g", "1:2:3:4:5:123", "1:2:3:4:5:",
		"1:2:3:4:5:6-", "1:2:3:4:5:6-1:2:3:4:5:5", "::::::", "1-2:3:4:5:6:7",
	};
	struct endpoint e, before;
	size_t i;

	memset(&e, 7, sizeof(e));
	before = e;
	for (i = 0; i < sizeof(ips) / sizeof(ips[0]); i++)
		CHECK(range_read_ip(ips[i], &e) != NULL && memcmp(&e, &before, sizeof(e)) == 0);
	for (i = 0; i < sizeof(macs) / sizeof(macs[0]); i++)
		CHECK(range_read_mac(macs[i], &e) != NULL && memcmp(&e, &before, sizeof(e)) == 0);
}

static void
percentiles_are_right_within_an_eighth(void)
{
	struct rtt r;
	uint64_t i;

	memset(&r, 0, sizeof(r));
	CHECK(rtt_percentile(&r, 50) == 0);
	for (i = 1; i <= 10000; i++)
		rtt_add(&r, i * 1000);
	CHECK(r.count == 10000 && r.min_ns == 1000 && r.max_ns == 10000000);
	CHECK(r.sum_ns / r.count == 5000500);
	for (i = 1; i <= 100; i++) {
		uint64_t exact = i * 100000, p = rtt_percentile(&r, (unsigned int)i);

		CHECK(p >= exact && p <= exact + exact / 8);
	}
	CHECK(rtt_percentile(&r, 100) == r.max_ns);
	memset(&r, 0, sizeof(r));
	for (i = 0; i < 16; i++)
		rtt_add(&r, i);
	CHECK(rtt_percentile(&r, 50) == 7);
	rtt_add(&r, UINT64_MAX);
	CHECK(rtt_percentile(&r, 100) == UINT64_MAX);
}

static void
ipv6_packets_have_right_checksums(void)
{
	struct endpoint src = side("[2001:db8::fffe]:65000-[2001:db8::1:3]:65535", "2:0:0:0:0:1");
	struct endpoint dst = side("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0]:0-9", "2:0:0:0:0:2");
	struct packet p;
	size_t length;
	long i;

	for (length = 62; length < 300; length++) {
		make(&p, src, dst, length, length % 3 * 6);
		CHECK(p.family == 6 && sums_hold(&p));
		packet_free(&p);
	}
	make(&p, src, dst, 75, 12);
	for (i = 0; i < 20000; i++) {
		packet_step(&p);
		CHECK(sums_hold(&p));
	}
	packet_free(&p);
}

static void
every_kind_of_step_keeps_the_checksums_right(void)
{
	struct packet_plan plan = {
		.length = 400, .length_min = 80, .seed = 7, .numbered = 1, .run = 0xabcd, .stream = 3,
		.vnet_len = 12,
	};
	struct packet p;
	long i;

	for (plan.family = 4; plan.family <= 6; plan.family += 2) {
		plan.src = side(plan.family == 6 ? "fd00::1" : "10.0.0.1", "2:0:0:0:0:1");
		plan.dst = side(plan.family == 6 ? "fd00::2" : "10.0.0.2", "2:0:0:0:0:2");
		range_widen(&plan.src, plan.family);
		plan.src.random = 1;
		CHECK(packet_init(&p, &plan) == 0 && p.n_steps == 3);
		CHECK(packet_longest(&p) == 412);
		for (i = 0; i < 70000; i++) {
			size_t length;

			CHECK(p.size >= 92 && p.size < 412);
			CHECK(get64(packet_payload(&p, &length) + SEQUENCE_AT_NUMBER) == (uint64_t)i);
			if (i % 7 == 0)
				CHECK(sums_hold(&p));
			packet_step(&p);
		}
		packet_free(&p);
	}
}

static void
random_addresses_fill_their_range(void)
{
	const struct address first = { 1, UINT64_MAX - 1 }, last = { 2, 1 };	/* four of them */
	const struct address all = { UINT64_MAX, UINT64_MAX }, none = { 0, 0 };
	uint64_t state = 1;
	int seen[4] = { 0 }, i, high = 0;

	for (i = 0; i < 4000; i++) {
		struct address a = random_address(&state, first, last);

		CHECK(address_compare(a, first) >= 0 && address_compare(a, last) <= 0);
		seen[a.lo - first.lo]++;
		a = random_address(&state, none, all);
		high += a.hi >> 63 && a.lo >> 63;
	}
	for (i = 0; i < 4; i++)
		CHECK(seen[i] > 800 && seen[i] < 1200);
	CHECK(high > 800 && high < 1200);
	CHECK(address_compare(random_address(&state, first, first), first) == 0);
}

static void
ipv6_ranges_are_read(void)
{
	struct endpoint e;

	memset(&e, 0, sizeof(e));
	e.port_first = e.port_last = 1234;
	CHECK(range_read_ip("fd00:1:2:3:4:5:6:7", &e) == NULL && e.family == 6);
	CHECK(e.ip_first.hi == 0xfd00000100020003 && e.ip_last.lo == 0x0004000500060007);
	CHECK(e.port_first == 1234);
	CHECK(range_read_ip("::1-::2:0", &e) == NULL);
	CHECK(e.ip_first.lo == 1 && e.ip_last.lo == 0x20000 && e.port_last == 1234);
	CHECK(range_read_ip("[::1]:5", &e) == NULL && e.port_first == 5 && e.port_last == 5);
	CHECK(range_read_ip("[::1]:5-9", &e) == NULL && e.port_last == 9 && e.ip_last.lo == 1);
	CHECK(range_read_ip("[::1]:5-:8", &e) == NULL && e.port_last == 8);
	CHECK(range_read_ip("[::1]-[::7]", &e) == NULL && e.ip_last.lo == 7 && e.port_first == 5);
	CHECK(range_read_ip("[::1]:1-[1::]:2", &e) == NULL && e.ip_last.hi == 0x0001000000000000);
	CHECK(e.port_first == 1 && e.port_last == 2);
	CHECK(range_read_ip("::ffff:1.2.3.4", &e) == NULL && e.ip_first.lo == 0xffff01020304);
	CHECK(range_read_ip("1.2.3.4", &e) == NULL && e.family == 4 && e.ip_first.hi == 0);
}

static void
a_range_without_members_is_widened(void)
{
	struct endpoint e = side("10.0.0.1:7", "2:0:0:0:0:1");

	range_widen(&e, 4);
	CHECK(e.ip_first.lo == 0x01000000 && e.ip_last.lo == 0xdfffffff);
	CHECK(e.port_first == 1 && e.port_last == 65535);
	e = side("10.0.0.1:7-10.0.0.2:9", "2:0:0:0:0:1");
	range_widen(&e, 4);
	CHECK(e.ip_last.lo == 0x0a000002 && e.port_first == 7 && e.port_last == 9);
}

static void
payloads_are_found_in_udp_alone(void)
{
	uint8_t f[100] = { 0 };
	size_t length;

	f[12] = 8;
	f[14] = 0x45;
	f[23] = 17;
	CHECK(frame_payload(f, 100, &length) == f + 42 && length == 58);
	f[14] = 0x46;		/* an option in the header */
	CHECK(frame_payload(f, 100, &length) == f + 46 && length == 54);
	CHECK(frame_payload(f, 46, &length) == f + 46 && length == 0);
	CHECK(frame_payload(f, 45, &length) == NULL);
	f[14] = 0x44;		/* a header shorter than the shortest */
	CHECK(frame_payload(f, 100, &length) == NULL);
	f[14] = 0x65;
	CHECK(frame_payload(f, 100, &length) == NULL);
	f[14] = 0x45;
	f[23] = 6;
	CHECK(frame_payload(f, 100, &length) == NULL);
	f[12] = 0x86;
	f[13] = 0xdd;
	f[20] = 17;
	CHECK(frame_payload(f, 100, &length) == f + 62 && length == 38);
	CHECK(frame_payload(f, 61, &length) == NULL);
}

/* A run of a sender that is woken when it asks to be; ns for count packets. */
static uint64_t
simulate(uint64_t rate, uint64_t count, uint32_t burst, uint64_t late_ns)
{
	struct pace p = { .rate = rate, .start_ns = 1000000007 };
	uint64_t now = p.start_ns, sent = 0, until = 0;

	while (sent < count) {
		uint32_t n = pace_due(&p, burst, now, &until);

		if (n == 0) {
			CHECK(until > now);
			now = until + late_ns;
		}
		p.sent += n;
		sent += n;
		now += 1000;
		CHECK(p.start_ns == 1000000007);
	}
	return now - 1000000007;
}

static void
a_rate_is_kept_over_a_second(void)
{
	static const uint64_t rates[] = { 1, 7, 1000, 999983, 14880952, 148809523 };
	size_t i;

	for (i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		/* At once, or always a while too late: what was missed is made up for. */
		uint64_t exact = simulate(rates[i], rates[i], 4096, 0);
		uint64_t tired = simulate(rates[i], rates[i], 65535, 60000);

		CHECK(exact >= 999900000 && exact <= 1000100000);
		CHECK(tired >= 999900000 && tired <= 1000200000);
	}
}

static void
a_sender_that_was_held_up_does_not_flood(void)
{
	struct pace p = { .rate = 1000000, .start_ns = 5 };
	uint64_t until = 0;

	CHECK(pace_due(&p, 512, 5 + 1000000000, &until) == 1);
	p.sent++;
	CHECK(pace_due(&p, 512, 5 + 1000000000 + 1000000, &until) == 512);
	CHECK(pace_due(&p, 512, 5 + 1000000000 + 100000, &until) == 99);
	p.rate = 0;
	CHECK(pace_due(&p, 512, 5, &until) == 512);
}

static void
a_full_link_is_a_hundred_per_cent(void)
{
	/* Frames without CRC, and how many of them 10 Gbit/s carry in a second. */
	static const struct {
		uint64_t bytes, packets;
	} full[] = {
		{ 60, 14880952 }, { 124, 8445946 }, { 252, 4528986 }, { 508, 2349624 }, { 1020, 1197318 },
		{ 1514, 812744 }, { 42, 14880952 },
	};
	size_t i;

	for (i = 0; i < sizeof(full) / sizeof(full[0]); i++) {
		double percent = line_rate(full[i].packets, full[i].packets * full[i].bytes, 1000000000,
		    10000000000);

		CHECK(percent > 99.99 && percent < 100.01);
	}
	CHECK(line_rate(100, 6000, 0, 1000) == 0);
}

static void
means_and_deviations_are_right(void)
{
	static const double rates[] = { 2, 4, 4, 4, 5, 5, 7, 9 };
	static const double same[] = { 14880952.5, 14880952.5 };
	double mean, deviation;
	char text[32];

	average(rates, 8, &mean, &deviation);
	CHECK(mean == 5 && deviation > 1.9999999 && deviation < 2.0000001);
	average(same, 2, &mean, &deviation);
	CHECK(mean == 14880952.5 && deviation == 0);
	average(NULL, 0, &mean, &deviation);
	CHECK(mean == 0 && deviation == 0);
	CHECK(strcmp(human(text, sizeof(text), 14880952, 0), "14.881 M") == 0);
	CHECK(strcmp(human(text, sizeof(text), 14880952, 1), "14880952 ") == 0);
	CHECK(strcmp(human(text, sizeof(text), 999, 0), "999.000 ") == 0);
}

static void
count_number(struct sequence *s, uint64_t number)
{
	uint8_t payload[SEQUENCE_BYTES];

	sequence_mark(payload, 1, 2, number);
	sequence_count(s, payload, sizeof(payload));
}

/* Against a plain book of what came: numbers in random order, some never, some twice. */
static void
sequences_are_judged_as_a_plain_book_would(void)
{
	enum { N = 20000 };
	static uint8_t times[N];
	struct sequence s = { 0 };
	uint64_t state = 3, i, late = 0, twice = 0, lost = 0, greatest = 0;

	for (i = 0; i < 3 * N; i++) {
		/* Near the place where an orderly sender would be. */
		uint64_t n = i / 3 + random_below(&state, 50);

		if (n >= N || (i == 0 && n != 0 && (n = 0)))
			continue;
		count_number(&s, n);
		if (times[n]++ > 0)
			twice++;
		else if (n < greatest)
			late++;
		greatest = n > greatest ? n : greatest;
	}
	for (i = 0; i <= greatest; i++)
		lost += times[i] == 0;
	CHECK(s.n == 1 && lost > 10 && late > 1000);
	CHECK(s.last->lost == lost && s.last->late == late && s.last->twice == twice);
	CHECK(s.last->next == greatest + 1 && s.last->first == 0 && s.last->old == 0);
	sequence_free(&s);
}

static void
the_window_moves_with_the_numbers(void)
{
	struct sequence s = { 0 };
	uint64_t i;

	for (i = 0; i < 3 * SEQUENCE_WINDOW; i++)
		count_number(&s, i);
	CHECK(s.last->lost == 0);
	count_number(&s, 2 * SEQUENCE_WINDOW);
	CHECK(s.last->twice == 1 && s.last->old == 0);
	count_number(&s, 2 * SEQUENCE_WINDOW - 1);
	CHECK(s.last->twice == 1 && s.last->old == 1);
	/* What stood in the window for numbers before says nothing of those skipped. */
	count_number(&s, 3 * SEQUENCE_WINDOW + 9);
	CHECK(s.last->lost == 9);
	for (i = 0; i < 9; i++)
		count_number(&s, 3 * SEQUENCE_WINDOW + i);
	CHECK(s.last->late == 9 && s.last->lost == 0 && s.last->twice == 1);
	s.last->late = 0;
	count_number(&s, 4 * SEQUENCE_WINDOW + 10);	/* further than the window is wide */
	CHECK(s.last->lost == SEQUENCE_WINDOW);
	count_number(&s, 4 * SEQUENCE_WINDOW - 1);
	CHECK(s.last->late == 1 && s.last->lost == SEQUENCE_WINDOW - 1);
	count_number(&s, UINT64_MAX - 1);
	count_number(&s, UINT64_MAX);			/* has no next: not counted as numbered */
	CHECK(s.other == 1 && s.last->next == UINT64_MAX);
	sequence_free(&s);
}

static const struct test tests[] = {
	TEST(a_packet_has_its_headers_and_right_checksums),
	TEST(every_length_has_right_checksums),
	TEST(stepping_keeps_both_checksums_right),
	TEST(a_udp_checksum_is_never_zero),
	TEST(ranges_turn_like_an_odometer),
	TEST(a_packet_without_ranges_stays_as_it_is),
	TEST(a_checksum_follows_any_change_of_one_word),
	TEST(ranges_of_addresses_are_read),
	TEST(bad_ranges_are_refused_and_change_nothing),
	TEST(percentiles_are_right_within_an_eighth),
	TEST(ipv6_packets_have_right_checksums),
	TEST(every_kind_of_step_keeps_the_checksums_right),
	TEST(random_addresses_fill_their_range),
	TEST(ipv6_ranges_are_read),
	TEST(a_range_without_members_is_widened),
	TEST(payloads_are_found_in_udp_alone),
	TEST(a_rate_is_kept_over_a_second),
	TEST(a_sender_that_was_held_up_does_not_flood),
	TEST(a_full_link_is_a_hundred_per_cent),
	TEST(means_and_deviations_are_right),
	TEST(sequences_are_judged_as_a_plain_book_would),
	TEST(the_window_moves_with_the_numbers),
};

int
main(int argc, char **argv)
{
	return run_tests(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packets that are sent: Ethernet, IPv4 or IPv6, UDP and a text as payload.
 *
 * The ones' complement sum S of IPv4 and UDP checksums (RFC 1071) can follow the
 * change of one covered word from m to m' without the other words: the stored
 * value C = ~S becomes ~(~C + ~m + m') (RFC 1624).  In UDP 0 means "no checksum", and
 * 0xffff, its equal in ones' complement, takes its place.
 *
 * What changes from packet to packet is a list of steps, made when the packet is: addresses and
 * ports, the length, the sequence number, or the next frame of a file.  A packet without
 * steps is the same all the time, and the senders need not write it twice.
 */
#include <stdlib.h>
#include <string.h>

#include "packet.h"
#include "sequence.h"

/* Offsets in a frame; behind the IP header they depend on the family. */
enum {
	AT_DST_MAC = 0,
	AT_SRC_MAC = 6,
	AT_TYPE = 12,
	AT_IP = ETH_BYTES,
	AT_IP4_LENGTH = AT_IP + 2,
	AT_IP4_SUM = AT_IP + 10,
	AT_IP4_SRC = AT_IP + 12,
	AT_IP6_LENGTH = AT_IP + 4,
	AT_IP6_SRC = AT_IP + 8
};

#define TYPE_IP4	0x0800
#define TYPE_IP6	0x86dd
#define PROTOCOL_UDP	17

static size_t
at_udp(int family)
{
	return AT_IP + (family == 6 ? IP6_BYTES : IP4_BYTES);
}

static size_t
at_src_ip(int family)
{
	return family == 6 ? AT_IP6_SRC : AT_IP4_SRC;
}

static size_t
ip_bytes(int family)
{
	return family == 6 ? 16 : 4;
}

uint16_t
sum16(const uint8_t *bytes, size_t length, uint32_t sum)
{
	size_t i;

	for (i = 0; i + 1 < length; i += 2) {
		sum += get16(bytes + i);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	if (i < length)
		sum += (uint32_t)bytes[i] << 8;
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

void
checksum_adjust(uint8_t *field, uint16_t before, uint16_t after)
{
	uint32_t sum = (uint16_t)~get16(field);

	sum += (uint16_t)~before;
	sum += after;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	put16(field, (uint16_t)~sum);
}

void
udp_checksum_adjust(uint8_t *field, uint16_t before, uint16_t after)
{
	checksum_adjust(field, before, after);
	if (get16(field) == 0)
		put16(field, 0xffff);
}

void
packet_checksums(uint8_t *frame, size_t length, int family)
{
	uint8_t *udp = frame + at_udp(family);
	size_t udp_length = length - at_udp(family);
	uint32_t pseudo;
	uint16_t sum;

	if (family != 6) {
		put16(frame + AT_IP4_SUM, 0);
		put16(frame + AT_IP4_SUM, (uint16_t)~sum16(frame + AT_IP, IP4_BYTES, 0));
	}
	/* Both addresses, the protocol and the length precede the UDP header in its sum. */
	pseudo = sum16(frame + at_src_ip(family), 2 * ip_bytes(family),
	    PROTOCOL_UDP + (uint32_t)udp_length);
	put16(udp + 6, 0);
	sum = (uint16_t)~sum16(udp, udp_length, pseudo);
	put16(udp + 6, sum != 0 ? sum : 0xffff);
}

static void
put_mac(uint8_t *p, uint64_t mac)
{
	put16(p, (uint16_t)(mac >> 32));
	put32(p + 2, (uint32_t)mac);
}

static void
put_ip(uint8_t *p, struct address ip, int family)
{
	if (family == 6) {
		put64(p, ip.hi);
		put64(p + 8, ip.lo);
	} else {
		put32(p, (uint32_t)ip.lo);
	}
}

static uint8_t *
ethernet(struct packet *p)
{
	return p->frame + p->vnet_len;
}

static uint8_t *
udp_sum(struct packet *p)
{
	return ethernet(p) + at_udp(p->family) + 6;
}

static void
set_port(struct packet *p, size_t at, uint16_t port)
{
	uint8_t *word = ethernet(p) + at_udp(p->family) + at;

	udp_checksum_adjust(udp_sum(p), get16(word), port);
	put16(word, port);
}

/* An address counts in UDP's checksum, and in that of IPv4. */
static void
set_ip(struct packet *p, size_t at, struct address ip)
{
	size_t n = ip_bytes(p->family), i;
	uint8_t bytes[16], *f = ethernet(p);

	put_ip(bytes, ip, p->family);
	for (i = 0; i < n; i += 2) {
		uint16_t before = get16(f + at + i), after = get16(bytes + i);

		if (before == after)
			continue;
		if (p->family != 6)
			checksum_adjust(f + AT_IP4_SUM, before, after);
		udp_checksum_adjust(udp_sum(p), before, after);
		put16(f + at + i, after);
	}
}

/* Step one side's port and IP; returns whether both have wrapped. */
static int
step_side(struct packet *p, struct endpoint_now *now, const struct endpoint *e, int is_dst)
{
	size_t at_ip = at_src_ip(p->family) + (is_dst ? ip_bytes(p->family) : 0);
	size_t at_port = is_dst ? 2 : 0;
	int wrapped;

	if (e->random) {
		now->port = (uint16_t)(e->port_first +
		    random_below(&p->random, (uint64_t)(e->port_last - e->port_first) + 1));
		now->ip = random_address(&p->random, e->ip_first, e->ip_last);
		set_port(p, at_port, now->port);
		set_ip(p, at_ip, now->ip);
		return 1;
	}
	if (e->port_first != e->port_last) {
		wrapped = now->port == e->port_last;
		now->port = wrapped ? e->port_first : (uint16_t)(now->port + 1);
		set_port(p, at_port, now->port);
		if (!wrapped)
			return 0;
	}
	wrapped = address_compare(now->ip, e->ip_last) == 0;
	now->ip = wrapped ? e->ip_first : address_next(now->ip);
	set_ip(p, at_ip, now->ip);
	return wrapped;
}

static int
step_mac(uint8_t *mac, struct endpoint_now *now, const struct endpoint *e)
{
	int wrapped = now->mac == e->mac_last;

	now->mac = wrapped ? e->mac_first : now->mac + 1;
	put_mac(mac, now->mac);
	return wrapped;
}

static void
step_addresses(struct packet *p)
{
	if (step_side(p, &p->src_now, &p->src, 0) && step_side(p, &p->dst_now, &p->dst, 1) &&
	    step_mac(ethernet(p) + AT_SRC_MAC, &p->src_now, &p->src))
		step_mac(ethernet(p) + AT_DST_MAC, &p->dst_now, &p->dst);
}

static void
step_length(struct packet *p)
{
	uint8_t *f = ethernet(p), *udp = f + at_udp(p->family);
	size_t headers = HEADERS_BYTES(p->family), before = p->size - p->vnet_len;
	size_t after = p->length_min + random_below(&p->random, p->length_max - p->length_min);
	uint16_t udp_before = get16(udp + 4), udp_after = (uint16_t)(after - at_udp(p->family));

	if (p->family == 6) {
		put16(f + AT_IP6_LENGTH, udp_after);
	} else {
		uint16_t ip_after = (uint16_t)(after - AT_IP);

		checksum_adjust(f + AT_IP4_SUM, get16(f + AT_IP4_LENGTH), ip_after);
		put16(f + AT_IP4_LENGTH, ip_after);
	}
	/* UDP's length counts twice, in its header and in the pseudo header. */
	put16(udp + 4, udp_after);
	udp_checksum_adjust(udp + 6, udp_before, udp_after);
	udp_checksum_adjust(udp + 6, udp_before, udp_after);
	udp_checksum_adjust(udp + 6, p->sums[before - headers], p->sums[after - headers]);
	p->size = p->vnet_len + after;
}

static void
step_number(struct packet *p)
{
	uint8_t *at = ethernet(p) + HEADERS_BYTES(p->family) + SEQUENCE_AT_NUMBER, bytes[8];
	int i;

	put64(bytes, ++p->number);
	for (i = 0; i < 8; i += 2) {
		if (get16(at + i) == get16(bytes + i))
			continue;
		udp_checksum_adjust(udp_sum(p), get16(at + i), get16(bytes + i));
		put16(at + i, get16(bytes + i));
	}
}

static void
step_list(struct packet *p)
{
	p->at_list = p->at_list + 1 == p->n_list ? 0 : p->at_list + 1;
	p->frame = p->list[p->at_list].bytes;
	p->head = p->room = p->size = p->list[p->at_list].size;
}

static int
is_range(const struct endpoint *e)
{
	return e->mac_first != e->mac_last || address_compare(e->ip_first, e->ip_last) != 0 ||
	    e->port_first != e->port_last;
}

static void
start(struct endpoint_now *now, const struct endpoint *e)
{
	now->mac = e->mac_first;
	now->ip = e->ip_first;
	now->port = e->port_first;
}

/* Everything of the frame but the checksums. */
static void
write_frame(uint8_t *f, const struct packet_plan *plan)
{
	static const char text[] = "netmap pkt-gen ";
	size_t udp = at_udp(plan->family), ip = at_src_ip(plan->family), payload = udp + UDP_BYTES, i;

	put_mac(f + AT_DST_MAC, plan->dst.mac_first);
	put_mac(f + AT_SRC_MAC, plan->src.mac_first);
	if (plan->family == 6) {
		put16(f + AT_TYPE, TYPE_IP6);
		f[AT_IP] = 0x60;			/* version 6 */
		put16(f + AT_IP6_LENGTH, (uint16_t)(plan->length - udp));
		f[AT_IP + 6] = PROTOCOL_UDP;
		f[AT_IP + 7] = 64;			/* hops */
	} else {
		put16(f + AT_TYPE, TYPE_IP4);
		f[AT_IP] = 0x45;			/* version 4, 5 words of header */
		put16(f + AT_IP4_LENGTH, (uint16_t)(plan->length - AT_IP));
		put16(f + AT_IP + 6, 0x4000);		/* do not fragment */
		f[AT_IP + 8] = 64;			/* hops */
		f[AT_IP + 9] = PROTOCOL_UDP;
	}
	put_ip(f + ip, plan->src.ip_first, plan->family);
	put_ip(f + ip + ip_bytes(plan->family), plan->dst.ip_first, plan->family);
	put16(f + udp, plan->src.port_first);
	put16(f + udp + 2, plan->dst.port_first);
	put16(f + udp + 4, (uint16_t)(plan->length - udp));
	for (i = payload; i < plan->length; i++)
		f[i] = (uint8_t)text[(i - payload) % (sizeof(text) - 1)];
	if (plan->numbered)
		sequence_mark(f + payload, plan->run, plan->stream, 0);
}

/* Sums of the payload's beginnings, for lengths that change; 0, or -1 without memory. */
static int
sum_beginnings(struct packet *p)
{
	size_t length, n, i;
	const uint8_t *payload = packet_payload(p, &length);
	uint32_t sum = 0;

	n = length + 1;
	p->sums = calloc(n, sizeof(*p->sums));
	if (p->sums == NULL)
		return -1;
	for (i = 1; i < n; i++) {
		sum += (uint32_t)payload[i - 1] << (i % 2 == 1 ? 8 : 0);
		sum = (sum & 0xffff) + (sum >> 16);
		p->sums[i] = (uint16_t)sum;
	}
	return 0;
}

static void
add_step(struct packet *p, void (*step)(struct packet *), size_t head)
{
	p->steps[p->n_steps++] = step;
	if (p->head < p->vnet_len + head)
		p->head = p->vnet_len + head;
}

int
packet_init(struct packet *p, const struct packet_plan *plan)
{
	size_t headers = HEADERS_BYTES(plan->family);

	memset(p, 0, sizeof(*p));
	p->own = p->frame = calloc(1, plan->vnet_len + plan->length);
	if (p->frame == NULL)
		return -1;
	p->size = p->room = plan->vnet_len + plan->length;
	p->vnet_len = plan->vnet_len;
	p->family = plan->family;
	p->src = plan->src;
	p->dst = plan->dst;
	p->random = plan->seed;
	start(&p->src_now, &p->src);
	start(&p->dst_now, &p->dst);
	write_frame(ethernet(p), plan);
	packet_checksums(ethernet(p), plan->length, p->family);

	if (plan->numbered)
		add_step(p, step_number, headers + SEQUENCE_BYTES);
	if (is_range(&p->src) || is_range(&p->dst)) {
		add_step(p, step_addresses, headers);
		if (p->src.random || p->dst.random)
			step_addresses(p);	/* the first is as random as the others */
	}
	if (plan->length_min != 0) {
		p->length_min = plan->length_min;
		p->length_max = plan->length;
		if (sum_beginnings(p) != 0) {
			packet_free(p);
			return -1;
		}
		add_step(p, step_length, headers);
		step_length(p);
	}
	return 0;
}

void
packet_from_list(struct packet *p, const struct raw_frame *list, size_t n, size_t vnet_len)
{
	memset(p, 0, sizeof(*p));
	p->vnet_len = vnet_len;
	p->list = list;
	p->n_list = n;
	p->frame = list[0].bytes;
	p->size = p->room = list[0].size;
	if (n > 1)
		add_step(p, step_list, p->size);
}

void
packet_free(struct packet *p)
{
	free(p->own);
	free(p->sums);
	p->own = p->frame = NULL;
	p->sums = NULL;
}

size_t
packet_longest(const struct packet *p)
{
	size_t most = p->room, i;

	for (i = 0; i < p->n_list; i++) {
		if (p->list[i].size > most)
			most = p->list[i].size;
	}
	return most;
}

uint8_t *
packet_payload(struct packet *p, size_t *length)
{
	*length = p->size - p->vnet_len - HEADERS_BYTES(p->family);
	return ethernet(p) + HEADERS_BYTES(p->family);
}

uint8_t *
frame_payload(uint8_t *frame, size_t length, size_t *payload)
{
	size_t at;

	if (length < HEADERS_BYTES(4))
		return NULL;
	if (get16(frame + AT_TYPE) == TYPE_IP4 && frame[AT_IP] >> 4 == 4 &&
	    frame[AT_IP + 9] == PROTOCOL_UDP)
		at = AT_IP + (size_t)(frame[AT_IP] & 15) * 4 + UDP_BYTES;
	else if (get16(frame + AT_TYPE) == TYPE_IP6 && frame[AT_IP + 6] == PROTOCOL_UDP)
		at = HEADERS_BYTES(6);
	else
		return NULL;
	if (length < at || at < HEADERS_BYTES(4))
		return NULL;
	*payload = length - at;
	return frame + at;
}

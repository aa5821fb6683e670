/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packets that are sent: Ethernet, IPv4, UDP and a text as payload.
 *
 * The ones' complement sum S of IPv4 and UDP checksums (RFC 1071) can follow the
 * change of one covered word from m to m' without the other words: the stored
 * value C = ~S becomes ~(~C + ~m + m') (RFC 1624).  In UDP 0 means "no checksum", and
 * 0xffff, its equal in ones' complement, takes its place.
 */
#include <stdlib.h>
#include <string.h>

#include "packet.h"

/* Offsets in a frame. */
enum {
	AT_DST_MAC = 0,
	AT_SRC_MAC = 6,
	AT_TYPE = 12,
	AT_IP = ETH_BYTES,
	AT_IP_SUM = AT_IP + 10,
	AT_SRC_IP = AT_IP + 12,
	AT_DST_IP = AT_IP + 16,
	AT_UDP = AT_IP + IP_BYTES,
	AT_SRC_PORT = AT_UDP,
	AT_DST_PORT = AT_UDP + 2,
	AT_UDP_SUM = AT_UDP + 6,
	AT_PAYLOAD = AT_UDP + UDP_BYTES
};

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

/* The same for UDP, where 0 is not a checksum. */
static void
udp_adjust(uint8_t *frame, uint16_t before, uint16_t after)
{
	checksum_adjust(frame + AT_UDP_SUM, before, after);
	if (get16(frame + AT_UDP_SUM) == 0)
		put16(frame + AT_UDP_SUM, 0xffff);
}

void
packet_checksums(uint8_t *frame, size_t length)
{
	size_t udp_length = length - AT_UDP;
	uint32_t pseudo;
	uint16_t sum;

	put16(frame + AT_IP_SUM, 0);
	put16(frame + AT_IP_SUM, (uint16_t)~sum16(frame + AT_IP, IP_BYTES, 0));

	/* Both addresses, the protocol and the length precede the UDP header in its sum. */
	pseudo = sum16(frame + AT_SRC_IP, 8, 17 + (uint32_t)udp_length);
	put16(frame + AT_UDP_SUM, 0);
	sum = (uint16_t)~sum16(frame + AT_UDP, udp_length, pseudo);
	put16(frame + AT_UDP_SUM, sum != 0 ? sum : 0xffff);
}

static void
put_mac(uint8_t *p, uint64_t mac)
{
	put16(p, (uint16_t)(mac >> 32));
	put32(p + 2, (uint32_t)mac);
}

static void
set_port(uint8_t *frame, size_t at, uint16_t port)
{
	udp_adjust(frame, get16(frame + at), port);
	put16(frame + at, port);
}

/* An address counts in both checksums, as two words. */
static void
set_ip(uint8_t *frame, size_t at, uint32_t ip)
{
	size_t word;

	for (word = at; word < at + 4; word += 2) {
		uint16_t after = (uint16_t)(word == at ? ip >> 16 : ip);

		checksum_adjust(frame + AT_IP_SUM, get16(frame + word), after);
		udp_adjust(frame, get16(frame + word), after);
		put16(frame + word, after);
	}
}

static int
is_range(const struct endpoint *e)
{
	return e->mac_first != e->mac_last || e->ip_first != e->ip_last ||
	    e->port_first != e->port_last;
}

static void
start(struct endpoint_now *now, const struct endpoint *e)
{
	now->mac = e->mac_first;
	now->ip = e->ip_first;
	now->port = e->port_first;
}

int
packet_init(struct packet *p, const struct endpoint *src, const struct endpoint *dst,
	    size_t length, size_t vnet_len)
{
	static const char text[] = "netmap pkt-gen ";
	uint8_t *f;
	size_t i;

	memset(p, 0, sizeof(*p));
	p->frame = calloc(1, vnet_len + length);
	if (p->frame == NULL)
		return -1;
	p->size = vnet_len + length;
	p->vnet_len = vnet_len;
	p->src = *src;
	p->dst = *dst;
	start(&p->src_now, src);
	start(&p->dst_now, dst);
	p->varies = is_range(src) || is_range(dst);

	f = p->frame + vnet_len;
	put_mac(f + AT_DST_MAC, dst->mac_first);
	put_mac(f + AT_SRC_MAC, src->mac_first);
	put16(f + AT_TYPE, 0x0800);
	f[AT_IP] = 0x45;				/* version 4, 5 words of header */
	put16(f + AT_IP + 2, (uint16_t)(length - ETH_BYTES));
	put16(f + AT_IP + 6, 0x4000);			/* do not fragment */
	f[AT_IP + 8] = 64;				/* hops */
	f[AT_IP + 9] = 17;				/* UDP */
	put32(f + AT_SRC_IP, src->ip_first);
	put32(f + AT_DST_IP, dst->ip_first);
	put16(f + AT_SRC_PORT, src->port_first);
	put16(f + AT_DST_PORT, dst->port_first);
	put16(f + AT_UDP + 4, (uint16_t)(length - AT_UDP));
	for (i = AT_PAYLOAD; i < length; i++)
		f[i] = (uint8_t)text[(i - AT_PAYLOAD) % (sizeof(text) - 1)];
	packet_checksums(f, length);
	return 0;
}

void
packet_free(struct packet *p)
{
	free(p->frame);
	p->frame = NULL;
}

uint8_t *
packet_payload(struct packet *p, size_t *length)
{
	*length = p->size - p->vnet_len - AT_PAYLOAD;
	return p->frame + p->vnet_len + AT_PAYLOAD;
}

/* Step one side's port and IP; returns whether both have wrapped. */
static int
step_side(uint8_t *f, struct endpoint_now *now, const struct endpoint *e, size_t at_ip,
	  size_t at_port)
{
	int wrapped = now->port == e->port_last;

	now->port = wrapped ? e->port_first : (uint16_t)(now->port + 1);
	set_port(f, at_port, now->port);
	if (!wrapped)
		return 0;
	wrapped = now->ip == e->ip_last;
	now->ip = wrapped ? e->ip_first : now->ip + 1;
	set_ip(f, at_ip, now->ip);
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

void
packet_step(struct packet *p)
{
	uint8_t *f = p->frame + p->vnet_len;

	if (!p->varies)
		return;
	if (step_side(f, &p->src_now, &p->src, AT_SRC_IP, AT_SRC_PORT) &&
	    step_side(f, &p->dst_now, &p->dst, AT_DST_IP, AT_DST_PORT) &&
	    step_mac(f + AT_SRC_MAC, &p->src_now, &p->src))
		step_mac(f + AT_DST_MAC, &p->dst_now, &p->dst);
}

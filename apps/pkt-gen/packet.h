/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKTGEN_PACKET_H_
#define PKTGEN_PACKET_H_

#include <stddef.h>
#include <stdint.h>

#include "range.h"

#define ETH_BYTES	14
#define IP_BYTES	20
#define UDP_BYTES	8
#define HEADERS_BYTES	(ETH_BYTES + IP_BYTES + UDP_BYTES)

/*
 * A UDP packet that is sent over and over, its addresses moving through ranges.
 * frame begins with vnet_len zero bytes, the virtio-net header of ports that have one.
 */
struct packet {
	uint8_t *frame;
	size_t size;			/* bytes at frame, virtio-net header included */
	size_t vnet_len;
	struct endpoint src, dst;	/* the ranges */
	struct endpoint_now {		/* where in them the frame is */
		uint64_t mac;
		uint32_t ip;
		uint16_t port;
	} src_now, dst_now;
	int varies;			/* some range has more than one member */
};

/*
 * Build a frame of length bytes (HEADERS_BYTES to 65549).  Returns 0, or -1
 * when there is no memory.  packet_free() releases it.
 */
int packet_init(struct packet *p, const struct endpoint *src, const struct endpoint *dst,
		size_t length, size_t vnet_len);
void packet_free(struct packet *p);

/*
 * Go to the next member of the ranges: source port, source IP, destination port,
 * destination IP, source MAC, destination MAC, each stepping when those before it have wrapped.
 * Checksums are adjusted, not computed anew.
 */
void packet_step(struct packet *p);

/* The part behind the UDP header, and its length. */
uint8_t *packet_payload(struct packet *p, size_t *length);

/* Compute both checksums of an Ethernet, IPv4, UDP frame from its bytes. */
void packet_checksums(uint8_t *frame, size_t length);

/* Ones' complement sum of bytes, folded to 16 bits, on top of a sum. */
uint16_t sum16(const uint8_t *bytes, size_t length, uint32_t sum);

/* A checksum in network order at field, after a 16-bit word it covers changed. */
void checksum_adjust(uint8_t *field, uint16_t before, uint16_t after);

/* 16-bit words in network order. */
static inline uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void
put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static inline void
put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

#endif

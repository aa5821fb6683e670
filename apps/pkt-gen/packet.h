/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKTGEN_PACKET_H_
#define PKTGEN_PACKET_H_

#include <stddef.h>
#include <stdint.h>

#include "range.h"

#define ETH_BYTES	14
#define IP4_BYTES	20
#define IP6_BYTES	40
#define UDP_BYTES	8
#define MAX_STEPS	4

/* Bytes of headers before the payload. */
#define HEADERS_BYTES(family)	\
	(ETH_BYTES + ((family) == 6 ? IP6_BYTES : IP4_BYTES) + UDP_BYTES)

/* What the packets shall be like. */
struct packet_plan {
	int family;			/* 4 or 6 */
	struct endpoint src, dst;
	size_t length;			/* bytes of a frame, HEADERS_BYTES to 65549 */
	size_t length_min;		/* not 0: random lengths from here to below length */
	size_t vnet_len;		/* zero bytes before each frame */
	uint64_t seed;			/* of what is random */
	int numbered;			/* with a sequence mark, see sequence.h */
	uint16_t run, stream;		/* in that mark */
};

/* A frame that is sent as it is. */
struct raw_frame {
	uint8_t *bytes;
	size_t size;
};

/*
 * A packet that is sent over and over, while the steps change it in between.
 * frame begins with vnet_len zero bytes, the virtio-net header of ports that have one.
 */
struct packet {
	uint8_t *frame;
	size_t size;			/* bytes to send, virtio-net header included */
	size_t room;			/* valid bytes at frame, at least size */
	size_t head;			/* bytes at the front that steps change; 0: it stays as it is */
	size_t vnet_len;
	int family;			/* 4, 6; 0: frames from a file */
	struct endpoint src, dst;	/* the ranges */
	struct endpoint_now {		/* where in them the frame is */
		uint64_t mac;
		struct address ip;
		uint16_t port;
	} src_now, dst_now;
	void (*steps[MAX_STEPS])(struct packet *);
	unsigned int n_steps;
	uint64_t random;		/* state of the generator */
	uint64_t number;		/* in the sequence mark */
	size_t length_min, length_max;
	uint16_t *sums;			/* of the payload's first so many bytes */
	const struct raw_frame *list;	/* frames from a file, of n_list; */
	size_t n_list, at_list;		/* at_list is the one to send */
	uint8_t *own;			/* the memory of frame, if it is ours */
};

/*
 * Build a packet, or begin a round through a list of frames that already have their virtio-net
 * header and stay the caller's.  0, or -1 when there is no memory.  packet_free() releases it.
 */
int packet_init(struct packet *p, const struct packet_plan *plan);
void packet_from_list(struct packet *p, const struct raw_frame *list, size_t n, size_t vnet_len);
void packet_free(struct packet *p);

/* The most bytes that a packet will have, virtio-net header included. */
size_t packet_longest(const struct packet *p);

/*
 * Go to the next packet.  Addresses: source port, source IP, destination port,
 * destination IP, source MAC, destination MAC, each stepping when those before it have wrapped.
 * Checksums are adjusted, not computed anew.
 */
static inline void
packet_step(struct packet *p)
{
	unsigned int i;

	for (i = 0; i < p->n_steps; i++)
		p->steps[i](p);
}

/* The part behind the UDP header, and its length. */
uint8_t *packet_payload(struct packet *p, size_t *length);

/*
 * The UDP payload of a received frame, at most length bytes of which are there, and its
 * length; NULL if the frame is not UDP over IPv4 or IPv6.
 */
uint8_t *frame_payload(uint8_t *frame, size_t length, size_t *payload);

/* Compute the checksums of an Ethernet, IP, UDP frame of ours from its bytes. */
void packet_checksums(uint8_t *frame, size_t length, int family);

/* Ones' complement sum of bytes, folded to 16 bits, on top of a sum. */
uint16_t sum16(const uint8_t *bytes, size_t length, uint32_t sum);

/* A checksum in network order at field, after a 16-bit word it covers changed. */
void checksum_adjust(uint8_t *field, uint16_t before, uint16_t after);

/* The same for UDP, where 0 is not a checksum. */
void udp_checksum_adjust(uint8_t *field, uint16_t before, uint16_t after);

/* 16-, 32- and 64-bit words in network order. */
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

static inline uint64_t
get64(const uint8_t *p)
{
	return (uint64_t)get32(p) << 32 | get32(p + 4);
}

static inline void
put64(uint8_t *p, uint64_t v)
{
	put32(p, (uint32_t)(v >> 32));
	put32(p + 4, (uint32_t)v);
}

#endif

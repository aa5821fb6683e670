/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKTGEN_OPTIONS_H_
#define PKTGEN_OPTIONS_H_

#include <stdint.h>

#include "range.h"

enum function {
	FUNCTION_TX, FUNCTION_RX, FUNCTION_PING, FUNCTION_PONG, FUNCTION_TXSEQ, FUNCTION_RXSEQ
};

#define FRAME_MIN	42	/* Ethernet, IPv4 and UDP headers */
#define FRAME_MAX	65549	/* Ethernet header and the longest IPv4 packet */

/* The command line. */
struct options {
	char port[128];			/* name for libnetmap, netmap: added where it was left out */
	enum function function;
	uint64_t count;			/* packets, 0: until stopped */
	uint32_t length;		/* bytes of a frame, without CRC */
	uint32_t length_min;		/* not 0: random lengths from here to below length */
	uint32_t burst;			/* most packets between two syncs; 0: as many as there are (rx) */
	int family;			/* 4 or 6 */
	struct endpoint src, dst;
	int have_src_mac;
	int first_cpu;			/* thread i runs on the i-th CPU from here; -1: not bound */
	uint32_t cores;			/* CPUs to use at most, 0: all */
	uint32_t threads;		/* more than 1: one ring each */
	uint32_t report_ms;
	uint32_t wait_seconds;
	uint64_t rate;			/* packets per second of all threads, 0: as fast as it goes */
	uint32_t frags;			/* slots per packet, 0: as many as are needed */
	uint32_t frag_size;		/* most bytes of each but the last, 0: equal parts */
	int vnet_len;			/* bytes of virtio-net header, -1: as the port has it */
	const char *file;		/* pcap, read by tx, written by rx */
	uint32_t tx_slots, rx_slots, tx_rings, rx_rings;	/* 0: as the port has it */
	int dump, verbose;
	int indirect, rubbish;
	int no_wait;			/* end when there is nothing to receive at the start */
	int framing, plain, average;	/* how figures are printed */
};

/*
 * Read the command line.  Returns 0; 1 when the help was printed; or -1 after
 * one line on stderr.
 */
int options_read(struct options *o, int argc, char **argv);

/* Whether it sends packets of its own; whether it receives. */
int options_sends(const struct options *o);
int options_receives(const struct options *o);

extern const char options_help[];

#endif

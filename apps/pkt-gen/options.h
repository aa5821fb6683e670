/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKTGEN_OPTIONS_H_
#define PKTGEN_OPTIONS_H_

#include <stdint.h>

#include "range.h"

enum function { FUNCTION_TX, FUNCTION_RX, FUNCTION_PING, FUNCTION_PONG };

#define FRAME_MIN	42	/* Ethernet, IPv4 and UDP headers */
#define FRAME_MAX	65549	/* Ethernet header and the longest IPv4 packet */

/* The command line. */
struct options {
	char port[128];			/* name for libnetmap, netmap: added where it was left out */
	enum function function;
	uint64_t count;			/* packets, 0: until stopped */
	uint32_t length;		/* bytes of a frame, without CRC */
	uint32_t burst;			/* most packets between two syncs */
	struct endpoint src, dst;
	int have_src_mac;
	int cores;			/* bind threads to CPUs 0 .. cores - 1; 0: do not bind */
	uint32_t threads;		/* more than 1: one ring each */
	uint32_t report_ms;
	uint32_t wait_seconds;
	uint64_t rate;			/* packets per second of all threads, 0: as fast as it goes */
	int dump;
};

/*
 * Read the command line.  Returns 0; 1 when the help was printed; or -1 after
 * one line on stderr.
 */
int options_read(struct options *o, int argc, char **argv);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKTGEN_STATS_H_
#define PKTGEN_STATS_H_

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "pcap.h"

/* What one thread has done; written by it alone, read by the reporter. */
struct counters {
	_Atomic uint64_t packets;
	_Atomic uint64_t bytes;
	_Atomic uint64_t events;	/* syncs that moved packets */
};

/* A copy, or a sum of several. */
struct totals {
	uint64_t packets, bytes, events;
};

static inline void
counters_add(struct counters *c, uint64_t packets, uint64_t bytes)
{
	/* One writer: a plain add, made of an atomic load and store, is enough. */
	atomic_store_explicit(&c->packets,
	    atomic_load_explicit(&c->packets, memory_order_relaxed) + packets,
	    memory_order_relaxed);
	atomic_store_explicit(&c->bytes,
	    atomic_load_explicit(&c->bytes, memory_order_relaxed) + bytes, memory_order_relaxed);
	atomic_store_explicit(&c->events,
	    atomic_load_explicit(&c->events, memory_order_relaxed) + (packets > 0),
	    memory_order_relaxed);
}

void totals_add(struct totals *t, struct counters *c);

/* Nanoseconds of a clock that never goes back. */
uint64_t now_ns(void);

#define AVERAGE_OVER	20	/* reports */

/* How figures are printed, and what has to be remembered for that. */
struct report {
	int plain;		/* no K, M, G */
	int framing;		/* bit rates count CRC, preamble and gap */
	int average;
	uint64_t speed;		/* of the link in bits per second, 0: unknown */
	double rates[AVERAGE_OVER];	/* of the last reports, packets per second */
	unsigned int n_rates;	/* reports so far */
};

/* value as "1.234 M", for units like pps and bps; as "1234000 " when plain. */
char *human(char *buf, size_t size, double value, int plain);

/* Bits that packets take on the wire, and per cent of a link's speed that this is. */
double wire_bits(uint64_t packets, uint64_t bytes);
double line_rate(uint64_t packets, uint64_t bytes, uint64_t ns, uint64_t speed);

/* Mean and standard deviation of n rates; 0 and 0 of none. */
void average(const double *rates, unsigned int n, double *mean, double *deviation);

/* One line about an interval, and the lines at the end; times in nanoseconds. */
void report_interval(struct report *r, const struct totals *before, const struct totals *after,
		     uint64_t ns);
void report_end(const struct report *r, const char *verb, const struct totals *t, uint64_t ns);

/* Print bytes in hexadecimal and as text; those of a packet in parts. */
void dump(const char *what, const uint8_t *bytes, size_t length);
void dump_parts(const char *what, const struct pcap_part *parts, size_t n, size_t length);

#endif

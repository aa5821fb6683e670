/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKTGEN_STATS_H_
#define PKTGEN_STATS_H_

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

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

/* value as "1.234 M", for units like pps and bps. */
char *human(char *buf, size_t size, double value);

/* One line about an interval, and the lines at the end; times in nanoseconds. */
void report_interval(const struct totals *before, const struct totals *after, uint64_t ns);
void report_end(const char *verb, const struct totals *t, uint64_t ns);

/* Print bytes in hexadecimal and as text. */
void dump(const char *what, const uint8_t *bytes, size_t length);

#endif

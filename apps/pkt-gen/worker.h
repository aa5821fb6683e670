/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKTGEN_WORKER_H_
#define PKTGEN_WORKER_H_

#include <pthread.h>
#include <stdatomic.h>

#include "libnetmap.h"
#include "options.h"
#include "packet.h"
#include "rtt.h"
#include "stats.h"

/* Longest sleep in ms before a thread looks whether it shall stop. */
#define POLL_MS		200

/* One thread and its port. */
struct worker {
	const struct options *o;
	struct nmport_d *d;
	struct packet packet;		/* tx, ping */
	size_t vnet_len;		/* bytes before each frame in a buffer */
	uint64_t mac;			/* of this port */
	uint64_t count;			/* its share of -n, 0: until stopped */
	uint64_t rate;			/* its share of -R */
	struct counters n;
	struct rtt rtt;			/* ping */
	uint64_t first_ns, last_ns;	/* of its packets; read when the thread has ended */
	int failed;
	pthread_t thread;
};

/* The threads' bodies; -1 after a message. */
int tx_run(struct worker *w);
int rx_run(struct worker *w);
int ping_run(struct worker *w);
int pong_run(struct worker *w);

/* Set once by the main thread. */
extern atomic_int stop_requested;

static inline int
stopping(void)
{
	return atomic_load_explicit(&stop_requested, memory_order_relaxed);
}

/* One line on stderr that begins with the program's name; returns -1. */
int complain(const char *fmt, ...) __attribute__((__format__(__printf__, 1, 2)));

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKTGEN_WORKER_H_
#define PKTGEN_WORKER_H_

#include <pthread.h>
#include <stdatomic.h>

#include "libnetmap.h"
#include "options.h"
#include "packet.h"
#include "pcap.h"
#include "rtt.h"
#include "sequence.h"
#include "stats.h"

/* Longest sleep in ms before a thread looks whether it shall stop. */
#define POLL_MS		200

/* What the threads share. */
struct shared {
	struct pcap to_send;		/* tx -P */
	struct pcap_writer *written;	/* rx -P */
	pthread_mutex_t lock;		/* of sequence */
	struct sequence sequence;	/* rxseq */
	uint16_t run;			/* txseq: tells runs apart */
	/*
	 * Packets to receive, of which each thread takes as many as its ring holds.  left: not
	 * taken yet; done: received.  UINT64_MAX: until stopped.
	 */
	_Atomic uint64_t left, done;
};

/* One thread and its port. */
struct worker {
	const struct options *o;
	struct shared *shared;
	struct nmport_d *d;
	struct packet packet;		/* tx, txseq, ping */
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

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench_hosted - the packet path at native speed, ns per packet.
 *
 *	bench_hosted [-r ROUNDS] [CASE...]
 *
 * One line per case: name, best ns per packet, packets per round.  One thread
 * opens both ports and drives batches, so no scheduler is in the figure.  In
 * vale-60-threads-4 four threads send to one destination, and wall time per packet received
 * counts; in wake-up-p99 it is the 99th percentile of the time from a txsync to the end of
 * another thread's poll(), best round.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

struct bench {
	const char *name;
	const char *from, *to;
	uint32_t len, batch, packets;
	uint32_t threads; /* 0: one thread does both ends */
	double (*special)(const struct bench *b, struct nmh_ns *ns);
};

static double wake_up_p99(const struct bench *b, struct nmh_ns *ns);

static const struct bench benches[] = {
	{ "vale-60", "vale0:a", "vale0:b", 60, 256, 1 << 20, 0, NULL },
	{ "vale-1500", "vale0:a", "vale0:b", 1500, 256, 1 << 19, 0, NULL },
	{ "vale-60-batch-1", "vale0:a", "vale0:b", 60, 1, 1 << 18, 0, NULL },
	{ "pipe-60", "bench{1", "bench}1", 60, 256, 1 << 21, 0, NULL },
	{ "vale-60-threads-4", "vale0:t", "vale0:b", 60, 256, 1 << 20, 4, NULL },
	{ "wake-up-p99", "vale0:a", "vale0:b", 60, 1, 2000, 0, wake_up_p99 },
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

/* Every buffer of a tx ring gets a frame from station `from` to station 99. */
static void fill(struct client *c, uint32_t from, uint32_t len)
{
	struct netmap_ring *tx = NETMAP_TXRING(c->nifp, 0);
	uint32_t i;

	for (i = 0; i < tx->num_slots; i++) {
		uint8_t *frame = (uint8_t *)NETMAP_BUF(tx, tx->slot[i].buf_idx);

		memset(frame, 0, len);
		memcpy(frame, "\x02\0\0\0\0\x63\x02\0\0\0\0", 11);
		frame[11] = (uint8_t)from;
	}
}

/* The receiver says who it is, so that nothing is flooded. */
static void announce(struct client *c)
{
	struct netmap_ring *tx = NETMAP_TXRING(c->nifp, 0);
	uint8_t *frame = (uint8_t *)NETMAP_BUF(tx, tx->slot[tx->head].buf_idx);

	memset(frame, 0xff, 6);
	memcpy(frame + 6, "\x02\0\0\0\0\x63", 6);
	tx->slot[tx->head].len = 60;
	client_advance(tx, nm_ring_next(tx, tx->head));
	CLIENT_MUST(nmh_txsync(c->h) == 0);
}

static uint32_t put(struct client *c, uint32_t batch, uint32_t len)
{
	struct netmap_ring *tx = NETMAP_TXRING(c->nifp, 0);
	uint32_t n, head = tx->head, space = client_space(tx);

	for (n = 0; n < batch && n < space; n++) {
		tx->slot[head].len = (uint16_t)len;
		head = nm_ring_next(tx, head);
	}
	client_advance(tx, head);
	CLIENT_MUST(nmh_txsync(c->h) == 0);
	return n;
}

static uint32_t drain(struct client *c)
{
	struct netmap_ring *rx;
	uint32_t n;

	CLIENT_MUST(nmh_rxsync(c->h) == 0);
	rx = NETMAP_RXRING(c->nifp, 0);
	n = client_space(rx);
	client_advance(rx, __atomic_load_n(&rx->tail, __ATOMIC_ACQUIRE));
	return n;
}

static double one_thread(const struct bench *b, struct nmh_ns *ns)
{
	struct client from, to;
	uint64_t t, got = 0;

	CLIENT_MUST(client_open(&from, ns, b->from, NULL) == 0);
	CLIENT_MUST(client_open(&to, ns, b->to, NULL) == 0);
	if (strncmp(b->to, "vale", 4) == 0) {
		announce(&to);
		drain(&from);
	}
	fill(&from, 1, b->len);
	t = now_ns();
	while (got < b->packets) {
		put(&from, b->batch, b->len);
		got += drain(&to);
	}
	t = now_ns() - t;
	client_close(&from);
	client_close(&to);
	return (double)t / (double)got;
}

struct sender {
	const struct bench *b;
	struct client c;
	pthread_t thread;
	bool *stop;
};

static void *send_main(void *arg)
{
	struct sender *s = arg;

	while (!__atomic_load_n(s->stop, __ATOMIC_RELAXED)) {
		put(&s->c, s->b->batch, s->b->len);
		sched_yield(); /* what arrives is what counts, not what is dropped */
	}
	return NULL;
}

static double many_threads(const struct bench *b, struct nmh_ns *ns)
{
	struct sender senders[16];
	struct client to;
	uint64_t t, got = 0;
	bool stop = false;
	uint32_t i;

	CLIENT_MUST(client_open(&to, ns, b->to, NULL) == 0);
	announce(&to);
	for (i = 0; i < b->threads; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%s%u", b->from, i);
		senders[i].b = b;
		senders[i].stop = &stop;
		CLIENT_MUST(client_open(&senders[i].c, ns, name, NULL) == 0);
		fill(&senders[i].c, i + 1, b->len);
	}
	for (i = 0; i < b->threads; i++)
		CLIENT_MUST(pthread_create(&senders[i].thread, NULL, send_main, &senders[i]) == 0);
	t = now_ns();
	while (got < b->packets)
		got += drain(&to);
	t = now_ns() - t;
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < b->threads; i++) {
		pthread_join(senders[i].thread, NULL);
		client_close(&senders[i].c);
	}
	client_close(&to);
	return (double)t / (double)got;
}

struct sleeper {
	struct client *c;
	uint32_t n, seen; /* seen: atomic, how often it woke up */
	uint64_t *woke;	  /* when */
	pthread_t thread;
};

static void *sleep_main(void *arg)
{
	struct sleeper *s = arg;
	uint32_t i;

	for (i = 0; i < s->n; i++) {
		CLIENT_MUST(nmh_poll_sleep(s->c->h, 1, 20000) == 1);
		s->woke[i] = now_ns();
		drain(s->c);
		drain(s->c);
		__atomic_store_n(&s->seen, i + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static double wake_up_p99(const struct bench *b, struct nmh_ns *ns)
{
	const struct timespec pause = { 0, 50000 };
	struct client from, to;
	struct sleeper s = { &to, b->packets, 0, NULL, 0 };
	uint64_t *took = calloc(b->packets, sizeof(*took));
	double p99;
	uint32_t i;

	s.woke = calloc(b->packets, sizeof(*s.woke));
	CLIENT_MUST(s.woke != NULL && took != NULL);
	CLIENT_MUST(client_open(&from, ns, b->from, NULL) == 0);
	CLIENT_MUST(client_open(&to, ns, b->to, NULL) == 0);
	fill(&from, 1, b->len);
	CLIENT_MUST(pthread_create(&s.thread, NULL, sleep_main, &s) == 0);
	for (i = 0; i < b->packets; i++) {
		nanosleep(&pause, NULL); /* time to fall asleep */
		took[i] = now_ns();
		put(&from, 1, b->len);
		while (__atomic_load_n(&s.seen, __ATOMIC_ACQUIRE) <= i)
			sched_yield();
		took[i] = s.woke[i] - took[i];
	}
	pthread_join(s.thread, NULL);
	client_close(&from);
	client_close(&to);
	qsort(took, b->packets, sizeof(*took), by_size);
	p99 = (double)took[b->packets / 100 * 99];
	free(took);
	free(s.woke);
	return p99;
}

static void run(const struct bench *b, uint32_t rounds)
{
	struct nmh_ns *ns = nmh_ns_new();
	double best = 0;
	uint32_t i;

	for (i = 0; i < rounds; i++) {
		double ns_each = b->special ? b->special(b, ns)
				: b->threads ? many_threads(b, ns) : one_thread(b, ns);

		if (i == 0 || ns_each < best)
			best = ns_each;
	}
	nmh_ns_free(ns);
	printf("%s %.1f %u\n", b->name, best, b->packets);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const size_t n = sizeof(benches) / sizeof(benches[0]);
	uint32_t rounds = 12;
	int opt, i;
	size_t k;

	while ((opt = getopt(argc, argv, "r:")) != -1) {
		if (opt != 'r' || atoi(optarg) < 1) {
			fprintf(stderr, "usage: bench_hosted [-r ROUNDS] [CASE...]\n");
			return 2;
		}
		rounds = (uint32_t)atoi(optarg);
	}
	for (i = optind; i < argc; i++) {
		for (k = 0; k < n && strcmp(argv[i], benches[k].name) != 0; k++)
			;
		if (k == n) {
			fprintf(stderr, "no case %s; type one of:", argv[i]);
			for (k = 0; k < n; k++)
				fprintf(stderr, " %s", benches[k].name);
			fputc('\n', stderr);
			return 2;
		}
	}
	CLIENT_MUST(nmh_init() == 0);
	for (k = 0; k < n; k++) {
		bool wanted = optind == argc;

		for (i = optind; i < argc; i++)
			wanted = wanted || strcmp(argv[i], benches[k].name) == 0;
		if (wanted)
			run(&benches[k], rounds);
	}
	nmh_fini();
	return 0;
}

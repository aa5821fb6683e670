/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipe_churn - both ends of a pipe come and go while packets pass.
 *
 *	pipe_churn [PACKETS]
 *
 * One thread writes numbers into the master end, another reads them from the slave end,
 * two more exchange the other way; each closes its file and opens it again after
 * a while, so that every order of opening and closing happens beside traffic.  A reader
 * that closes may lose what it did not read, so the numbers must only grow, and what comes
 * must be whole.  A fifth thread asks about the pipe all the time.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

#define FRAGS 3 /* each number is sent in so many slots */

struct side {
	struct nmh_ns *ns;
	const char *name;
	uint32_t packets; /* writer: how many to send */
	uint32_t seed;
	uint32_t *done; /* atomic: the writer has finished */
	uint32_t seen;	/* reader: packets */
	pthread_t thread;
};

static uint32_t pick(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % below;
}

static void *write_main(void *arg)
{
	struct side *s = arg;
	uint32_t seq = 1;

	while (seq <= s->packets) {
		uint32_t batches = 1 + pick(&s->seed, 40);
		struct client c;

		CLIENT_MUST(client_open(&c, s->ns, s->name, NULL) == 0);
		while (batches-- > 0 && seq <= s->packets) {
			struct netmap_ring *tx = NETMAP_TXRING(c.nifp, 0);
			uint32_t head = tx->head, space = client_space(tx), i;

			for (; space >= FRAGS && seq <= s->packets; space -= FRAGS, seq++) {
				for (i = 0; i < FRAGS; i++) {
					struct netmap_slot *slot = &tx->slot[head];
					uint32_t *buf = (void *)NETMAP_BUF(tx, slot->buf_idx);

					buf[0] = seq;
					buf[1] = i;
					slot->len = 2 * sizeof(*buf);
					slot->flags = i < FRAGS - 1 ? NS_MOREFRAG : 0;
					head = nm_ring_next(tx, head);
				}
			}
			client_advance(tx, head);
			CLIENT_MUST(nmh_txsync(c.h) == 0);
			sched_yield();
		}
		client_close(&c);
	}
	__atomic_store_n(s->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

static uint32_t read_once(struct side *s, struct client *c, uint32_t last)
{
	struct netmap_ring *rx = NETMAP_RXRING(c->nifp, 0);
	uint32_t head = rx->head, n, i;

	CLIENT_MUST(nmh_rxsync(c->h) == 0);
	n = client_space(rx);
	CLIENT_MUST(n % FRAGS == 0); /* whole packets */
	for (; n > 0; n -= FRAGS) {
		for (i = 0; i < FRAGS; i++) {
			struct netmap_slot *slot = &rx->slot[head];
			uint32_t *buf = (void *)NETMAP_BUF(rx, slot->buf_idx);

			CLIENT_MUST(slot->len == 2 * sizeof(*buf));
			CLIENT_MUST(!!(slot->flags & NS_MOREFRAG) == (i < FRAGS - 1));
			CLIENT_MUST(i == 0 ? buf[0] > last : buf[0] == last);
			CLIENT_MUST(buf[1] == i);
			last = buf[0];
			head = nm_ring_next(rx, head);
		}
		s->seen++;
	}
	client_advance(rx, head);
	return last;
}

static void *read_main(void *arg)
{
	struct side *s = arg;
	uint32_t last = 0;

	while (!__atomic_load_n(s->done, __ATOMIC_ACQUIRE)) {
		uint32_t batches = 1 + pick(&s->seed, 40);
		struct client c;

		CLIENT_MUST(client_open(&c, s->ns, s->name, NULL) == 0);
		while (batches-- > 0) {
			last = read_once(s, &c, last);
			sched_yield();
		}
		CLIENT_MUST(nmh_rxsync(c.h) == 0);
		client_close(&c);
	}
	return NULL;
}

static void *ask_main(void *arg)
{
	struct side *s = arg;

	while (!__atomic_load_n(s->done, __ATOMIC_ACQUIRE)) {
		struct client c;

		/* an end that is bound and does nothing */
		CLIENT_MUST(client_open(&c, s->ns, s->name, NULL) == 0);
		client_close(&c);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	uint32_t packets = argc > 1 ? (uint32_t)atoi(argv[1]) : 20000;
	uint32_t done[2] = { 0, 0 }, i;
	struct side sides[5] = {
		{ .name = "churn{0", .packets = packets, .seed = 1, .done = &done[0] },
		{ .name = "churn}0", .seed = 2, .done = &done[0] },
		{ .name = "churn}0", .packets = packets, .seed = 3, .done = &done[1] },
		{ .name = "churn{0", .seed = 4, .done = &done[1] },
		{ .name = "churn{0", .seed = 5, .done = &done[0] },
	};
	void *(*const mains[5])(void *) = { write_main, read_main, write_main, read_main, ask_main };
	struct nmh_ns *ns;

	CLIENT_MUST(nmh_init() == 0);
	ns = nmh_ns_new();
	for (i = 0; i < 5; i++) {
		sides[i].ns = ns;
		CLIENT_MUST(pthread_create(&sides[i].thread, NULL, mains[i], &sides[i]) == 0);
	}
	for (i = 0; i < 5; i++)
		pthread_join(sides[i].thread, NULL);
	nmh_ns_free(ns);
	nmh_fini();
	CLIENT_MUST(nmh_live() == 0);
	CLIENT_MUST(sides[1].seen > 0 && sides[3].seen > 0);
	return 0;
}

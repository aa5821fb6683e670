/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nmbench: what a packet costs from one port to another.
 *
 * One process drives all ports, so that no scheduler is in the figure: it fills
 * a batch of slots, syncs the sending port, syncs the receiving port, and looks
 * at each packet.  The loop is the one that a real program would write: ring
 * indices are kept in registers and stored once per batch; per packet the sender
 * sets length and flags (the packets are in the buffers from the start), and the
 * receiver adds up lengths: what is measured is netmap, not what a program does with
 * a packet.  Some turns of the rings before the clock starts carry numbered packets,
 * and each number is checked.
 *
 * Each case prints   result name=... pkts=... ns=... lost=... bad=...
 * With QEMU's -icount shift=0 a nanosecond is an instruction.
 *
 * usage: nmbench [-n packets] [case ...]
 */
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "gport.h"

#define SLOTS		1024
#define AT_WORD		16	/* first payload byte that is a multiple of 4 */
#define MAX_PORTS	4

struct bench_case {
	const char *name;
	const char *ports[MAX_PORTS];	/* the first ones send, see senders */
	int senders;
	int receivers;
	int copies;			/* packets that arrive for each one sent */
	uint32_t batch;
	uint16_t len;
	enum { TO_ALL, TO_FIRST, TO_ALTERNATE } to;
};

/* Receivers are numbered from 0 behind the senders; addresses are 02:00:00:00:00:<port index>. */
static const struct bench_case cases[] = {
	{ "vale-60", { "vale0:a", "vale0:b" }, 1, 1, 1, 256, 60, TO_FIRST },
	{ "vale-1500", { "vale0:a", "vale0:b" }, 1, 1, 1, 256, 1500, TO_FIRST },
	{ "vale-batch1", { "vale0:a", "vale0:b" }, 1, 1, 1, 1, 60, TO_FIRST },
	{ "pipe-60", { "bench{1", "bench}1" }, 1, 1, 1, 256, 60, TO_FIRST },
	{ "vale-broadcast", { "vale0:a", "vale0:b", "vale0:c" }, 1, 2, 2, 256, 60, TO_ALL },
	{ "vale-two-to-one", { "vale0:a", "vale0:c", "vale0:b" }, 2, 1, 1, 128, 60, TO_FIRST },
	{ "vale-alternating", { "vale0:a", "vale0:b", "vale0:c" }, 1, 2, 1, 256, 60, TO_ALTERNATE },
};

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + t.tv_nsec;
}

static void
fail(int rc, const char *what, const char *name)
{
	printf("failed: %s %s: %s\n", what, name, rc < 0 ? strerror(-rc) : "");
	exit(1);
}

static void
address(char *at, int port)
{
	memset(at, 0, 6);
	at[0] = 2;
	at[5] = port;
}

/* Ethernet headers, once, into the buffers of all tx slots. */
static void
write_headers(const struct bench_case *c, struct gport *ports, int me)
{
	struct netmap_ring *ring = NETMAP_TXRING(ports[me].nifp, 0);
	uint32_t i;

	for (i = 0; i < ring->num_slots; i++) {
		char *buf = NETMAP_BUF(ring, ring->slot[i].buf_idx);

		memset(buf, 0, c->len);
		if (c->to == TO_ALL)
			memset(buf, 0xff, 6);
		else
			address(buf, c->senders + (c->to == TO_ALTERNATE ? (int)(i % c->receivers) : 0));
		address(buf + 6, me);
		buf[12] = (char)0x88;
		buf[13] = (char)0xb5;
	}
}

/* Fill up to n free slots; returns how many.  With `number`, numbers the payloads too. */
static inline uint32_t
produce(struct netmap_ring *ring, uint32_t n, uint16_t len, const uint32_t *number)
{
	uint32_t head = ring->head, room = gport_space(ring), i;

	if (n > room)
		n = room;
	for (i = 0; i < n; i++) {
		struct netmap_slot *slot = &ring->slot[head];

		slot->len = len;
		slot->flags = 0;
		if (number != NULL)
			*(uint32_t *)(NETMAP_BUF(ring, slot->buf_idx) + AT_WORD) = *number + i;
		head = nm_ring_next(ring, head);
	}
	ring->head = ring->cur = head;
	return n;
}

struct tally {
	uint64_t packets, bytes, bad;
	uint32_t next;	/* number that is due when one sender's packets all come here */
};

/* Take all packets off an rx ring.  With `check`, looks at their numbers too. */
static inline void
consume(struct netmap_ring *ring, struct tally *t, bool check)
{
	uint32_t head = ring->head, n = gport_space(ring), i;
	uint64_t bytes = 0;

	for (i = 0; i < n; i++) {
		struct netmap_slot *slot = &ring->slot[head];

		bytes += slot->len;
		if (check) {
			uint32_t word = *(uint32_t *)(NETMAP_BUF(ring, slot->buf_idx) + AT_WORD);

			t->bad += word != t->next;
			t->next = word + 1;
		}
		head = nm_ring_next(ring, head);
	}
	ring->head = ring->cur = head;
	t->bytes += bytes;
	t->packets += n;
}

/* Send `target` packets in batches; returns how many really went out. */
static inline __attribute__((always_inline)) uint64_t
drive(const struct bench_case *c, struct gport *ports, struct tally *tally, uint64_t target,
    bool checked)
{
	const int senders = c->senders, last = c->senders + c->receivers;
	const uint32_t batch = c->batch;
	const uint16_t len = c->len;
	const bool in_order = checked && senders == 1 && c->to != TO_ALTERNATE;
	struct netmap_ring *ring[MAX_PORTS];
	uint64_t sent = 0;
	uint32_t word = 0;
	int i;

	for (i = 0; i < last; i++)
		ring[i] = i < senders ? NETMAP_TXRING(ports[i].nifp, 0) :
		    NETMAP_RXRING(ports[i].nifp, 0);
	while (sent < target) {
		for (i = 0; i < senders; i++) {
			uint32_t n = produce(ring[i], batch, len, checked ? &word : NULL);

			if (ioctl(ports[i].fd, NIOCTXSYNC, NULL) != 0)
				fail(-errno, "txsync", c->ports[i]);
			sent += n;
			word += n;
		}
		for (i = senders; i < last; i++) {
			if (ioctl(ports[i].fd, NIOCRXSYNC, NULL) != 0)
				fail(-errno, "rxsync", c->ports[i]);
			consume(ring[i], &tally[i], in_order);
		}
	}
	return sent;
}

/* Each receiver sends one frame to everybody, so that the switch knows where it is. */
static void
introduce(const struct bench_case *c, struct gport *ports)
{
	int last = c->senders + c->receivers, i, j;
	struct tally ignored = { 0 };

	for (i = c->senders; i < last; i++) {
		struct netmap_ring *ring = NETMAP_TXRING(ports[i].nifp, 0);
		char *buf = NETMAP_BUF(ring, ring->slot[ring->head].buf_idx);

		memset(buf, 0, 60);
		memset(buf, 0xff, 6);
		address(buf + 6, i);
		produce(ring, 1, 60, NULL);
		gport_txsync(&ports[i]);
		for (j = 0; j < last; j++) {
			gport_rxsync(&ports[j]);
			consume(NETMAP_RXRING(ports[j].nifp, 0), &ignored, false);
			gport_rxsync(&ports[j]);
		}
	}
}

static int
run(const struct bench_case *c, uint64_t target)
{
	struct nmreq_register ask = { .nr_tx_slots = SLOTS, .nr_rx_slots = SLOTS };
	struct gport ports[MAX_PORTS];
	struct tally tally[MAX_PORTS] = { { 0 } };
	int last = c->senders + c->receivers, i, rc;
	uint64_t sent, begin, took, got = 0, bytes = 0, bad = 0;

	for (i = 0; i < last; i++) {
		rc = gport_open(&ports[i], c->ports[i], &ask);
		if (rc != 0)
			fail(rc, "open", c->ports[i]);
	}
	introduce(c, ports);
	for (i = 0; i < c->senders; i++)
		write_headers(c, ports, i);
	/* A few turns of the rings before the clock starts, every packet numbered. */
	drive(c, ports, tally, 4 * SLOTS, true);
	for (i = c->senders; i < last; i++) {
		bad += tally[i].bad;
		tally[i].packets = tally[i].bytes = 0;
	}
	begin = now_ns();
	sent = drive(c, ports, tally, target, false);
	took = now_ns() - begin;
	for (i = c->senders; i < last; i++) {
		got += tally[i].packets;
		bytes += tally[i].bytes;
	}
	bad += bytes != got * c->len;
	for (i = 0; i < last; i++)
		gport_close(&ports[i]);
	printf("result name=%s pkts=%llu ns=%llu lost=%lld bad=%llu\n", c->name,
	    (unsigned long long)sent, (unsigned long long)took,
	    (long long)(sent * c->copies) - (long long)got, (unsigned long long)bad);
	return got == sent * c->copies && bad == 0 ? 0 : 1;
}

static bool
wanted(const char *name, int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc == 0;
}

int
main(int argc, char **argv)
{
	uint64_t target = 200000;
	int option, rc = 0;
	size_t i;

	while ((option = getopt(argc, argv, "n:")) != -1) {
		if (option != 'n') {
			fprintf(stderr, "usage: nmbench [-n packets] [case ...]\n");
			return 2;
		}
		target = strtoull(optarg, NULL, 0);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (wanted(cases[i].name, argc - optind, argv + optind))
			rc |= run(&cases[i], cases[i].batch == 1 ? target / 4 : target);
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stress - several threads at once, for ThreadSanitizer and for luck.
 *
 *	stress SCENARIO [PACKETS]      (no argument: the names)
 *
 * Every packet carries its source and a number.  With a window, a source has never more in
 * flight than fit, so that nothing may be lost; without one only order, doubles
 * and counts are checked.  A reader sleeps in poll(), and a wake-up that gets lost
 * shows as a sleep that outlasts the time-out.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

#define POLLIN 1
#define POLLOUT 2
#define SLEEP_MS 30000
#define MAX_FLOWS 8

struct frame {
	uint8_t dst[6], src[6], type[2];
	uint16_t source;
	uint32_t seq, check;
};

#define FRAME_BYTES 60

/* From one source to one destination. */
struct flow {
	struct client *from;
	uint32_t source;
	uint8_t dst; /* station, 0: broadcast */
	uint32_t ring;
	uint32_t packets, window; /* 0: no window */
	uint32_t received;	  /* atomic; written by the reader */
	uint32_t next;		  /* reader: least number that may come */
	pthread_t thread;
};

struct reader {
	struct client *c;
	struct flow *flow; /* by source */
	uint32_t nflows;
	bool lossless;
	uint32_t *stop; /* NULL: ends when all has come */
	uint32_t ring;
	pthread_t thread;
};

static uint32_t acquire(uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void release(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static void frame_fill(struct frame *f, const struct flow *flow, uint32_t seq)
{
	memset(f, 0, FRAME_BYTES);
	memset(f->dst, flow->dst ? 0 : 0xff, 6);
	if (flow->dst) {
		f->dst[0] = 2;
		f->dst[5] = flow->dst;
	}
	f->src[0] = 2;
	f->src[5] = (uint8_t)(100 + flow->source);
	f->source = (uint16_t)flow->source;
	f->seq = seq;
	f->check = ~seq;
}

static void *send_main(void *arg)
{
	struct flow *flow = arg;
	struct netmap_ring *tx = NETMAP_TXRING(flow->from->nifp, flow->ring);
	uint32_t seq = 0;

	while (seq < flow->packets) {
		uint32_t n, batch = 1 + seq % 37, head = tx->head;
		uint32_t space = client_space(tx);

		if (space == 0) {
			CLIENT_MUST(nmh_poll_sleep(flow->from->h, POLLOUT, SLEEP_MS) == POLLOUT);
			continue;
		}
		for (n = 0; n < batch && n < space && seq < flow->packets; n++) {
			if (flow->window && seq - acquire(&flow->received) >= flow->window)
				break;
			frame_fill((struct frame *)(void *)NETMAP_BUF(tx, tx->slot[head].buf_idx),
				   flow, seq++);
			tx->slot[head].len = FRAME_BYTES;
			head = nm_ring_next(tx, head);
		}
		client_advance(tx, head);
		CLIENT_MUST(nmh_txsync(flow->from->h) == 0);
		if (n == 0)
			sched_yield();
	}
	return NULL;
}

static void frame_check(struct reader *r, const struct frame *f, uint32_t len)
{
	struct flow *flow;

	CLIENT_MUST(len == FRAME_BYTES);
	CLIENT_MUST(f->source < r->nflows);
	flow = &r->flow[f->source];
	CLIENT_MUST(f->check == ~f->seq);
	CLIENT_MUST(f->seq >= flow->next); /* in order, no doubles */
	CLIENT_MUST(!r->lossless || f->seq == flow->next);
	flow->next = f->seq + 1;
}

static bool all_came(const struct reader *r)
{
	uint32_t i;

	for (i = 0; i < r->nflows; i++) {
		if (r->flow[i].next != r->flow[i].packets)
			return false;
	}
	return true;
}

static void *read_main(void *arg)
{
	struct reader *r = arg;
	struct netmap_ring *rx = NETMAP_RXRING(r->c->nifp, r->ring);

	while (r->stop ? !acquire(r->stop) : !all_came(r)) {
		uint32_t head = rx->head, n = client_space(rx);

		if (n == 0) {
			int ready = nmh_poll_sleep(r->c->h, POLLIN, r->stop ? 1 : SLEEP_MS);

			CLIENT_MUST(ready == POLLIN || (r->stop && ready == 0));
			continue;
		}
		while (n-- > 0) {
			struct netmap_slot *slot = &rx->slot[head];

			frame_check(r, (struct frame *)(void *)NETMAP_BUF(rx, slot->buf_idx),
				    slot->len);
			head = nm_ring_next(rx, head);
		}
		client_advance(rx, head);
		CLIENT_MUST(nmh_rxsync(r->c->h) == 0);
		/* only now the slots are free again */
		for (n = 0; n < r->nflows; n++)
			release(&r->flow[n].received, r->flow[n].next);
	}
	return NULL;
}

static void start(pthread_t *thread, void *(*fn)(void *), void *arg)
{
	CLIENT_MUST(pthread_create(thread, NULL, fn, arg) == 0);
}

/* Sources 0..n-1, port names by format, into one reader. */
static void into_one(struct nmh_ns *ns, const char *from, const char *to, uint32_t n,
		     uint32_t packets, bool lossless)
{
	struct client sources[MAX_FLOWS], sink;
	struct flow flows[MAX_FLOWS];
	struct reader reader = { &sink, flows, n, lossless, NULL, 0, 0 };
	uint32_t stop = 0, i;

	memset(flows, 0, sizeof(flows));
	CLIENT_MUST(client_open(&sink, ns, to, NULL) == 0);
	if (!lossless)
		reader.stop = &stop;
	for (i = 0; i < n; i++) {
		char name[32];

		snprintf(name, sizeof(name), from, i);
		CLIENT_MUST(client_open(&sources[i], ns, name, NULL) == 0);
		flows[i] = (struct flow){ .from = &sources[i], .source = i, .packets = packets,
					  .window = lossless ? 1000 / n : 0 };
	}
	start(&reader.thread, read_main, &reader);
	for (i = 0; i < n; i++)
		start(&flows[i].thread, send_main, &flows[i]);
	for (i = 0; i < n; i++)
		pthread_join(flows[i].thread, NULL);
	release(&stop, 1);
	pthread_join(reader.thread, NULL);
	for (i = 0; i < n; i++) {
		CLIENT_MUST(flows[i].next <= packets);
		client_close(&sources[i]);
	}
	client_close(&sink);
}

static void vale_lossless(struct nmh_ns *ns, uint32_t packets)
{
	/* sources drop what the others send, so flood: they never read */
	into_one(ns, "vale0:s%u", "vale0:sink", 4, packets / 4, true);
}

static void vale_overload(struct nmh_ns *ns, uint32_t packets)
{
	into_one(ns, "vale0:s%u", "vale0:sink", 4, packets / 4, false);
}

/* Four rings of one port to four rings of another, a file and a thread for each. */
static void ring_to_ring(struct nmh_ns *ns, uint32_t packets)
{
	enum { N = 4 };
	struct nmreq_register reg = { .nr_mode = NR_REG_ONE_NIC, .nr_tx_rings = N, .nr_rx_rings = N };
	struct client from[N], to[N];
	struct flow flows[N][N]; /* by reader, by source */
	struct reader readers[N];
	struct netmap_ring *tx;
	struct frame *frame;
	uint32_t i;

	memset(flows, 0, sizeof(flows));
	for (i = 0; i < N; i++) {
		reg.nr_ringid = (uint16_t)i;
		CLIENT_MUST(client_open(&from[i], ns, "vale0:from", &reg) == 0);
		CLIENT_MUST(client_open(&to[i], ns, "vale0:to", &reg) == 0);
		flows[i][i] = (struct flow){ .from = &from[i], .source = i, .dst = 7, .ring = i,
					     .packets = packets / N, .window = 400 };
		readers[i] = (struct reader){ &to[i], flows[i], N, true, NULL, i, 0 };
	}
	/* station 7 says where it is, so that its packets keep to their rings */
	tx = NETMAP_TXRING(to[0].nifp, 0);
	frame = (struct frame *)(void *)NETMAP_BUF(tx, tx->slot[0].buf_idx);
	frame_fill(frame, &flows[0][0], 0);
	memcpy(frame->src, frame->dst, 6);
	memset(frame->dst, 0xff, 6);
	tx->slot[0].len = FRAME_BYTES;
	client_advance(tx, 1);
	CLIENT_MUST(nmh_txsync(to[0].h) == 0);
	for (i = 0; i < N; i++) {
		start(&readers[i].thread, read_main, &readers[i]);
		start(&flows[i][i].thread, send_main, &flows[i][i]);
	}
	for (i = 0; i < N; i++) {
		pthread_join(flows[i][i].thread, NULL);
		pthread_join(readers[i].thread, NULL);
	}
	for (i = 0; i < N; i++) {
		client_close(&from[i]);
		client_close(&to[i]);
	}
}

static void pipe_both_ways(struct nmh_ns *ns, uint32_t packets)
{
	struct client end[2];
	struct flow flows[2][1];
	struct reader readers[2];
	uint32_t i;

	CLIENT_MUST(client_open(&end[0], ns, "stress{1", NULL) == 0);
	CLIENT_MUST(client_open(&end[1], ns, "stress}1", NULL) == 0);
	memset(flows, 0, sizeof(flows));
	for (i = 0; i < 2; i++) {
		flows[i][0] = (struct flow){ .from = &end[i], .packets = packets };
		readers[i] = (struct reader){ &end[1 - i], flows[i], 1, true, NULL, 0, 0 };
	}
	for (i = 0; i < 2; i++) {
		start(&readers[i].thread, read_main, &readers[i]);
		start(&flows[i][0].thread, send_main, &flows[i][0]);
	}
	for (i = 0; i < 2; i++) {
		pthread_join(flows[i][0].thread, NULL);
		pthread_join(readers[i].thread, NULL);
	}
	client_close(&end[0]);
	client_close(&end[1]);
}

/* ---- ports that come and go beside traffic --------------------------------------------- */

struct churn {
	struct nmh_ns *ns;
	const char *names[3];
	uint32_t *stop;
	uint32_t rounds;
	pthread_t thread;
};

static void *churn_main(void *arg)
{
	struct churn *churn = arg;

	while (!acquire(churn->stop)) {
		struct client c[3];
		uint32_t i, open[3] = { 0 };

		for (i = 0; i < 3 && churn->names[i] != NULL; i++) {
			CLIENT_MUST(client_open(&c[i], churn->ns, churn->names[i], NULL) == 0);
			open[i] = 1;
			CLIENT_MUST(nmh_rxsync(c[i].h) == 0 && nmh_txsync(c[i].h) == 0);
			nmh_poll_now(c[i].h, POLLIN | POLLOUT);
		}
		for (i = 0; i < 3; i++) {
			if (open[i])
				client_close(&c[i]);
		}
		churn->rounds++;
	}
	return NULL;
}

static void ports_come_and_go(struct nmh_ns *ns, uint32_t packets)
{
	uint32_t stop = 0, i;
	struct churn churns[] = {
		{ ns, { "vale0:x", "vale0:y", NULL }, &stop, 0, 0 },
		{ ns, { "vale0:x{1", "vale0:x}1", "vale9:z" }, &stop, 0, 0 },
	};

	for (i = 0; i < 2; i++)
		start(&churns[i].thread, churn_main, &churns[i]);
	into_one(ns, "vale0:s%u", "vale0:sink", 2, packets / 2, true);
	release(&stop, 1);
	for (i = 0; i < 2; i++) {
		pthread_join(churns[i].thread, NULL);
		CLIENT_MUST(churns[i].rounds > 0);
	}
}

/* One file shared by two threads: whoever comes second leaves its sync to the other. */
static void *sync_main(void *arg)
{
	struct churn *churn = arg;
	struct nm_handle *h = (struct nm_handle *)(void *)churn->ns;

	while (!acquire(churn->stop)) {
		CLIENT_MUST(nmh_txsync(h) == 0);
		CLIENT_MUST((nmh_poll_now(h, POLLOUT) & ~(POLLIN | POLLOUT)) == 0);
		churn->rounds++;
	}
	return NULL;
}

static void two_threads_sync_one_file(struct nmh_ns *ns, uint32_t packets)
{
	struct client source, sink;
	struct flow flow;
	struct reader reader = { &sink, &flow, 1, true, NULL, 0, 0 };
	uint32_t stop = 0;
	struct churn other = { NULL, { NULL }, &stop, 0, 0 };

	CLIENT_MUST(client_open(&sink, ns, "vale0:sink", NULL) == 0);
	CLIENT_MUST(client_open(&source, ns, "vale0:s", NULL) == 0);
	flow = (struct flow){ .from = &source, .packets = packets, .window = 900 };
	other.ns = (struct nmh_ns *)(void *)source.h;
	start(&reader.thread, read_main, &reader);
	start(&other.thread, sync_main, &other);
	start(&flow.thread, send_main, &flow);
	pthread_join(flow.thread, NULL);
	pthread_join(reader.thread, NULL);
	release(&stop, 1);
	pthread_join(other.thread, NULL);
	client_close(&source);
	client_close(&sink);
}

/* ---- NICs with interrupt threads ----------------------------------------------------------- */

static void attach(struct nmh_ns *ns, const char *name, uint16_t type)
{
	struct nmreq_header hdr = { .nr_version = NETMAP_API, .nr_reqtype = type };
	struct nm_handle *h = nmh_open(ns);
	struct nmreq_vale_attach body;
	uint64_t at, bytes;
	void *mem;

	memset(&body, 0, sizeof(body));
	body.reg.nr_mode = NR_REG_ALL_NIC;
	strncpy(hdr.nr_name, name, sizeof(hdr.nr_name) - 1);
	at = nmh_arena(&mem, &bytes);
	hdr.nr_body = at + sizeof(hdr);
	memcpy(mem, &hdr, sizeof(hdr));
	memcpy((uint8_t *)mem + sizeof(hdr), &body, sizeof(body));
	CLIENT_MUST(nmh_ctrl(h, at) == 0);
	nmh_close(h);
}

/* program -- switch -- left ==wire== right -- switch -- program, both ways at once, while the
 * links flap or ports come and go. */
static void nics_on_switches(struct nmh_ns *ns, uint32_t packets)
{
	const struct nmh_nic_config cfg = {
		.tx_rings = 1, .rx_rings = 1, .tx_slots = 256, .rx_slots = 256, .irq_thread = 1,
	}; /* twice the window: a slot comes back later than the packet is read */
	struct nmh_nic *left, *right;
	struct client end[2];
	struct flow flows[2][1];
	struct reader readers[2];
	uint32_t stop = 0, i;
	struct churn churn = { ns, { "vale0:x", "vale1:x", NULL }, &stop, 0, 0 };
	int err;

	left = nmh_nic_new(ns, "left", &cfg, &err);
	CLIENT_MUST(err == 0);
	right = nmh_nic_new(ns, "right", &cfg, &err);
	CLIENT_MUST(err == 0);
	nmh_nic_wire(left, right);
	CLIENT_MUST(client_open(&end[0], ns, "vale0:p", NULL) == 0);
	CLIENT_MUST(client_open(&end[1], ns, "vale1:p", NULL) == 0);
	attach(ns, "vale0:left", NETMAP_REQ_VALE_ATTACH);
	attach(ns, "vale1:right", NETMAP_REQ_VALE_ATTACH);
	memset(flows, 0, sizeof(flows));
	for (i = 0; i < 2; i++) {
		flows[i][0] = (struct flow){ .from = &end[i], .packets = packets, .window = 100 };
		readers[i] = (struct reader){ &end[1 - i], flows[i], 1, true, NULL, 0, 0 };
	}
	start(&churn.thread, churn_main, &churn);
	for (i = 0; i < 2; i++) {
		start(&readers[i].thread, read_main, &readers[i]);
		start(&flows[i][0].thread, send_main, &flows[i][0]);
	}
	for (i = 0; i < 2; i++) {
		pthread_join(flows[i][0].thread, NULL);
		pthread_join(readers[i].thread, NULL);
	}
	release(&stop, 1);
	pthread_join(churn.thread, NULL);
	client_close(&end[0]);
	client_close(&end[1]);
	CLIENT_MUST(nmh_nic_free(left) == 0);
	CLIENT_MUST(nmh_nic_free(right) == 0);
}

/* The NIC leaves while both sides send into it; three times. */
static void nic_leaves_under_traffic(struct nmh_ns *ns, uint32_t packets)
{
	const struct nmh_nic_config cfg = {
		.tx_rings = 1, .rx_rings = 1, .tx_slots = 64, .rx_slots = 64, .irq_thread = 1,
	};
	struct client port, other;
	struct flow flow, answer;
	uint32_t i;

	CLIENT_MUST(client_open(&port, ns, "vale0:p", NULL) == 0);
	for (i = 0; i < 3; i++) {
		struct nmh_nic *left, *right;
		struct nmh_nic_stats st;
		int err;

		left = nmh_nic_new(ns, "left", &cfg, &err);
		CLIENT_MUST(err == 0);
		right = nmh_nic_new(ns, "right", &cfg, &err);
		CLIENT_MUST(err == 0);
		nmh_nic_wire(left, right);
		attach(ns, "vale0:left", NETMAP_REQ_VALE_ATTACH);
		CLIENT_MUST(client_open(&other, ns, "right", NULL) == 0);
		flow = (struct flow){ .from = &port, .packets = packets };
		answer = (struct flow){ .from = &other, .packets = packets };
		start(&flow.thread, send_main, &flow);
		start(&answer.thread, send_main, &answer);
		do {
			sched_yield();
			nmh_nic_stats(left, &st);
		} while (st.received + st.rx_full < packets / 8);
		if (i == 1)
			nmh_nic_reset(left, 5);
		nmh_nic_detach(left);
		pthread_join(flow.thread, NULL);
		pthread_join(answer.thread, NULL);
		client_close(&other);
		CLIENT_MUST(nmh_nic_free(left) == 0);
		CLIENT_MUST(nmh_nic_free(right) == 0);
	}
	client_close(&port);
}

static const struct {
	const char *name;
	void (*fn)(struct nmh_ns *ns, uint32_t packets);
} scenarios[] = {
	{ "vale-lossless", vale_lossless },
	{ "vale-overload", vale_overload },
	{ "ring-to-ring", ring_to_ring },
	{ "pipe", pipe_both_ways },
	{ "come-and-go", ports_come_and_go },
	{ "shared-file", two_threads_sync_one_file },
	{ "nics", nics_on_switches },
	{ "nic-leaves", nic_leaves_under_traffic },
};

int main(int argc, char **argv)
{
	const size_t n = sizeof(scenarios) / sizeof(scenarios[0]);
	uint32_t packets = argc > 2 ? (uint32_t)atoi(argv[2]) : 100000;
	struct nmh_ns *ns;
	size_t i;

	for (i = 0; argc < 2 && i < n; i++)
		puts(scenarios[i].name);
	for (i = 0; argc > 1 && i < n && strcmp(argv[1], scenarios[i].name) != 0; i++)
		;
	if (argc < 2 || i == n)
		return argc < 2 ? 0 : 2;
	CLIENT_MUST(nmh_param_set("buf_num", 8192) == 0);
	CLIENT_MUST(nmh_init() == 0);
	ns = nmh_ns_new();
	scenarios[i].fn(ns, packets);
	nmh_ns_free(ns);
	nmh_fini();
	return nmh_left_behind();
}

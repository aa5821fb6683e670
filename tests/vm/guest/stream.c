/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stream PORT PORT COUNT: sender and receiver are two processes that sleep in
 * poll().  A shared counter keeps fewer frames in flight than the receiving ring has
 * slots, so nothing may be lost on any kind of port, however the two are scheduled.
 */
#include "guest.h"
#include "frame.h"

#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#define PATIENCE_MS	30000

struct shared {
	_Atomic uint32_t taken;
};

static void
wait_for(struct gport *p, short events, const char *what)
{
	struct pollfd pfd = { .fd = p->fd, .events = events };
	int rc = poll(&pfd, 1, PATIENCE_MS);

	if (rc < 0)
		die(-errno, "poll");
	if (rc == 0)
		die(0, "the %s was not woken for %d s", what, PATIENCE_MS / 1000);
	if (pfd.revents & POLLERR)
		die(0, "POLLERR for the %s", what);
}

static void
receive(struct gport *p, struct shared *shared, uint32_t count)
{
	struct netmap_ring *rx = NETMAP_RXRING(p->nifp, 0);
	struct frame_info info;
	uint32_t got = 0;

	while (got < count) {
		wait_for(p, POLLIN, "receiver");
		while (gport_space(rx) != 0) {
			if (!frame_take(rx, &info))
				die(0, "frame %u came damaged", got);
			if (info.seq != got)
				die(0, "frame %u came where %u was due", info.seq, got);
			got++;
		}
		must_rxsync(p);		/* the slots are free before the sender may count on them */
		if (gport_space(rx) == 0)
			atomic_store(&shared->taken, got);
	}
	atomic_store(&shared->taken, got);
}

static void
send_all(struct gport *p, struct shared *shared, uint32_t count, uint32_t window)
{
	struct netmap_ring *tx = NETMAP_TXRING(p->nifp, 0);
	uint32_t sent = 0;

	while (sent < count) {
		if (sent - atomic_load(&shared->taken) >= window) {
			must_txsync(p);
			sched_yield();
			continue;
		}
		if (gport_space(tx) == 0) {
			wait_for(p, POLLOUT, "sender");
			continue;
		}
		frame_put(tx, FRAME_MIN + sent % 900, 1, FRAME_BROADCAST, sent);
		if (++sent % 32 == 0)
			must_txsync(p);
	}
	while (atomic_load(&shared->taken) < count) {
		must_txsync(p);
		sched_yield();
	}
}

int
cmd_stream(int argc, char **argv)
{
	uint32_t count = arg_number(argc, argv, 3, 20000);
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct gport a, b;
	uint32_t window;
	pid_t child;

	if (shared == MAP_FAILED)
		die(-errno, "mmap");
	must_open(&b, argv[2], NULL);
	window = NETMAP_RXRING(b.nifp, 0)->num_slots / 2;
	child = fork();
	if (child == 0) {
		must_open(&a, argv[1], NULL);
		send_all(&a, shared, count, window);
		exit(0);
	}
	receive(&b, shared, count);
	must_succeed(child, "sender");
	gport_close(&b);
	printf("result passed=%u\n", count);
	return 0;
}

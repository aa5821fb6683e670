/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * many SWITCH N: N ports on one switch.  Each sends to everybody and all others
 * get that exactly once; then each sends to every other one, and only that one gets it.
 */
#include "guest.h"
#include "frame.h"

#include <stdlib.h>

/* Take all of a port's frames; each must come from `from`, for `to`, and be number `seq`. */
static uint32_t
take_all(struct gport *p, uint32_t from, uint32_t to, uint32_t seq)
{
	struct netmap_ring *rx = NETMAP_RXRING(p->nifp, 0);
	struct frame_info info;
	uint32_t n = 0;

	must_rxsync(p);
	while (gport_space(rx) != 0) {
		if (!frame_take(rx, &info))
			die(0, "station %u sent a frame that came damaged", from);
		if (info.from != from || info.to != to || info.seq != seq)
			die(0, "frame %u from %u to %u came where %u from %u to %u was due",
			    info.seq, info.from, info.to, seq, from, to);
		n++;
	}
	return n;
}

static void
broadcasts(struct gport *ports, uint32_t n)
{
	uint32_t i, j, got;

	for (i = 0; i < n; i++) {
		frame_put(NETMAP_TXRING(ports[i].nifp, 0), FRAME_MIN, i, FRAME_BROADCAST, i);
		must_txsync(&ports[i]);
		for (j = 0; j < n; j++) {
			got = take_all(&ports[j], i, FRAME_BROADCAST, i);
			if (got != (i != j))
				die(0, "port %u got %u copies of port %u's broadcast", j, got, i);
		}
	}
}

static void
unicasts(struct gport *ports, uint32_t n)
{
	uint32_t i, j, got;

	for (i = 0; i < n; i++) {
		for (j = 0; j < n; j++)
			if (j != i)
				frame_put(NETMAP_TXRING(ports[i].nifp, 0), FRAME_MIN, i, j, 1000 + i);
		must_txsync(&ports[i]);
		for (j = 0; j < n; j++) {
			got = take_all(&ports[j], i, j, 1000 + i);
			if (got != (i != j))
				die(0, "port %u got %u frames from %u instead of its own one", j, got, i);
		}
	}
}

int
cmd_many(int argc, char **argv)
{
	uint32_t n = arg_number(argc, argv, 2, 64), i;
	struct gport *ports = calloc(n, sizeof(*ports));
	char name[64];

	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s:p%u", argv[1], i);
		must_open(&ports[i], name, NULL);
	}
	broadcasts(ports, n);
	unicasts(ports, n);
	for (i = 0; i < n; i++)
		gport_close(&ports[i]);
	free(ports);
	printf("result ports=%u\n", n);
	return 0;
}

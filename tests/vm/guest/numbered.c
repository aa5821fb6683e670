/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every packet numbered.  numbered: one process drives both ports and keeps
 * fewer frames in flight than there are slots, so that nothing may be lost.
 * overload: the sender does not wait for the receiver, so frames may be missing,
 * but none may come twice, damaged, or out of order.
 */
#include "guest.h"
#include "frame.h"

#include <stdlib.h>
#include <sys/wait.h>

/* Frames that both rings can surely hold. */
static uint32_t
window(struct gport *from, struct gport *to)
{
	uint32_t tx = NETMAP_TXRING(from->nifp, 0)->num_slots - 1;
	uint32_t rx = NETMAP_RXRING(to->nifp, 0)->num_slots - 1;

	return tx < rx ? tx : rx;
}

void
numbered_flow(struct gport *from, struct gport *to, uint32_t from_id, uint32_t to_id,
    uint32_t count, uint32_t batch, uint16_t len)
{
	struct netmap_ring *tx = NETMAP_TXRING(from->nifp, 0);
	struct netmap_ring *rx = NETMAP_RXRING(to->nifp, 0);
	struct frame_info info;
	uint32_t sent = 0, got = 0, idle = 0, i;

	if (batch > window(from, to))
		batch = window(from, to);
	while (got < count) {
		for (i = 0; i < batch && sent < count && sent - got < batch; i++) {
			if (gport_space(tx) == 0)
				must_txsync(from);
			if (gport_space(tx) == 0)
				break;	/* a pipe whose reader is behind */
			frame_put(tx, len, from_id, to_id, sent++);
		}
		must_txsync(from);
		must_rxsync(to);
		idle = gport_space(rx) == 0 ? idle + 1 : 0;
		/* Both ends are ours and nothing is asynchronous: a second empty sync is a loss. */
		if (idle > 2)
			die(0, "%u frames sent, only %u came", sent, got);
		while (gport_space(rx) != 0) {
			if (!frame_take(rx, &info))
				die(0, "frame %u came damaged", got);
			if (info.from != from_id || info.seq != got)
				die(0, "frame %u of station %u came where %u of %u was due",
				    info.seq, info.from, got, from_id);
			got++;
		}
		must_rxsync(to);	/* its slots are free before more is sent */
		if (gport_space(rx) != 0)
			die(0, "%u frames more than were sent", gport_space(rx));
	}
}

/* Make a switch learn where a station is: it sends one frame to everybody, `other` takes it. */
static void
introduce(struct gport *p, uint32_t id, struct gport *other)
{
	struct netmap_ring *rx = NETMAP_RXRING(other->nifp, 0);

	frame_put(NETMAP_TXRING(p->nifp, 0), FRAME_MIN, id, FRAME_BROADCAST, 0);
	must_txsync(p);
	must_rxsync(other);
	if (gport_space(rx) != 1)
		die(0, "a broadcast gave %u frames instead of one", gport_space(rx));
	rx->head = rx->cur = nm_ring_next(rx, rx->head);
	must_rxsync(other);
}

/* numbered PORT PORT COUNT BATCH LEN: frames one way, then the other. */
int
cmd_numbered(int argc, char **argv)
{
	uint32_t count = arg_number(argc, argv, 3, 10000);
	uint32_t batch = arg_number(argc, argv, 4, 256);
	uint16_t len = arg_number(argc, argv, 5, FRAME_MIN);
	struct gport a, b;

	must_open(&a, argv[1], NULL);
	must_open(&b, argv[2], NULL);
	introduce(&b, 2, &a);
	introduce(&a, 1, &b);
	numbered_flow(&a, &b, 1, 2, count, batch, len);
	numbered_flow(&b, &a, 2, 1, count, batch, len);
	gport_close(&a);
	gport_close(&b);
	printf("result passed=%u\n", 2 * count);
	return 0;
}

/* overload PORT PORT COUNT: the receiver looks only once for every four full rings. */
int
cmd_overload(int argc, char **argv)
{
	uint32_t count = arg_number(argc, argv, 3, 20000);
	uint32_t sent = 0, got = 0, turn = 0;
	int64_t last = -1;
	struct frame_info info;
	struct netmap_ring *tx, *rx;
	struct gport a, b;

	must_open(&a, argv[1], NULL);
	must_open(&b, argv[2], NULL);
	introduce(&b, 2, &a);
	tx = NETMAP_TXRING(a.nifp, 0);
	rx = NETMAP_RXRING(b.nifp, 0);
	while (sent < count || gport_space(rx) != 0) {
		while (sent < count && gport_space(tx) != 0)
			frame_put(tx, FRAME_MIN, 1, 2, sent++);
		must_txsync(&a);
		if (++turn % 4 != 0 && sent < count && gport_space(tx) != 0)
			continue;
		must_rxsync(&b);
		while (gport_space(rx) != 0) {
			if (!frame_take(rx, &info))
				die(0, "a damaged frame after number %d", (int)last);
			if ((int64_t)info.seq <= last)
				die(0, "frame %u after frame %d", info.seq, (int)last);
			last = info.seq;
			got++;
		}
		must_rxsync(&b);
	}
	gport_close(&a);
	gport_close(&b);
	printf("result sent=%u received=%u slots=%u\n", sent, got, rx != NULL ? a.reg.nr_tx_slots : 0);
	return 0;
}

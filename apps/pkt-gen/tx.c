/* SPDX-License-Identifier: BSD-2-Clause */
/* tx and txseq: fill free slots with packets, sync, and so on, at a rate if one was asked for. */
#include <poll.h>

#include "fill.h"
#include "pace.h"

static int
send_all(struct worker *w, struct filler *f)
{
	struct pace pace = { .rate = w->rate, .start_ns = now_ns() };
	uint64_t sent = 0;

	w->first_ns = pace.start_ns;
	while (!stopping() && (w->count == 0 || sent < w->count)) {
		uint32_t max = w->o->burst, n;
		uint64_t bytes = 0, until;

		if (w->count != 0 && w->count - sent < max)
			max = (uint32_t)(w->count - sent);
		if (pace.rate != 0) {
			max = pace_due(&pace, max, now_ns(), &until);
			if (max == 0) {
				sleep_until(until);
				continue;
			}
		}
		n = fill_next(f, max, &bytes);
		if (n == 0) {
			if (port_wait(w, POLLOUT, POLL_MS) < 0)
				return -1;
			continue;
		}
		if (port_txsync(w) != 0)
			return -1;
		sent += n;
		pace.sent += n;
		counters_add(&w->n, n, bytes);
	}
	return 0;
}

int
tx_run(struct worker *w)
{
	struct filler f;
	uint32_t left;
	int ret = fill_begin(&f, w);

	if (ret == 0)
		ret = send_all(w, &f);
	if (ret == 0) {
		left = port_drain(w);
		w->last_ns = now_ns();
		if (left > 0) {
			complain("%s: %u slots of packets were not taken off the ring within a second",
			    w->o->port, left);
			ret = stopping() ? 0 : -1;
		}
	}
	fill_end(&f);
	return ret;
}

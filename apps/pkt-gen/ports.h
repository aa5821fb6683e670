/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKTGEN_PORTS_H_
#define PKTGEN_PORTS_H_

#include "worker.h"

/*
 * Open the port once per thread, each bound to a ring of its own when there are
 * several, and fill in what the threads need to know of it.  Returns 0, or -1
 * after a message; ports_close() undoes whatever was done in both cases.
 */
int ports_open(struct worker *workers, const struct options *o, struct shared *s);

/* -1 after a message when the file that rx wrote is not whole. */
int ports_close(struct worker *workers, const struct options *o, struct shared *s);

#endif

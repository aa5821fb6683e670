/* SPDX-License-Identifier: BSD-2-Clause */
/* A program that uses netmap, for the C tests: an open file with its rings. */
#ifndef NM_HOSTED_CLIENT_H
#define NM_HOSTED_CLIENT_H

#include "hosted.h"
#include <net/netmap_user.h>

struct client {
	struct nm_handle *h;
	struct nmreq_register reg;
	void *mem;
	struct netmap_if *nifp;
};

/* Opens a file and binds it as `reg` says (NULL: all NIC rings).  0 or an errno.
 * May be called from several threads. */
int client_open(struct client *c, struct nmh_ns *ns, const char *name,
		const struct nmreq_register *reg);
void client_close(struct client *c);

/* Slots the program owns, from head on.  Both indices are shared with other threads. */
static inline uint32_t client_space(const struct netmap_ring *ring)
{
	uint32_t tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);

	return (tail >= ring->head ? 0 : ring->num_slots) + tail - ring->head;
}

/* cur first: another thread may sync the same ring meanwhile (poll flushes tx), and head
 * may never be seen beyond cur. */
static inline void client_advance(struct netmap_ring *ring, uint32_t to)
{
	__atomic_store_n(&ring->cur, to, __ATOMIC_RELAXED);
	__atomic_store_n(&ring->head, to, __ATOMIC_RELEASE);
}

/* The end of a C test: says what failed and leaves. */
#define CLIENT_MUST(cond)                                                       \
	do {                                                                    \
		if (!(cond)) {                                                  \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
			exit(1);                                                \
		}                                                               \
	} while (0)

#endif /* NM_HOSTED_CLIENT_H */

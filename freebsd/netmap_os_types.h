/* SPDX-License-Identifier: BSD-2-Clause */
/* The system's types that netmap_kern.h names, for FreeBSD. */
#ifndef NM_FREEBSD_OS_TYPES_H
#define NM_FREEBSD_OS_TYPES_H

#include <sys/param.h>
#include <machine/bus.h>

struct ifnet;
struct mbuf;

typedef struct ifnet *if_t;
typedef void (*nm_if_input_fn)(if_t, struct mbuf *);
typedef int (*nm_if_transmit_fn)(if_t, struct mbuf *);

#endif /* NM_FREEBSD_OS_TYPES_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/* The system's types that netmap_kern.h names, for the hosted port. */
#ifndef NM_HOSTED_OS_TYPES_H
#define NM_HOSTED_OS_TYPES_H

#include <sys/types.h>

struct nm_host_if; /* os_hosted.h */
struct nm_host_pkt;

typedef struct nm_host_if *if_t;
typedef void *bus_dma_tag_t;
typedef void *bus_dmamap_t;
typedef void (*nm_if_input_fn)(if_t, struct nm_host_pkt *);
typedef int (*nm_if_transmit_fn)(if_t, struct nm_host_pkt *);

#endif /* NM_HOSTED_OS_TYPES_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system's types that netmap_kern.h names, for Windows.  NICs are reached through
 * an NDIS filter, so there is no DMA type of a driver to know.
 */
#ifndef NM_WINDOWS_OS_TYPES_H
#define NM_WINDOWS_OS_TYPES_H

struct nm_win_if;
struct nm_win_nbl;

typedef unsigned int u_int;
typedef struct nm_win_if *if_t;
typedef void *bus_dma_tag_t;
typedef void *bus_dmamap_t;
typedef void (*nm_if_input_fn)(if_t, struct nm_win_nbl *);
typedef int (*nm_if_transmit_fn)(if_t, struct nm_win_nbl *);

#endif /* NM_WINDOWS_OS_TYPES_H */

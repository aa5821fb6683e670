/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of vale/ share: switches and their ports.
 */
#ifndef NM_SWITCH_H
#define NM_SWITCH_H

#include "vale/mactable.h"
#include "vale/vale.h"

#define NM_SWITCH_PORTS 254
#define NM_SWITCH_NAME 32 /* bytes of "vale<sw>", with its NUL */

/* The ports in use, for broadcasts: immutable once published. */
struct nm_port_set {
	uint32_t n;
	uint8_t index[NM_SWITCH_PORTS];
};

/*
 * Packet paths reach a switch through its ports, inside read sections.  Written
 * under control; it is freed a grace period after its last port has left.
 */
struct nm_switch {
	struct nm_mactable macs;
	struct nm_port_set *set; /* one of sets[]; nm_ptr_load */
	struct nm_vale_port *port[NM_SWITCH_PORTS]; /* nm_ptr_load; NULL: free */
	struct nm_port_set sets[2];
	struct nm_ns *ns;
	uint16_t index; /* its number in the namespace */
	char name[NM_SWITCH_NAME];
};

/* A port of a switch.  Ephemeral ones are just this, attached NICs embed it. */
struct nm_vale_port {
	struct netmap_adapter up;
	struct nm_switch *sw; /* nm_ptr_load; NULL: left */
	uint32_t index;	      /* on the switch */
};

/* Splits `vale<sw>:<port>`: length of the switch's name, 0 when the name is not a
 * switch port's, EINVAL in *err when it is a malformed one. */
uint32_t nm_switch_parse(const char *name, int *err);
/* The switch that the first `len` bytes of name mean; created when asked.  NULL:
 * *err is ENXIO, ENOMEM (no memory, or max_bridges are there already). */
struct nm_switch *nm_switch_get(struct nm_ns *ns, const char *name, uint32_t len, bool create,
				int *err);
/* Frees a switch without ports. */
void nm_switch_gc(struct nm_switch *sw);
/* The port of that whole name, or NULL. */
struct nm_vale_port *nm_switch_find_port(struct nm_switch *sw, const char *name);
/* Adds a port: ENOMEM when the switch is full.  Removes it: after this no packet
 * path uses it; the switch is freed if it was the last. */
int nm_switch_add(struct nm_switch *sw, struct nm_vale_port *p);
void nm_switch_remove(struct nm_vale_port *p);

/* A switch port's krings: with scratch for tx rings, reservations for rx rings. */
int nm_vale_krings_create(struct netmap_adapter *na);
void nm_vale_krings_delete(struct netmap_adapter *na);

/* Forwards slots nr_hwcur..rhead of a tx ring.  Context: the ring is owned by the
 * caller; any, NM_SYNC_CAN_FAULT in flags only where that is true. */
int nm_vale_txsync(struct netmap_kring *kring, int flags);

/* 0 or ENOMEM; the scratch that nm_vale_txsync needs. */
int nm_vale_scratch_new(struct netmap_kring *kring);
void nm_vale_scratch_free(struct netmap_kring *kring);

#endif /* NM_SWITCH_H */

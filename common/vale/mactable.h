/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MAC table of a switch: which port a station was last seen on.
 *
 * Four ways per bucket, a bucket a cache line.  An entry's address and port are
 * one 64-bit word, so that look-ups take no lock and never see half an entry.
 * New and moved entries are written under the table's leaf lock (rare); the age
 * is refreshed without it, once per second at most.
 *
 * A MAC address is the 48-bit number of its bytes, first byte lowest: bit 0 is
 * the multicast bit.
 */
#ifndef NM_MACTABLE_H
#define NM_MACTABLE_H

#include "os.h"

#define NM_MAC_WAYS 4
#define NM_MAC_BITS 10 /* 1024 buckets: 4096 stations, 64 KB */
#define NM_MAC_AGE 300 /* seconds until an entry is forgotten (IEEE 802.1D: 300) */
#define NM_MAC_NONE 0xffffu

struct nm_mac_bucket {
	uint64_t key[NM_MAC_WAYS]; /* mac << 16 | port + 1; 0: empty */
	uint32_t seen[NM_MAC_WAYS];
	uint32_t pad[4];
};

struct nm_mactable {
	struct nm_mac_bucket *bucket;
	void *block;
	struct nm_spin lock;
	uint32_t generation; /* changes with every entry made, moved or purged */
};

/* 0 or ENOMEM.  Context: sleep. */
int nm_mactable_init(struct nm_mactable *t);
void nm_mactable_fini(struct nm_mactable *t);
/* Port of a station, NM_MAC_NONE when unknown or too old.  `now` in seconds.  Context: any. */
uint32_t nm_mactable_lookup(const struct nm_mactable *t, uint64_t mac, uint32_t now);
/* The station was seen on the port.  A full bucket forgets its oldest.  Context: any. */
void nm_mactable_learn(struct nm_mactable *t, uint64_t mac, uint32_t port, uint32_t now);
/* Forgets all stations of a port that leaves.  Context: sleep. */
void nm_mactable_purge(struct nm_mactable *t, uint32_t port);

#endif /* NM_MACTABLE_H */

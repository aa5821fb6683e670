/* SPDX-License-Identifier: BSD-2-Clause */
#include "vale/mactable.h"

#define BUCKETS (1u << NM_MAC_BITS)

/* Plain 64-bit accesses are atomic on every 64-bit system; volatile keeps them whole. */
static inline uint64_t key_read(const uint64_t *p)
{
	return *(const volatile uint64_t *)p;
}

static inline void key_write(uint64_t *p, uint64_t v)
{
	*(volatile uint64_t *)p = v;
}

/* Never 0, not even for address 0 on port 0. */
static inline uint64_t key_of(uint64_t mac, uint32_t port)
{
	return mac << 16 | (port + 1);
}

static inline struct nm_mac_bucket *bucket_of(const struct nm_mactable *t, uint64_t mac)
{
	/* Fibonacci hashing: the top bits of a product by 2^64 / golden ratio */
	return &t->bucket[(mac * 0x9e3779b97f4a7c15ull) >> (64 - NM_MAC_BITS)];
}

static inline bool too_old(const struct nm_mac_bucket *b, int way, uint32_t now)
{
	return now - nm_read_once(&b->seen[way]) > NM_MAC_AGE;
}

int nm_mactable_init(struct nm_mactable *t)
{
	t->block = nm_os_malloc(BUCKETS * sizeof(*t->bucket) + 63);
	if (t->block == NULL)
		return ENOMEM;
	t->bucket = (struct nm_mac_bucket *)(((uintptr_t)t->block + 63) & ~(uintptr_t)63);
	t->generation = 0;
	nm_spin_init(&t->lock, "netmap mac table");
	return 0;
}

void nm_mactable_fini(struct nm_mactable *t)
{
	nm_spin_destroy(&t->lock);
	nm_os_free(t->block);
}

uint32_t nm_mactable_lookup(const struct nm_mactable *t, uint64_t mac, uint32_t now)
{
	const struct nm_mac_bucket *b = bucket_of(t, mac);
	int i;

	for (i = 0; i < NM_MAC_WAYS; i++) {
		uint64_t key = key_read(&b->key[i]);

		if (key >> 16 == mac && key != 0)
			return too_old(b, i, now) ? NM_MAC_NONE : (uint32_t)(key & 0xffff) - 1;
	}
	return NM_MAC_NONE;
}

/* The way to overwrite: the station's own, an empty one, else the oldest. */
static int pick_way(const struct nm_mac_bucket *b, uint64_t mac, uint32_t now)
{
	uint32_t oldest = 0, age;
	int i, way = -1;

	for (i = 0; i < NM_MAC_WAYS; i++) {
		if (b->key[i] != 0 && b->key[i] >> 16 == mac)
			return i;
	}
	for (i = 0; i < NM_MAC_WAYS; i++) {
		if (b->key[i] == 0)
			return i;
		age = now - nm_read_once(&b->seen[i]);
		if (way < 0 || age > oldest) {
			way = i;
			oldest = age;
		}
	}
	return way;
}

void nm_mactable_learn(struct nm_mactable *t, uint64_t mac, uint32_t port, uint32_t now)
{
	struct nm_mac_bucket *b = bucket_of(t, mac);
	uint64_t key = key_of(mac, port);
	nm_irqflags_t irq;
	int i;

	for (i = 0; i < NM_MAC_WAYS; i++) {
		if (key_read(&b->key[i]) != key)
			continue;
		if (nm_read_once(&b->seen[i]) == now)
			return;
		if (!too_old(b, i, now)) {
			nm_write_once(&b->seen[i], now);
			return;
		}
		break; /* forgotten meanwhile: as if it were new */
	}
	irq = nm_spin_lock(&t->lock);
	i = pick_way(b, mac, now);
	nm_write_once(&b->seen[i], now);
	key_write(&b->key[i], key);
	nm_spin_unlock(&t->lock, irq);
	/* after the entry: who sees the new generation finds the entry */
	nm_atomic_add(&t->generation, 1);
}

void nm_mactable_purge(struct nm_mactable *t, uint32_t port)
{
	nm_irqflags_t irq = nm_spin_lock(&t->lock);
	uint32_t i;
	int w;

	for (i = 0; i < BUCKETS; i++) {
		for (w = 0; w < NM_MAC_WAYS; w++) {
			uint64_t key = t->bucket[i].key[w];

			if ((key & 0xffff) == port + 1)
				key_write(&t->bucket[i].key[w], 0);
		}
	}
	nm_spin_unlock(&t->lock, irq);
	nm_atomic_add(&t->generation, 1);
}

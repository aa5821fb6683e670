/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regions.
 *
 * A region goes through three states:
 *
 *   described  nm_mem_private_new(): an id and, per pool, how many objects of what
 *              size it shall have.  A private region takes the larger of what the
 *              priv_* parameters say and what its port needs, and grows with
 *              nm_mem_grow(); the global one (id 1) is described anew by the
 *              parameters each time it is activated.
 *   active     nm_mem_activate(): the first user gets the pages and the bitmaps.
 *              region_layout() places the pools [netmap_ifs][rings][buffers], each
 *              at the start of a page, object sizes rounded up to a cache line.
 *   described  again after the last nm_mem_deactivate(), which frees everything
 *              but the description: no port open, no memory held.
 *
 * References (nm_mem_get, nm_mem_put) keep the description, activations the memory.
 *
 * Locking.  The list of regions, references and descriptions belong to the control
 * lock.  Pools, pages and the number of activations belong to the region's own lock,
 * so that mmap can look at them without control.  The table of buffers (netmap_lut)
 * is copied out when a port is activated and used without a lock: base and sizes
 * stand still while a region is active.
 *
 * Trust.  Programs can write every byte of an active region.  So the state of the
 * pools is kept outside it, in bitmaps; what comes back through slots and through
 * the list of extra buffers are claims, each read once and checked against the
 * bitmap: an index out of range, reserved, or free already is refused.  Buffer 0 is
 * where bad indices lead, buffer 1 is reserved with it; neither is ever given out.
 */
#include "mem.h"
#include "pool.h"

enum { POOL_IF, POOL_RING, POOL_BUF, POOLS };

#define BUFS_RESERVED 2u
#define OBJ_ALIGN     64u
#define REGION_MAX    (1ULL << 42) /* bytes; more is a mistake */

struct pool_desc {
	uint32_t num;
	uint32_t size; /* bytes, multiple of OBJ_ALIGN */
};

struct pool_layout {
	uint64_t offset[POOLS]; /* bytes from the start of the region */
	uint64_t bytes;		/* of the region, multiple of NM_PAGE_SIZE */
};

struct nm_mem {
	struct nm_list link; /* in regions, by ascending id */
	uint32_t refs;
	uint16_t id;
	struct pool_desc desc[POOLS]; /* global: of the last activation */

	struct nm_mutex lock; /* the rest */
	uint32_t active;
	struct nm_os_pages *pages;
	char *kva;
	struct pool_layout layout;
	struct nm_pool pool[POOLS];
};

static struct nm_list regions;
static struct nm_mem global_region;

/* ---- sizes ----------------------------------------------------------------- */

static int desc_set(struct pool_desc *d, uint64_t num, uint64_t size)
{
	size = (size + OBJ_ALIGN - 1) & ~(uint64_t)(OBJ_ALIGN - 1);
	if (num == 0 || num >= UINT32_MAX || size == 0 || size > UINT32_MAX)
		return EINVAL;
	d->num = (uint32_t)num;
	d->size = (uint32_t)size;
	return 0;
}

static int region_layout(const struct pool_desc *desc, struct pool_layout *l)
{
	int i;

	if (desc[POOL_BUF].num <= BUFS_RESERVED)
		return EINVAL;
	l->bytes = 0;
	for (i = 0; i < POOLS; i++) {
		/* two numbers below 2^32: the product fits */
		uint64_t bytes = (uint64_t)desc[i].num * desc[i].size;

		if (bytes > REGION_MAX)
			return EINVAL;
		l->offset[i] = l->bytes;
		l->bytes += (bytes + NM_PAGE_SIZE - 1) & ~(uint64_t)(NM_PAGE_SIZE - 1);
	}
	return l->bytes > REGION_MAX || l->bytes > SIZE_MAX ? EINVAL : 0;
}

/* Rings are declared with an alignment of their own. */
static uint64_t ring_align(uint64_t bytes)
{
	return (bytes + NM_CACHE_ALIGN - 1) & ~(uint64_t)(NM_CACHE_ALIGN - 1);
}

static int desc_from_params(struct pool_desc *desc)
{
	int error = desc_set(&desc[POOL_IF], (uint32_t)nm_param(if_num),
			     (uint32_t)nm_param(if_size));

	if (error == 0)
		error = desc_set(&desc[POOL_RING], (uint32_t)nm_param(ring_num),
				 ring_align((uint32_t)nm_param(ring_size)));
	if (error == 0)
		error = desc_set(&desc[POOL_BUF], (uint32_t)nm_param(buf_num),
				 (uint32_t)nm_param(buf_size));
	return error;
}

static uint64_t ring_bytes(uint32_t slots)
{
	return ring_align(sizeof(struct netmap_ring) +
			  (uint64_t)slots * sizeof(struct netmap_slot));
}

static int desc_raise(struct pool_desc *d, uint64_t num, uint64_t size)
{
	return desc_set(d, num > d->num ? num : d->num, size > d->size ? size : d->size);
}

/* Raises a description to hold `need`; on error it is unchanged. */
static int desc_cover(struct pool_desc *desc, const struct nm_mem_need *need)
{
	struct pool_desc raised[POOLS];
	struct pool_layout layout;
	int error;

	memcpy(raised, desc, sizeof(raised));
	error = desc_raise(&raised[POOL_IF], need->ifs, need->if_bytes);
	if (error == 0)
		error = desc_raise(&raised[POOL_RING], need->rings, ring_bytes(need->ring_slots));
	if (error == 0)
		error = desc_raise(&raised[POOL_BUF], (uint64_t)need->bufs + BUFS_RESERVED, 0);
	if (error == 0)
		error = region_layout(raised, &layout);
	if (error == 0)
		memcpy(desc, raised, sizeof(raised));
	return error;
}

/* The description that counts now: the global region's follows the parameters
 * until it is activated.  Region lock held. */
static int desc_now(const struct nm_mem *m, struct pool_desc *desc)
{
	if (m == &global_region && m->active == 0)
		return desc_from_params(desc);
	memcpy(desc, m->desc, sizeof(m->desc));
	return 0;
}

static void param_set(int *param, uint32_t value)
{
	nm_write_once((uint32_t *)param, value);
}

/* Shows the sizes of the global region in the *_curr_* parameters; NULL: none. */
static void params_show(const struct pool_desc *desc)
{
	static const struct pool_desc none[POOLS];

	if (desc == NULL)
		desc = none;
	param_set(&netmap_if_curr_num, desc[POOL_IF].num);
	param_set(&netmap_if_curr_size, desc[POOL_IF].size);
	param_set(&netmap_ring_curr_num, desc[POOL_RING].num);
	param_set(&netmap_ring_curr_size, desc[POOL_RING].size);
	param_set(&netmap_buf_curr_num, desc[POOL_BUF].num);
	param_set(&netmap_buf_curr_size, desc[POOL_BUF].size);
}

/* ---- regions by reference -------------------------------------------------- */

int nm_mem_init(void)
{
	struct nm_mem *m = &global_region;

	memset(m, 0, sizeof(*m));
	nm_list_init(&regions);
	nm_mutex_init(&m->lock, NM_LOCK_REGION, "netmap region");
	m->id = NM_MEM_GLOBAL_ID;
	m->refs = 1;
	nm_list_append(&regions, &m->link);
	params_show(NULL);
	return 0;
}

void nm_mem_fini(void)
{
	struct nm_mem *m = &global_region;

	NM_BUG_ON(m->refs != 1 || m->active != 0);
	nm_list_remove(&m->link);
	NM_BUG_ON(!nm_list_empty(&regions));
	nm_mutex_destroy(&m->lock);
}

struct nm_mem *nm_mem_global(void)
{
	nm_mem_get(&global_region);
	return &global_region;
}

struct nm_mem *nm_mem_find(uint16_t id)
{
	struct nm_list *e;

	nm_list_for_each(e, &regions) {
		struct nm_mem *m = container_of(e, struct nm_mem, link);

		if (m->id == id) {
			nm_mem_get(m);
			return m;
		}
	}
	return NULL;
}

/* Gives m the lowest free id and its place in the list; ENOMEM: no id left. */
static int region_enlist(struct nm_mem *m)
{
	struct nm_list *e;
	uint32_t id = NM_MEM_GLOBAL_ID;

	nm_list_for_each(e, &regions) {
		if (container_of(e, struct nm_mem, link)->id != id)
			break;
		id++;
	}
	if (id > 0xffff)
		return ENOMEM;
	m->id = (uint16_t)id;
	nm_list_append(e, &m->link); /* that is: before e */
	return 0;
}

struct nm_mem *nm_mem_private_new(const struct nm_mem_need *need, int *err)
{
	struct nm_mem *m = nm_os_malloc(sizeof(*m));
	int error;

	if (m == NULL) {
		*err = ENOMEM;
		return NULL;
	}
	m->refs = 1;
	error = desc_set(&m->desc[POOL_IF], (uint32_t)nm_param(priv_if_num),
			 (uint32_t)nm_param(priv_if_size));
	if (error == 0)
		error = desc_set(&m->desc[POOL_RING], (uint32_t)nm_param(priv_ring_num),
				 ring_align((uint32_t)nm_param(priv_ring_size)));
	if (error == 0)
		error = desc_set(&m->desc[POOL_BUF], (uint32_t)nm_param(priv_buf_num),
				 (uint32_t)nm_param(priv_buf_size));
	if (error == 0)
		error = desc_cover(m->desc, need);
	if (error == 0)
		error = region_enlist(m);
	if (error != 0) {
		nm_os_free(m);
		*err = error;
		return NULL;
	}
	nm_mutex_init(&m->lock, NM_LOCK_REGION, "netmap region");
	return m;
}

int nm_mem_grow(struct nm_mem *m, const struct nm_mem_need *need)
{
	struct pool_desc raised[POOLS];
	int error;

	if (m == &global_region)
		return 0;
	nm_mutex_lock(&m->lock);
	memcpy(raised, m->desc, sizeof(raised));
	error = desc_cover(raised, need);
	if (error == 0 && memcmp(raised, m->desc, sizeof(raised)) != 0) {
		if (m->active > 0)
			error = EBUSY;
		else
			memcpy(m->desc, raised, sizeof(raised));
	}
	nm_mutex_unlock(&m->lock);
	return error;
}

void nm_mem_get(struct nm_mem *m)
{
	m->refs++;
}

void nm_mem_put(struct nm_mem *m)
{
	NM_BUG_ON(m->refs == 0);
	if (--m->refs > 0)
		return;
	NM_BUG_ON(m == &global_region || m->active != 0);
	nm_list_remove(&m->link);
	nm_mutex_destroy(&m->lock);
	nm_os_free(m);
}

uint16_t nm_mem_id(const struct nm_mem *m)
{
	return m->id;
}

/* ---- memory ---------------------------------------------------------------- */

static void region_empty(struct nm_mem *m)
{
	int i;

	for (i = 0; i < POOLS; i++)
		nm_pool_fini(&m->pool[i]);
	if (m->pages != NULL)
		nm_os_pages_free(m->pages);
	m->pages = NULL;
	m->kva = NULL;
}

static int region_populate(struct nm_mem *m)
{
	void *kva;
	int i, error;

	error = desc_now(m, m->desc);
	if (error == 0)
		error = region_layout(m->desc, &m->layout);
	for (i = 0; error == 0 && i < POOLS; i++)
		error = nm_pool_init(&m->pool[i], m->desc[i].num,
				     i == POOL_BUF ? BUFS_RESERVED : 0);
	if (error == 0) {
		m->pages = nm_os_pages_alloc((size_t)m->layout.bytes, &kva);
		if (m->pages == NULL)
			error = ENOMEM;
		else
			m->kva = kva;
	}
	if (error != 0)
		region_empty(m);
	return error;
}

int nm_mem_activate(struct nm_mem *m)
{
	int error = 0;

	nm_mutex_lock(&m->lock);
	if (m->active == 0) {
		error = region_populate(m);
		if (error == 0 && m == &global_region)
			params_show(m->desc);
	}
	if (error == 0)
		m->active++;
	nm_mutex_unlock(&m->lock);
	return error;
}

void nm_mem_deactivate(struct nm_mem *m)
{
	nm_mutex_lock(&m->lock);
	NM_BUG_ON(m->active == 0);
	if (--m->active == 0) {
		/* buffers may have been lost by programs, these are ours */
		NM_BUG_ON(!nm_pool_all_free(&m->pool[POOL_IF]));
		NM_BUG_ON(!nm_pool_all_free(&m->pool[POOL_RING]));
		region_empty(m);
		if (m == &global_region)
			params_show(NULL);
	}
	nm_mutex_unlock(&m->lock);
}

/* What the region is or would be; bytes 0 when the parameters are impossible.
 * Region lock held. */
static void region_measure(const struct nm_mem *m, struct pool_desc *desc, struct pool_layout *l)
{
	if (desc_now(m, desc) == 0 && region_layout(desc, l) == 0)
		return;
	memset(desc, 0, POOLS * sizeof(*desc));
	memset(l, 0, sizeof(*l));
}

uint64_t nm_mem_bytes(struct nm_mem *m)
{
	struct pool_desc desc[POOLS];
	struct pool_layout l;

	nm_mutex_lock(&m->lock);
	region_measure(m, desc, &l);
	nm_mutex_unlock(&m->lock);
	return l.bytes;
}

void nm_mem_pools_info(struct nm_mem *m, struct nmreq_pools_info *info)
{
	struct pool_desc desc[POOLS];
	struct pool_layout l;

	nm_mutex_lock(&m->lock);
	region_measure(m, desc, &l);
	nm_mutex_unlock(&m->lock);

	memset(info, 0, sizeof(*info));
	info->nr_memsize = l.bytes;
	info->nr_mem_id = m->id;
	info->nr_if_pool_offset = l.offset[POOL_IF];
	info->nr_if_pool_objtotal = desc[POOL_IF].num;
	info->nr_if_pool_objsize = desc[POOL_IF].size;
	info->nr_ring_pool_offset = l.offset[POOL_RING];
	info->nr_ring_pool_objtotal = desc[POOL_RING].num;
	info->nr_ring_pool_objsize = desc[POOL_RING].size;
	info->nr_buf_pool_offset = l.offset[POOL_BUF];
	info->nr_buf_pool_objtotal = desc[POOL_BUF].num;
	info->nr_buf_pool_objsize = desc[POOL_BUF].size;
}

void nm_mem_lut(struct nm_mem *m, struct netmap_lut *lut)
{
	lut->base = m->kva + m->layout.offset[POOL_BUF];
	lut->objtotal = m->desc[POOL_BUF].num;
	lut->objsize = m->desc[POOL_BUF].size;
}

struct nm_os_pages *nm_mem_pages(struct nm_mem *m)
{
	struct nm_os_pages *pages;

	nm_mutex_lock(&m->lock);
	pages = m->pages;
	nm_mutex_unlock(&m->lock);
	return pages;
}

/*
 * Physical address of a buffer, 0 where the system has none.  The index was checked
 * by the caller.  Context: any, region active.
 */
uint64_t nm_mem_buf_phys(struct nm_mem *m, uint32_t idx)
{
	uint64_t at = m->layout.offset[POOL_BUF] + (uint64_t)idx * m->desc[POOL_BUF].size;

	return nm_os_pages_phys(m->pages, (size_t)at);
}

/* ---- netmap_ifs and rings -------------------------------------------------- */

static void *object_new(struct nm_mem *m, int pool, uint64_t bytes)
{
	uint32_t size = m->desc[pool].size, idx;
	void *obj;

	if (bytes > size)
		return NULL;
	nm_mutex_lock(&m->lock);
	idx = nm_pool_take(&m->pool[pool]);
	nm_mutex_unlock(&m->lock);
	if (idx == NM_POOL_NONE)
		return NULL;
	obj = m->kva + m->layout.offset[pool] + (size_t)idx * size;
	memset(obj, 0, size);
	return obj;
}

static void object_free(struct nm_mem *m, int pool, const void *obj)
{
	size_t at = (size_t)(nm_mem_offset(m, obj) - m->layout.offset[pool]);
	bool ours;

	nm_mutex_lock(&m->lock);
	ours = at % m->desc[pool].size == 0 &&
	       nm_pool_give(&m->pool[pool], (uint32_t)(at / m->desc[pool].size));
	nm_mutex_unlock(&m->lock);
	NM_BUG_ON(!ours);
}

struct netmap_if *nm_mem_if_new(struct nm_mem *m, size_t bytes)
{
	return object_new(m, POOL_IF, bytes);
}

void nm_mem_if_free(struct nm_mem *m, struct netmap_if *nifp)
{
	object_free(m, POOL_IF, nifp);
}

struct netmap_ring *nm_mem_ring_new(struct nm_mem *m, uint32_t slots)
{
	return object_new(m, POOL_RING, ring_bytes(slots));
}

void nm_mem_ring_free(struct nm_mem *m, struct netmap_ring *ring)
{
	object_free(m, POOL_RING, ring);
}

uint64_t nm_mem_offset(struct nm_mem *m, const void *obj)
{
	return (uint64_t)((const char *)obj - m->kva);
}

int64_t nm_mem_buf_offset(struct nm_mem *m, const void *obj)
{
	return (m->kva + m->layout.offset[POOL_BUF]) - (const char *)obj;
}

/* ---- buffers --------------------------------------------------------------- */

static void complain(const struct nm_mem *m, uint32_t bad)
{
	if (bad > 0)
		nm_prlim("region %u: %u buffer indices left by a program were not valid", m->id,
			 bad);
}

int nm_mem_slots_fill(struct nm_mem *m, struct netmap_slot *slots, uint32_t n)
{
	struct nm_pool *p = &m->pool[POOL_BUF];
	uint32_t i;

	nm_mutex_lock(&m->lock);
	if (p->nfree < n) {
		nm_mutex_unlock(&m->lock);
		return ENOMEM;
	}
	for (i = 0; i < n; i++)
		nm_user_write32(&slots[i].buf_idx, nm_pool_take(p));
	nm_mutex_unlock(&m->lock);
	return 0;
}

void nm_mem_slots_free(struct nm_mem *m, struct netmap_slot *slots, uint32_t n)
{
	uint32_t i, bad = 0;

	nm_mutex_lock(&m->lock);
	for (i = 0; i < n; i++) {
		if (!nm_pool_give(&m->pool[POOL_BUF], nm_user_read32(&slots[i].buf_idx)))
			bad++;
		nm_user_write32(&slots[i].buf_idx, 0);
	}
	nm_mutex_unlock(&m->lock);
	complain(m, bad);
}

/* Where a buffer keeps the index of the next one in a list. */
static uint32_t *buf_next(struct nm_mem *m, uint32_t idx)
{
	return (uint32_t *)(void *)(m->kva + m->layout.offset[POOL_BUF] +
				    (size_t)idx * m->desc[POOL_BUF].size);
}

uint32_t nm_mem_extra_new(struct nm_mem *m, uint32_t n, uint32_t *head)
{
	struct nm_pool *p = &m->pool[POOL_BUF];
	uint32_t last = 0, had;

	*head = 0;
	nm_mutex_lock(&m->lock);
	for (had = 0; had < n; had++) {
		uint32_t idx = nm_pool_take(p);

		if (idx == NM_POOL_NONE)
			break;
		nm_user_write32(buf_next(m, idx), 0);
		if (last == 0)
			*head = idx;
		else
			nm_user_write32(buf_next(m, last), idx);
		last = idx;
	}
	nm_mutex_unlock(&m->lock);
	return had;
}

uint32_t nm_mem_extra_free(struct nm_mem *m, uint32_t head)
{
	struct nm_pool *p = &m->pool[POOL_BUF];
	uint32_t idx = head, freed = 0, bad = 0, steps;

	nm_mutex_lock(&m->lock);
	/* a list may loop or run through other people's buffers: bounded, and only
	 * an index that is a buffer at all leads on */
	for (steps = 0; idx != 0 && steps < p->total; steps++) {
		if (idx < BUFS_RESERVED || idx >= p->total) {
			bad++;
			break;
		}
		if (nm_pool_give(p, idx))
			freed++;
		else
			bad++;
		idx = nm_user_read32(buf_next(m, idx));
	}
	nm_mutex_unlock(&m->lock);
	complain(m, bad);
	return freed;
}

uint32_t nm_mem_bufs_free(struct nm_mem *m)
{
	uint32_t n;

	nm_mutex_lock(&m->lock);
	n = m->pool[POOL_BUF].nfree;
	nm_mutex_unlock(&m->lock);
	return n;
}

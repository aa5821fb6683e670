/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os_contract.c - every function of os.h, driven the way the core relies on it.
 *
 * Where something must happen before something else, one side waits for the other
 * by a flag; no case measures time.
 */
#include "os_contract.h"

#define MUST(cond)                                                             \
	do {                                                                   \
		if (!(cond))                                                   \
			return "not so: " #cond;                               \
	} while (0)

/* ---- memory ---------------------------------------------------------------------- */

static bool all_zero(const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (p[i] != 0)
			return false;
	}
	return true;
}

static const char *malloc_gives_zeroed_aligned_memory(const struct nm_contract_env *env)
{
	static const size_t sizes[] = { 1, 15, 16, 100, 4096, 5000, 1 << 20, 5 << 20 };
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t *p = nm_os_malloc(sizes[i]);

		MUST(p != NULL);
		MUST((uintptr_t)p % 16 == 0);
		MUST(all_zero(p, sizes[i]));
		memset(p, 0xff, sizes[i]);
		nm_os_free(p);
	}
	return NULL;
}

static const char *freeing_null_does_nothing(const struct nm_contract_env *env)
{
	nm_os_free(NULL);
	return NULL;
}

static const char *pages_are_zeroed_and_contiguous(const struct nm_contract_env *env)
{
	const size_t bytes = 37 * NM_PAGE_SIZE;
	struct nm_os_pages *pages;
	void *kva = NULL;
	size_t i;

	pages = nm_os_pages_alloc(bytes, &kva);
	MUST(pages != NULL && kva != NULL);
	MUST((uintptr_t)kva % NM_PAGE_SIZE == 0);
	MUST(all_zero(kva, bytes));
	memset(kva, 0xa5, bytes);
	for (i = 0; i < bytes; i += NM_PAGE_SIZE) {
		uint64_t first = nm_os_pages_phys(pages, i);

		MUST(first == 0 ||
		     nm_os_pages_phys(pages, i + NM_PAGE_SIZE - 1) == first + NM_PAGE_SIZE - 1);
	}
	nm_os_pages_free(pages);
	return NULL;
}

static const char *strlcpy_cuts_and_terminates(const struct nm_contract_env *env)
{
	char buf[4] = { 'x', 'x', 'x', 'x' };

	nm_strlcpy(buf, "abcdef", sizeof(buf));
	MUST(memcmp(buf, "abc", 4) == 0);
	nm_strlcpy(buf, "z", sizeof(buf));
	MUST(strcmp(buf, "z") == 0);
	return NULL;
}

/* ---- order, atomics, shared memory ------------------------------------------------- */

static const char *atomics_return_the_old_value(const struct nm_contract_env *env)
{
	uint32_t v = 5;

	MUST(nm_atomic_or(&v, 2) == 5 && v == 7);
	MUST(nm_atomic_and(&v, ~1U) == 7 && v == 6);
	MUST(nm_atomic_add(&v, 4) == 6 && v == 10);
	MUST(nm_atomic_add(&v, (uint32_t)-1) == 10 && v == 9);
	MUST(!nm_atomic_cas(&v, 10, 1) && v == 9);
	MUST(nm_atomic_cas(&v, 9, 1) && v == 1);
	return NULL;
}

static const char *loads_and_stores_keep_the_value(const struct nm_contract_env *env)
{
	uint64_t two[2] = { 0x1122334455667788ULL, 0x99aabbccddeeff00ULL };
	uint32_t v = 0;
	void *p = NULL;

	nm_store_release(&v, 0xdeadbeef);
	MUST(nm_load_acquire(&v) == 0xdeadbeef);
	nm_write_once(&v, 7);
	MUST(nm_read_once(&v) == 7);
	nm_mb();
	nm_prefetch(&v);
	nm_prefetch(NULL);
	nm_ptr_publish(&p, &v);
	MUST(nm_ptr_load(&p) == &v);
	nm_user_write32(&v, 8);
	MUST(nm_user_read32(&v) == 8);
	nm_user_write32_release(&v, 9);
	MUST(nm_user_read32_acquire(&v) == 9);
	MUST(nm_user_read64(two) == 0x1122334455667788ULL);
	nm_user_write64(&two[0], 1);
	MUST(two[0] == 1);
	two[0] = 0x1122334455667788ULL;
	MUST(nm_user_read64_unaligned((uint8_t *)two + 3) ==
	     ((two[0] >> 24) | (two[1] << 40)) /* little-endian */);
	return NULL;
}

struct message {
	uint32_t payload[64];
	uint32_t ready;
	uint32_t wrong;
};

static void read_message(void *arg)
{
	struct message *m = arg;
	unsigned int i;

	while (nm_load_acquire(&m->ready) == 0)
		;
	for (i = 0; i < 64; i++) {
		if (m->payload[i] != i + 1)
			m->wrong = 1;
	}
}

static const char *what_precedes_a_release_is_seen_after_the_acquire(
	const struct nm_contract_env *env)
{
	struct message m;
	unsigned int round, i;

	for (round = 0; round < 20; round++) {
		void *thread;

		memset(&m, 0, sizeof(m));
		thread = env->start(read_message, &m);
		MUST(thread != NULL);
		for (i = 0; i < 64; i++)
			m.payload[i] = i + 1;
		nm_store_release(&m.ready, 1);
		env->join(thread);
		MUST(!m.wrong);
	}
	return NULL;
}

/* ---- locks -------------------------------------------------------------------------- */

#define TURNS 20000

struct counter {
	struct nm_spin spin;
	struct nm_mutex mutex;
	bool use_mutex;
	uint64_t value;
};

static void count_up(void *arg)
{
	struct counter *c = arg;
	unsigned int i;

	for (i = 0; i < TURNS; i++) {
		if (c->use_mutex) {
			nm_mutex_lock(&c->mutex);
			c->value++;
			nm_mutex_unlock(&c->mutex);
		} else {
			nm_irqflags_t flags = nm_spin_lock(&c->spin);

			c->value++;
			nm_spin_unlock(&c->spin, flags);
		}
	}
}

static const char *two_count(const struct nm_contract_env *env, struct counter *c)
{
	void *thread = env->start(count_up, c);

	MUST(thread != NULL);
	count_up(c);
	env->join(thread);
	MUST(c->value == 2 * TURNS);
	return NULL;
}

static const char *a_leaf_lock_excludes(const struct nm_contract_env *env)
{
	struct counter c = { .use_mutex = false };
	const char *wrong;

	nm_spin_init(&c.spin, "contract");
	wrong = two_count(env, &c);
	nm_spin_destroy(&c.spin);
	return wrong;
}

static const char *a_mutex_excludes(const struct nm_contract_env *env)
{
	struct counter c = { .use_mutex = true };
	const char *wrong;

	nm_mutex_init(&c.mutex, NM_LOCK_REGION, "contract");
	wrong = two_count(env, &c);
	nm_mutex_destroy(&c.mutex);
	return wrong;
}

static const char *locks_are_taken_in_the_order_of_the_table(const struct nm_contract_env *env)
{
	struct nm_mutex control, region;
	struct nm_spin leaf;
	nm_irqflags_t flags;

	nm_mutex_init(&control, NM_LOCK_CONTROL, "contract control");
	nm_mutex_init(&region, NM_LOCK_REGION, "contract region");
	nm_spin_init(&leaf, "contract leaf");
	nm_os_if_lock();
	nm_mutex_lock(&control);
	nm_mutex_assert_held(&control);
	nm_mutex_lock(&region);
	flags = nm_spin_lock(&leaf);
	nm_spin_unlock(&leaf, flags);
	nm_mutex_unlock(&region);
	nm_mutex_unlock(&control);
	nm_os_if_unlock();
	nm_mutex_lock(&region); /* and each of them alone */
	nm_mutex_unlock(&region);
	nm_spin_destroy(&leaf);
	nm_mutex_destroy(&region);
	nm_mutex_destroy(&control);
	return NULL;
}

/* ---- read sections ---------------------------------------------------------------------- */

struct reader {
	uint32_t inside, leave, left;
	struct nm_deferred d;
	uint32_t ran;
	uint32_t order; /* what the deferred call saw of `left` */
};

static void read_until_told(void *arg)
{
	struct reader *r = arg;

	nm_read_enter();
	nm_read_enter(); /* they nest */
	nm_read_exit();
	nm_store_release(&r->inside, 1);
	while (nm_load_acquire(&r->leave) == 0)
		;
	nm_store_release(&r->left, 1);
	nm_read_exit();
}

static void deferred(struct nm_deferred *d)
{
	struct reader *r = container_of(d, struct reader, d);

	r->order = nm_load_acquire(&r->left);
	nm_store_release(&r->ran, 1);
}

static const char *a_deferred_call_waits_for_readers(const struct nm_contract_env *env)
{
	struct reader r;
	void *thread;

	memset(&r, 0, sizeof(r));
	thread = env->start(read_until_told, &r);
	MUST(thread != NULL);
	while (nm_load_acquire(&r.inside) == 0)
		nm_os_nap();
	nm_os_defer(&r.d, deferred);
	nm_os_nap();
	MUST(nm_load_acquire(&r.ran) == 0);
	nm_store_release(&r.leave, 1);
	nm_os_defer_barrier();
	MUST(r.ran == 1 && r.order == 1);
	env->join(thread);
	return NULL;
}

static void synchronize_beside(void *arg)
{
	struct reader *r = arg;

	nm_os_synchronize();
	r->order = nm_load_acquire(&r->left);
	nm_store_release(&r->ran, 1);
}

static const char *synchronize_waits_for_readers(const struct nm_contract_env *env)
{
	struct reader r;
	void *reader, *waiter;

	memset(&r, 0, sizeof(r));
	reader = env->start(read_until_told, &r);
	MUST(reader != NULL);
	while (nm_load_acquire(&r.inside) == 0)
		nm_os_nap();
	waiter = env->start(synchronize_beside, &r);
	MUST(waiter != NULL);
	nm_os_nap();
	MUST(nm_load_acquire(&r.ran) == 0);
	nm_store_release(&r.leave, 1);
	env->join(waiter);
	env->join(reader);
	MUST(r.order == 1);
	return NULL;
}

struct block {
	struct nm_deferred d;
	uint8_t more[100];
};

static void free_block(struct nm_deferred *d)
{
	nm_os_free(container_of(d, struct block, d));
}

static const char *defer_works_in_any_context(const struct nm_contract_env *env)
{
	struct block *a = nm_os_malloc(sizeof(*a)), *b = nm_os_malloc(sizeof(*b));
	struct nm_spin leaf;
	nm_irqflags_t flags;

	MUST(a != NULL && b != NULL);
	nm_spin_init(&leaf, "contract leaf");
	nm_read_enter();
	nm_os_defer(&a->d, free_block);
	flags = nm_spin_lock(&leaf);
	nm_os_defer(&b->d, free_block);
	nm_spin_unlock(&leaf, flags);
	memset(a->more, 1, sizeof(a->more)); /* still ours: the section is open */
	nm_read_exit();
	nm_os_defer_barrier();
	nm_spin_destroy(&leaf);
	return NULL;
}

/* ---- wait queues ------------------------------------------------------------------------ */

static const char *a_wake_reaches_who_is_recorded(const struct nm_contract_env *env)
{
	struct nm_poll *p = env->poll_new();
	struct nm_waitq a, b;

	MUST(p != NULL);
	nm_waitq_init(&a);
	nm_waitq_init(&b);
	MUST(!nm_waitq_has_sleepers(&a));
	nm_waitq_wake(&a); /* nobody there */
	nm_waitq_record(&a, p);
	nm_waitq_record(&b, p);
	MUST(nm_waitq_has_sleepers(&a) && nm_waitq_has_sleepers(&b));
	MUST(env->poll_wakes(p) == 0);
	nm_read_enter();
	nm_waitq_wake(&b);
	nm_read_exit();
	MUST(env->poll_wakes(p) == 1);
	env->poll_free(p);
	MUST(!nm_waitq_has_sleepers(&a));
	nm_waitq_destroy(&a);
	nm_waitq_destroy(&b);
	return NULL;
}

/* ---- user memory -------------------------------------------------------------------------- */

static const char *user_memory_is_copied_both_ways(const struct nm_contract_env *env)
{
	uint64_t at = env->user_pages + NM_PAGE_SIZE - 50; /* over a page's end, unaligned */
	uint8_t out[101], in[101];
	size_t i;

	for (i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7 + 1);
	memset(in, 0, sizeof(in));
	MUST(nm_os_copyout(out, at, sizeof(out)) == 0);
	MUST(nm_os_copyin(at, in, sizeof(in)) == 0);
	MUST(memcmp(in, out, sizeof(in)) == 0);
	return NULL;
}

static const char *bad_user_memory_is_efault(const struct nm_contract_env *env)
{
	uint8_t buf[64] = { 0 };

	MUST(nm_os_copyin(env->user_bad, buf, sizeof(buf)) == EFAULT);
	MUST(nm_os_copyout(buf, env->user_bad, sizeof(buf)) == EFAULT);
	MUST(nm_os_copyin(0, buf, sizeof(buf)) == EFAULT);
	MUST(nm_os_copyin(UINT64_MAX - 8, buf, sizeof(buf)) == EFAULT);
	MUST(nm_os_copyout(buf, UINT64_MAX - 8, sizeof(buf)) == EFAULT);
	return NULL;
}

static const char *kernel_memory_is_no_user_memory(const struct nm_contract_env *env)
{
	uint8_t *kernel = nm_os_malloc(64), buf[64];
	int in, out;

	MUST(kernel != NULL);
	in = nm_os_copyin((uint64_t)(uintptr_t)kernel, buf, sizeof(buf));
	out = nm_os_copyout(buf, (uint64_t)(uintptr_t)kernel, sizeof(buf));
	nm_os_free(kernel);
	MUST(in == EFAULT && out == EFAULT);
	return NULL;
}

/* ---- clocks, log, interfaces ----------------------------------------------------------------- */

static const char *clocks_do_not_run_backwards(const struct nm_contract_env *env)
{
	uint32_t before = nm_os_seconds();
	struct timeval tv = { -1, -1 };

	nm_os_timestamp(&tv);
	nm_os_nap();
	MUST((int32_t)(nm_os_seconds() - before) >= 0);
	MUST(tv.tv_sec > 0 && tv.tv_usec >= 0 && tv.tv_usec < 1000000);
	return NULL;
}

static const char *the_log_takes_lines_anywhere(const struct nm_contract_env *env)
{
	struct nm_spin leaf;
	nm_irqflags_t flags;

	nm_spin_init(&leaf, "contract leaf");
	nm_prinf("contract: a line, %d", 1);
	nm_prdis("contract: never seen, %d", 2);
	flags = nm_spin_lock(&leaf);
	nm_prwarn("contract: a line with a leaf lock held");
	nm_prlim("contract: a line that may be left out");
	nm_spin_unlock(&leaf, flags);
	nm_spin_destroy(&leaf);
	return NULL;
}

static const char *an_interface_keeps_its_adapter(const struct nm_contract_env *env)
{
	struct netmap_adapter *na = (struct netmap_adapter *)(uintptr_t)&env;
	struct netmap_adapter *seen;
	bool in_ns;
	int err;

	nm_os_if_lock();
	MUST(strcmp(nm_os_if_name(env->ifp), env->if_name) == 0);
	MUST(nm_os_if_na(env->ifp) == NULL);
	err = nm_os_if_set_na(env->ifp, na);
	nm_os_if_hold(env->ifp);
	in_ns = nm_os_if_in_ns(env->ifp, env->ns_os);
	nm_os_if_unlock();
	nm_read_enter();
	seen = nm_os_if_na(env->ifp);
	nm_read_exit();
	nm_os_if_lock();
	MUST(nm_os_if_set_na(env->ifp, NULL) == 0);
	MUST(nm_os_if_na(env->ifp) == NULL);
	nm_os_if_unlock();
	nm_os_if_release(env->ifp);
	MUST(err == 0 && in_ns && seen == na);
	return NULL;
}

#define CASE(fn) { #fn, fn }

const struct nm_contract_case nm_contract_cases[] = {
	CASE(malloc_gives_zeroed_aligned_memory),
	CASE(freeing_null_does_nothing),
	CASE(pages_are_zeroed_and_contiguous),
	CASE(strlcpy_cuts_and_terminates),
	CASE(atomics_return_the_old_value),
	CASE(loads_and_stores_keep_the_value),
	CASE(what_precedes_a_release_is_seen_after_the_acquire),
	CASE(a_leaf_lock_excludes),
	CASE(a_mutex_excludes),
	CASE(locks_are_taken_in_the_order_of_the_table),
	CASE(a_deferred_call_waits_for_readers),
	CASE(synchronize_waits_for_readers),
	CASE(defer_works_in_any_context),
	CASE(a_wake_reaches_who_is_recorded),
	CASE(user_memory_is_copied_both_ways),
	CASE(bad_user_memory_is_efault),
	CASE(kernel_memory_is_no_user_memory),
	CASE(clocks_do_not_run_backwards),
	CASE(the_log_takes_lines_anywhere),
	CASE(an_interface_keeps_its_adapter),
};

const unsigned int nm_contract_ncases = sizeof(nm_contract_cases) / sizeof(nm_contract_cases[0]);

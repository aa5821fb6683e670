/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * contract_main - runs the cases of os_contract.c on the hosted port, or one misuse
 * that the port must end the process for.
 *
 *	contract_main              all cases; a line "ok NAME" or "wrong NAME: WHY" each
 *	contract_main misuses      the names of the misuses
 *	contract_main misuse NAME  commits it; returning from it is exit status 3
 *	contract_main twice KIND   (hostile build) reads shared memory twice
 */
#include <stdlib.h>

#include "os_contract.h"
#include "os_hosted_test.h"

/* ---- what the cases borrow ---------------------------------------------------------- */

struct thread {
	pthread_t id;
	void (*fn)(void *);
	void *arg;
};

static void *thread_main(void *arg)
{
	struct thread *t = arg;

	t->fn(t->arg);
	return NULL;
}

static void *start(void (*fn)(void *), void *arg)
{
	struct thread *t = malloc(sizeof(*t));

	t->fn = fn;
	t->arg = arg;
	if (pthread_create(&t->id, NULL, thread_main, t) == 0)
		return t;
	free(t);
	return NULL;
}

static void join(void *thread)
{
	struct thread *t = thread;

	pthread_join(t->id, NULL);
	free(t);
}

static struct nm_poll *poll_new(void)
{
	struct nm_poll *p = malloc(sizeof(*p));

	nm_host_poll_init(p);
	return p;
}

static uint32_t poll_wakes(struct nm_poll *p)
{
	return (uint32_t)nm_host_poll_wakes(p);
}

static void poll_free(struct nm_poll *p)
{
	nm_host_poll_fini(p);
	free(p);
}

static int run_cases(void)
{
	struct nm_contract_env env = {
		.start = start,
		.join = join,
		.poll_new = poll_new,
		.poll_wakes = poll_wakes,
		.poll_free = poll_free,
		.if_name = "contract0",
	};
	unsigned int i;
	int status = 0;
	void *mem;

	env.user_pages = nm_host_arena(&mem);
	env.user_bad = env.user_pages + 5 * NM_PAGE_SIZE;
	nm_host_arena_fault(env.user_bad, true);
	env.ns_os = &env;
	env.ifp = nm_host_if_new(env.if_name, env.ns_os);
	for (i = 0; i < nm_contract_ncases; i++) {
		const char *wrong = nm_contract_cases[i].run(&env);

		nm_host_assert_clean(nm_contract_cases[i].name);
		if (wrong == NULL) {
			printf("ok %s\n", nm_contract_cases[i].name);
		} else {
			printf("wrong %s: %s\n", nm_contract_cases[i].name, wrong);
			status = 1;
		}
	}
	if (nm_host_live(NULL) != 0 || nm_host_if_free(env.ifp) != 0) {
		printf("wrong: something is left over\n");
		status = 1;
	}
	return status;
}

/* ---- misuses: each breaks one rule of os.h ----------------------------------------------- */

static struct nm_spin leaf = { 0, "first leaf" }, leaf2 = { 0, "second leaf" };
static struct nm_mutex control, region;
static struct nm_waitq waitq;

static void sleep_with_leaf(void)
{
	nm_spin_lock(&leaf);
	nm_os_free(nm_os_malloc(1));
}

static void sleep_in_read_section(void)
{
	nm_read_enter();
	nm_os_synchronize();
}

static void nap_in_interrupt(void)
{
	nm_host_irq_enter();
	nm_os_nap();
}

static void control_in_read_section(void)
{
	nm_read_enter();
	nm_mutex_lock(&control);
}

static void free_in_interrupt(void)
{
	void *p = nm_os_malloc(8);

	nm_host_irq_enter();
	nm_os_free(p);
}

static void copy_with_control(void)
{
	uint32_t v;

	nm_mutex_lock(&control);
	nm_os_copyin(0, &v, sizeof(v));
}

static void copy_with_region(void)
{
	uint32_t v = 0;

	nm_mutex_lock(&region);
	nm_os_copyout(&v, 0, sizeof(v));
}

static void control_after_region(void)
{
	nm_mutex_lock(&region);
	nm_mutex_lock(&control);
}

static void interface_after_control(void)
{
	nm_mutex_lock(&control);
	nm_os_if_lock();
}

static void two_leaf_locks(void)
{
	nm_spin_lock(&leaf);
	nm_spin_lock(&leaf2);
}

static void leaf_unlock_not_held(void)
{
	nm_spin_unlock(&leaf, 0x5a);
}

static void mutex_twice(void)
{
	nm_mutex_lock(&control);
	nm_mutex_lock(&control);
}

static void mutex_unlock_not_held(void)
{
	nm_mutex_unlock(&control);
}

static void mutex_should_be_held(void)
{
	nm_mutex_assert_held(&control);
}

static void mutex_destroyed_while_held(void)
{
	nm_mutex_lock(&control);
	nm_mutex_destroy(&control);
}

static void read_exit_without_enter(void)
{
	nm_read_exit();
}

static void section_left_open(void)
{
	nm_read_enter();
	nm_host_assert_clean("an API call");
}

static void leaf_left_held(void)
{
	nm_spin_lock(&leaf);
	nm_host_assert_clean("an API call");
}

static void control_left_held(void)
{
	nm_mutex_lock(&control);
	nm_host_assert_clean("an API call");
}

static void thread_in_section(void *arg)
{
	(void)arg;
	nm_read_enter();
}

static void section_left_open_by_a_thread(void)
{
	join(start(thread_in_section, NULL));
}

static void free_twice(void)
{
	void *p = nm_os_malloc(8);

	nm_os_free(p);
	nm_os_free(p);
}

static void pages_free_twice(void)
{
	void *kva;
	struct nm_os_pages *p = nm_os_pages_alloc(NM_PAGE_SIZE, &kva);

	nm_os_pages_free(p);
	nm_os_pages_free(p);
}

static void part_of_a_page(void)
{
	void *kva;

	nm_os_pages_alloc(NM_PAGE_SIZE + 1, &kva);
}

static void write_past_the_end(void)
{
	volatile uint8_t *p = nm_os_malloc(24);

	p[24] = 1;
	nm_os_free((void *)(uintptr_t)p);
}

static void write_after_free(void)
{
	volatile uint8_t *p = nm_os_malloc(24);

	nm_os_free((void *)(uintptr_t)p);
	p[3] = 1;
	nm_host_check_freed();
}

static void write_past_a_region(void)
{
	void *kva;

	nm_os_pages_alloc(NM_PAGE_SIZE, &kva);
	*((volatile uint8_t *)kva + NM_PAGE_SIZE) = 1;
}

static void follow_a_user_pointer(void)
{
	void *mem;

	*(volatile uint8_t *)(uintptr_t)nm_host_arena(&mem) = 1;
}

static void destroy_with_sleepers(void)
{
	nm_waitq_init(&waitq);
	nm_waitq_record(&waitq, poll_new());
	nm_waitq_destroy(&waitq);
}

static void adapter_without_lock(void)
{
	nm_os_if_na(nm_host_if_new("x", NULL));
}

static void set_adapter_without_lock(void)
{
	nm_os_if_set_na(nm_host_if_new("x", NULL), NULL);
}

static void release_too_often(void)
{
	nm_os_if_release(nm_host_if_new("x", NULL));
}

static void sleep_deferred(struct nm_deferred *d)
{
	(void)d;
	nm_os_nap();
}

static void sleep_in_deferred(void)
{
	static struct nm_deferred d;

	nm_os_defer(&d, sleep_deferred);
	nm_os_defer_barrier();
}

static void broken_invariant(void)
{
	NM_BUG_ON(control.owner == NULL);
}

static void bad_dma(void)
{
	nm_host_phys_to_virt(4096, 64);
}

/* What a second read of a word, and of a slot's first word, gives to the core. */
static int read_twice(uint32_t kind)
{
	static uint64_t slot = 0x0020003c00000007ULL;
	static uint32_t head = 5;
	bool head_differs, slot_differs;

	if (!nm_host_hostile_arm(kind))
		return 2;
	head_differs = nm_user_read32(&head) == 5 && nm_user_read32(&head) != 5;
	slot_differs = nm_user_read64(&slot) != nm_user_read64(&slot);
	nm_host_leave("the end");
	printf("%s, %s, %s\n", head_differs ? "differs" : "same", slot_differs ? "differs" : "same",
	       head == 5 && slot == 0x0020003c00000007ULL ? "restored" : "spoilt");
	return 0;
}

#define MISUSE(fn) { #fn, fn }

static const struct {
	const char *name;
	void (*fn)(void);
} misuses[] = {
	MISUSE(sleep_with_leaf),
	MISUSE(sleep_in_read_section),
	MISUSE(nap_in_interrupt),
	MISUSE(control_in_read_section),
	MISUSE(free_in_interrupt),
	MISUSE(copy_with_control),
	MISUSE(copy_with_region),
	MISUSE(control_after_region),
	MISUSE(interface_after_control),
	MISUSE(two_leaf_locks),
	MISUSE(leaf_unlock_not_held),
	MISUSE(mutex_twice),
	MISUSE(mutex_unlock_not_held),
	MISUSE(mutex_should_be_held),
	MISUSE(mutex_destroyed_while_held),
	MISUSE(read_exit_without_enter),
	MISUSE(section_left_open),
	MISUSE(leaf_left_held),
	MISUSE(control_left_held),
	MISUSE(section_left_open_by_a_thread),
	MISUSE(free_twice),
	MISUSE(pages_free_twice),
	MISUSE(part_of_a_page),
	MISUSE(write_past_the_end),
	MISUSE(write_after_free),
	MISUSE(write_past_a_region),
	MISUSE(follow_a_user_pointer),
	MISUSE(destroy_with_sleepers),
	MISUSE(adapter_without_lock),
	MISUSE(set_adapter_without_lock),
	MISUSE(release_too_often),
	MISUSE(sleep_in_deferred),
	MISUSE(broken_invariant),
	MISUSE(bad_dma),
};

#define NMISUSES (sizeof(misuses) / sizeof(misuses[0]))

int main(int argc, char **argv)
{
	size_t i;

	if (argc == 1)
		return run_cases();
	if (argc == 3 && strcmp(argv[1], "twice") == 0)
		return read_twice((uint32_t)atoi(argv[2]));
	nm_mutex_init(&control, NM_LOCK_CONTROL, "the control lock");
	nm_mutex_init(&region, NM_LOCK_REGION, "the region lock");
	for (i = 0; i < NMISUSES; i++) {
		if (argc == 2)
			puts(misuses[i].name);
		else if (strcmp(argv[2], misuses[i].name) == 0)
			misuses[i].fn();
	}
	return argc == 2 ? 0 : 3;
}

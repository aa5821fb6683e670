/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which thread runs on which CPU.  Of the CPUs that this process may use, in order, -c takes
 * the first so many.  With -a thread i is bound to the i-th of them from that CPU on, going
 * round at the end; with -c alone all threads may run on all of those.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#if defined(__FreeBSD__)
#include <sys/param.h>
#include <sys/cpuset.h>
#include <pthread_np.h>
typedef cpuset_t cpu_set_t;
#endif

#include "cpus.h"
#include "worker.h"

static int
allowed(cpu_set_t *set)
{
#if defined(__FreeBSD__)
	return cpuset_getaffinity(CPU_LEVEL_WHICH, CPU_WHICH_PID, -1, sizeof(*set), set);
#else
	return sched_getaffinity(0, sizeof(*set), set);
#endif
}

/* The CPUs to use, in order; how many. */
static unsigned int
usable(const struct options *o, int cpus[CPU_SETSIZE])
{
	unsigned int n = 0;
	cpu_set_t set;
	int cpu;

	if (allowed(&set) != 0)
		return 0;
	for (cpu = 0; cpu < CPU_SETSIZE && (o->cores == 0 || n < o->cores); cpu++) {
		if (CPU_ISSET(cpu, &set))
			cpus[n++] = cpu;
	}
	return n;
}

int
cpus_of(const struct options *o, uint32_t i)
{
	int cpus[CPU_SETSIZE];
	unsigned int n = usable(o, cpus), first;

	for (first = 0; first < n; first++) {
		if (cpus[first] == o->first_cpu)
			return cpus[(first + i) % n];
	}
	return -1;
}

int
cpus_check(const struct options *o)
{
	int cpus[CPU_SETSIZE];
	unsigned int n = usable(o, cpus);

	if (o->first_cpu < 0 || cpus_of(o, 0) >= 0)
		return 0;
	if (n == 0)
		return complain("-a %d: the CPUs of this process are not known", o->first_cpu);
	return complain("-a %d: not among the %u CPU%s from %d to %d that %s; choose one of them",
	    o->first_cpu, n, n == 1 ? "" : "s", cpus[0], cpus[n - 1],
	    o->cores > 0 ? "-c leaves" : "this process may use");
}

int
cpus_bind(const struct options *o, pthread_t thread, uint32_t i)
{
	int cpus[CPU_SETSIZE];
	unsigned int n = usable(o, cpus), k;
	cpu_set_t set;

	if (o->first_cpu < 0 && o->cores == 0)
		return 0;
	CPU_ZERO(&set);
	if (o->first_cpu >= 0)
		CPU_SET(cpus_of(o, i), &set);
	else
		for (k = 0; k < n; k++)
			CPU_SET(cpus[k], &set);
	return pthread_setaffinity_np(thread, sizeof(set), &set);
}

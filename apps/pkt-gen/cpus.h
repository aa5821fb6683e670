/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKTGEN_CPUS_H_
#define PKTGEN_CPUS_H_

#include <pthread.h>

#include "options.h"

/* Whether this process may use the CPUs that -a and -c ask for; 0, or -1 after a message. */
int cpus_check(const struct options *o);

/* The CPU of thread i; -1: it is not bound to one. */
int cpus_of(const struct options *o, uint32_t i);

/* Bind thread i as -a and -c say; 0, or an errno. */
int cpus_bind(const struct options *o, pthread_t thread, uint32_t i);

#endif

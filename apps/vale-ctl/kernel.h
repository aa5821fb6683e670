/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VALECTL_KERNEL_H_
#define VALECTL_KERNEL_H_

#include "libnetmap.h"

/* An open /dev/netmap that requests go to. */
struct kernel {
	int fd;
	int trace;	/* tell each request on stderr */
};

/* Open the device; 0, or -1 after one line on stderr. */
int kernel_open(struct kernel *k);

/*
 * Ask the kernel.  name has NETMAP_REQ_IFNAMSIZ bytes and takes the kernel's answer; body
 * may be NULL.  Returns 0 or the errno; nothing is printed but the trace.
 */
int kernel_ask(struct kernel *k, uint16_t type, char *name, void *body);

/*
 * One line on stderr about a request that was refused: what, why, what to do.
 * Returns -1.
 */
int kernel_refused(uint16_t type, const char *name, int error);

#endif

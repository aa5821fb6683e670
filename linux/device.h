/* SPDX-License-Identifier: BSD-2-Clause */
/* /dev/netmap, and the state of a network namespace that its files belong to. */
#ifndef NM_DEVICE_H
#define NM_DEVICE_H

struct net;
struct nm_ns;

/* Makes the device node / takes it away.  0 or a negative errno.  Context: sleep. */
int nm_device_add(void);
void nm_device_remove(void);

/* The core's part of a network namespace (module.c).  Context: any. */
struct nm_ns *nm_linux_ns(struct net *net);

#endif /* NM_DEVICE_H */

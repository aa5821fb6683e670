/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKTGEN_LINK_H_
#define PKTGEN_LINK_H_

#include <stdint.h>

/* Whether this is the name of a network interface of the system. */
int link_exists(const char *name);

/* Wait until the interface runs, at most so many seconds; whether it does. */
int link_wait(const char *name, uint32_t seconds);

/* Its Ethernet address, 48 bits; 0 if there is none. */
uint64_t link_mac(const char *name);

/* Its speed in bits per second; 0 if it has none or does not tell. */
uint64_t link_speed(const char *name);

/* For a port without an interface: a locally administered address that follows from its name. */
uint64_t link_made_up_mac(const char *name);

#endif

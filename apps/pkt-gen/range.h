/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKTGEN_RANGE_H_
#define PKTGEN_RANGE_H_

#include <stdint.h>

/* An IP address as a number; an IPv4 address is below 2^32. */
struct address {
	uint64_t hi, lo;
};

/* One side of the packets: every part is a range, first <= last; host byte order. */
struct endpoint {
	uint64_t mac_first, mac_last;		/* 48 bits */
	struct address ip_first, ip_last;
	uint16_t port_first, port_last;
	int family;				/* 4, 6, or 0: no address was given */
	int random;				/* draw addresses and ports instead of stepping */
};

/*
 * IP[:PORT][-[IP][:PORT]] or IP:PORT-PORT; an IPv6 address with a port stands in brackets.
 * What is not given keeps the value that e holds.  Returns NULL, or what is wrong.
 */
const char *range_read_ip(const char *text, struct endpoint *e);

/* MAC[-MAC], six bytes in hexadecimal with colons between.  NULL, or what is wrong. */
const char *range_read_mac(const char *text, struct endpoint *e);

/* Give the address and the port of e, where they are no ranges, all values that a station has. */
void range_widen(struct endpoint *e, int family);

/* The order of addresses: less than, equal to or greater than 0. */
int address_compare(struct address a, struct address b);

/* The address after a. */
struct address address_next(struct address a);

/* A generator of random numbers; any state will do as a seed. */
uint64_t random_next(uint64_t *state);

/* A random number below n, which is not 0. */
uint64_t random_below(uint64_t *state, uint64_t n);

/* A random address from first to last. */
struct address random_address(uint64_t *state, struct address first, struct address last);

#endif

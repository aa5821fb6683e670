/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKTGEN_RANGE_H_
#define PKTGEN_RANGE_H_

#include <stdint.h>

/* One side of the packets: every part is a range, first <= last; host byte order. */
struct endpoint {
	uint64_t mac_first, mac_last;	/* 48 bits */
	uint32_t ip_first, ip_last;
	uint16_t port_first, port_last;
};

/*
 * IP[:PORT][-[IP][:PORT]] or IP:PORT-PORT.  What is not given keeps the value that
 * e holds.  Returns NULL, or what is wrong.
 */
const char *range_read_ip(const char *text, struct endpoint *e);

/* MAC[-MAC], six bytes in hexadecimal with colons between.  NULL, or what is wrong. */
const char *range_read_mac(const char *text, struct endpoint *e);

#endif

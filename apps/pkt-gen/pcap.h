/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKTGEN_PCAP_H_
#define PKTGEN_PCAP_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>

#include "packet.h"

/* The packets of a file. */
struct pcap {
	struct raw_frame *frames;
	size_t n;
};

/*
 * Read a file of Ethernet packets in the classic pcap format, of either byte order, with
 * times in micro- or nanoseconds.  Each frame gets vnet_len zero bytes before it.  Returns 0;
 * or -1 with a line about it in why.  pcap_free() releases what there is in both cases.
 */
int pcap_read(struct pcap *p, const char *path, size_t vnet_len, char *why, size_t why_size);
void pcap_free(struct pcap *p);

struct pcap_writer;

/* Begin a file; NULL with errno. */
struct pcap_writer *pcap_create(const char *path);

/*
 * Write a packet that stands in n parts; 0, or -1 with errno.  Threads may share a writer.
 */
struct pcap_part {
	const uint8_t *bytes;
	size_t size;
};
int pcap_write(struct pcap_writer *w, const struct timeval *when, const struct pcap_part *parts,
	       size_t n);

/*
 * Write out what is still in memory and close; 0, or -1 with errno, unless a write has failed
 * before.  NULL is closed already.
 */
int pcap_close(struct pcap_writer *w);

#endif

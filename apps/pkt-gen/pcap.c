/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of packets.  A pcap file is a header of 24 bytes and then, for each packet, a header
 * of 16 bytes and the packet, all in the byte order of the machine that wrote it, which the
 * magic number at the start tells.
 *
 *	0  magic  4  version  8  zone, accuracy  16  longest capture  20  kind of link
 *	0  seconds  4  micro- or nanoseconds  8  bytes in the file  12  bytes of the packet
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "pcap.h"

#define MAGIC_USEC	0xa1b2c3d4u
#define MAGIC_NSEC	0xa1b23c4du
#define MAGIC_PCAPNG	0x0a0d0d0au
#define LINK_ETHERNET	1
#define FILE_HEADER	24
#define PACKET_HEADER	16

/* A file while it is read. */
struct reader {
	FILE *f;
	int swapped;		/* the other byte order */
	size_t number;		/* of the packet at hand, from 1 on */
	char *why;
	size_t why_size;
};

static uint32_t
word(const struct reader *r, const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return r->swapped ? __builtin_bswap32(v) : v;
}

__attribute__((__format__(__printf__, 2, 3)))
static int
refuse(struct reader *r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(r->why, r->why_size, format, ap);
	va_end(ap);
	return -1;
}

static int
read_file_header(struct reader *r)
{
	uint8_t h[FILE_HEADER];
	size_t got = fread(h, 1, sizeof(h), r->f);
	uint32_t magic = 0, kind;

	if (ferror(r->f))
		return refuse(r, "%s", strerror(errno));
	if (got >= 4)
		memcpy(&magic, h, sizeof(magic));
	if (magic == MAGIC_PCAPNG)
		return refuse(r, "this is a pcapng file; make a pcap file of it with "
		    "editcap -F pcap, or record with tcpdump -w");
	r->swapped = magic == __builtin_bswap32(MAGIC_USEC) ||
	    magic == __builtin_bswap32(MAGIC_NSEC);
	if (!r->swapped && magic != MAGIC_USEC && magic != MAGIC_NSEC)
		return refuse(r, "this is no pcap file; record one with tcpdump -w");
	if (got < sizeof(h))
		return refuse(r, "the file ends within its header");
	kind = word(r, h + 20) & 0xffff;	/* above it, length of a checksum that may follow */
	if (kind != LINK_ETHERNET)
		return refuse(r, "its packets are of link type %u, not Ethernet (1)", kind);
	return 0;
}

/* Read one packet; 1, 0 at the end of the file, or -1. */
static int
read_packet(struct reader *r, struct raw_frame *frame, size_t vnet_len)
{
	uint8_t h[PACKET_HEADER];
	size_t got = fread(h, 1, sizeof(h), r->f);
	uint32_t there, whole;

	if (ferror(r->f))
		return refuse(r, "%s", strerror(errno));
	if (got == 0)
		return 0;
	if (got < sizeof(h))
		return refuse(r, "the file ends within packet %zu", r->number);
	there = word(r, h + 8);
	whole = word(r, h + 12);
	if (there > FRAME_MAX)
		return refuse(r, "packet %zu: %u bytes are more than a frame of %u can have", r->number,
		    there, FRAME_MAX);
	if (there < whole)
		return refuse(r, "packet %zu: only %u of its %u bytes were recorded; record with "
		    "tcpdump -s 0", r->number, there, whole);
	if (there < ETH_BYTES)
		return refuse(r, "packet %zu: %u bytes are no Ethernet frame", r->number, there);
	frame->size = vnet_len + there;
	frame->bytes = calloc(1, frame->size);
	if (frame->bytes == NULL)
		return refuse(r, "no memory for packet %zu", r->number);
	if (fread(frame->bytes + vnet_len, 1, there, r->f) == there)
		return 1;
	free(frame->bytes);
	frame->bytes = NULL;
	return refuse(r, "the file ends within packet %zu", r->number);
}

static int
read_packets(struct reader *r, struct pcap *p, size_t vnet_len)
{
	size_t room = 0;
	int more;

	for (;;) {
		r->number = p->n + 1;
		if (p->n == room) {
			struct raw_frame *frames;

			room = room == 0 ? 16 : room * 2;
			frames = realloc(p->frames, room * sizeof(*frames));
			if (frames == NULL)
				return refuse(r, "no memory for packet %zu", r->number);
			p->frames = frames;
		}
		more = read_packet(r, &p->frames[p->n], vnet_len);
		if (more <= 0)
			break;
		p->n++;
	}
	if (more == 0 && p->n == 0)
		return refuse(r, "there is no packet in it");
	return more;
}

int
pcap_read(struct pcap *p, const char *path, size_t vnet_len, char *why, size_t why_size)
{
	struct reader r = { .why = why, .why_size = why_size };
	int ret;

	memset(p, 0, sizeof(*p));
	r.f = fopen(path, "rb");
	if (r.f == NULL)
		return refuse(&r, "%s", strerror(errno));
	ret = read_file_header(&r);
	if (ret == 0)
		ret = read_packets(&r, p, vnet_len);
	fclose(r.f);
	return ret;
}

void
pcap_free(struct pcap *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		free(p->frames[i].bytes);
	free(p->frames);
	memset(p, 0, sizeof(*p));
}

struct pcap_writer {
	FILE *f;
	int failed;		/* a write did, and its caller knows */
};

struct pcap_writer *
pcap_create(const char *path)
{
	static const struct {
		uint32_t magic;
		uint16_t major, minor;
		uint32_t zone, accuracy, longest, kind;
	} header = { MAGIC_USEC, 2, 4, 0, 0, 262144, LINK_ETHERNET };
	struct pcap_writer *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->f = fopen(path, "wb");
	if (w->f != NULL && fwrite(&header, sizeof(header), 1, w->f) == 1)
		return w;
	if (w->f != NULL)
		fclose(w->f);
	free(w);
	return NULL;
}

int
pcap_write(struct pcap_writer *w, const struct timeval *when, const struct pcap_part *parts,
	   size_t n)
{
	uint32_t h[4] = { (uint32_t)when->tv_sec, (uint32_t)when->tv_usec, 0, 0 };
	size_t i;
	int ok;

	for (i = 0; i < n; i++)
		h[2] += (uint32_t)parts[i].size;
	h[3] = h[2];
	flockfile(w->f);
	ok = fwrite(h, sizeof(h), 1, w->f) == 1;
	for (i = 0; ok && i < n; i++)
		ok = parts[i].size == 0 || fwrite(parts[i].bytes, parts[i].size, 1, w->f) == 1;
	w->failed |= !ok;
	funlockfile(w->f);
	return ok ? 0 : -1;
}

int
pcap_close(struct pcap_writer *w)
{
	int ret;

	if (w == NULL)
		return 0;
	ret = fclose(w->f);
	if (w->failed)
		ret = 0;
	free(w);
	return ret;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKTGEN_SEQUENCE_H_
#define PKTGEN_SEQUENCE_H_

#include <stddef.h>
#include <stdint.h>

/*
 * The mark at the start of a numbered packet's UDP payload, in network order:
 *
 *	0  magic   4  run of the sender   6  stream: its tx ring   8  number, from 0 on
 */
#define SEQUENCE_BYTES		16
#define SEQUENCE_AT_NUMBER	8

void sequence_mark(uint8_t *payload, uint16_t run, uint16_t stream, uint64_t number);

/* How far back a late packet is told from a second copy. */
#define SEQUENCE_WINDOW		65536u

/* What came of one tx ring of one sender. */
struct sequence_stream {
	uint16_t run, stream;
	uint64_t first, next;		/* least number seen; one more than the greatest */
	uint64_t packets;
	uint64_t lost;			/* numbers in between that have not come (yet) */
	uint64_t late;			/* came after a greater number, once */
	uint64_t twice;			/* had come before */
	uint64_t old;			/* behind the window: late or twice */
	uint64_t seen[SEQUENCE_WINDOW / 64];
};

#define SEQUENCE_STREAMS	256

struct sequence {
	struct sequence_stream *streams[SEQUENCE_STREAMS];
	unsigned int n;
	struct sequence_stream *last;	/* of the packet before */
	uint64_t other;			/* packets that have no mark */
	int verbose;			/* print each gap */
};

/* Count one packet by its UDP payload; NULL if it has none.  One thread at a time. */
void sequence_count(struct sequence *s, const uint8_t *payload, size_t length);

/* Print what was found: a line for each stream, and one for all. */
void sequence_report(const struct sequence *s);

void sequence_free(struct sequence *s);

#endif

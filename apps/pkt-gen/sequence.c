/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbered packets: what txseq writes into them, and what rxseq makes of them.
 *
 * Each tx ring of a sender numbers its packets from 0; run tells senders apart.  Of each
 * stream the receiver keeps the least and the greatest number seen and a bit for each of
 * the last SEQUENCE_WINDOW numbers.  A number beyond the greatest makes those skipped lost; one that
 * comes after all is late and no longer lost; a number whose bit is set has come twice.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet.h"
#include "sequence.h"

#define MAGIC	0x6e6d5351u	/* nmSQ */

void
sequence_mark(uint8_t *payload, uint16_t run, uint16_t stream, uint64_t number)
{
	put32(payload, MAGIC);
	put16(payload + 4, run);
	put16(payload + 6, stream);
	put64(payload + SEQUENCE_AT_NUMBER, number);
}

static uint64_t
bit(uint64_t number)
{
	return 1ull << (number % 64);
}

static uint64_t *
word(struct sequence_stream *st, uint64_t number)
{
	return &st->seen[number % SEQUENCE_WINDOW / 64];
}

/* The stream of a mark, made when it is new; NULL when there are too many. */
static struct sequence_stream *
find(struct sequence *s, uint16_t run, uint16_t stream, uint64_t number)
{
	struct sequence_stream *st = s->last;
	unsigned int i;

	if (st != NULL && st->run == run && st->stream == stream)
		return st;
	for (i = 0; i < s->n; i++) {
		st = s->streams[i];
		if (st->run == run && st->stream == stream)
			return s->last = st;
	}
	st = s->n < SEQUENCE_STREAMS ? calloc(1, sizeof(*st)) : NULL;
	if (st == NULL)
		return NULL;
	st->run = run;
	st->stream = stream;
	st->first = st->next = number;
	s->streams[s->n++] = st;
	return s->last = st;
}

/* Numbers from st->next to before number have been skipped. */
static void
skip(const struct sequence *s, struct sequence_stream *st, uint64_t number)
{
	uint64_t gap = number - st->next, n;

	if (s->verbose && gap > 0)
		printf("stream %u of run %04x: %" PRIu64 " missing from number %" PRIu64 " on\n",
		    st->stream, st->run, gap, st->next);
	st->lost += gap;
	if (gap >= SEQUENCE_WINDOW) {
		memset(st->seen, 0, sizeof(st->seen));
	} else {
		for (n = st->next; n != number; n++)
			*word(st, n) &= ~bit(n);
	}
}

static void
count_back(struct sequence_stream *st, uint64_t number)
{
	if (st->next - number > SEQUENCE_WINDOW) {
		st->old++;
	} else if (*word(st, number) & bit(number)) {
		st->twice++;
	} else {
		if (number < st->first) {
			/* We came in the middle, and between packets out of order. */
			st->lost += st->first - number - 1;
			st->first = number;
		} else {
			st->lost--;
		}
		*word(st, number) |= bit(number);
		st->late++;
	}
}

void
sequence_count(struct sequence *s, const uint8_t *payload, size_t length)
{
	struct sequence_stream *st = NULL;
	uint64_t number = 0;

	if (payload != NULL && length >= SEQUENCE_BYTES && get32(payload) == MAGIC) {
		number = get64(payload + SEQUENCE_AT_NUMBER);
		if (number != UINT64_MAX)
			st = find(s, get16(payload + 4), get16(payload + 6), number);
	}
	if (st == NULL) {
		s->other++;
		return;
	}
	st->packets++;
	if (number < st->next) {
		count_back(st, number);
		return;
	}
	if (number > st->next)
		skip(s, st, number);
	*word(st, number) |= bit(number);
	st->next = number + 1;
}

static int
by_run_and_stream(const void *a, const void *b)
{
	const struct sequence_stream *x = *(struct sequence_stream *const *)a;
	const struct sequence_stream *y = *(struct sequence_stream *const *)b;

	if (x->run != y->run)
		return x->run < y->run ? -1 : 1;
	return x->stream < y->stream ? -1 : x->stream > y->stream;
}

static void
print_counts(const struct sequence_stream *st)
{
	printf("%" PRIu64 " lost, %" PRIu64 " out of order, %" PRIu64 " duplicate", st->lost, st->late,
	    st->twice);
	if (st->old > 0)
		printf(", %" PRIu64 " too late to tell", st->old);
}

void
sequence_report(const struct sequence *s)
{
	const struct sequence_stream *sorted[SEQUENCE_STREAMS];
	struct sequence_stream all = { 0 };
	unsigned int i;

	memcpy(sorted, s->streams, sizeof(sorted));
	qsort(sorted, s->n, sizeof(sorted[0]), by_run_and_stream);
	for (i = 0; i < s->n; i++) {
		const struct sequence_stream *st = sorted[i];

		printf("Stream %u of run %04x: %" PRIu64 " packets, numbers %" PRIu64 " to %" PRIu64 ", ",
		    st->stream, st->run, st->packets, st->first, st->next - 1);
		print_counts(st);
		printf("\n");
		all.packets += st->packets;
		all.lost += st->lost;
		all.late += st->late;
		all.twice += st->twice;
		all.old += st->old;
	}
	printf("Sequence: %" PRIu64 " packets in %u stream%s, ", all.packets, s->n,
	    s->n == 1 ? "" : "s");
	print_counts(&all);
	printf(", %" PRIu64 " without a number\n", s->other);
	fflush(stdout);
}

void
sequence_free(struct sequence *s)
{
	unsigned int i;

	for (i = 0; i < s->n; i++)
		free(s->streams[i]);
	s->n = 0;
	s->last = NULL;
}

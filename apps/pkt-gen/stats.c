/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counting and telling.  The lines have the form that scripts around pkt-gen
 * look for: "... pps (... pkts ... bytes in ... usec)" for each interval, and
 * "Sent N packets M bytes K events ..." with "Speed: ... pps" at the end.
 */
#include <stdio.h>
#include <time.h>

#include "stats.h"

/* Beside a frame's bytes the wire carries CRC 4, preamble 8 and gap 12. */
#define WIRE_BYTES	24

void
totals_add(struct totals *t, struct counters *c)
{
	t->packets += atomic_load_explicit(&c->packets, memory_order_relaxed);
	t->bytes += atomic_load_explicit(&c->bytes, memory_order_relaxed);
	t->events += atomic_load_explicit(&c->events, memory_order_relaxed);
}

uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

char *
human(char *buf, size_t size, double value)
{
	static const char *const units[] = { "", "K", "M", "G", "T" };
	size_t u = 0;

	while (value >= 1000 && u < 4) {
		value /= 1000;
		u++;
	}
	snprintf(buf, size, "%.3f %s", value, units[u]);
	return buf;
}

void
report_interval(const struct totals *before, const struct totals *after, uint64_t ns)
{
	uint64_t packets = after->packets - before->packets;
	uint64_t bytes = after->bytes - before->bytes;
	uint64_t events = after->events - before->events;
	char rate[32];

	printf("%spps (%llu pkts %llu bytes in %llu usec) %.2f avg_batch\n",
	    human(rate, sizeof(rate), (double)packets * 1e9 / (double)ns),
	    (unsigned long long)packets, (unsigned long long)bytes,
	    (unsigned long long)(ns / 1000),
	    events > 0 ? (double)packets / (double)events : 0.0);
	fflush(stdout);
}

void
report_end(const char *verb, const struct totals *t, uint64_t ns)
{
	char rate[32], net[32], raw[32];
	double seconds = (double)ns / 1e9;
	double per_second = seconds > 0 ? 1 / seconds : 0;
	double bits = 8.0 * (double)t->bytes;

	printf("%s %llu packets %llu bytes %llu events %.0f bytes each in %.6f seconds.\n", verb,
	    (unsigned long long)t->packets, (unsigned long long)t->bytes,
	    (unsigned long long)t->events,
	    t->packets > 0 ? (double)t->bytes / (double)t->packets : 0.0, seconds);
	printf("Speed: %spps Bandwidth: %sbps (raw %sbps). Average batch: %.2f pkts\n",
	    human(rate, sizeof(rate), (double)t->packets * per_second),
	    human(net, sizeof(net), bits * per_second),
	    human(raw, sizeof(raw), (bits + 8.0 * WIRE_BYTES * (double)t->packets) * per_second),
	    t->events > 0 ? (double)t->packets / (double)t->events : 0.0);
	fflush(stdout);
}

void
dump(const char *what, const uint8_t *bytes, size_t length)
{
	size_t line, i;

	flockfile(stdout);
	printf("%s %zu bytes\n", what, length);
	for (line = 0; line < length; line += 16) {
		printf("%5zu: ", line);
		for (i = line; i < line + 16; i++) {
			if (i < length)
				printf("%02x ", bytes[i]);
			else
				printf("   ");
		}
		for (i = line; i < line + 16 && i < length; i++)
			putchar(bytes[i] >= 0x20 && bytes[i] < 0x7f ? bytes[i] : '.');
		putchar('\n');
	}
	funlockfile(stdout);
}

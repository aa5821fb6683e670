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
/* A shorter frame is filled up to this before it leaves. */
#define WIRE_LEAST	60

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
human(char *buf, size_t size, double value, int plain)
{
	static const char *const units[] = { "", "K", "M", "G", "T" };
	size_t u = 0;

	while (!plain && value >= 1000 && u < 4) {
		value /= 1000;
		u++;
	}
	snprintf(buf, size, "%.*f %s", plain ? 0 : 3, value, units[u]);
	return buf;
}

double
wire_bits(uint64_t packets, uint64_t bytes)
{
	/* Of lengths that differ only the sum is known; right when all are short or none. */
	if (bytes < packets * WIRE_LEAST)
		bytes = packets * WIRE_LEAST;
	return 8.0 * ((double)bytes + (double)WIRE_BYTES * (double)packets);
}

double
line_rate(uint64_t packets, uint64_t bytes, uint64_t ns, uint64_t speed)
{
	return ns > 0 ? 100 * wire_bits(packets, bytes) / ((double)ns / 1e9) / (double)speed : 0;
}

/* Newton's square root: good to a double's last digits, and no need of libm. */
static double
root(double square)
{
	double x = square > 1 ? square : 1, next = (x + square / x) / 2;

	if (!(square > 0))
		return 0;
	while (next < x) {
		x = next;
		next = (x + square / x) / 2;
	}
	return x;
}

void
average(const double *rates, unsigned int n, double *mean, double *deviation)
{
	double sum = 0, squares = 0;
	unsigned int i;

	*mean = *deviation = 0;
	if (n == 0)
		return;
	for (i = 0; i < n; i++)
		sum += rates[i];
	*mean = sum / n;
	for (i = 0; i < n; i++)
		squares += (rates[i] - *mean) * (rates[i] - *mean);
	*deviation = root(squares / n);
}

/* The part of a line that -A adds. */
static void
print_average(const struct report *r)
{
	unsigned int n = r->n_rates < AVERAGE_OVER ? r->n_rates : AVERAGE_OVER;
	char mean_text[32], deviation_text[32];
	double mean, deviation;

	average(r->rates, n, &mean, &deviation);
	printf("mean %spps, standard deviation %spps over %u report%s",
	    human(mean_text, sizeof(mean_text), mean, r->plain),
	    human(deviation_text, sizeof(deviation_text), deviation, r->plain), n,
	    n == 1 ? "" : "s");
}

static double
batch(uint64_t packets, uint64_t events)
{
	return events > 0 ? (double)packets / (double)events : 0.0;
}

void
report_interval(struct report *r, const struct totals *before, const struct totals *after,
		uint64_t ns)
{
	uint64_t packets = after->packets - before->packets;
	uint64_t bytes = after->bytes - before->bytes;
	double seconds = (double)ns / 1e9, rate = (double)packets / seconds;
	double bits = r->framing ? wire_bits(packets, bytes) : 8.0 * (double)bytes;
	char pps[32], bps[32];

	printf("%spps (%llu pkts %llu bytes in %llu usec) %.2f avg_batch %sbps",
	    human(pps, sizeof(pps), rate, r->plain), (unsigned long long)packets,
	    (unsigned long long)bytes, (unsigned long long)(ns / 1000),
	    batch(packets, after->events - before->events),
	    human(bps, sizeof(bps), bits / seconds, r->plain));
	if (r->speed > 0)
		printf(" %.2f%% of line rate", line_rate(packets, bytes, ns, r->speed));
	r->rates[r->n_rates++ % AVERAGE_OVER] = rate;
	if (r->average) {
		printf("; ");
		print_average(r);
	}
	printf("\n");
	fflush(stdout);
}

void
report_end(const struct report *r, const char *verb, const struct totals *t, uint64_t ns)
{
	char rate[32], net[32], raw[32];
	double seconds = (double)ns / 1e9;
	double per_second = seconds > 0 ? 1 / seconds : 0;
	double bits = 8.0 * (double)t->bytes, wire = wire_bits(t->packets, t->bytes);

	printf("%s %llu packets %llu bytes %llu events %.0f bytes each in %.6f seconds.\n", verb,
	    (unsigned long long)t->packets, (unsigned long long)t->bytes,
	    (unsigned long long)t->events,
	    t->packets > 0 ? (double)t->bytes / (double)t->packets : 0.0, seconds);
	printf("Speed: %spps Bandwidth: %sbps (raw %sbps). Average batch: %.2f pkts\n",
	    human(rate, sizeof(rate), (double)t->packets * per_second, r->plain),
	    human(net, sizeof(net), (r->framing ? wire : bits) * per_second, r->plain),
	    human(raw, sizeof(raw), wire * per_second, r->plain), batch(t->packets, t->events));
	if (r->speed > 0)
		printf("Line rate: %.2f%% of %sbps\n",
		    line_rate(t->packets, t->bytes, ns, r->speed),
		    human(rate, sizeof(rate), (double)r->speed, r->plain));
	if (r->average && r->n_rates > 0) {
		printf("Rate: ");
		print_average(r);
		printf("\n");
	}
	fflush(stdout);
}

/* One line of up to 16 bytes. */
static void
dump_line(size_t at, const uint8_t *bytes, size_t n)
{
	size_t i;

	printf("%5zu: ", at);
	for (i = 0; i < 16; i++) {
		if (i < n)
			printf("%02x ", bytes[i]);
		else
			printf("   ");
	}
	for (i = 0; i < n; i++)
		putchar(bytes[i] >= 0x20 && bytes[i] < 0x7f ? bytes[i] : '.');
	putchar('\n');
}

void
dump_parts(const char *what, const struct pcap_part *parts, size_t n, size_t length)
{
	uint8_t line[16];
	size_t at = 0, i, k;

	flockfile(stdout);
	printf("%s %zu bytes\n", what, length);
	for (i = 0; i < n; i++) {
		for (k = 0; k < parts[i].size; k++) {
			line[at++ % 16] = parts[i].bytes[k];
			if (at % 16 == 0)
				dump_line(at - 16, line, 16);
		}
	}
	if (at % 16 != 0)
		dump_line(at - at % 16, line, at % 16);
	funlockfile(stdout);
}

void
dump(const char *what, const uint8_t *bytes, size_t length)
{
	const struct pcap_part whole = { bytes, length };

	dump_parts(what, &whole, 1, length);
}

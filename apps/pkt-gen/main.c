/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pkt-gen: send, receive, ask and answer through a netmap port.
 *
 *	options.c  the command line, with range.c for address ranges; help.c
 *	ports.c    opens the port, once per thread; link.c knows its interface
 *	main.c     starts the threads (cpus.c binds them), reports while they run, sums up
 *	tx.c rx.c ping.c  what a thread does, over ringio.c
 *	packet.c   the packets sent, fill.c how they get into a ring, pace.c when
 *	pcap.c sequence.c  files of packets; numbers in packets
 *	stats.c rtt.c      count and print
 *
 * Threads share nothing but the stop flag and, read only by the reporter, their
 * counters.  Signals reach the main thread alone, which waits for them and for
 * the next report in one place: INT and TERM ask the threads to stop, USR1 comes from a
 * thread that has ended.  Threads look at the flag at least every POLL_MS.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "cpus.h"
#include "link.h"
#include "ports.h"

atomic_int stop_requested;

static pthread_t main_thread;
static atomic_uint threads_ended;

int
complain(const char *fmt, ...)
{
	char line[640];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "pkt-gen: %s\n", line);
	return -1;
}

static void *
run(void *arg)
{
	static int (*const functions[])(struct worker *) = {
		[FUNCTION_TX] = tx_run,
		[FUNCTION_RX] = rx_run,
		[FUNCTION_PING] = ping_run,
		[FUNCTION_PONG] = pong_run,
		[FUNCTION_TXSEQ] = tx_run,
		[FUNCTION_RXSEQ] = rx_run,
	};
	struct worker *w = arg;

	w->failed = functions[w->o->function](w) != 0;
	atomic_fetch_add(&threads_ended, 1);
	pthread_kill(main_thread, SIGUSR1);
	return NULL;
}

/* Start the threads; returns how many run. */
static uint32_t
start_threads(struct worker *workers, const struct options *o)
{
	uint32_t i;

	for (i = 0; i < o->threads; i++) {
		int error = pthread_create(&workers[i].thread, NULL, run, &workers[i]);

		if (error != 0) {
			complain("cannot start a thread: %s", strerror(error));
			break;
		}
		error = cpus_bind(o, workers[i].thread, i);
		if (error != 0)
			complain("thread %u cannot be bound to its CPU: %s; going on unbound", i,
			    strerror(error));
		else if (o->verbose && o->first_cpu >= 0)
			printf("thread %u: CPU %d\n", i, cpus_of(o, i));
	}
	return i;
}

static struct totals
sum_up(struct worker *workers, uint32_t n)
{
	struct totals t = { 0 };
	uint32_t i;

	for (i = 0; i < n; i++)
		totals_add(&t, &workers[i].n);
	return t;
}

/* Report until every one of n threads has ended, asking them to stop when a signal says so. */
static void
report_loop(struct worker *workers, uint32_t n, const struct options *o, const sigset_t *signals,
	    struct report *report)
{
	uint64_t interval = (uint64_t)o->report_ms * 1000000u;
	uint64_t last = now_ns();
	struct totals before = { 0 };
	uint32_t i;

	if (n < o->threads)
		atomic_store(&stop_requested, 1);
	while (atomic_load(&threads_ended) < n) {
		uint64_t now = now_ns(), left = last + interval > now ? last + interval - now : 0;
		struct timespec ts = {
			.tv_sec = (time_t)(left / 1000000000u),
			.tv_nsec = (long)(left % 1000000000u),
		};
		int sig = sigtimedwait(signals, NULL, &ts);

		if (sig == SIGINT || sig == SIGTERM)
			atomic_store(&stop_requested, 1);
		now = now_ns();
		if (now >= last + interval) {
			struct totals after = sum_up(workers, n);

			report_interval(report, &before, &after, now - last);
			before = after;
			last = now;
		}
	}
	for (i = 0; i < n; i++)
		pthread_join(workers[i].thread, NULL);
}

static void
report_ping(const struct rtt *r, uint64_t asked)
{
	printf("Answered: %llu of %llu", (unsigned long long)r->count, (unsigned long long)asked);
	if (r->count > 0)
		printf("; round trip min/avg/median/99%%/max %.1f/%.1f/%.1f/%.1f/%.1f usec",
		    (double)r->min_ns / 1e3, (double)r->sum_ns / 1e3 / (double)r->count,
		    (double)rtt_percentile(r, 50) / 1e3, (double)rtt_percentile(r, 99) / 1e3,
		    (double)r->max_ns / 1e3);
	printf("\n");
	fflush(stdout);
}

/* The lines at the end; the exit code. */
static int
finish(struct worker *workers, uint32_t n, const struct options *o, const struct report *report)
{
	static const char *const verbs[] = {
		[FUNCTION_TX] = "Sent",
		[FUNCTION_RX] = "Received",
		[FUNCTION_PING] = "Sent",
		[FUNCTION_PONG] = "Returned",
		[FUNCTION_TXSEQ] = "Sent",
		[FUNCTION_RXSEQ] = "Received",
	};
	struct totals t = sum_up(workers, n);
	uint64_t first = UINT64_MAX, last = 0;
	int failed = n < o->threads;
	uint32_t i;

	for (i = 0; i < n; i++) {
		failed |= workers[i].failed;
		if (workers[i].first_ns != 0 && workers[i].first_ns < first)
			first = workers[i].first_ns;
		if (workers[i].last_ns > last)
			last = workers[i].last_ns;
	}
	report_end(report, verbs[o->function], &t, last > first ? last - first : 0);
	if (o->function == FUNCTION_RXSEQ)
		sequence_report(&workers[0].shared->sequence);
	if (o->function == FUNCTION_PING) {
		report_ping(&workers[0].rtt, t.packets);
		if (!failed && t.packets > 0 && workers[0].rtt.count == 0) {
			complain("%s: no answer; start the other side: pkt-gen -i PORT -f pong", o->port);
			failed = 1;
		}
	}
	return failed;
}

/* Everything between opening and closing the ports; the exit code. */
static int
work(struct worker *workers, const struct options *o)
{
	struct report report = {
		.plain = o->plain,
		.framing = o->framing,
		.average = o->average,
		.speed = link_speed(workers[0].d->hdr.nr_name),
	};
	char speed[32];
	sigset_t signals;
	uint32_t n;

	if (o->verbose && report.speed > 0)
		printf("%s: link of %sbps\n", o->port,
		    human(speed, sizeof(speed), (double)report.speed, o->plain));
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGUSR1);
	/* Blocked from here on: until now a signal ends the program at once, as it should. */
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	n = start_threads(workers, o);
	fflush(stdout);
	report_loop(workers, n, o, &signals, &report);
	return finish(workers, n, o, &report);
}

int
main(int argc, char **argv)
{
	static struct shared shared = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct options o;
	struct worker *workers;
	int ret = options_read(&o, argc, argv);

	if (ret != 0)
		return ret > 0 ? 0 : 2;
	if (cpus_check(&o) != 0)
		return 2;
	workers = calloc(o.threads, sizeof(*workers));
	if (workers == NULL) {
		complain("no memory for %u threads", o.threads);
		return 1;
	}
	main_thread = pthread_self();
	ret = ports_open(workers, &o, &shared) == 0 ? work(workers, &o) : 1;
	if (ports_close(workers, &o, &shared) != 0)
		ret = 1;
	free(workers);
	return ret;
}

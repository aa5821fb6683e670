/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pkt-gen: send, receive, ask and answer through a netmap port.
 *
 *	options.c  the command line, with range.c for address ranges
 *	ports.c    opens the port, once per thread; link.c knows its interface
 *	main.c     starts the threads, reports while they run, sums up
 *	tx.c rx.c ping.c  what a thread does, over ringio.c
 *	packet.c   the packets sent; stats.c, rtt.c count and print
 *
 * Threads share nothing but the stop flag and, read only by the reporter, their
 * counters.  Signals reach the main thread alone, which waits for them and for
 * the next report in one place: INT and TERM ask the threads to stop, USR1 comes from a
 * thread that has ended.  Threads look at the flag at least every POLL_MS.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__FreeBSD__)
#include <sys/param.h>
#include <sys/cpuset.h>
#include <pthread_np.h>
typedef cpuset_t cpu_set_t;
#endif

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
	};
	struct worker *w = arg;

	w->failed = functions[w->o->function](w) != 0;
	atomic_fetch_add(&threads_ended, 1);
	pthread_kill(main_thread, SIGUSR1);
	return NULL;
}

static int
bind_to_cpu(pthread_t thread, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return pthread_setaffinity_np(thread, sizeof(set), &set);
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
		if (o->cores > 0 && bind_to_cpu(workers[i].thread, (int)i % o->cores) != 0)
			complain("-c %d: CPU %d is not there for this process; going on unbound",
			    o->cores, (int)i % o->cores);
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
report_loop(struct worker *workers, uint32_t n, const struct options *o, const sigset_t *signals)
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

			report_interval(&before, &after, now - last);
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
finish(struct worker *workers, uint32_t n, const struct options *o)
{
	static const char *const verbs[] = {
		[FUNCTION_TX] = "Sent",
		[FUNCTION_RX] = "Received",
		[FUNCTION_PING] = "Sent",
		[FUNCTION_PONG] = "Returned",
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
	report_end(verbs[o->function], &t, last > first ? last - first : 0);
	if (o->function == FUNCTION_PING) {
		report_ping(&workers[0].rtt, t.packets);
		if (!failed && t.packets > 0 && workers[0].rtt.count == 0) {
			complain("%s: no answer; start the other side: pkt-gen -i PORT -f pong", o->port);
			failed = 1;
		}
	}
	return failed;
}

int
main(int argc, char **argv)
{
	struct options o;
	struct worker *workers;
	sigset_t signals;
	uint32_t n;
	int ret = options_read(&o, argc, argv);

	if (ret != 0)
		return ret > 0 ? 0 : 2;
	workers = calloc(o.threads, sizeof(*workers));
	if (workers == NULL) {
		complain("no memory for %u threads", o.threads);
		return 1;
	}
	main_thread = pthread_self();
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGUSR1);
	if (ports_open(workers, &o) != 0) {
		ports_close(workers, &o);
		free(workers);
		return 1;
	}
	/* Blocked from here on: until now a signal ends the program at once, as it should. */
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	n = start_threads(workers, &o);
	report_loop(workers, n, &o, &signals);
	ret = finish(workers, n, &o);
	ports_close(workers, &o);
	free(workers);
	return ret;
}

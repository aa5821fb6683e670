/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * killed PORT PORT ROUNDS: processes die from SIGKILL in the middle of traffic.
 * After each death the port can be opened again at once and traffic goes on; in the
 * end numbered frames pass without a loss.
 */
#include "guest.h"
#include "frame.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define PER_REPORT	2000	/* frames between two signs of life of the receiver */
#define PATIENCE_MS	30000

static void
send_for_ever(const char *name)
{
	struct netmap_ring *tx;
	struct gport p;
	uint32_t seq = 0;

	must_open(&p, name, NULL);
	tx = NETMAP_TXRING(p.nifp, 0);
	for (;;) {
		while (gport_space(tx) != 0)
			frame_put(tx, FRAME_MIN, 1, FRAME_BROADCAST, seq++);
		must_txsync(&p);
	}
}

static void
receive_for_ever(const char *name, int report)
{
	struct pollfd pfd = { .events = POLLIN };
	struct netmap_ring *rx;
	struct frame_info info;
	struct gport p;
	uint32_t got = 0;

	must_open(&p, name, NULL);
	rx = NETMAP_RXRING(p.nifp, 0);
	pfd.fd = p.fd;
	for (;;) {
		if (poll(&pfd, 1, -1) < 0)
			die(-errno, "poll");
		while (gport_space(rx) != 0) {
			if (!frame_take(rx, &info))
				die(0, "a frame came damaged");
			if (++got % PER_REPORT == 0 && write(report, "", 1) < 0 && errno != EAGAIN)
				die(-errno, "report");
		}
	}
}

static pid_t
start(const char *name, int report)
{
	pid_t child = fork();

	if (child != 0)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (report < 0)
		send_for_ever(name);
	else
		receive_for_ever(name, report);
	exit(1);
}

/* Two fresh reports: what was in the pipe before does not count. */
static void
await_traffic(int reports, const char *when)
{
	struct pollfd pfd = { .fd = reports, .events = POLLIN };
	char buf[4096];
	int i;

	while (poll(&pfd, 1, 0) > 0)
		if (read(reports, buf, sizeof(buf)) < 0)
			die(-errno, "reports");
	for (i = 0; i < 2; i++) {
		if (poll(&pfd, 1, PATIENCE_MS) != 1)
			die(0, "no traffic %s", when);
		if (read(reports, buf, 1) != 1)
			die(-errno, "reports");
	}
}

static void
kill_hard(pid_t child, const char *what)
{
	int status;

	if (kill(child, SIGKILL) != 0 || waitpid(child, &status, 0) != child)
		die(-errno, "kill the %s", what);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		die(0, "the %s had ended by itself", what);
}

int
cmd_killed(int argc, char **argv)
{
	uint32_t rounds = arg_number(argc, argv, 3, 5), i;
	int reports[2];
	pid_t sender, receiver;
	struct gport a, b;

	if (pipe(reports) != 0)
		die(-errno, "pipe");
	fcntl(reports[1], F_SETFL, O_NONBLOCK);
	receiver = start(argv[2], reports[1]);
	sender = start(argv[1], -1);
	await_traffic(reports[0], "at the start");
	for (i = 0; i < rounds; i++) {
		kill_hard(sender, "sender");
		sender = start(argv[1], -1);
		await_traffic(reports[0], "after the sender was killed");
		kill_hard(receiver, "receiver");
		receiver = start(argv[2], reports[1]);
		await_traffic(reports[0], "after the receiver was killed");
	}
	kill_hard(receiver, "receiver");
	kill_hard(sender, "sender");
	must_open(&a, argv[1], NULL);
	must_open(&b, argv[2], NULL);
	numbered_flow(&a, &b, 1, FRAME_BROADCAST, 5000, 256, FRAME_MIN);
	gport_close(&a);
	gport_close(&b);
	printf("result deaths=%u passed=5000\n", 2 * rounds + 2);
	return 0;
}

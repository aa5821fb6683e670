/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wake METHOD PORT PORT ROUNDS: a receiver sleeps in poll, epoll or select and each
 * frame wakes it.  In the first rounds the sender makes sure that it really sleeps;
 * in the others the frame races with the falling asleep, and none may be missed.
 * wake full PORT PORT: a sender that sleeps on a full pipe is woken when the reader reads.
 */
#include "guest.h"
#include "frame.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/select.h>

#define PATIENCE_MS	30000
#define SURELY_ASLEEP	20

typedef int wait_function(int fd, int epfd);

static int
wait_poll(int fd, int epfd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int rc = poll(&pfd, 1, PATIENCE_MS);

	(void)epfd;
	return rc == 1 && pfd.revents != POLLIN ? -1 : rc;
}

static int
wait_epoll(int fd, int epfd)
{
	struct epoll_event event;
	int rc = epoll_wait(epfd, &event, 1, PATIENCE_MS);

	return rc == 1 && (event.data.fd != fd || event.events != EPOLLIN) ? -1 : rc;
}

static int
wait_select(int fd, int epfd)
{
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	fd_set set;
	int rc;

	(void)epfd;
	FD_ZERO(&set);
	FD_SET(fd, &set);
	rc = select(fd + 1, &set, NULL, NULL, &patience);
	return rc == 1 && !FD_ISSET(fd, &set) ? -1 : rc;
}

static void
sleeper(const char *name, wait_function *wait, uint32_t rounds, int say)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epfd = epoll_create1(EPOLL_CLOEXEC), rc;
	struct netmap_ring *rx;
	struct frame_info info;
	struct gport p;
	uint32_t i;

	must_open(&p, name, NULL);
	rx = NETMAP_RXRING(p.nifp, 0);
	event.data.fd = p.fd;
	if (wait == wait_epoll && epoll_ctl(epfd, EPOLL_CTL_ADD, p.fd, &event) != 0)
		die(-errno, "epoll_ctl");
	for (i = 0; i < rounds; i++) {
		if (write(say, "", 1) != 1)
			die(-errno, "say ready");
		rc = wait(p.fd, epfd);
		if (rc == 0)
			die(0, "not woken by frame %u", i);
		if (rc != 1)
			die(-errno, "woken by something else before frame %u", i);
		if (gport_space(rx) == 0)
			must_rxsync(&p);
		if (gport_space(rx) != 1)
			die(0, "%u frames after the wake-up for frame %u", gport_space(rx), i);
		if (!frame_take(rx, &info) || info.seq != i)
			die(0, "woken for frame %u, got another", i);
	}
	exit(0);
}

static int
wake_receiver(wait_function *wait, const char *from, const char *to, uint32_t rounds)
{
	int ready[2];
	struct gport p;
	uint32_t i;
	pid_t child;
	char byte;

	if (pipe(ready) != 0)
		die(-errno, "pipe");
	must_open(&p, from, NULL);
	child = fork();
	if (child == 0) {
		gport_close(&p);
		close(ready[0]);
		sleeper(to, wait, rounds, ready[1]);
	}
	close(ready[1]);
	for (i = 0; i < rounds; i++) {
		if (read(ready[0], &byte, 1) != 1)
			break;		/* it has said why */
		if (i < SURELY_ASLEEP)
			await_sleep(child);
		frame_put(NETMAP_TXRING(p.nifp, 0), FRAME_MIN, 1, FRAME_BROADCAST, i);
		must_txsync(&p);
	}
	must_succeed(child, "sleeper");
	gport_close(&p);
	printf("result woken=%u\n", i);
	return 0;
}

static void
fill_and_sleep(const char *name)
{
	struct pollfd pfd = { .events = POLLOUT };
	struct netmap_ring *tx;
	struct gport p;
	uint32_t seq = 0;

	must_open(&p, name, NULL);
	tx = NETMAP_TXRING(p.nifp, 0);
	do {
		while (gport_space(tx) != 0)
			frame_put(tx, FRAME_MIN, 1, FRAME_BROADCAST, seq++);
		must_txsync(&p);
	} while (gport_space(tx) != 0);
	pfd.fd = p.fd;
	if (poll(&pfd, 1, PATIENCE_MS) != 1 || pfd.revents != POLLOUT)
		die(0, "the sender on a full pipe was not woken");
	if (gport_space(tx) == 0)
		die(0, "woken, but no slot is free");
	exit(0);
}

static int
wake_sender(const char *from, const char *to)
{
	struct netmap_ring *rx;
	struct frame_info info;
	struct gport p;
	uint32_t got = 0;
	pid_t child;

	must_open(&p, to, NULL);
	rx = NETMAP_RXRING(p.nifp, 0);
	child = fork();
	if (child == 0) {
		gport_close(&p);
		fill_and_sleep(from);
	}
	await_sleep(child);
	must_rxsync(&p);
	while (gport_space(rx) != 0) {
		if (!frame_take(rx, &info) || info.seq != got++)
			die(0, "frame %u of a full pipe is wrong", got);
	}
	must_rxsync(&p);	/* gives the slots back: this wakes the sender */
	must_succeed(child, "sender on the full pipe");
	gport_close(&p);
	printf("result woken=1 drained=%u\n", got);
	return 0;
}

int
cmd_wake(int argc, char **argv)
{
	uint32_t rounds = arg_number(argc, argv, 4, 500);

	if (strcmp(argv[1], "poll") == 0)
		return wake_receiver(wait_poll, argv[2], argv[3], rounds);
	if (strcmp(argv[1], "epoll") == 0)
		return wake_receiver(wait_epoll, argv[2], argv[3], rounds);
	if (strcmp(argv[1], "select") == 0)
		return wake_receiver(wait_select, argv[2], argv[3], rounds);
	if (strcmp(argv[1], "full") == 0)
		return wake_sender(argv[2], argv[3]);
	die(0, "no way to wait is called %s", argv[1]);
}

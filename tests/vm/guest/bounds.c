/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bounds PORT [REGION]: what mmap shows.  All of the region can be touched; nothing before
 * registration, nothing behind its end; a mapping outlives its file.
 */
#include "guest.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

static sigjmp_buf fault;

static void
on_fault(int sig)
{
	siglongjmp(fault, sig);
}

/* 0 when the byte could be read and, if asked, written back; else the signal it raised. */
static int
touch(char *at, int writing)
{
	volatile char *p = at;
	int sig = sigsetjmp(fault, 1);

	if (sig == 0) {
		char byte = *p;

		if (writing)
			*p = byte;
	}
	return sig;
}

static void
touch_all(char *mem, size_t size, int writing, const char *when)
{
	size_t page = sysconf(_SC_PAGESIZE), at;
	int sig;

	for (at = 0; at < size; at += page) {
		sig = touch(mem + at, writing);
		if (sig != 0)
			die(0, "%s: signal %d at %zu of %zu", when, sig, at, size);
	}
}

static void
before_registration(void)
{
	int fd = open(NETMAP_DEVICE_NAME, O_RDWR);
	void *mem = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (mem != MAP_FAILED && touch(mem, 0) == 0)
		die(0, "memory shows before registration");
	close(fd);
}

/* Returns 1 when the kernel refused the mapping, 0 when the pages faulted. */
static int
beyond(struct gport *p, size_t length, off_t offset, size_t first_bad, const char *what)
{
	char *mem = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd, offset);
	size_t at;

	if (mem == MAP_FAILED) {
		if (errno != EINVAL)
			die(-errno, "%s: the wrong error", what);
		return 1;
	}
	for (at = first_bad; at < length; at += 4096)
		if (touch(mem + at, 1) != SIGBUS)
			die(0, "%s: no SIGBUS at %zu", what, at);
	munmap(mem, length);
	return 0;
}

static void
in_child(struct gport *p)
{
	pid_t child = fork();

	if (child == 0) {
		touch_all(p->mem, p->memsize, 1, "in a child");
		exit(0);
	}
	must_succeed(child, "child with an inherited mapping");
}

int
cmd_bounds(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "vale5:m";
	struct nmreq_register ask = { .nr_mem_id = arg_number(argc, argv, 2, 0) };
	struct sigaction action = { .sa_handler = on_fault };
	struct gport p;
	int refused;

	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	before_registration();
	must_open(&p, name, &ask);
	touch_all(p.mem, p.memsize, 1, "the region");
	refused = beyond(&p, p.memsize + 4096, 0, p.memsize, "one page too long");
	refused += beyond(&p, p.memsize + (64 << 20), 0, p.memsize, "64 MB too long");
	refused += beyond(&p, 4096, p.memsize, 0, "just behind the end");
	refused += beyond(&p, 65536, (off_t)1 << 40, 0, "far behind the end");
	refused += beyond(&p, 8192, p.memsize - 4096, 4096, "across the end");
	in_child(&p);
	close(p.fd);
	touch_all(p.mem, p.memsize, 1, "after close");
	in_child(&p);
	p.fd = -1;
	printf("result memsize=%zu refused=%d\n", p.memsize, refused);
	gport_close(&p);
	return 0;
}

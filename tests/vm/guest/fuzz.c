/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz SECONDS SEED: processes that hand the device nonsense: requests with wild
 * fields, options, pointers and names, rings and slots overwritten, any ioctl number.  A process
 * that gets stuck is killed; that it can be killed is part of the test.  The kernel's log judges.
 */
#include "guest.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#define FILES		6
#define WORKERS		2
#define OPS_PER_LIFE	500
#define LIFE_MS		10000

struct file {
	int fd;
	char *mem;
	size_t size, offset;
};

static struct file files[FILES];
static uint64_t state;
static struct { _Atomic uint64_t ops, bound; } *counters;	/* of all processes */
static char *edge;	/* the byte behind a page that is followed by nothing */

static uint32_t
rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state >> 16;
}

#define PICK(table)	((table)[rnd() % (sizeof(table) / sizeof((table)[0]))])

static uint32_t
number(void)
{
	static const uint32_t some[] = { 0, 0, 0, 1, 1, 2, 3, 16, 17, 64, 255, 256, 1024, 4095, 4096,
		4097, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff };

	return rnd() % 8 == 0 ? rnd() : PICK(some);
}

/* Sizes of ports stay small enough that the guest's memory is not what gives up. */
static uint32_t
slots(void)
{
	static const uint32_t some[] = { 0, 0, 0, 0, 2, 3, 16, 64, 64, 100, 512, 1, 4097, 0xffffffff };

	return PICK(some);
}

static uint64_t
address(void *good)
{
	switch (rnd() % 12) {
	case 0:
		return 0;
	case 1:
		return 0xffff888000000000ull;
	case 2:
		return 0xffffffffffffff00ull;
	case 3:
		return (uintptr_t)edge - 8;
	case 4:
		return ((uint64_t)rnd() << 32) | rnd();
	default:
		return (uintptr_t)good;
	}
}

static void
name(char *at, size_t room)
{
	static const char *const some[] = { "vale1:x", "vale1:y", "p{1", "p}1", "vale2:x", "vale1:",
		"vale:", "vale", "valid", "lo", "", "vale1:x{1", "vale1:x}2", "p{1}1", "p{999999999999",
		"p{", "{1", "lo{5", "vale1:a:b", "nothing", "vale99999:x", "vale1:lo", "%s%n", "a/b" };
	size_t i;

	memset(at, 0, room);
	if (rnd() % 2 == 0) {
		snprintf(at, room, "%s", some[rnd() % 4]);
	} else if (rnd() % 10 == 0) {
		for (i = 0; i < room; i++)
			at[i] = rnd();
	} else if (rnd() % 20 == 0) {
		memset(at, 'v', room);
	} else {
		snprintf(at, room, "%s", PICK(some));
	}
}

static uint64_t
options(void)
{
	static uint64_t area[4][1024];
	struct nmreq_option *o, *next = NULL;
	uint32_t n = rnd() % 4, i, j;

	if (rnd() % 4)
		return 0;
	for (i = 0; i < n; i++) {
		for (j = 0; j < 16; j++)
			area[i][j] = rnd() % 3 ? number() : address(area);
		o = (struct nmreq_option *)area[i];
		o->nro_next = rnd() % 16 ? (uintptr_t)next : address(area[rnd() % 4]);
		o->nro_reqtype = rnd() % 16 ? rnd() % (NETMAP_REQ_OPT_MAX + 1) : number();
		o->nro_size = rnd() % 2 ? number() : 0;
		next = o;
	}
	return rnd() % 16 ? (uintptr_t)next : address(area);
}

static void
control(struct file *f)
{
	static const uint32_t modes[] = { 1, 1, 1, 1, 2, 3, 4, 8, 0, 5, 7, 9, 0xffff };
	static const uint16_t rings[] = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 16, 17, 65535 };
	static const uint32_t extra[] = { 0, 0, 0, 0, 0, 0, 1, 8, 300, 0x7fffffff };
	union {
		struct nmreq_register reg;
		uint32_t words[16];
	} body;
	struct nmreq_header hdr = { .nr_version = NETMAP_API };
	size_t i;
	int rc;

	for (i = 0; i < 16; i++)
		body.words[i] = number();
	hdr.nr_reqtype = rnd() % 16 ? rnd() % 17 : rnd();
	if (rnd() % 3 == 0)
		hdr.nr_reqtype = NETMAP_REQ_REGISTER;
	if (hdr.nr_reqtype == NETMAP_REQ_REGISTER || hdr.nr_reqtype == NETMAP_REQ_PORT_INFO_GET) {
		int sane = rnd() % 2;

		body.reg.nr_tx_slots = slots();
		body.reg.nr_rx_slots = slots();
		body.reg.nr_tx_rings = PICK(rings);
		body.reg.nr_rx_rings = PICK(rings);
		body.reg.nr_host_tx_rings = sane ? 0 : PICK(rings);
		body.reg.nr_host_rx_rings = sane ? 0 : PICK(rings);
		body.reg.nr_mem_id = sane ? 0 : number();
		body.reg.nr_ringid = sane ? 0 : number();
		body.reg.nr_mode = sane ? NR_REG_ALL_NIC : PICK(modes);
		body.reg.nr_extra_bufs = PICK(extra);
		body.reg.nr_flags = sane ? 0 : (uint64_t)rnd() & 0x3ff00;
	}
	if (rnd() % 32 == 0)
		hdr.nr_version = number();
	if (rnd() % 32 == 0)
		hdr.nr_reserved = number();
	name(hdr.nr_name, sizeof(hdr.nr_name));
	hdr.nr_body = address(&body);
	hdr.nr_options = options();
	rc = ioctl(f->fd, NIOCCTRL, rnd() % 32 ? (void *)&hdr : (void *)(uintptr_t)address(&hdr));
	if (rc == 0 && hdr.nr_reqtype == NETMAP_REQ_REGISTER && hdr.nr_body == (uintptr_t)&body &&
	    f->mem == NULL) {
		void *mem = mmap(NULL, body.reg.nr_memsize, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);

		if (mem != MAP_FAILED) {
			f->mem = mem;
			f->size = body.reg.nr_memsize;
			f->offset = body.reg.nr_offset;
			counters->bound++;
		}
	}
}

static void
legacy(struct file *f)
{
	static const unsigned long codes[] = { NIOCGINFO, NIOCREGIF, NIOCREGIF };
	union {
		struct nmreq req;
		uint32_t words[15];
	} u;
	size_t i;

	for (i = 0; i < 15; i++)
		u.words[i] = number();
	u.req.nr_version = rnd() % 8 ? NETMAP_API : number();
	u.req.nr_tx_slots = slots();
	u.req.nr_rx_slots = slots();
	u.req.nr_tx_rings = rnd() % 3;
	u.req.nr_rx_rings = rnd() % 3;
	u.req.nr_arg3 = rnd() % 4 ? 0 : rnd() % 500;
	u.req.nr_cmd = rnd() % 4 ? 0 : rnd() % 16;
	name(u.req.nr_name, sizeof(u.req.nr_name));
	(void)!ioctl(f->fd, PICK(codes), rnd() % 32 ? (void *)&u : (void *)(uintptr_t)address(&u));
}

/* Overwrite what the two sides share, wherever the region says that rings are. */
static void
scribble(struct file *f)
{
	struct netmap_if *nifp = NETMAP_IF(f->mem, f->offset);
	uint32_t rings = nifp->ni_tx_rings + nifp->ni_rx_rings + nifp->ni_host_tx_rings +
	    nifp->ni_host_rx_rings;
	struct netmap_ring *ring;
	size_t at;
	uint32_t i, k;

	if (rnd() % 64 == 0) {
		nifp->ni_bufs_head = number();
		return;
	}
	if (rings == 0 || rings > 64)
		return;
	at = f->offset + nifp->ring_ofs[rnd() % rings];
	if (at == f->offset || at > f->size - sizeof(*ring))
		return;
	ring = (struct netmap_ring *)(f->mem + at);
	for (k = 0; k < 32; k++) {
		struct netmap_slot *slot;

		i = rnd() % 1024;
		slot = &ring->slot[i];
		if ((char *)(slot + 1) > f->mem + f->size)
			continue;
		if (rnd() % 4 == 0)
			slot->buf_idx = rnd() % 2 ? number() : rnd() % 4096;
		slot->len = rnd() % 4 ? rnd() % 2049 : number();
		slot->flags = rnd() % 2 ? 0 : number();
		slot->ptr = address(files);
	}
	if (rnd() % 16 == 0) {
		uint32_t *words = (uint32_t *)ring;

		words[rnd() % 16] = number();	/* the const fields too */
	}
	ring->head = rnd() % 4 ? ring->tail : number();
	ring->cur = rnd() % 4 ? ring->head : number();
	ring->flags = rnd() % 4 ? 0 : number();
}

static void
drop(struct file *f)
{
	if (f->mem != NULL && rnd() % 2) {
		munmap(f->mem, f->size);
		f->mem = NULL;
	}
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	if (f->mem != NULL)	/* unmapped after its file is gone */
		munmap(f->mem, f->size);
	f->mem = NULL;
}

static void
life(uint64_t seed)
{
	struct pollfd pfd;
	char byte[64];
	int i;

	state = seed * 0x9e3779b97f4a7c15ull + 1;
	edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(edge + 4096, 4096);
	edge += 4096;
	for (i = 0; i < FILES; i++)
		files[i].fd = -1;
	for (i = 0; i < OPS_PER_LIFE; i++) {
		struct file *f = &files[rnd() % FILES];

		counters->ops++;
		if (f->fd < 0) {
			f->fd = open(NETMAP_DEVICE_NAME, O_RDWR | O_NONBLOCK);
			continue;
		}
		switch (rnd() % 16) {
		case 0:
			drop(f);
			break;
		case 1: case 2: case 3: case 4:
			control(f);
			break;
		case 5:
			legacy(f);
			break;
		case 6: case 7: case 8:
			if (f->mem != NULL)
				scribble(f);
			(void)!ioctl(f->fd, rnd() % 2 ? NIOCTXSYNC : NIOCRXSYNC, NULL);
			break;
		case 9: case 10: case 11:
			if (f->mem != NULL)
				scribble(f);
			pfd.fd = f->fd;
			pfd.events = rnd();
			(void)poll(&pfd, 1, 0);
			break;
		case 12:
			(void)!ioctl(f->fd, rnd() % 2 ? rnd() : (NIOCCTRL & ~0xfful) + rnd() % 256,
			    address(byte));
			break;
		case 13: {
			void *mem = mmap(NULL, 1 + rnd() % (16 << 20), PROT_READ, MAP_SHARED, f->fd,
			    (off_t)(number() & 0xfffff) * 4096);

			if (mem != MAP_FAILED)
				munmap(mem, 4096);	/* the rest goes with the process */
			break;
		}
		case 14:
			(void)!read(f->fd, byte, sizeof(byte));
			(void)!write(f->fd, byte, sizeof(byte));
			(void)lseek(f->fd, rnd(), SEEK_SET);
			break;
		default:
			if (rnd() % 8 == 0 && fork() == 0)
				_exit(0);	/* a second holder of files and mappings, for a moment */
			while (waitpid(-1, NULL, WNOHANG) > 0)
				;
			break;
		}
	}
	_exit(0);
}

static long
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int
cmd_fuzz(int argc, char **argv)
{
	long end = now_ms() + 1000l * arg_number(argc, argv, 1, 10);
	uint64_t seed = (uint64_t)arg_number(argc, argv, 2, 1) << 20;
	unsigned lives = 0, killed = 0, crashed = 0, i;
	struct { pid_t pid; long born; } worker[WORKERS] = { 0 };
	int status, busy = 1;

	counters = mmap(NULL, sizeof(*counters), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	while (busy) {
		busy = 0;
		for (i = 0; i < WORKERS; i++) {
			if (worker[i].pid == 0 && now_ms() < end) {
				worker[i].born = now_ms();
				worker[i].pid = fork();
				if (worker[i].pid == 0)
					life(seed + lives);
				lives++;
			}
			if (worker[i].pid == 0)
				continue;
			busy = 1;
			if (now_ms() - worker[i].born > LIFE_MS) {
				kill(worker[i].pid, SIGKILL);
				killed++;
				if (waitpid(worker[i].pid, &status, 0) == worker[i].pid)
					worker[i].pid = 0;
			} else if (waitpid(worker[i].pid, &status, WNOHANG) == worker[i].pid) {
				crashed += WIFSIGNALED(status);
				worker[i].pid = 0;
			}
		}
		usleep(1000);
	}
	printf("result lives=%u killed=%u crashed=%u ops=%llu bound=%llu first_seed=%llu\n", lives,
	    killed, crashed, (unsigned long long)counters->ops, (unsigned long long)counters->bound,
	    (unsigned long long)seed);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pretended /dev/netmap, for programs and the library where there is no kernel
 * module: linked into a test, or preloaded under a program.  It takes the place of open,
 * ioctl and poll.  What a port does follows from the last word of its name:
 *
 *	sink    takes everything, receives nothing
 *	source  receives without end: frames of 100 bytes, each tenth made of two slots
 *	loop    receives what it sends
 *	pong    as loop, with pkt-gen's requests turned into answers
 *	stuck   never takes anything off its tx rings
 *	gone    poll gives POLLERR, a sync EIO
 *	busy    cannot be registered (EBUSY)
 *	absent  is not there (ENXIO)
 *
 * FAKE_NETMAP_ERRNO in the environment makes open() itself fail with that number.
 * A region is a memory file, which replaces the opened file at REGISTER, so that
 * mmap() needs no pretence.  All ports of one name share one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <net/netmap.h>

#define MAX_PORTS	32
#define MAX_FILES	256
#define MAX_RINGS	16
#define BUF_SIZE	2048u
#define IF_BYTES	1024u
#define SET(type, lvalue, value)	(*(type *)(uintptr_t)&(lvalue) = (value))

struct port {
	char name[NETMAP_REQ_IFNAMSIZ];
	uint32_t tx_rings, rx_rings, tx_slots, rx_slots;
	int memfd;
	char *mem;
	size_t size;
	uint64_t offset_mask;
};

struct file {
	int is_netmap;
	struct port *port;	/* NULL before REGISTER */
	struct nmreq_register reg;
};

static struct port ports[MAX_PORTS];
static struct file files[MAX_FILES];
static uint32_t n_files;	/* registered so far: each has a netmap_if of its own */

static int
is(const struct port *p, const char *word)
{
	size_t n = strlen(p->name), m = strlen(word);

	return n >= m && strcmp(p->name + n - m, word) == 0;
}

/* The region: interfaces, rings, buffers. */
static size_t
ring_bytes(uint32_t slots)
{
	return (sizeof(struct netmap_ring) + slots * sizeof(struct netmap_slot) + 255) & ~255ul;
}

/* Ring number i of a port: tx, host tx, rx, host rx. */
static struct netmap_ring *
ring_at(const struct port *p, uint32_t i)
{
	size_t tx = ring_bytes(p->tx_slots), rx = ring_bytes(p->rx_slots);
	size_t ofs = MAX_FILES * IF_BYTES;

	ofs += i <= p->tx_rings + 1 ? i * tx : (p->tx_rings + 1) * tx + (i - p->tx_rings - 1) * rx;
	return (struct netmap_ring *)(void *)(p->mem + ofs);
}

static void
make_region(struct port *p, uint64_t initial_offset)
{
	uint32_t rings = p->tx_rings + p->rx_rings + 2, i, k, buf = 2;
	size_t bufs_at, bufs = 2;

	bufs_at = MAX_FILES * IF_BYTES + (p->tx_rings + 1) * ring_bytes(p->tx_slots) +
	    (p->rx_rings + 1) * ring_bytes(p->rx_slots);
	bufs += (p->tx_rings + 1) * p->tx_slots + (p->rx_rings + 1) * p->rx_slots;
	p->size = bufs_at + bufs * BUF_SIZE;
	p->memfd = memfd_create("region", 0);
	if (p->memfd < 0 || ftruncate(p->memfd, (off_t)p->size) != 0)
		abort();
	p->mem = mmap(NULL, p->size, PROT_READ | PROT_WRITE, MAP_SHARED, p->memfd, 0);
	if (p->mem == MAP_FAILED)
		abort();
	for (i = 0; i < rings; i++) {
		struct netmap_ring *r = ring_at(p, i);
		int tx = i <= p->tx_rings;

		SET(int64_t, r->buf_ofs, p->mem + bufs_at - (char *)r);
		SET(uint32_t, r->num_slots, tx ? p->tx_slots : p->rx_slots);
		SET(uint32_t, r->nr_buf_size, BUF_SIZE);
		SET(uint16_t, r->dir, (uint16_t)tx);
		SET(uint64_t, r->offset_mask, p->offset_mask);
		for (k = 0; k < r->num_slots; k++) {
			r->slot[k].buf_idx = buf++;
			r->slot[k].ptr = initial_offset;
		}
		r->tail = tx ? r->num_slots - 1 : 0;
	}
}

static struct port *
find_port(const char *name)
{
	struct port *p;

	for (p = ports; p < ports + MAX_PORTS && p->name[0] != '\0'; p++) {
		if (strcmp(p->name, name) == 0)
			return p;
	}
	return p < ports + MAX_PORTS ? p : NULL;
}

static uint16_t
id_of(const struct port *p)
{
	return (uint16_t)(2 + (p - ports));
}

/* Options as the kernel does them: EXTMEM and OFFSETS are known, others refused. */
static int
take_options(struct nmreq_header *hdr, struct nmreq_opt_offsets **offsets)
{
	struct nmreq_option *o = (struct nmreq_option *)(uintptr_t)hdr->nr_options;
	int error = 0;

	for (; o != NULL; o = (struct nmreq_option *)(uintptr_t)o->nro_next) {
		o->nro_status = 0;
		if (o->nro_reqtype == NETMAP_REQ_OPT_OFFSETS)
			*offsets = (struct nmreq_opt_offsets *)o;
		else if (o->nro_reqtype != NETMAP_REQ_OPT_EXTMEM)
			error = (int)(o->nro_status = EOPNOTSUPP);
	}
	return error;
}

static uint32_t
or_default(uint32_t wanted, uint32_t value)
{
	return wanted != 0 ? wanted : value;
}

static void
setup_if(struct file *f, uint32_t index)
{
	struct port *p = f->port;
	struct netmap_if *nifp = (struct netmap_if *)(void *)(p->mem + index * IF_BYTES);
	uint32_t i, rings = p->tx_rings + p->rx_rings + 2;

	snprintf(nifp->ni_name, sizeof(nifp->ni_name), "%.15s", p->name);
	SET(uint32_t, nifp->ni_version, NETMAP_API);
	SET(uint32_t, nifp->ni_tx_rings, p->tx_rings);
	SET(uint32_t, nifp->ni_rx_rings, p->rx_rings);
	SET(uint32_t, nifp->ni_host_tx_rings, 1);
	SET(uint32_t, nifp->ni_host_rx_rings, 1);
	for (i = 0; i < rings; i++)
		SET(ssize_t, nifp->ring_ofs[i], (char *)ring_at(p, i) - (char *)nifp);
}

static int
do_register(int fd, struct nmreq_header *hdr)
{
	struct nmreq_register *reg = (struct nmreq_register *)(uintptr_t)hdr->nr_body;
	struct nmreq_opt_offsets *offsets = NULL;
	struct port *p = find_port(hdr->nr_name);
	struct file *f = &files[fd];
	int error = take_options(hdr, &offsets);

	if (hdr->nr_version != NETMAP_API || p == NULL || reg == NULL)
		return EINVAL;
	if (error != 0)
		return error;
	if (p->name[0] == '\0') {
		snprintf(p->name, sizeof(p->name), "%s", hdr->nr_name);
		p->tx_rings = or_default(reg->nr_tx_rings, 1);
		p->rx_rings = or_default(reg->nr_rx_rings, 1);
		p->tx_slots = or_default(reg->nr_tx_slots, 64);
		p->rx_slots = or_default(reg->nr_rx_slots, 64);
		if (p->tx_rings > MAX_RINGS || p->rx_rings > MAX_RINGS)
			return EINVAL;
		if (offsets != NULL)
			p->offset_mask = 0xffff;
	}
	if (is(p, "busy"))
		return EBUSY;
	if (is(p, "absent"))
		return ENXIO;
	if (reg->nr_mem_id != 0 && reg->nr_mem_id != id_of(p))
		return EINVAL;
	if (p->mem == NULL)
		make_region(p, offsets != NULL ? offsets->nro_initial_offset : 0);
	f->port = p;
	f->reg = *reg;
	setup_if(f, n_files);
	reg->nr_offset = n_files++ * IF_BYTES;
	reg->nr_memsize = p->size;
	reg->nr_tx_rings = (uint16_t)p->tx_rings;
	reg->nr_rx_rings = (uint16_t)p->rx_rings;
	reg->nr_tx_slots = p->tx_slots;
	reg->nr_rx_slots = p->rx_slots;
	reg->nr_host_tx_rings = reg->nr_host_rx_rings = 1;
	reg->nr_mem_id = id_of(p);
	if (dup2(p->memfd, fd) < 0)
		abort();
	return 0;
}

static int
do_port_info(struct nmreq_header *hdr)
{
	struct nmreq_port_info_get *info = (struct nmreq_port_info_get *)(uintptr_t)hdr->nr_body;
	struct port *p = find_port(hdr->nr_name);

	if (p == NULL || p->mem == NULL)
		return ENXIO;
	info->nr_mem_id = id_of(p);
	info->nr_memsize = p->size;
	return 0;
}

static char *
buffer(struct netmap_ring *r, uint32_t i)
{
	return (char *)r + r->buf_ofs + (size_t)r->slot[i].buf_idx * BUF_SIZE +
	    (r->slot[i].ptr & r->offset_mask);
}

static uint32_t
next(const struct netmap_ring *r, uint32_t i)
{
	return i + 1 == r->num_slots ? 0 : i + 1;
}

/* Receive one slot if there is room. */
static void
receive(struct netmap_ring *r, const char *bytes, uint16_t len, uint16_t flags)
{
	if (next(r, r->tail) == r->head)
		return;
	memcpy(buffer(r, r->tail), bytes, len);
	r->slot[r->tail].len = len;
	r->slot[r->tail].flags = flags;
	r->tail = next(r, r->tail);
}

/* Where the kernel stands in a tx ring: one behind tail, since it gives back at once. */
static void
tx_ring(struct port *p, uint32_t i)
{
	struct netmap_ring *r = ring_at(p, i), *rx = ring_at(p, p->tx_rings + 1 + i % p->rx_rings);
	uint32_t at = next(r, r->tail);

	if (is(p, "stuck"))
		return;
	for (; at != r->head; at = next(r, at)) {
		char *bytes = buffer(r, at);

		if (is(p, "pong") && r->slot[at].len >= 54)
			bytes[49] = 2;		/* a request becomes an answer */
		if (is(p, "pong") || is(p, "loop"))
			receive(rx, bytes, r->slot[at].len, r->slot[at].flags & NS_MOREFRAG);
		r->tail = at;
	}
}

static void
rx_ring(struct port *p, uint32_t i)
{
	static const char frame[100] = "\xff\xff\xff\xff\xff\xff";
	struct netmap_ring *r = ring_at(p, p->tx_rings + 1 + i);
	uint32_t n;

	for (n = 0; is(p, "source") && n + 2 < r->num_slots; n++) {
		uint32_t used = (r->tail + r->num_slots - r->head) % r->num_slots;

		if (used + 3 > r->num_slots)
			break;
		if (n % 10 == 9) {
			receive(r, frame, 60, NS_MOREFRAG);
			receive(r, frame, 40, 0);
		} else {
			receive(r, frame, 100, 0);
		}
	}
}

/* Call f for the NIC rings of one direction that the file has bound. */
static void
for_bound(struct file *f, uint32_t rings, void (*sync)(struct port *, uint32_t))
{
	uint32_t i;

	for (i = 0; i < rings; i++) {
		if (f->reg.nr_mode != NR_REG_ONE_NIC || f->reg.nr_ringid == i)
			sync(f->port, i);
	}
}

static struct file *
file_of(int fd)
{
	return fd >= 0 && fd < MAX_FILES && files[fd].is_netmap ? &files[fd] : NULL;
}

int
open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode = 0;
	int fd;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (strcmp(path, "/dev/netmap") != 0)
		return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	if (getenv("FAKE_NETMAP_ERRNO") != NULL) {
		errno = atoi(getenv("FAKE_NETMAP_ERRNO"));
		return -1;
	}
	fd = memfd_create("unbound", 0);
	if (fd >= MAX_FILES)
		abort();
	memset(&files[fd], 0, sizeof(files[fd]));
	files[fd].is_netmap = 1;
	return fd;
}

int
ioctl(int fd, unsigned long request, ...)
{
	struct file *f = file_of(fd);
	struct nmreq_header *hdr;
	int error = 0;
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (f == NULL)
		return (int)syscall(SYS_ioctl, fd, request, arg);
	hdr = arg;
	if (request == NIOCCTRL && hdr->nr_reqtype == NETMAP_REQ_REGISTER)
		error = f->port != NULL ? EBUSY : do_register(fd, hdr);
	else if (request == NIOCCTRL && hdr->nr_reqtype == NETMAP_REQ_PORT_INFO_GET)
		error = do_port_info(hdr);
	else if (request == NIOCCTRL)
		error = EINVAL;
	else if (f->port == NULL)
		error = ENXIO;
	else if (is(f->port, "gone"))
		error = EIO;
	else if (request == NIOCTXSYNC)
		for_bound(f, f->port->tx_rings, tx_ring);
	else
		for_bound(f, f->port->rx_rings, rx_ring);
	errno = error;
	return error != 0 ? -1 : 0;
}

/* Under another name in C, because libc's declaration of poll says that it only writes to fds. */
int fake_poll(struct pollfd *fds, nfds_t n, int timeout) __asm__("poll");

int
fake_poll(struct pollfd *fds, nfds_t n, int timeout)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	struct file *f = n == 1 ? file_of(fds->fd) : NULL;
	uint32_t i;

	if (f == NULL || f->port == NULL)
		return (int)syscall(SYS_poll, fds, n, timeout);
	fds->revents = 0;
	if (is(f->port, "gone")) {
		fds->revents = POLLERR;
		return 1;
	}
	for_bound(f, f->port->tx_rings, tx_ring);
	for_bound(f, f->port->rx_rings, rx_ring);
	for (i = 0; i < f->port->tx_rings + f->port->rx_rings + 1; i++) {
		const struct netmap_ring *r = ring_at(f->port, i);

		if (i != f->port->tx_rings && r->cur != r->tail)
			fds->revents |= fds->events & (r->dir ? POLLOUT : POLLIN);
	}
	if (fds->revents == 0)
		nanosleep(&pause, NULL);
	return fds->revents != 0;
}

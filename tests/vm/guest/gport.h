/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port as the guest programs use it: plain system calls on /dev/netmap, no
 * library in between.  Functions that can fail return 0 or a negative errno.
 */
#ifndef GPORT_H
#define GPORT_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <net/netmap.h>
#include <net/netmap_user.h>

struct gport {
	int fd;
	char *mem;
	size_t memsize;
	struct netmap_if *nifp;
	struct nmreq_register reg;
};

/* One NIOCCTRL request without options. */
static inline int
gport_request(int fd, uint16_t type, const char *name, void *body)
{
	struct nmreq_header hdr = {
		.nr_version = NETMAP_API,
		.nr_reqtype = type,
		.nr_body = (uintptr_t)body,
	};

	snprintf(hdr.nr_name, sizeof(hdr.nr_name), "%s", name);
	return ioctl(fd, NIOCCTRL, &hdr) == 0 ? 0 : -errno;
}

/* Map the region of a bound file and find the port's netmap_if. */
static inline int
gport_map(struct gport *p, size_t memsize, size_t offset)
{
	void *mem = mmap(NULL, memsize, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd, 0);

	if (mem == MAP_FAILED)
		return -errno;
	p->mem = mem;
	p->memsize = memsize;
	p->nifp = NETMAP_IF(p->mem, offset);
	return 0;
}

static inline void
gport_close(struct gport *p)
{
	if (p->mem != NULL)
		munmap(p->mem, p->memsize);
	if (p->fd >= 0)
		close(p->fd);
	p->mem = NULL;
	p->nifp = NULL;
	p->fd = -1;
}

/* Open the device and bind all NIC rings, or what `ask` says; nothing stays open on failure. */
static inline int
gport_open(struct gport *p, const char *name, const struct nmreq_register *ask)
{
	int rc;

	memset(p, 0, sizeof(*p));
	p->fd = open(NETMAP_DEVICE_NAME, O_RDWR | O_CLOEXEC);
	if (p->fd < 0)
		return -errno;
	if (ask != NULL)
		p->reg = *ask;
	if (p->reg.nr_mode == 0)
		p->reg.nr_mode = NR_REG_ALL_NIC;
	rc = gport_request(p->fd, NETMAP_REQ_REGISTER, name, &p->reg);
	if (rc == 0)
		rc = gport_map(p, p->reg.nr_memsize, p->reg.nr_offset);
	if (rc != 0)
		gport_close(p);
	return rc;
}

/* Send what lies before head; take in what has come. */
static inline int
gport_txsync(struct gport *p)
{
	return ioctl(p->fd, NIOCTXSYNC, NULL) == 0 ? 0 : -errno;
}

static inline int
gport_rxsync(struct gport *p)
{
	return ioctl(p->fd, NIOCRXSYNC, NULL) == 0 ? 0 : -errno;
}

/* Slots between head and tail: free ones of a tx ring, packets of an rx ring. */
static inline uint32_t
gport_space(const struct netmap_ring *ring)
{
	uint32_t tail = *(const volatile uint32_t *)&ring->tail;

	return tail >= ring->head ? tail - ring->head : tail + ring->num_slots - ring->head;
}

#endif /* GPORT_H */

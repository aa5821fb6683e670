/* SPDX-License-Identifier: BSD-2-Clause */
/* legacy: the ioctls of older programs, NIOCGINFO and NIOCREGIF, on switch ports and pipes. */
#include "guest.h"
#include "frame.h"

#include <stdlib.h>

static int
legacy_ioctl(int fd, unsigned long code, const char *name, struct nmreq *req)
{
	memset(req->nr_name, 0, sizeof(req->nr_name));
	strncpy(req->nr_name, name, sizeof(req->nr_name) - 1);
	return ioctl(fd, code, req) == 0 ? 0 : -errno;
}

static int
open_device(void)
{
	int fd = open(NETMAP_DEVICE_NAME, O_RDWR);

	if (fd < 0)
		die(-errno, "open /dev/netmap");
	return fd;
}

static void
legacy_open(struct gport *p, const char *name, struct nmreq *req)
{
	int rc;

	memset(p, 0, sizeof(*p));
	p->fd = open_device();
	req->nr_version = NETMAP_API;
	rc = legacy_ioctl(p->fd, NIOCREGIF, name, req);
	if (rc != 0)
		die(rc, "NIOCREGIF %s", name);
	if (req->nr_memsize <= req->nr_offset)
		die(0, "%s: offset %u in %u bytes", name, req->nr_offset, req->nr_memsize);
	rc = gport_map(p, req->nr_memsize, req->nr_offset);
	if (rc != 0)
		die(rc, "mmap of %s", name);
}

static void
expect(int rc, int wanted, const char *what)
{
	if (rc != wanted)
		die(rc, "%s: got %d, not %d", what, rc, wanted);
}

static void
check_versions(void)
{
	int fd = open_device();
	struct nmreq req;
	uint32_t version;

	for (version = 0; version < NETMAP_MIN_API; version++) {
		memset(&req, 0, sizeof(req));
		req.nr_version = version;
		expect(legacy_ioctl(fd, NIOCGINFO, "", &req), -EINVAL, "NIOCGINFO, old version");
		memset(&req, 0, sizeof(req));
		req.nr_version = version;
		expect(legacy_ioctl(fd, NIOCREGIF, "vale6:v", &req), -EINVAL, "NIOCREGIF, old version");
	}
	for (version = NETMAP_MIN_API; version < NETMAP_MIN_API + 6; version++) {
		memset(&req, 0, sizeof(req));
		req.nr_version = version;
		expect(legacy_ioctl(fd, NIOCGINFO, "vale6:v", &req), 0, "NIOCGINFO");
		if (req.nr_tx_rings == 0 || req.nr_tx_slots == 0 || req.nr_memsize == 0)
			die(0, "NIOCGINFO: rings %u slots %u memory %u", req.nr_tx_rings,
			    req.nr_tx_slots, req.nr_memsize);
	}
	close(fd);
}

static void
check_refusals(void)
{
	struct nmreq req = { .nr_version = NETMAP_API, .nr_flags = NR_REG_ALL_NIC };
	int fd = open_device();

	expect(legacy_ioctl(fd, NIOCREGIF, "nothere", &req), -ENXIO, "a port that is not there");
	req.nr_cmd = 77;
	expect(legacy_ioctl(fd, NIOCREGIF, "vale6:c", &req), -EINVAL, "an unknown nr_cmd");
	req.nr_cmd = 0;
	expect(legacy_ioctl(fd, NIOCREGIF, "vale6:c", &req), 0, "register");
	req.nr_version = NETMAP_API;
	expect(legacy_ioctl(fd, NIOCREGIF, "vale6:d", &req), -EBUSY, "register a second time");
	expect(ioctl(fd, NIOCREGIF, NULL) == 0 ? 0 : -errno, -EFAULT, "a null pointer");
	close(fd);
}

/* Both ends take each other's frames; the first frames also teach a switch the addresses. */
static uint32_t
exchange(struct gport *a, struct gport *b)
{
	numbered_flow(a, b, 1, FRAME_BROADCAST, 1000, 200, FRAME_MIN);
	numbered_flow(b, a, 2, 1, 1000, 200, FRAME_MIN);
	numbered_flow(a, b, 1, 2, 1000, 200, 700);
	gport_close(a);
	gport_close(b);
	return 3000;
}

int
cmd_legacy(int argc, char **argv)
{
	struct nmreq ra = { .nr_flags = NR_REG_ALL_NIC }, rb = { 0 };
	struct gport a, b;
	uint32_t passed;

	(void)argc;
	(void)argv;
	check_versions();
	check_refusals();
	legacy_open(&a, "vale6:a", &ra);
	legacy_open(&b, "vale6:b", &rb);	/* NR_REG_DEFAULT: all rings, as very old programs ask */
	passed = exchange(&a, &b);

	memset(&ra, 0, sizeof(ra));
	memset(&rb, 0, sizeof(rb));
	ra.nr_flags = NR_REG_PIPE_MASTER;
	rb.nr_flags = NR_REG_PIPE_SLAVE;
	ra.nr_ringid = rb.nr_ringid = 3;
	legacy_open(&a, "oldpipe", &ra);
	legacy_open(&b, "oldpipe", &rb);
	passed += exchange(&a, &b);
	printf("result passed=%u\n", passed);
	return 0;
}

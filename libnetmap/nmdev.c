/* SPDX-License-Identifier: BSD-2-Clause */
/* The device node, and questions that need no port of one's own. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

int
nm_dev_open(struct nmctx *ctx)
{
	int fd = open(NETMAP_DEVICE_NAME, O_RDWR | O_CLOEXEC);
	int error = errno;
	const char *hint = "";

	if (fd >= 0)
		return fd;
	if (error == ENOENT || error == ENXIO || error == ENODEV)
#if defined(__FreeBSD__)
		hint = "; load the module: kldload netmap";
#else
		hint = "; load the module: modprobe netmap";
#endif
	else if (error == EACCES || error == EPERM)
		hint = "; run as root or join the group that owns it";
	nmctx_ferror(ctx, "cannot open %s: %s%s", NETMAP_DEVICE_NAME, strerror(error), hint);
	errno = error;
	return -1;
}

int32_t
nmreq_get_mem_id(const char **portname, struct nmctx *ctx)
{
	struct nmreq_port_info_get info;
	struct nmreq_header hdr;
	const char *rest = *portname;
	int fd, error;

	memset(&info, 0, sizeof(info));
	nmreq_header_init(&hdr, NETMAP_REQ_PORT_INFO_GET, &info);
	if (nmreq_header_decode(&rest, &hdr, ctx) != 0)
		return -1;
	fd = nm_dev_open(ctx);
	if (fd < 0)
		return -1;
	error = ioctl(fd, NIOCCTRL, &hdr) != 0 ? errno : 0;
	close(fd);
	if (error != 0) {
		nmctx_ferror(ctx, "%s: cannot learn the memory region of this port: %s",
		    hdr.nr_name, strerror(error));
		errno = error;
		return -1;
	}
	/* The kernel describes a port that nobody has open, too; its region is none yet. */
	if (info.nr_mem_id == 0) {
		nmctx_ferror(ctx, "%s: this port is not open, so there is no memory region to share",
		    hdr.nr_name);
		errno = ENXIO;
		return -1;
	}
	*portname = rest;
	return info.nr_mem_id;
}

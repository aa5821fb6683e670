/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to the kernel, and its refusals in words. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "kernel.h"

int
kernel_open(struct kernel *k)
{
	const char *hint = "";

	k->fd = open(NETMAP_DEVICE_NAME, O_RDWR | O_CLOEXEC);
	if (k->fd >= 0)
		return 0;
	if (errno == ENOENT || errno == ENXIO || errno == ENODEV)
#if defined(__FreeBSD__)
		hint = "; load the module: kldload netmap";
#else
		hint = "; load the module: modprobe netmap";
#endif
	else if (errno == EACCES || errno == EPERM)
		hint = "; run as root or join the group that owns it";
	fprintf(stderr, "vale-ctl: cannot open %s: %s%s\n", NETMAP_DEVICE_NAME, strerror(errno),
	    hint);
	return -1;
}

/* The requests this program makes: as netmap.h calls them, and as people do. */
static const struct {
	uint16_t type;
	const char *name, *verb;
} requests[] = {
	{ NETMAP_REQ_PORT_INFO_GET, "PORT_INFO_GET", "look at" },
	{ NETMAP_REQ_VALE_ATTACH, "VALE_ATTACH", "attach" },
	{ NETMAP_REQ_VALE_DETACH, "VALE_DETACH", "detach" },
	{ NETMAP_REQ_VALE_LIST, "VALE_LIST", "list" },
	{ NETMAP_REQ_VALE_NEWIF, "VALE_NEWIF", "make" },
	{ NETMAP_REQ_VALE_DELIF, "VALE_DELIF", "remove" },
	{ NETMAP_REQ_VALE_POLLING_ENABLE, "VALE_POLLING_ENABLE", "poll" },
	{ NETMAP_REQ_VALE_POLLING_DISABLE, "VALE_POLLING_DISABLE", "stop polling" },
};
#define N_REQUESTS	(sizeof(requests) / sizeof(requests[0]))

static size_t
row_of(uint16_t type)
{
	size_t i;

	for (i = 0; i + 1 < N_REQUESTS && requests[i].type != type; i++)
		;
	return i;
}

int
kernel_ask(struct kernel *k, uint16_t type, char *name, void *body)
{
	struct nmreq_header hdr;
	int error;

	nmreq_header_init(&hdr, type, body);
	memcpy(hdr.nr_name, name, sizeof(hdr.nr_name));
	error = ioctl(k->fd, NIOCCTRL, &hdr) != 0 ? errno : 0;
	if (k->trace)
		fprintf(stderr, "vale-ctl: %s %s: %s\n", requests[row_of(type)].name,
		    *name != '\0' ? name : "\"\"", error != 0 ? strerror(error) : "done");
	if (error == 0) {
		memcpy(name, hdr.nr_name, sizeof(hdr.nr_name));
		name[sizeof(hdr.nr_name) - 1] = '\0';
	} else if (error == EINVAL && hdr.nr_version != NETMAP_API) {
		fprintf(stderr, "vale-ctl: the netmap in this kernel speaks version %u of the "
		    "interface, this program %u; use the program that came with it\n",
		    hdr.nr_version, NETMAP_API);
	}
	return error;
}

static const struct {
	uint16_t type;
	int error;
	const char *words;
} reasons[] = {
	{ NETMAP_REQ_PORT_INFO_GET, ENXIO, "there is no such port; vale-ctl -l lists all" },
	{ NETMAP_REQ_VALE_ATTACH, ENXIO,
	    "there is no such interface; check the name after the colon" },
	{ NETMAP_REQ_VALE_ATTACH, EBUSY,
	    "it is attached already, or a program uses it; see vale-ctl -l, or end the program" },
	{ NETMAP_REQ_VALE_ATTACH, ENOMEM,
	    "no memory, or no room for another switch or port; the kernel log says which" },
	{ NETMAP_REQ_VALE_ATTACH, EINVAL,
	    "the interface has no native netmap support or another region, or the switch's name "
	    "is too long; leave out -m, shorten the name" },
	{ NETMAP_REQ_VALE_DETACH, ENXIO, "it is not attached; vale-ctl -l shows what is" },
	{ NETMAP_REQ_VALE_DETACH, EINVAL,
	    "it is the port of a program, and goes when that program closes it" },
	{ NETMAP_REQ_VALE_DETACH, EBUSY, "it is being polled; stop that first with -P" },
	{ NETMAP_REQ_VALE_LIST, ENOENT, "there is no such switch or port; vale-ctl -l lists all" },
	{ NETMAP_REQ_VALE_NEWIF, EOPNOTSUPP,
	    "this netmap has no persistent ports; a program that opens vale0:a makes its own port" },
	{ NETMAP_REQ_VALE_NEWIF, EEXIST, "there is an interface of that name; choose another" },
	{ NETMAP_REQ_VALE_NEWIF, ENOMEM, "no memory for its rings; ask for fewer or smaller, with -C" },
	{ NETMAP_REQ_VALE_NEWIF, EINVAL,
	    "the kernel does not take the name, or there is no such region; check -n and -m" },
	{ NETMAP_REQ_VALE_DELIF, EOPNOTSUPP,
	    "this netmap has no persistent ports, so there is none to remove" },
	{ NETMAP_REQ_VALE_DELIF, ENXIO, "there is no interface of that name" },
	{ NETMAP_REQ_VALE_DELIF, EINVAL, "it is an interface, but no persistent port of netmap" },
	{ NETMAP_REQ_VALE_DELIF, EBUSY, "it is in use; detach it with -d, or end the program" },
	{ NETMAP_REQ_VALE_POLLING_ENABLE, EOPNOTSUPP,
	    "this netmap has no polling threads, or the port is no attached interface; its packets "
	    "go on moving by interrupts" },
	{ NETMAP_REQ_VALE_POLLING_ENABLE, EBUSY, "it is being polled already; stop that with -P" },
	{ NETMAP_REQ_VALE_POLLING_ENABLE, EINVAL,
	    "the machine has no such CPU or the port no such ring; check -C" },
	{ NETMAP_REQ_VALE_POLLING_ENABLE, ENXIO, "it is not attached; vale-ctl -l shows what is" },
	{ NETMAP_REQ_VALE_POLLING_DISABLE, EOPNOTSUPP,
	    "this netmap has no polling threads, so nothing polls it" },
	{ NETMAP_REQ_VALE_POLLING_DISABLE, EINVAL, "it is not being polled; nothing to stop" },
	{ NETMAP_REQ_VALE_POLLING_DISABLE, ENXIO, "it is not attached; vale-ctl -l shows what is" },
	/* Of any request. */
	{ 0, EPERM, "this user may not; run as root" },
	{ 0, ENOTTY, "/dev/netmap is not netmap's device; load the right module" },
	{ 0, EINVAL, "the kernel refuses the name or does not know the request; check the name" },
	{ 0, EOPNOTSUPP, "this netmap does not do that" },
	{ 0, ENOMEM, "too little memory; the kernel log may say more" },
};

/* Why it refused; NULL when there is nothing to add to the errno. */
static const char *
reason_for(uint16_t type, const char *name, int error)
{
	size_t i, n = sizeof(reasons) / sizeof(reasons[0]);

	if (type == NETMAP_REQ_VALE_ATTACH && error == ENXIO && strchr(name, ':') != NULL &&
	    if_nametoindex(strchr(name, ':') + 1) != 0)
		return "the interface is there, but its driver does not support netmap; load one "
		    "that does";
	for (i = 0; i < n; i++) {
		if (reasons[i].error == error && (reasons[i].type == type || reasons[i].type == 0))
			return reasons[i].words;
	}
	return NULL;
}

int
kernel_refused(uint16_t type, const char *name, int error)
{
	const char *reason = reason_for(type, name, error);

	fprintf(stderr, "vale-ctl: cannot %s %s: %s%s%s\n", requests[row_of(type)].verb,
	    *name != '\0' ? name : "ports", strerror(error), reason != NULL ? ": " : "",
	    reason != NULL ? reason : "");
	return -1;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What the system knows about the interface behind a port. */
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <netpacket/packet.h>
#else
#include <net/if_dl.h>
#endif

#include "link.h"

int
link_exists(const char *name)
{
	return if_nametoindex(name) != 0;
}

static int
is_running(const char *name)
{
	struct ifreq req;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), running = 0;

	if (fd < 0)
		return 0;
	memset(&req, 0, sizeof(req));
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFFLAGS, &req) == 0)
		running = (req.ifr_flags & IFF_RUNNING) != 0;
	close(fd);
	return running;
}

int
link_wait(const char *name, uint32_t seconds)
{
	const struct timespec pause = { .tv_nsec = 100000000 };
	uint32_t tenths;

	for (tenths = seconds * 10; !is_running(name); tenths--) {
		if (tenths == 0)
			return 0;
		nanosleep(&pause, NULL);
	}
	return 1;
}

/* The six bytes in a link-level socket address, or NULL. */
static const unsigned char *
address_bytes(const struct sockaddr *sa)
{
#if defined(__linux__)
	const struct sockaddr_ll *ll = (const struct sockaddr_ll *)(const void *)sa;

	return sa->sa_family == AF_PACKET && ll->sll_halen == 6 ? ll->sll_addr : NULL;
#else
	const struct sockaddr_dl *dl = (const struct sockaddr_dl *)(const void *)sa;

	return sa->sa_family == AF_LINK && dl->sdl_alen == 6 ?
	    (const unsigned char *)LLADDR(dl) : NULL;
#endif
}

uint64_t
link_mac(const char *name)
{
	struct ifaddrs *all, *a;
	uint64_t mac = 0;
	int i;

	if (getifaddrs(&all) != 0)
		return 0;
	for (a = all; a != NULL && mac == 0; a = a->ifa_next) {
		const unsigned char *bytes = NULL;

		if (a->ifa_addr != NULL && strcmp(a->ifa_name, name) == 0)
			bytes = address_bytes(a->ifa_addr);
		for (i = 0; bytes != NULL && i < 6; i++)
			mac = mac << 8 | bytes[i];
	}
	freeifaddrs(all);
	return mac;
}

uint64_t
link_speed(const char *name)
{
#if defined(__linux__)
	char path[128], text[32];
	long long mbit;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/sys/class/net/%s/speed", name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);	/* EINVAL while the link is down */
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	mbit = strtoll(text, NULL, 10);		/* -1: unknown */
	return mbit > 0 ? (uint64_t)mbit * 1000000u : 0;
#else
	(void)name;
	return 0;
#endif
}

/* FNV-1a, so that two ports are unlikely to get the same. */
uint64_t
link_made_up_mac(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
	return 0x020000000000u | (hash & 0xffffffffffu);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Ranges of addresses on the command line. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "range.h"

/* A whole string as a port number; 0, or -1. */
static int
read_port(const char *text, uint16_t *port)
{
	unsigned long v = 0;
	const char *p;

	for (p = text; *p >= '0' && *p <= '9' && v <= UINT16_MAX; p++)
		v = v * 10 + (unsigned long)(*p - '0');
	if (p == text || *p != '\0' || v > UINT16_MAX)
		return -1;
	*port = (uint16_t)v;
	return 0;
}

/* One end of a range: IP, IP:PORT, :PORT or, where bare is set, PORT. */
static const char *
read_ip_port(char *text, int bare, uint32_t *ip, uint16_t *port)
{
	struct in_addr in;
	char *colon = strchr(text, ':');

	if (colon == NULL && bare && strchr(text, '.') == NULL)
		return read_port(text, port) == 0 ? NULL : "a port is a number from 0 to 65535";
	if (colon != NULL) {
		*colon = '\0';
		if (read_port(colon + 1, port) != 0)
			return "a port is a number from 0 to 65535";
	}
	if (colon == text && bare)
		return NULL;
	if (inet_pton(AF_INET, text, &in) != 1)
		return "an IPv4 address is four numbers with dots between";
	*ip = ntohl(in.s_addr);
	return NULL;
}

const char *
range_read_ip(const char *text, struct endpoint *e)
{
	struct endpoint r = *e;
	char copy[64], *dash;
	const char *wrong;

	if (strlen(text) >= sizeof(copy))
		return "too long";
	strcpy(copy, text);
	dash = strchr(copy, '-');
	if (dash != NULL)
		*dash++ = '\0';
	wrong = read_ip_port(copy, 0, &r.ip_first, &r.port_first);
	if (wrong != NULL)
		return wrong;
	r.ip_last = r.ip_first;
	r.port_last = r.port_first;
	if (dash != NULL)
		wrong = read_ip_port(dash, 1, &r.ip_last, &r.port_last);
	if (wrong != NULL)
		return wrong;
	if (r.ip_last < r.ip_first || r.port_last < r.port_first)
		return "the range ends before it begins";
	*e = r;
	return NULL;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Six bytes in hexadecimal, one or two digits each; the character behind, or NULL. */
static const char *
read_mac(const char *p, uint64_t *mac)
{
	int i;

	*mac = 0;
	for (i = 0; i < 6; i++) {
		int byte;

		if (i > 0 && *p++ != ':')
			return NULL;
		byte = hex_digit(*p);
		if (byte < 0)
			return NULL;
		p++;
		if (hex_digit(*p) >= 0)
			byte = byte * 16 + hex_digit(*p++);
		*mac = *mac << 8 | (uint64_t)byte;
	}
	return p;
}

const char *
range_read_mac(const char *text, struct endpoint *e)
{
	uint64_t first, last;
	const char *p = read_mac(text, &first);

	last = first;
	if (p != NULL && *p == '-')
		p = read_mac(p + 1, &last);
	if (p == NULL || *p != '\0')
		return "an Ethernet address is six hexadecimal bytes with colons between";
	if (last < first)
		return "the range ends before it begins";
	e->mac_first = first;
	e->mac_last = last;
	return NULL;
}

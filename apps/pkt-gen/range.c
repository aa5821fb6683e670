/* SPDX-License-Identifier: BSD-2-Clause */
/* Ranges of addresses: from the command line, and what can be done with them. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "range.h"

static const char bad_port[] = "a port is a number from 0 to 65535";

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

static uint64_t
read_be64(const uint8_t *p)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

/* One end of a range on its way through the reader. */
struct end {
	int family;		/* 0: only a port was given */
	struct address ip;
	uint16_t port;
};

static const char *
read_ip6(const char *text, struct end *e)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET6, text, bytes) != 1)
		return "an IPv6 address is up to eight hexadecimal numbers with colons between, "
		    "in brackets when a port follows";
	e->family = 6;
	e->ip.hi = read_be64(bytes);
	e->ip.lo = read_be64(bytes + 8);
	return NULL;
}

static const char *
read_ip4(const char *text, struct end *e)
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) != 1)
		return "an IPv4 address is four numbers with dots between";
	e->family = 4;
	e->ip.hi = 0;
	e->ip.lo = ntohl(in.s_addr);
	return NULL;
}

/* IP, IP:PORT, [IP6], [IP6]:PORT, IP6 or, behind a dash, :PORT or PORT. */
static const char *
read_end(char *text, int behind_dash, struct end *e)
{
	char *colon = strchr(text, ':'), *port = NULL;

	if (behind_dash && *text != '\0' && text[strcspn(text, ".:[]")] == '\0')
		return read_port(text, &e->port) == 0 ? NULL : bad_port;
	if (*text == '[') {
		char *close = strchr(text, ']');

		if (close == NULL || (close[1] != '\0' && close[1] != ':'))
			return "write an IPv6 address with a port as [ADDRESS]:PORT";
		port = close[1] == ':' ? close + 2 : NULL;
		*close = '\0';
	} else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
		*colon = '\0';
		port = colon + 1;
	}
	if (port != NULL && read_port(port, &e->port) != 0)
		return bad_port;
	if (*text == '[')
		return read_ip6(text + 1, e);
	if (*text == '\0' && port != NULL && behind_dash)
		return NULL;
	return strchr(text, ':') != NULL ? read_ip6(text, e) : read_ip4(text, e);
}

const char *
range_read_ip(const char *text, struct endpoint *e)
{
	struct end first = { .port = e->port_first }, last;
	char copy[160], *dash;
	const char *wrong;

	if (strlen(text) >= sizeof(copy))
		return "too long";
	strcpy(copy, text);
	dash = strchr(copy, '-');
	if (dash != NULL)
		*dash++ = '\0';
	wrong = read_end(copy, 0, &first);
	last = first;
	if (wrong == NULL && dash != NULL)
		wrong = read_end(dash, 1, &last);
	if (wrong != NULL)
		return wrong;
	if (first.family != last.family)
		return "both ends of a range are of one family, IPv4 or IPv6";
	if (address_compare(last.ip, first.ip) < 0 || last.port < first.port)
		return "the range ends before it begins";
	e->family = first.family;
	e->ip_first = first.ip;
	e->ip_last = last.ip;
	e->port_first = first.port;
	e->port_last = last.port;
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

void
range_widen(struct endpoint *e, int family)
{
	if (address_compare(e->ip_first, e->ip_last) == 0 && family == 4) {
		e->ip_first = (struct address){ 0, 0x01000000 };		/* 1.0.0.0 */
		e->ip_last = (struct address){ 0, 0xdfffffff };			/* before multicast */
	} else if (address_compare(e->ip_first, e->ip_last) == 0) {
		e->ip_first = (struct address){ 0x2000000000000000, 0 };	/* global unicast */
		e->ip_last = (struct address){ 0x3fffffffffffffff, UINT64_MAX };
	}
	if (e->port_first == e->port_last) {
		e->port_first = 1;
		e->port_last = UINT16_MAX;
	}
}

int
address_compare(struct address a, struct address b)
{
	if (a.hi != b.hi)
		return a.hi < b.hi ? -1 : 1;
	return a.lo < b.lo ? -1 : a.lo > b.lo;
}

struct address
address_next(struct address a)
{
	a.lo++;
	a.hi += a.lo == 0;
	return a;
}

/* Two steps of a linear congruential generator; its upper half is the random one. */
uint64_t
random_next(uint64_t *state)
{
	uint64_t high;

	*state = *state * 6364136223846793005u + 1442695040888963407u;
	high = *state >> 32;
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return high << 32 | *state >> 32;
}

uint64_t
random_below(uint64_t *state, uint64_t n)
{
	/* For the small n that occur, the remainder's bias is not to be measured. */
	return random_next(state) % n;
}

struct address
random_address(uint64_t *state, struct address first, struct address last)
{
	struct address span = { last.hi - first.hi - (last.lo < first.lo), last.lo - first.lo };
	struct address d, sum;

	if (span.hi == 0) {
		d.hi = 0;
		d.lo = span.lo == UINT64_MAX ? random_next(state) : random_below(state, span.lo + 1);
	} else {
		do {
			d.hi = span.hi == UINT64_MAX ? random_next(state) :
			    random_below(state, span.hi + 1);
			d.lo = random_next(state);
		} while (address_compare(d, span) > 0);
	}
	sum.lo = first.lo + d.lo;
	sum.hi = first.hi + d.hi + (sum.lo < first.lo);
	return sum;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "options.h"

static const char help[] =
"usage: pkt-gen -i PORT [-f tx|rx|ping|pong] [options]\n"
"Send, receive or return packets through netmap.\n"
"  -i PORT      netmap:eth0, eth0, vale0:a, netmap:x{1 ...\n"
"  -f FUNCTION  tx sends, rx receives (default), ping asks and pong answers\n"
"  -n COUNT     stop after COUNT packets; K, M, G may follow (default 0: go on)\n"
"  -l BYTES     length of a frame without CRC (default 60)\n"
"  -b PACKETS   most packets between two syncs (default 512)\n"
"  -s IP[:PORT][-IP[:PORT]]  source address, or a range of them\n"
"  -d IP[:PORT][-IP[:PORT]]  destination; IP:PORT-PORT is a range of ports\n"
"  -S MAC[-MAC] source Ethernet address, or a range\n"
"  -D MAC[-MAC] destination Ethernet address (default broadcast)\n"
"  -p THREADS   that many threads, each with a ring of its own (default 1)\n"
"  -c CORES     bind thread i to CPU i modulo CORES\n"
"  -R RATE      packets per second; K, M, G may follow (default 0: no limit)\n"
"  -T MS        time between two reports (default 1000)\n"
"  -w SECONDS   wait that long at most for the link (default 2)\n"
"  -X           print every packet\n"
"  -h           this text\n";

static int
bad(const char *option, const char *value, const char *why)
{
	fprintf(stderr, "pkt-gen: %s %s: %s; for help type: pkt-gen -h\n", option, value, why);
	return -1;
}

/* A whole string as a number up to max, with a suffix K, M or G; 0, or -1. */
static int
read_number(const char *text, uint64_t max, uint64_t *value)
{
	static const char suffixes[] = "kKmMgG";
	const char *p, *suffix;
	uint64_t v = 0, unit = 1;
	int i;

	for (p = text; *p >= '0' && *p <= '9'; p++) {
		if (v > (UINT64_MAX - 9) / 10)
			return -1;
		v = v * 10 + (uint64_t)(*p - '0');
	}
	if (p == text)
		return -1;
	suffix = *p != '\0' ? strchr(suffixes, *p) : NULL;
	if (suffix != NULL) {
		for (i = 0; i <= (suffix - suffixes) / 2; i++)
			unit *= 1000;
		p++;
	}
	if (*p != '\0' || v > max / unit)
		return -1;
	*value = v * unit;
	return 0;
}

static int
read_u32(const char *option, const char *text, uint32_t min, uint32_t max, uint32_t *value)
{
	uint64_t v;
	char why[64];

	if (read_number(text, max, &v) != 0 || v < min) {
		snprintf(why, sizeof(why), "needs a number from %u to %u", min, max);
		return bad(option, text, why);
	}
	*value = (uint32_t)v;
	return 0;
}

static int
read_u64(const char *option, const char *text, uint64_t *value)
{
	if (read_number(text, UINT64_MAX, value) != 0)
		return bad(option, text, "needs a number; K, M or G may follow");
	return 0;
}

static int
read_function(const char *text, enum function *f)
{
	static const char *const names[] = { "tx", "rx", "ping", "pong" };
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) == 0) {
			*f = (enum function)i;
			return 0;
		}
	}
	return bad("-f", text, "the functions are tx, rx, ping and pong");
}

/* A plain interface name gets the prefix that libnetmap wants. */
static int
read_port_name(const char *text, struct options *o)
{
	int whole = strncmp(text, "netmap:", 7) == 0 ||
	    (strncmp(text, "vale", 4) == 0 && strchr(text, ':') != NULL);
	int n = snprintf(o->port, sizeof(o->port), "%s%s", whole ? "" : "netmap:", text);

	return n < (int)sizeof(o->port) ? 0 : bad("-i", text, "the name is too long");
}

static int
read_address(const char *option, const char *text, struct endpoint *e,
	     const char *(*read)(const char *, struct endpoint *))
{
	const char *wrong = read(text, e);

	return wrong == NULL ? 0 : bad(option, text, wrong);
}

static int
read_option(struct options *o, int letter, const char *value)
{
	uint32_t cores;

	switch (letter) {
	case 'i':
		return read_port_name(value, o);
	case 'f':
		return read_function(value, &o->function);
	case 'n':
		return read_u64("-n", value, &o->count);
	case 'l':
		return read_u32("-l", value, FRAME_MIN, FRAME_MAX, &o->length);
	case 'b':
		return read_u32("-b", value, 1, 65535, &o->burst);
	case 's':
		return read_address("-s", value, &o->src, range_read_ip);
	case 'd':
		return read_address("-d", value, &o->dst, range_read_ip);
	case 'S':
		o->have_src_mac = 1;
		return read_address("-S", value, &o->src, range_read_mac);
	case 'D':
		return read_address("-D", value, &o->dst, range_read_mac);
	case 'c':
		if (read_u32("-c", value, 1, 1024, &cores) != 0)
			return -1;
		o->cores = (int)cores;
		return 0;
	case 'p':
		return read_u32("-p", value, 1, 1024, &o->threads);
	case 'R':
		return read_u64("-R", value, &o->rate);
	case 'T':
		return read_u32("-T", value, 1, 3600000, &o->report_ms);
	case 'w':
		return read_u32("-w", value, 0, 3600, &o->wait_seconds);
	default:
		o->dump = 1;
		return 0;
	}
}

int
options_read(struct options *o, int argc, char **argv)
{
	int c;

	memset(o, 0, sizeof(*o));
	o->function = FUNCTION_RX;
	o->length = 60;
	o->burst = 512;
	o->threads = 1;
	o->report_ms = 1000;
	o->wait_seconds = 2;
	o->src.ip_first = o->src.ip_last = 0x0a000001;		/* 10.0.0.1 */
	o->dst.ip_first = o->dst.ip_last = 0x0a010001;		/* 10.1.0.1 */
	o->src.port_first = o->src.port_last = 1234;
	o->dst.port_first = o->dst.port_last = 1234;
	o->dst.mac_first = o->dst.mac_last = 0xffffffffffff;

	opterr = 0;
	while ((c = getopt(argc, argv, ":i:f:n:l:b:d:s:D:S:c:p:T:w:R:Xh")) != -1) {
		char letter[3] = { '-', (char)optopt, '\0' };

		if (c == 'h') {
			fputs(help, stdout);
			return 1;
		}
		if (c == '?')
			return bad("option", letter, "there is no such option");
		if (c == ':')
			return bad("option", letter, "it needs a value");
		if (read_option(o, c, optarg) != 0)
			return -1;
	}
	if (optind < argc)
		return bad("argument", argv[optind], "only options are expected");
	if (o->port[0] == '\0')
		return bad("option", "-i", "name a port, for example -i vale0:a");
	if (o->function == FUNCTION_PING && o->threads > 1)
		return bad("-p", "with -f ping", "ping waits for each answer, in one thread");
	return 0;
}

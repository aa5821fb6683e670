/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "packet.h"
#include "ping.h"
#include "sequence.h"

#define BIT(function)	(1u << FUNCTION_##function)
#define SENDERS		(BIT(TX) | BIT(TXSEQ))

static const char *const function_names[] = {
	[FUNCTION_TX] = "tx",
	[FUNCTION_RX] = "rx",
	[FUNCTION_PING] = "ping",
	[FUNCTION_PONG] = "pong",
	[FUNCTION_TXSEQ] = "txseq",
	[FUNCTION_RXSEQ] = "rxseq",
};

/* Options that would be without effect with other functions. */
static const struct {
	char letter;
	unsigned int functions;
	const char *names;
} bound_to[] = {
	{ 'z', SENDERS | BIT(PING), "tx, txseq or ping" },
	{ 'Z', SENDERS | BIT(PING), "tx, txseq or ping" },
	{ 'P', BIT(TX) | BIT(RX), "tx or rx" },
	{ 'r', BIT(TX), "tx" },
	{ 'W', BIT(RX) | BIT(RXSEQ), "rx or rxseq" },
	{ 'F', SENDERS, "tx or txseq" },
	{ 'M', SENDERS, "tx or txseq" },
	{ 'I', SENDERS, "tx or txseq" },
};

/* The options while they are read. */
struct reading {
	struct options *o;
	unsigned int times[128];	/* how often each letter was there */
};

static int
bad(const char *option, const char *value, const char *why)
{
	fprintf(stderr, "pkt-gen: %s%s%s: %s; for help type: pkt-gen -h\n", option,
	    *value != '\0' ? " " : "", value, why);
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
	unsigned int i;

	for (i = 0; i < sizeof(function_names) / sizeof(function_names[0]); i++) {
		if (strcmp(text, function_names[i]) == 0) {
			*f = (enum function)i;
			return 0;
		}
	}
	return bad("-f", text, "the functions are tx, rx, ping, pong, txseq and rxseq");
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
read_length(struct reading *r, const char *text)
{
	struct options *o = r->o;

	if (r->times['l'] > 2)
		return bad("-l", text, "give it once, or twice for random lengths");
	if (r->times['l'] == 1)
		return read_u32("-l", text, FRAME_MIN, FRAME_MAX, &o->length);
	if (read_u32("-l", text, FRAME_MIN, FRAME_MAX, &o->length_min) != 0)
		return -1;
	if (o->length_min >= o->length)
		return bad("-l", text, "the second length is the least, the first lies above it");
	return 0;
}

/* Up to four numbers with commas between. */
static int
read_rings(const char *text, struct options *o)
{
	static const char form[] = "needs TX_SLOTS[,RX_SLOTS[,TX_RINGS[,RX_RINGS]]]";
	uint64_t values[4] = { 0 };
	char copy[64], *at = copy, *comma;
	unsigned int n = 0;

	if (strlen(text) >= sizeof(copy))
		return bad("-C", text, form);
	strcpy(copy, text);
	do {
		comma = strchr(at, ',');
		if (comma != NULL)
			*comma = '\0';
		if (n == 4 || read_number(at, n < 2 ? 1u << 20 : UINT16_MAX, &values[n]) != 0)
			return bad("-C", text, form);
		n++;
		at = comma + 1;
	} while (comma != NULL);
	o->tx_slots = (uint32_t)values[0];
	o->rx_slots = (uint32_t)values[n == 1 ? 0 : 1];
	o->tx_rings = (uint32_t)values[2];
	o->rx_rings = (uint32_t)values[n == 3 ? 2 : 3];
	return 0;
}

static int
read_vnet(const char *text, struct options *o)
{
	uint64_t v;

	if (read_number(text, 12, &v) != 0 || (v != 0 && v != 10 && v != 12))
		return bad("-H", text, "a virtio-net header has 0, 10 or 12 bytes");
	o->vnet_len = (int)v;
	return 0;
}

static int
read_cpu(const char *text, struct options *o)
{
	uint32_t cpu;

	if (read_u32("-a", text, 0, 65535, &cpu) != 0)
		return -1;
	o->first_cpu = (int)cpu;
	return 0;
}

/* Options without a value. */
static void
set_flag(struct options *o, int letter)
{
	switch (letter) {
	case 'X':
		o->dump = 1;
		break;
	case 'z':
		o->src.random = 1;
		break;
	case 'Z':
		o->dst.random = 1;
		break;
	case 'N':
		o->plain = 1;
		break;
	case 'I':
		o->indirect = 1;
		break;
	case 'W':
		o->no_wait = 1;
		break;
	case 'v':
		o->verbose++;
		break;
	case 'r':
		o->rubbish = 1;
		break;
	case 'A':
		o->average = 1;
		break;
	case 'B':
		o->framing = 1;
		break;
	default:
		break;		/* -4 and -6 are looked at when the addresses are known */
	}
}

static int
read_option(struct reading *r, int letter, const char *value)
{
	struct options *o = r->o;

	switch (letter) {
	case 'i':
		return read_port_name(value, o);
	case 'f':
		return read_function(value, &o->function);
	case 'n':
		return read_u64("-n", value, &o->count);
	case 'l':
		return read_length(r, value);
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
	case 'a':
		return read_cpu(value, o);
	case 'c':
		return read_u32("-c", value, 0, 65535, &o->cores);
	case 'p':
		return read_u32("-p", value, 1, 1024, &o->threads);
	case 'R':
		return read_u64("-R", value, &o->rate);
	case 'T':
		return read_u32("-T", value, 1, 3600000, &o->report_ms);
	case 'w':
		return read_u32("-w", value, 0, 3600, &o->wait_seconds);
	case 'P':
		o->file = value;
		return 0;
	case 'H':
		return read_vnet(value, o);
	case 'F':
		return read_u32("-F", value, 1, 64, &o->frags);
	case 'M':
		return read_u32("-M", value, 1, 65535, &o->frag_size);
	case 'C':
		return read_rings(value, o);
	default:
		set_flag(o, letter);
		return 0;
	}
}

int
options_sends(const struct options *o)
{
	return o->function != FUNCTION_RX && o->function != FUNCTION_RXSEQ;
}

int
options_receives(const struct options *o)
{
	return o->function != FUNCTION_TX && o->function != FUNCTION_TXSEQ;
}

/* The first of these letters that was given, as "-x"; NULL if none was. */
static const char *
first_of(const struct reading *r, const char *letters)
{
	static char option[3] = "-";

	for (; *letters != '\0'; letters++) {
		if (r->times[(unsigned char)*letters] > 0) {
			option[1] = *letters;
			return option;
		}
	}
	return NULL;
}

/* Options that say nothing beside others, or with this function. */
static int
check_combinations(const struct reading *r)
{
	const struct options *o = r->o;
	const char *other;
	char why[80];
	size_t i;

	for (i = 0; i < sizeof(bound_to) / sizeof(bound_to[0]); i++) {
		const char letters[2] = { bound_to[i].letter, '\0' };
		const char *option = first_of(r, letters);

		if (option != NULL && !(bound_to[i].functions & 1u << o->function)) {
			snprintf(why, sizeof(why), "it goes with -f %s", bound_to[i].names);
			return bad(option, "", why);
		}
	}
	if (o->length_min != 0 && !(SENDERS & 1u << o->function))
		return bad("-l", "given twice", "random lengths go with -f tx or txseq");
	if (o->rubbish && (other = first_of(r, "sdSDzZ46PI")) != NULL)
		return bad("-r", other, "what -r sends is not written, so leave one of them out");
	if (o->file != NULL && o->function == FUNCTION_TX &&
	    (other = first_of(r, "sdSDzZ46l")) != NULL)
		return bad("-P", other, "the packets are those of the file, so leave one of them out");
	if (o->frag_size != 0 && o->frags == 0)
		return bad("-M", "without -F", "say with -F how many slots a packet has");
	if (o->function == FUNCTION_PING && o->threads > 1)
		return bad("-p", "with -f ping", "ping waits for each answer, in one thread");
	if (r->times['4'] > 0 && r->times['6'] > 0)
		return bad("-4", "-6", "leave one of them out");
	return 0;
}

/* Indirect buffers are fetched by the switch alone; a pipe is no port of it. */
static int
check_indirect(const struct options *o)
{
	const char *name = strncmp(o->port, "netmap:", 7) == 0 ? o->port + 7 : o->port;

	if (strncmp(name, "vale", 4) != 0 || strchr(name, ':') == NULL ||
	    strpbrk(name, "{}") != NULL)
		return bad("-I", o->port, "only ports of a switch (vale0:a) send indirect buffers");
	if (o->length > UINT16_MAX - 12 && o->frags < 2)
		return bad("-I", "-l", "an indirect buffer has at most 65523 bytes, so use -F 2");
	return 0;
}

static int
settle_side(const char *option, struct endpoint *e, int family, struct address by_default)
{
	if (e->family != 0 && e->family != family)
		return bad(option, family == 6 ? "with IPv6" : "with IPv4",
		    "both addresses are of one family, the one of -4 or -6");
	if (e->family == 0)
		e->ip_first = e->ip_last = by_default;
	if (e->random)
		range_widen(e, family);
	return 0;
}

/* Which of IPv4 and IPv6, and the addresses that were not given. */
static int
settle_family(const struct reading *r)
{
	static const struct address src4 = { 0, 0x0a000001 }, dst4 = { 0, 0x0a010001 };
	static const struct address src6 = { 0xfd00000000000000, 1 };
	static const struct address dst6 = { 0xfd00000100000000, 1 };
	struct options *o = r->o;

	if (r->times['4'] > 0 || r->times['6'] > 0)
		o->family = r->times['6'] > 0 ? 6 : 4;
	else if (o->src.family != 0)
		o->family = o->src.family;
	else
		o->family = o->dst.family != 0 ? o->dst.family : 4;
	if (settle_side("-s", &o->src, o->family, o->family == 6 ? src6 : src4) != 0)
		return -1;
	return settle_side("-d", &o->dst, o->family, o->family == 6 ? dst6 : dst4);
}

/* The least length that the headers and what we write behind them need. */
static int
settle_length(struct options *o)
{
	uint32_t least = HEADERS_BYTES(o->family);
	char value[16], why[64];

	if (o->function == FUNCTION_TXSEQ)
		least += SEQUENCE_BYTES;
	if (o->function == FUNCTION_PING)
		least += PING_BYTES;
	if (o->length == 0)
		o->length = least > 60 ? least : 60;
	if (o->length >= least && (o->length_min == 0 || o->length_min >= least))
		return 0;
	if (!options_sends(o) || o->function == FUNCTION_PONG)
		return 0;
	snprintf(value, sizeof(value), "%u", o->length_min != 0 ? o->length_min : o->length);
	snprintf(why, sizeof(why), "with -f %s over IPv%d a frame has at least %u bytes",
	    function_names[o->function], o->family, least);
	return bad("-l", value, why);
}

static int
check(const struct reading *r)
{
	struct options *o = r->o;

	if (o->port[0] == '\0')
		return bad("option", "-i", "name a port, for example -i vale0:a");
	if (check_combinations(r) != 0 || settle_family(r) != 0 || settle_length(o) != 0)
		return -1;
	if (o->indirect && check_indirect(o) != 0)
		return -1;
	if (o->burst == 0 && !options_receives(o))
		o->burst = 512;
	return 0;
}

int
options_read(struct options *o, int argc, char **argv)
{
	struct reading r = { .o = o };
	int c;

	memset(o, 0, sizeof(*o));
	o->function = FUNCTION_RX;
	o->threads = 1;
	o->report_ms = 1000;
	o->wait_seconds = 2;
	o->first_cpu = -1;
	o->vnet_len = -1;
	o->src.port_first = o->src.port_last = 1234;
	o->dst.port_first = o->dst.port_last = 1234;
	o->dst.mac_first = o->dst.mac_last = 0xffffffffffff;

	opterr = 0;
	while ((c = getopt(argc, argv,
	    ":i:f:n:l:b:d:s:D:S:a:c:p:T:w:R:P:H:F:M:C:46zZNIWvrABXh")) != -1) {
		char letter[3] = { '-', (char)(isprint(optopt) ? optopt : '?'), '\0' };

		if (c == 'h') {
			fputs(options_help, stdout);
			return 1;
		}
		if (c == '?')
			return bad("option", letter, "there is no such option");
		if (c == ':')
			return bad("option", letter, "it needs a value");
		r.times[c]++;
		if (read_option(&r, c, optarg) != 0)
			return -1;
	}
	if (optind < argc)
		return bad("argument", argv[optind], "only options are expected");
	return check(&r);
}

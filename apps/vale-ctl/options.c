/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line: one action, and what belongs to it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <net/netmap.h>

#include "options.h"

static const char help[] =
"usage: vale-ctl [-v] [-l [SWITCH[:PORT]]]\n"
"       vale-ctl [-v] -g SWITCH:PORT | -d SWITCH:IF | -r IF | -P SWITCH:IF\n"
"       vale-ctl [-v] -a SWITCH:IF | -h SWITCH:IF [-m REGION]\n"
"       vale-ctl [-v] -n IF [-C SPEC] [-m REGION]\n"
"       vale-ctl [-v] -p SWITCH:IF [-C SPEC]\n"
"Look at the switches of netmap and change them.  SWITCH is vale0, valex, ...\n"
"  -l [NAME]    list all ports, those of a switch, or one (what no option does, too)\n"
"  -g PORT      show the rings, slots and memory of a port\n"
"  -a PORT      attach the interface IF to SWITCH; the system loses its packets\n"
"  -h PORT      attach it with its host rings: the system stays reachable through SWITCH\n"
"  -d PORT      detach it\n"
"  -n IF        make the persistent port IF, an interface of the system\n"
"  -r IF        remove it\n"
"  -p PORT      poll an attached interface by kernel threads\n"
"  -P PORT      go back to interrupts\n"
"  -C SPEC      with -n: SLOTS, or TX,RX slots, then RINGS, or TX,RX rings\n"
"               with -p: 0,CPU one thread for all rings; 1,CPU,N a ring each on N CPUs\n"
"  -m REGION    with -a, -h, -n: id of the memory region, 1 is the shared one\n"
"  -v           say more: with -l the sizes of each port; every request to the kernel\n"
"  --help       this text\n";

static int
bad(char letter, const char *value, const char *why)
{
	fprintf(stderr, "vale-ctl: -%c%s%s: %s; for help type: vale-ctl --help\n", letter,
	    *value != '\0' ? " " : "", value, why);
	return -1;
}

static int
stray(const char *word, const char *why)
{
	fprintf(stderr, "vale-ctl: %s: %s; for help type: vale-ctl --help\n", word, why);
	return -1;
}

static int
is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    c == '_';
}

/* Bytes of a switch's name at the start of a text, 0 for none. */
static size_t
switch_length(const char *text)
{
	size_t n = strlen(NM_BDG_NAME);

	if (strncmp(text, NM_BDG_NAME, n) != 0)
		return 0;
	while (is_word(text[n]))
		n++;
	return n;
}

static int
is_printable(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text <= ' ' || *text == 0x7f)
			return 0;
	}
	return 1;
}

/* What is wrong with the name of an interface; NULL: nothing. */
static const char *
interface_fault(const char *name)
{
	if (*name == '\0')
		return "the name of the interface is missing";
	if (strlen(name) >= NM_IFNAMSIZ)
		return "the name of an interface has 15 characters at most";
	if (!is_printable(name) || strpbrk(name, "/:") != NULL)
		return "that is not the name of an interface";
	return NULL;
}

/* The same for SWITCH:PORT. */
static const char *
port_fault(const char *name)
{
	size_t n = switch_length(name);

	if (n == 0 || name[n] != ':')
		return "needs SWITCH:PORT, and the name of a switch is vale, letters, digits, _";
	if (name[n + 1] == '\0' || !is_printable(name))
		return "the part after the colon is not the name of a port";
	if (strlen(name) >= NETMAP_REQ_IFNAMSIZ)
		return "the name of a port has 63 characters at most";
	return NULL;
}

static const char *
name_fault(const struct options *o)
{
	const char *fault, *name = o->name;

	switch (o->action) {
	case ACTION_LIST:
		if (*name == '\0' || name[switch_length(name)] == '\0')
			return strlen(name) < NETMAP_REQ_IFNAMSIZ ? NULL :
			    "the name of a switch has 63 characters at most";
		return port_fault(name);
	case ACTION_INFO:
		return port_fault(name);
	case ACTION_CREATE:
	case ACTION_REMOVE:
		if (strncmp(name, NM_BDG_NAME, strlen(NM_BDG_NAME)) == 0)
			return "names that begin with vale belong to switches";
		return interface_fault(name);
	default:
		fault = port_fault(name);
		return fault != NULL ? fault : interface_fault(strchr(name, ':') + 1);
	}
}

/* Take a decimal number <= max off the string at *s; 0, or -1. */
static int
take_number(const char **s, uint32_t max, uint32_t *value)
{
	const char *p = *s;
	uint64_t v = 0;

	if (*p < '0' || *p > '9')
		return -1;
	for (; *p >= '0' && *p <= '9'; p++) {
		v = v * 10 + (uint64_t)(*p - '0');
		if (v > max)
			return -1;
	}
	*s = p;
	*value = (uint32_t)v;
	return 0;
}

static int
read_spec(struct options *o, const char *text)
{
	const char *s = text;

	for (o->n_numbers = 0; o->n_numbers < 4; s++) {
		if (take_number(&s, UINT32_MAX, &o->numbers[o->n_numbers]) != 0)
			break;
		o->n_numbers++;
		if (*s == '\0')
			return 0;
		if (*s != ',')
			break;
	}
	return bad('C', text, "needs one to four numbers with commas between them");
}

/* What the numbers of -C may be depends on the action. */
static int
check_spec(const struct options *o)
{
	const uint32_t *v = o->numbers;
	int i;

	if (o->n_numbers == 0)
		return 0;
	if (o->action == ACTION_CREATE) {
		for (i = 2; i < o->n_numbers; i++) {
			if (v[i] > UINT16_MAX)
				return bad('C', "", "a port has 65535 rings at most");
		}
		return 0;
	}
	if (o->action != ACTION_POLL)
		return bad('C', "", "only -n and -p have something to configure");
	if (o->n_numbers < 2 || o->n_numbers > 3 || v[0] > 1)
		return bad('C', "", "with -p it is 0,CPU or 1,CPU,N");
	if (o->n_numbers == 3 && (v[2] == 0 || (v[0] == 0 && v[2] != 1)))
		return bad('C', "", "0,CPU is one thread; 1,CPU,N is N of them, at least one");
	return 0;
}

static int
check(const struct options *o)
{
	const char *fault = name_fault(o);

	if (fault != NULL)
		return bad(o->letter, o->name, fault);
	if (o->mem_id != 0 && o->action != ACTION_ATTACH && o->action != ACTION_ATTACH_HOST &&
	    o->action != ACTION_CREATE)
		return bad('m', "", "only -a, -h and -n choose a region");
	return check_spec(o);
}

static int
read_region(struct options *o, const char *text)
{
	const char *s = text;
	uint32_t v;

	if (take_number(&s, UINT16_MAX, &v) != 0 || *s != '\0' || v == 0)
		return bad('m', text, "needs a number from 1 to 65535");
	o->mem_id = (uint16_t)v;
	return 0;
}

static int
set_action(struct options *o, int letter, const char *name)
{
	static const char letters[] = "lgahdnrpP";	/* in the order of enum action */

	if (o->letter != '\0')
		return bad((char)letter, name, "one action at a time");
	o->action = (enum action)(strchr(letters, letter) - letters);
	o->letter = (char)letter;
	o->name = name;
	return 0;
}

static int
read_option(struct options *o, int letter, const char *value)
{
	switch (letter) {
	case 'v':
		o->verbose = 1;
		return 0;
	case 'C':
		return o->n_numbers == 0 ? read_spec(o, value) : bad('C', value, "given twice");
	case 'm':
		return o->mem_id == 0 ? read_region(o, value) : bad('m', value, "given twice");
	default:
		return set_action(o, letter, value);
	}
}

int
options_read(struct options *o, int argc, char **argv)
{
	int c;

	memset(o, 0, sizeof(*o));
	o->name = "";
	opterr = 0;
	while ((c = getopt(argc, argv, ":a:h:d:n:r:l:g:p:P:C:m:v")) != -1) {
		const char *value = optarg;

		if (c == '?' && optopt == '-' && strcmp(argv[optind], "--help") == 0) {
			fputs(help, stdout);
			return 1;
		}
		if (c == '?' && optopt == '-')
			return stray(argv[optind], "there is no such option");
		if (c == '?')
			return bad((char)optopt, "", "there is no such option");
		/* -l alone stands for all ports, at the end or before another option. */
		if (c == ':' && optopt == 'l') {
			c = 'l';
			value = "";
		} else if (c == 'l' && value[0] == '-') {
			optind--;
			value = "";
		} else if (c == ':') {
			return bad((char)optopt, "", "needs a value");
		}
		if (c != 'v' && c != 'l' && (*value == '\0' || *value == '-'))
			return bad((char)c, value, "needs a value");
		if (read_option(o, c, value) != 0)
			return -1;
	}
	if (optind < argc)
		return stray(argv[optind], "only options are expected");
	if (o->letter == '\0')
		o->letter = 'l';
	return check(o);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VALECTL_OPTIONS_H_
#define VALECTL_OPTIONS_H_

#include <stdint.h>

enum action {
	ACTION_LIST,		/* -l, or nothing */
	ACTION_INFO,		/* -g */
	ACTION_ATTACH,		/* -a */
	ACTION_ATTACH_HOST,	/* -h */
	ACTION_DETACH,		/* -d */
	ACTION_CREATE,		/* -n */
	ACTION_REMOVE,		/* -r */
	ACTION_POLL,		/* -p */
	ACTION_UNPOLL,		/* -P */
};

/* The command line, checked. */
struct options {
	enum action action;
	char letter;		/* of the action */
	const char *name;	/* "" for the list of all ports */
	int verbose;
	uint32_t numbers[4];	/* of -C, as many as were given */
	int n_numbers;
	uint16_t mem_id;	/* of -m, 0 when not given */
};

/*
 * Read the command line.  Returns 0; 1 when the help was printed; or -1 after
 * one line on stderr.
 */
int options_read(struct options *o, int argc, char **argv);

#endif

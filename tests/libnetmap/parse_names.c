/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Read port names, one a line, and answer each with one line:
 *	ok NAME MODE RING FLAGS MEMID TX_RINGS RX_RINGS TX_SLOTS RX_SLOTS
 *	error ERRNO
 * A name that fails must leave the port as new, which is checked here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libnetmap.h"

static int told;

static void
count_message(struct nmctx *ctx, const char *message)
{
	(void)ctx;
	(void)message;
	told++;
}

static void
answer(const char *spec)
{
	struct nmport_d *d = nmport_new();
	static const struct nmreq_register clear;

	if (d == NULL)
		abort();
	told = 0;
	errno = 0;
	if (nmport_parse(d, spec) == 0) {
		printf("ok %s %u %u %llu %u %u %u %u %u\n", d->hdr.nr_name, d->reg.nr_mode,
		    d->reg.nr_ringid, (unsigned long long)d->reg.nr_flags, d->reg.nr_mem_id,
		    d->reg.nr_tx_rings, d->reg.nr_rx_rings, d->reg.nr_tx_slots, d->reg.nr_rx_slots);
	} else {
		printf("error %d\n", errno);
		if (told != 1 || memcmp(&d->reg, &clear, sizeof(clear)) != 0 ||
		    d->hdr.nr_name[0] != '\0' || d->hdr.nr_options != 0)
			abort();
	}
	fflush(stdout);
	nmport_delete(d);
}

int
main(void)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	nmctx_get()->error = count_message;
	while ((n = getline(&line, &size, stdin)) > 0) {
		/* A copy of the exact length, so that reading beyond it is noticed. */
		char *spec = malloc((size_t)n);

		if (spec == NULL)
			return 1;
		line[n - 1] = '\0';
		memcpy(spec, line, (size_t)n);
		answer(spec);
		free(spec);
	}
	free(line);
	return 0;
}

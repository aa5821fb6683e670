/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Read port names, one a line, and answer each with one line:
 *	ok NAME MODE RING FLAGS MEMID TX_RINGS RX_RINGS TX_SLOTS RX_SLOTS
 *	error ERRNO MESSAGE
 * A name that fails must leave the port as new, and a decoder its string and its result,
 * which is checked here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libnetmap.h"

static int told;
static char last[512];

static void
note_message(struct nmctx *ctx, const char *message)
{
	(void)ctx;
	snprintf(last, sizeof(last), "%s", message);
	told++;
}

/* Each decoder alone: it moves its string forward, or touches nothing at all. */
static void
decode_apart(const char *spec)
{
	struct nmreq_header hdr, hdr_before;
	struct nmreq_register reg, reg_before;
	const char *s = spec, *mode;

	memset(&hdr, 0xa5, sizeof(hdr));
	memset(&reg, 0, sizeof(reg));
	reg.nr_tx_slots = 77;
	hdr_before = hdr;
	reg_before = reg;
	if (nmreq_header_decode(&s, &hdr, nmctx_get()) != 0) {
		if (s != spec || memcmp(&hdr, &hdr_before, sizeof(hdr)) != 0)
			abort();
		return;
	}
	if (s <= spec || s > spec + strlen(spec) || hdr.nr_version != hdr_before.nr_version)
		abort();
	mode = s;
	if (nmreq_register_decode(&s, &reg, nmctx_get()) != 0) {
		if (s != mode || memcmp(&reg, &reg_before, sizeof(reg)) != 0)
			abort();
		return;
	}
	if (s < mode || (*s != '\0' && *s != '@') || reg.nr_tx_slots != 77)
		abort();
}

static void
answer(const char *spec)
{
	struct nmport_d *d = nmport_new();
	static const struct nmreq_register clear;

	if (d == NULL)
		abort();
	decode_apart(spec);
	told = 0;
	errno = 0;
	if (nmport_parse(d, spec) == 0) {
		printf("ok %s %u %u %llu %u %u %u %u %u\n", d->hdr.nr_name, d->reg.nr_mode,
		    d->reg.nr_ringid, (unsigned long long)d->reg.nr_flags, d->reg.nr_mem_id,
		    d->reg.nr_tx_rings, d->reg.nr_rx_rings, d->reg.nr_tx_slots, d->reg.nr_rx_slots);
	} else {
		printf("error %d %s\n", errno, last);
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

	nmctx_get()->error = note_message;
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

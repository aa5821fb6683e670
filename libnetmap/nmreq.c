/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests: headers, and the options that hang on them as a singly linked
 * list of addresses.
 */
#include <string.h>

#include "libnetmap.h"

void
nmreq_header_init(struct nmreq_header *hdr, uint16_t reqtype, void *body)
{
	memset(hdr, 0, sizeof(*hdr));
	hdr->nr_version = NETMAP_API;
	hdr->nr_reqtype = reqtype;
	hdr->nr_body = (uintptr_t)body;
}

void
nmreq_push_option(struct nmreq_header *hdr, struct nmreq_option *opt)
{
	opt->nro_next = hdr->nr_options;
	hdr->nr_options = (uintptr_t)opt;
}

void
nmreq_remove_option(struct nmreq_header *hdr, struct nmreq_option *opt)
{
	uint64_t *link = &hdr->nr_options;

	while (*link != 0) {
		struct nmreq_option *at = (struct nmreq_option *)(uintptr_t)*link;

		if (at == opt) {
			*link = at->nro_next;
			at->nro_next = 0;
			return;
		}
		link = &at->nro_next;
	}
}

struct nmreq_option *
nmreq_find_option(struct nmreq_header *hdr, uint32_t type)
{
	struct nmreq_option *opt;

	nmreq_foreach_option(hdr, opt) {
		if (opt->nro_reqtype == type)
			return opt;
	}
	return NULL;
}

void
nmreq_free_options(struct nmreq_header *hdr)
{
	while (hdr->nr_options != 0) {
		struct nmreq_option *opt = (struct nmreq_option *)(uintptr_t)hdr->nr_options;

		hdr->nr_options = opt->nro_next;
		nmctx_free(nmctx_get(), opt);
	}
}

const char *
nmreq_option_name(uint32_t type)
{
	switch (type) {
	case NETMAP_REQ_OPT_EXTMEM:
		return "extmem";
	case NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS:
		return "sync-kloop-eventfds";
	case NETMAP_REQ_OPT_CSB:
		return "csb";
	case NETMAP_REQ_OPT_SYNC_KLOOP_MODE:
		return "sync-kloop-mode";
	case NETMAP_REQ_OPT_OFFSETS:
		return "offsets";
	default:
		return "unknown";
	}
}

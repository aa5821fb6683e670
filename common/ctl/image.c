/* SPDX-License-Identifier: BSD-2-Clause */
/* The flat image of a request: sizes of options, and whether it holds together. */
#include "ctl/request.h"

/* Bytes by nro_reqtype; 0: not of fixed size. */
static const uint32_t option_sizes[NETMAP_REQ_OPT_MAX] = {
	[NETMAP_REQ_OPT_EXTMEM] = sizeof(struct nmreq_opt_extmem),
	[NETMAP_REQ_OPT_CSB] = sizeof(struct nmreq_opt_csb),
	[NETMAP_REQ_OPT_SYNC_KLOOP_MODE] = sizeof(struct nmreq_opt_sync_kloop_mode),
	[NETMAP_REQ_OPT_OFFSETS] = sizeof(struct nmreq_opt_offsets),
};

/* EVENTFDS says its own size: the header and pairs of descriptors. */
static bool size_is_wrong(const struct nmreq_option *opt)
{
	return opt->nro_reqtype == NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS &&
	       (opt->nro_size < sizeof(*opt) || opt->nro_size % 8 != 0);
}

uint64_t nm_option_size(const struct nmreq_option *opt)
{
	if (opt->nro_reqtype == NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS)
		return size_is_wrong(opt) ? sizeof(*opt) : opt->nro_size;
	if (opt->nro_reqtype >= NETMAP_REQ_OPT_MAX || option_sizes[opt->nro_reqtype] == 0)
		return sizeof(*opt);
	return option_sizes[opt->nro_reqtype];
}

struct nmreq_option *nm_image_option(struct nm_image *img, uint32_t type)
{
	uint32_t i;

	for (i = 0; i < img->nopts; i++) {
		if (nm_image_opt_at(img, i)->nro_reqtype == type)
			return nm_image_opt_at(img, i);
	}
	return NULL;
}

bool nm_image_has_unhandled(struct nm_image *img)
{
	uint32_t i;

	for (i = 0; i < img->nopts; i++) {
		if (nm_image_opt_at(img, i)->nro_status == EOPNOTSUPP)
			return true;
	}
	return false;
}

/* Whoever filled the image may have done it from a blob that the program made. */
static bool layout_is_sound(const struct nm_image *img)
{
	uint32_t end = img->body_len, i;

	if (img->body_len != nm_request_body_size(img->hdr.nr_reqtype) ||
	    img->nopts > NM_IMAGE_MAX_OPTS || img->used > NETMAP_REQ_MAXSIZE || img->used < end)
		return false;
	for (i = 0; i < img->nopts; i++) {
		const struct nm_image_opt *at = &img->opt[i];
		const struct nmreq_option *opt;

		if (at->off % 8 != 0 || at->off > img->used || at->off < end ||
		    at->len > img->used - at->off || at->len < sizeof(*opt))
			return false;
		end = at->off + at->len;
		opt = (const struct nmreq_option *)(const void *)(img->data + at->off);
		if (at->len != nm_option_size(opt))
			return false;
	}
	return true;
}

int nm_image_check(struct nm_image *img)
{
	int error = 0;
	uint32_t i;

	if (!layout_is_sound(img))
		return EINVAL;
	for (i = 0; i < img->nopts; i++)
		nm_image_opt_at(img, i)->nro_status = EOPNOTSUPP;
	for (i = 0; i < img->nopts; i++) {
		struct nmreq_option *opt = nm_image_opt_at(img, i), *first;

		/* what a later interface may define is none of our business */
		if (opt->nro_reqtype >= NETMAP_REQ_OPT_MAX)
			continue;
		first = nm_image_option(img, opt->nro_reqtype);
		if (opt->nro_reqtype != 0 && !size_is_wrong(opt) && first == opt)
			continue;
		opt->nro_status = first->nro_status = EINVAL;
		error = EINVAL;
	}
	return error;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of this room share.  The essay is in request.c.
 */
#ifndef NM_CTL_REQUEST_H
#define NM_CTL_REQUEST_H

#include "ctl/ctl.h"

/* Bytes of a request's body, 0: it has none, NM_NO_TYPE: no such request. */
#define NM_NO_TYPE UINT32_MAX
uint32_t nm_request_body_size(uint16_t reqtype);

/*
 * Whether the header names a request of ours: version, reserved field, type, name.
 * EINVAL; with a version that we do not speak ours is left in the header.
 */
int nm_request_header_check(struct nmreq_header *hdr);

/*
 * Bytes of an option that the program gave a header for; the header alone where the
 * type or the size is none of ours (nm_image_check complains later).
 */
uint64_t nm_option_size(const struct nmreq_option *opt);

/*
 * The whole image but the header: lengths, and types of options.  Sets every
 * nro_status: EOPNOTSUPP until a handler clears it, EINVAL in those that are
 * wrong in themselves; with one of these the result is EINVAL.
 */
int nm_image_check(struct nm_image *img);

static inline void *nm_image_body(struct nm_image *img)
{
	return img->data;
}

static inline struct nmreq_option *nm_image_opt_at(struct nm_image *img, uint32_t i)
{
	return (struct nmreq_option *)(void *)(img->data + img->opt[i].off);
}

/* The first option of a type, NULL: there is none. */
struct nmreq_option *nm_image_option(struct nm_image *img, uint32_t type);

/* Whether some option has not been taken up by a handler. */
bool nm_image_has_unhandled(struct nm_image *img);

/*
 * Finds the port of a request by its name; 0 and a reference, else an errno (ENXIO for
 * the empty name too).  Context: sleep, interface and control held.
 */
int nm_handle_resolve(struct nm_handle *h, const char *name, const struct nmreq_register *reg,
		      struct nm_mem *mem, bool create, struct netmap_adapter **na);

/*
 * The requests.  The image has been checked; what they write into it counts only
 * when they return 0.  Context: sleep, interface and control held.
 */
int nm_handle_register(struct nm_handle *h, struct nm_image *img);
int nm_handle_port_info(struct nm_handle *h, struct nm_image *img);
int nm_handle_pools_info(struct nm_handle *h, struct nm_image *img);
int nm_handle_hdr_get(struct nm_handle *h, struct nm_image *img);
int nm_handle_hdr_set(struct nm_handle *h, struct nm_image *img);
int nm_handle_vale_attach(struct nm_handle *h, struct nm_image *img);
int nm_handle_vale_detach(struct nm_handle *h, struct nm_image *img);
int nm_handle_vale_list(struct nm_handle *h, struct nm_image *img);

#endif /* NM_CTL_REQUEST_H */

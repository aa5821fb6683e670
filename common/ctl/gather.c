/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request between user memory and its image, on systems where the kernel can
 * follow a program's pointers.
 *
 * Every byte is read once, and what was read is what counts: a program that changes
 * its request meanwhile gets an answer to one of the two.  The bound on body and
 * options also ends a list of options that runs in a circle.
 *
 * Each piece is written back as soon as it has been read.  So a request whose answer
 * cannot be delivered fails before anything is done, not after.
 */
#include "ctl/request.h"

/* Copies in, and finds out whether copying out will do. */
static int take(uint64_t uaddr, void *dst, size_t len)
{
	int error = nm_os_copyin(uaddr, dst, len);

	return error ? error : nm_os_copyout(dst, uaddr, len);
}

static int gather_option(struct nm_image *img, uint64_t uaddr, uint64_t *next)
{
	struct nm_image_opt *at = &img->opt[img->nopts];
	struct nmreq_option *opt = (struct nmreq_option *)(void *)(img->data + img->used);
	size_t room = NETMAP_REQ_MAXSIZE - img->used, rest;
	uint64_t size;
	int error;

	if (room < sizeof(*opt))
		return EMSGSIZE;
	error = take(uaddr, opt, sizeof(*opt));
	if (error)
		return error;
	opt->nro_status = EOPNOTSUPP;
	*next = opt->nro_next;
	at->uaddr = uaddr;
	at->off = img->used;
	at->len = sizeof(*opt);
	img->used += at->len;
	img->nopts++;

	size = nm_option_size(opt);
	if (size > room)
		return EMSGSIZE;
	rest = (size_t)size - sizeof(*opt);
	if (rest == 0)
		return 0;
	error = take(uaddr + sizeof(*opt), opt + 1, rest);
	if (error)
		return error;
	at->len += (uint32_t)rest;
	img->used += (uint32_t)rest;
	return 0;
}

static int gather(struct nm_image *img)
{
	uint64_t uaddr = img->hdr.nr_options;
	int error = nm_request_header_check(&img->hdr);

	if (error)
		return error;
	img->body_len = nm_request_body_size(img->hdr.nr_reqtype);
	if ((img->body_len != 0) != (img->hdr.nr_body != 0)) {
		img->body_len = 0;
		return EINVAL;
	}
	img->used = img->body_len;
	while (uaddr != 0) {
		error = gather_option(img, uaddr, &uaddr);
		if (error)
			return error;
	}
	return img->body_len == 0 ? 0 : take(img->hdr.nr_body, img->data, img->body_len);
}

int nm_ctl_gather(uint64_t uhdr, struct nm_image **out)
{
	struct nm_image *img = nm_os_malloc(sizeof(*img));
	int error;

	*out = NULL;
	if (img == NULL)
		return ENOMEM;
	error = take(uhdr, &img->hdr, sizeof(img->hdr));
	if (error) {
		nm_os_free(img);
		return error;
	}
	*out = img;
	return gather(img);
}

int nm_ctl_scatter(uint64_t uhdr, struct nm_image *img, int error)
{
	int fault = nm_os_copyout(&img->hdr, uhdr, sizeof(img->hdr));
	uint32_t i;

	for (i = 0; i < img->nopts; i++) {
		const struct nmreq_option *opt = nm_image_opt_at(img, i);
		size_t len = opt->nro_status == 0 ? img->opt[i].len : sizeof(*opt);

		if (nm_os_copyout(opt, img->opt[i].uaddr, len) != 0)
			fault = EFAULT;
	}
	if (error == 0 && img->body_len != 0 &&
	    nm_os_copyout(img->data, img->hdr.nr_body, img->body_len) != 0)
		fault = EFAULT;
	return error ? error : fault;
}

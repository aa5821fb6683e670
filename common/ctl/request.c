/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests.
 *
 * Whatever a program asks for goes through one flat image (struct nm_image) that
 * belongs to the kernel: header, body, options end to end.  In order:
 *
 *   1. nm_ctl_gather       the system's port has the image collected from user
 *      (gather.c)          memory, each byte read once; on a system where requests
 *                          arrive flat the port fills it itself
 *   2. nm_ctl_request      header and image are checked whole before anything is
 *                          done (nm_request_header_check here, nm_image_check in
 *                          image.c), then the locks are taken and the row of the
 *                          table below is carried out
 *   3. handlers            handle.c: binding a file; ports.c: what is to be known
 *                          or set of a port; bridges.c: switches
 *   4. nm_ctl_scatter      the answer goes back: header and the options' headers
 *      (gather.c)          always, bodies only where there is no error
 *
 * The older ioctls (legacy.c) are turned into images of their own and join at 2.
 *
 * LOCKS  User memory is touched in 1 and 4 only, with no lock held.  Every request
 * that is carried out may meet an interface, so the interface lock is taken first,
 * then control.  A handle's binding is written under control; it is complete when
 * b.nifp is published and from then on stays until the file's last close, so that
 * syncs, poll and mmap (poll.c, handle.c) read it without a lock.
 *
 * INVARIANT  A request that fails has changed nothing: no port, no reference, no
 * switch, no byte of the body.
 */
#include "ctl/request.h"

#ifdef NM_WITHOUT_VALE
#define NM_VALE_HANDLER(handler) NULL
#else
#define NM_VALE_HANDLER(handler) handler
#endif

/* By nr_reqtype.  Without a handler: known, but this kernel does not do it. */
static const struct {
	uint32_t body; /* bytes */
	int (*handler)(struct nm_handle *h, struct nm_image *img);
} requests[] = {
	[0] = { NM_NO_TYPE, NULL },
	[NETMAP_REQ_REGISTER] = { sizeof(struct nmreq_register), nm_handle_register },
	[NETMAP_REQ_PORT_INFO_GET] = { sizeof(struct nmreq_port_info_get), nm_handle_port_info },
	[NETMAP_REQ_VALE_ATTACH] = { sizeof(struct nmreq_vale_attach),
				      NM_VALE_HANDLER(nm_handle_vale_attach) },
	[NETMAP_REQ_VALE_DETACH] = { sizeof(struct nmreq_vale_detach),
				      NM_VALE_HANDLER(nm_handle_vale_detach) },
	[NETMAP_REQ_VALE_LIST] = { sizeof(struct nmreq_vale_list),
				    NM_VALE_HANDLER(nm_handle_vale_list) },
	[NETMAP_REQ_PORT_HDR_SET] = { sizeof(struct nmreq_port_hdr), nm_handle_hdr_set },
	[NETMAP_REQ_PORT_HDR_GET] = { sizeof(struct nmreq_port_hdr), nm_handle_hdr_get },
	[NETMAP_REQ_VALE_NEWIF] = { sizeof(struct nmreq_vale_newif), NULL },
	[NETMAP_REQ_VALE_DELIF] = { 0, NULL },
	[NETMAP_REQ_VALE_POLLING_ENABLE] = { sizeof(struct nmreq_vale_polling), NULL },
	[NETMAP_REQ_VALE_POLLING_DISABLE] = { sizeof(struct nmreq_vale_polling), NULL },
	[NETMAP_REQ_POOLS_INFO_GET] = { sizeof(struct nmreq_pools_info), nm_handle_pools_info },
	[NETMAP_REQ_SYNC_KLOOP_START] = { sizeof(struct nmreq_sync_kloop_start), NULL },
	[NETMAP_REQ_SYNC_KLOOP_STOP] = { 0, NULL },
	[NETMAP_REQ_CSB_ENABLE] = { 0, NULL },
};

uint32_t nm_request_body_size(uint16_t reqtype)
{
	if (reqtype >= sizeof(requests) / sizeof(requests[0]))
		return NM_NO_TYPE;
	return requests[reqtype].body;
}

int nm_request_header_check(struct nmreq_header *hdr)
{
	if (hdr->nr_version < NETMAP_MIN_API || hdr->nr_version > NETMAP_MAX_API) {
		hdr->nr_version = NETMAP_API;
		return EINVAL;
	}
	if (hdr->nr_reserved != 0 || nm_request_body_size(hdr->nr_reqtype) == NM_NO_TYPE)
		return EINVAL;
	if (strnlen(hdr->nr_name, sizeof(hdr->nr_name)) == sizeof(hdr->nr_name))
		return EINVAL;
	return 0;
}

int nm_ctl_request(struct nm_handle *h, struct nm_image *img)
{
	int error = nm_request_header_check(&img->hdr);

	if (!error)
		error = nm_image_check(img);
	if (error)
		return error;
	if (requests[img->hdr.nr_reqtype].handler == NULL)
		return EOPNOTSUPP;

	nm_os_if_lock();
	nm_mutex_lock(&nm_control);
	error = requests[img->hdr.nr_reqtype].handler(h, img);
	nm_mutex_unlock(&nm_control);
	nm_os_if_unlock();
	return error;
}

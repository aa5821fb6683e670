/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The requests of older programs: one struct nmreq for everything.  Each is turned into
 * an image of the new request, carried out by nm_ctl_request() like any other, and its
 * answer turned back.  What does not fit the old fields is EOVERFLOW, not cut off.
 */
#include "ctl/request.h"

/* What an old request means, in both ways. */
struct translation {
	uint16_t cmd;	  /* nr_cmd */
	uint16_t reqtype; /* NETMAP_REQ_* */
	bool by_info;	  /* NIOCGINFO takes it */
	bool by_regif;	  /* NIOCREGIF takes it */
	int (*to_new)(const struct nmreq *req, struct nm_image *img);
	int (*to_old)(struct nmreq *req, struct nm_image *img);
};

/* ---- binding ------------------------------------------------------------------ */

/* `parent{id` or `parent}id`, as the new interface names pipes. */
static void name_pipe(struct nmreq_header *hdr, bool master, uint32_t id)
{
	char parent[NM_IFNAMSIZ];

	nm_strlcpy(parent, hdr->nr_name, sizeof(parent));
	snprintf(hdr->nr_name, sizeof(hdr->nr_name), "%s%c%u", parent, master ? '{' : '}',
		 (unsigned)id);
}

static void rings_to_new(const struct nmreq *req, struct nmreq_register *reg)
{
	reg->nr_tx_slots = req->nr_tx_slots;
	reg->nr_rx_slots = req->nr_rx_slots;
	reg->nr_tx_rings = req->nr_tx_rings;
	reg->nr_rx_rings = req->nr_rx_rings;
	reg->nr_mem_id = req->nr_arg2;
	reg->nr_flags = req->nr_flags & ~(uint32_t)NR_REG_MASK;
	if (req->nr_ringid & NETMAP_NO_TX_POLL)
		reg->nr_flags |= NR_NO_TX_POLL;
	if (req->nr_ringid & NETMAP_DO_RX_POLL)
		reg->nr_flags |= NR_DO_RX_POLL;
}

static int register_to_new(const struct nmreq *req, struct nm_image *img)
{
	struct nmreq_register *reg = nm_image_body(img);
	uint32_t id = req->nr_ringid & NETMAP_RING_MASK;

	rings_to_new(req, reg);
	reg->nr_extra_bufs = req->nr_arg3;
	reg->nr_mode = req->nr_flags & NR_REG_MASK;
	switch (reg->nr_mode) {
	case NR_REG_DEFAULT:
		/* the oldest programs say it by bits of the ring's number */
		if (req->nr_ringid & NETMAP_SW_RING)
			reg->nr_mode = NR_REG_SW;
		else if (req->nr_ringid & NETMAP_HW_RING)
			reg->nr_mode = NR_REG_ONE_NIC;
		else
			reg->nr_mode = NR_REG_ALL_NIC;
		break;
	case NR_REG_PIPE_MASTER:
	case NR_REG_PIPE_SLAVE:
		if (img->hdr.nr_name[0] == '\0')
			return ENXIO;
		name_pipe(&img->hdr, reg->nr_mode == NR_REG_PIPE_MASTER, id);
		reg->nr_mode = NR_REG_ALL_NIC;
		id = 0;
		break;
	default:
		break;
	}
	if (reg->nr_mode == NR_REG_ONE_NIC || reg->nr_mode == NR_REG_ONE_SW)
		reg->nr_ringid = (uint16_t)id;
	img->flags |= NM_IMAGE_FIT32;
	return 0;
}

static int register_to_old(struct nmreq *req, struct nm_image *img)
{
	const struct nmreq_register *reg = nm_image_body(img);

	/* NM_IMAGE_FIT32: both fit */
	req->nr_offset = (uint32_t)reg->nr_offset;
	req->nr_memsize = (uint32_t)reg->nr_memsize;
	req->nr_tx_slots = reg->nr_tx_slots;
	req->nr_rx_slots = reg->nr_rx_slots;
	req->nr_tx_rings = reg->nr_tx_rings;
	req->nr_rx_rings = reg->nr_rx_rings;
	req->nr_arg2 = reg->nr_mem_id;
	req->nr_arg3 = reg->nr_extra_bufs;
	return 0;
}

/* ---- information ---------------------------------------------------------------- */

static int info_to_new(const struct nmreq *req, struct nm_image *img)
{
	struct nmreq_port_info_get *info = nm_image_body(img);

	info->nr_tx_slots = req->nr_tx_slots;
	info->nr_rx_slots = req->nr_rx_slots;
	info->nr_tx_rings = req->nr_tx_rings;
	info->nr_rx_rings = req->nr_rx_rings;
	info->nr_mem_id = req->nr_arg2;
	return 0;
}

static int info_to_old(struct nmreq *req, struct nm_image *img)
{
	const struct nmreq_port_info_get *info = nm_image_body(img);

	if (info->nr_memsize > UINT32_MAX)
		return EOVERFLOW;
	req->nr_memsize = (uint32_t)info->nr_memsize;
	req->nr_tx_slots = info->nr_tx_slots;
	req->nr_rx_slots = info->nr_rx_slots;
	req->nr_tx_rings = info->nr_tx_rings;
	req->nr_rx_rings = info->nr_rx_rings;
	req->nr_arg2 = info->nr_mem_id;
	return 0;
}

/* ---- switches -------------------------------------------------------------------- */

static int attach_to_new(const struct nmreq *req, struct nm_image *img)
{
	struct nmreq_vale_attach *body = nm_image_body(img);

	if (req->nr_arg1 != 0 && req->nr_arg1 != NETMAP_BDG_HOST)
		return EINVAL;
	rings_to_new(req, &body->reg);
	body->reg.nr_mode = req->nr_arg1 == NETMAP_BDG_HOST ? NR_REG_NIC_SW : NR_REG_ALL_NIC;
	body->reg.nr_ringid = req->nr_ringid & NETMAP_RING_MASK;
	return 0;
}

static int list_to_new(const struct nmreq *req, struct nm_image *img)
{
	struct nmreq_vale_list *body = nm_image_body(img);

	body->nr_bridge_idx = req->nr_arg1;
	body->nr_port_idx = req->nr_arg2;
	return 0;
}

static int list_to_old(struct nmreq *req, struct nm_image *img)
{
	const struct nmreq_vale_list *body = nm_image_body(img);

	if (body->nr_port_idx > UINT16_MAX || strlen(img->hdr.nr_name) >= sizeof(req->nr_name))
		return EOVERFLOW;
	memset(req->nr_name, 0, sizeof(req->nr_name));
	nm_strlcpy(req->nr_name, img->hdr.nr_name, sizeof(req->nr_name));
	req->nr_arg1 = body->nr_bridge_idx;
	req->nr_arg2 = (uint16_t)body->nr_port_idx;
	return 0;
}

static int hdr_to_new(const struct nmreq *req, struct nm_image *img)
{
	struct nmreq_port_hdr *body = nm_image_body(img);

	body->nr_hdr_len = req->nr_arg1;
	return 0;
}

static int hdr_to_old(struct nmreq *req, struct nm_image *img)
{
	const struct nmreq_port_hdr *body = nm_image_body(img);

	req->nr_arg1 = (uint16_t)body->nr_hdr_len;
	return 0;
}

/* The commands that only look are taken by either ioctl, as programs send them. */
static const struct translation translations[] = {
	{ 0, NETMAP_REQ_REGISTER, false, true, register_to_new, register_to_old },
	{ 0, NETMAP_REQ_PORT_INFO_GET, true, false, info_to_new, info_to_old },
	{ NETMAP_BDG_ATTACH, NETMAP_REQ_VALE_ATTACH, false, true, attach_to_new, NULL },
	{ NETMAP_BDG_DETACH, NETMAP_REQ_VALE_DETACH, false, true, NULL, NULL },
	{ NETMAP_BDG_LIST, NETMAP_REQ_VALE_LIST, true, true, list_to_new, list_to_old },
	{ NETMAP_BDG_VNET_HDR, NETMAP_REQ_PORT_HDR_SET, false, true, hdr_to_new, NULL },
	{ NETMAP_VNET_HDR_GET, NETMAP_REQ_PORT_HDR_GET, true, true, NULL, hdr_to_old },
	{ NETMAP_BDG_NEWIF, NETMAP_REQ_VALE_NEWIF, false, true, NULL, NULL },
	{ NETMAP_BDG_DELIF, NETMAP_REQ_VALE_DELIF, false, true, NULL, NULL },
	{ NETMAP_BDG_POLLING_ON, NETMAP_REQ_VALE_POLLING_ENABLE, false, true, NULL, NULL },
	{ NETMAP_BDG_POLLING_OFF, NETMAP_REQ_VALE_POLLING_DISABLE, false, true, NULL, NULL },
};

static int carry_out(struct nm_handle *h, struct nmreq *req, const struct translation *tr,
		     struct nm_image *img)
{
	int error;

	img->hdr.nr_version = NETMAP_API;
	img->hdr.nr_reqtype = tr->reqtype;
	nm_strlcpy(img->hdr.nr_name, req->nr_name, sizeof(img->hdr.nr_name));
	img->body_len = img->used = nm_request_body_size(tr->reqtype);
	error = tr->to_new != NULL ? tr->to_new(req, img) : 0;
	if (!error)
		error = nm_ctl_request(h, img);
	if (!error && tr->to_old != NULL)
		error = tr->to_old(req, img);
	return error;
}

static int legacy(struct nm_handle *h, struct nmreq *req, bool info)
{
	struct nm_image *img;
	size_t i;
	int error;

	if (req->nr_version < NETMAP_MIN_API ||
	    strnlen(req->nr_name, sizeof(req->nr_name)) == sizeof(req->nr_name))
		return EINVAL;
	for (i = 0; i < sizeof(translations) / sizeof(translations[0]); i++) {
		const struct translation *tr = &translations[i];

		if (tr->cmd != req->nr_cmd || !(info ? tr->by_info : tr->by_regif))
			continue;
		img = nm_os_malloc(sizeof(*img));
		if (img == NULL)
			return ENOMEM;
		error = carry_out(h, req, tr, img);
		nm_os_free(img);
		return error;
	}
	return EINVAL;
}

int nm_ctl_legacy_info(struct nm_handle *h, struct nmreq *req)
{
	return legacy(h, req, true);
}

int nm_ctl_legacy_regif(struct nm_handle *h, struct nmreq *req)
{
	return legacy(h, req, false);
}

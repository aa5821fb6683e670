/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests that ask about a port, or set something of it, without binding. */
#include "ctl/request.h"
#include "vale/vale.h"

/* The region that stands for the empty name: 0 means the global one. */
static struct nm_mem *mem_of_id(uint16_t id)
{
	return nm_mem_find(id != 0 ? id : NM_MEM_GLOBAL_ID);
}

static int mem_info(struct nmreq_port_info_get *info)
{
	struct nm_mem *mem = mem_of_id(info->nr_mem_id);

	if (mem == NULL)
		return EINVAL;
	info->nr_memsize = nm_mem_bytes(mem);
	info->nr_mem_id = nm_mem_id(mem);
	nm_mem_put(mem);
	return 0;
}

/* How a port is wanted that does not exist yet. */
static void info_to_register(const struct nmreq_port_info_get *info, struct nmreq_register *reg)
{
	memset(reg, 0, sizeof(*reg));
	reg->nr_mode = NR_REG_ALL_NIC;
	reg->nr_tx_slots = info->nr_tx_slots;
	reg->nr_rx_slots = info->nr_rx_slots;
	reg->nr_tx_rings = info->nr_tx_rings;
	reg->nr_rx_rings = info->nr_rx_rings;
	reg->nr_host_tx_rings = info->nr_host_tx_rings;
	reg->nr_host_rx_rings = info->nr_host_rx_rings;
	reg->nr_mem_id = info->nr_mem_id;
}

static void info_from_register(struct nmreq_port_info_get *info, const struct nmreq_register *reg)
{
	info->nr_memsize = reg->nr_memsize;
	info->nr_tx_slots = reg->nr_tx_slots;
	info->nr_rx_slots = reg->nr_rx_slots;
	info->nr_tx_rings = reg->nr_tx_rings;
	info->nr_rx_rings = reg->nr_rx_rings;
	info->nr_host_tx_rings = reg->nr_host_tx_rings;
	info->nr_host_rx_rings = reg->nr_host_rx_rings;
	info->nr_mem_id = reg->nr_mem_id;
}

/* A port that exists; 0 and a reference, or ENXIO. */
static int existing_port(struct nm_handle *h, struct nm_image *img, struct netmap_adapter **na)
{
	static const struct nmreq_register plain = { .nr_mode = NR_REG_ALL_NIC };

	return nm_handle_resolve(h, img->hdr.nr_name, &plain, NULL, false, na);
}

/* What the body says counts only for a port that has to be made. */
static int existing_or_new_port(struct nm_handle *h, struct nm_image *img,
				const struct nmreq_register *reg, struct netmap_adapter **na)
{
	int error = existing_port(h, img, na);
	struct nm_mem *mem = NULL;

	if (error != ENXIO)
		return error;
	if (reg->nr_mem_id != 0) {
		mem = nm_mem_find(reg->nr_mem_id);
		if (mem == NULL)
			return EINVAL;
	}
	error = nm_handle_resolve(h, img->hdr.nr_name, reg, mem, true, na);
	if (mem != NULL)
		nm_mem_put(mem);
	return error;
}

int nm_handle_port_info(struct nm_handle *h, struct nm_image *img)
{
	struct nmreq_port_info_get *info = nm_image_body(img);
	struct nmreq_register reg;
	struct netmap_adapter *na;
	struct nm_mem *mem;
	int error;

	if (img->hdr.nr_name[0] == '\0')
		return mem_info(info);
	info_to_register(info, &reg);
	error = existing_or_new_port(h, img, &reg, &na);
	if (error)
		return error;
	nm_port_fill_info(na, &reg);
	info_from_register(info, &reg);
	netmap_adapter_put(na); /* a port made for this call goes with it */
	/* and so may its region: then the id is nobody's, and another port's tomorrow */
	mem = nm_mem_find(info->nr_mem_id);
	if (mem == NULL)
		info->nr_mem_id = 0;
	else
		nm_mem_put(mem);
	return 0;
}

int nm_handle_pools_info(struct nm_handle *h, struct nm_image *img)
{
	struct nmreq_pools_info *info = nm_image_body(img);
	struct netmap_adapter *na;
	struct nm_mem *mem;
	int error;

	if (img->hdr.nr_name[0] == '\0') {
		mem = mem_of_id(info->nr_mem_id);
		if (mem == NULL)
			return EINVAL;
	} else {
		error = existing_port(h, img, &na);
		if (error)
			return error;
		mem = na->nm_mem;
		nm_mem_get(mem);
		netmap_adapter_put(na);
	}
	nm_mem_pools_info(mem, info);
	nm_mem_put(mem);
	return 0;
}

int nm_handle_hdr_get(struct nm_handle *h, struct nm_image *img)
{
	struct nmreq_port_hdr *body = nm_image_body(img);
	struct netmap_adapter *na;
	int error = existing_port(h, img, &na);

	if (error)
		return error;
	body->nr_hdr_len = na->virt_hdr_len;
	netmap_adapter_put(na);
	return 0;
}

int nm_handle_hdr_set(struct nm_handle *h, struct nm_image *img)
{
	const struct nmreq_port_hdr *body = nm_image_body(img);
	struct netmap_adapter *na;
	int error = existing_port(h, img, &na);

	if (error)
		return error;
	error = nm_vale_set_hdr(na, body->nr_hdr_len);
	netmap_adapter_put(na);
	return error;
}

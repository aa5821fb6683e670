/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests about switches: attach, detach, list. */
#include "ctl/request.h"
#include "vale/vale.h"

int nm_handle_vale_attach(struct nm_handle *h, struct nm_image *img)
{
	struct nmreq_vale_attach *body = nm_image_body(img);
	const struct nmreq_register *reg = &body->reg;
	struct nm_mem *mem = NULL;
	uint32_t port;
	int error;

	if (reg->nr_mem_id != 0) {
		mem = nm_mem_find(reg->nr_mem_id);
		if (mem == NULL)
			return EINVAL;
	}
	error = nm_vale_attach(h->ns, img->hdr.nr_name, reg, mem, &port);
	if (!error)
		body->port_index = port;
	if (mem != NULL)
		nm_mem_put(mem);
	return error;
}

int nm_handle_vale_detach(struct nm_handle *h, struct nm_image *img)
{
	struct nmreq_vale_detach *body = nm_image_body(img);

	return nm_vale_detach(h->ns, img->hdr.nr_name, &body->port_index);
}

int nm_handle_vale_list(struct nm_handle *h, struct nm_image *img)
{
	struct nmreq_vale_list *body = nm_image_body(img);
	char name[NETMAP_REQ_IFNAMSIZ];
	uint16_t bridge = body->nr_bridge_idx;
	uint32_t port = body->nr_port_idx;
	int error;

	/* the header goes back whatever happens: its name changes only with success */
	memcpy(name, img->hdr.nr_name, sizeof(name));
	error = nm_vale_list(h->ns, name, &bridge, &port);
	if (error)
		return error;
	memcpy(img->hdr.nr_name, name, sizeof(name));
	body->nr_bridge_idx = bridge;
	body->nr_port_idx = port;
	return 0;
}

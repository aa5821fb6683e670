/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "client.h"

/* A page of the arena for each thread that makes requests. */
static uint64_t request_page(uint8_t **mem)
{
	static uint32_t threads;
	static __thread uint32_t mine;
	uint64_t base, bytes;
	void *bottom;

	if (mine == 0)
		mine = __atomic_add_fetch(&threads, 1, __ATOMIC_RELAXED);
	base = nmh_arena(&bottom, &bytes);
	*mem = (uint8_t *)bottom + (uint64_t)mine * 4096 % bytes;
	return base + (uint64_t)mine * 4096 % bytes;
}

int client_open(struct client *c, struct nmh_ns *ns, const char *name,
		const struct nmreq_register *reg)
{
	struct nmreq_header hdr = { .nr_version = NETMAP_API, .nr_reqtype = NETMAP_REQ_REGISTER };
	uint64_t at;
	uint8_t *mem;
	int err;

	memset(c, 0, sizeof(*c));
	c->h = nmh_open(ns);
	if (c->h == NULL)
		return ENOMEM;
	at = request_page(&mem);
	if (reg != NULL)
		c->reg = *reg;
	else
		c->reg.nr_mode = NR_REG_ALL_NIC;
	strncpy(hdr.nr_name, name, sizeof(hdr.nr_name) - 1);
	hdr.nr_body = at + sizeof(hdr);
	memcpy(mem, &hdr, sizeof(hdr));
	memcpy(mem + sizeof(hdr), &c->reg, sizeof(c->reg));
	err = nmh_ctrl(c->h, at);
	memcpy(&c->reg, mem + sizeof(hdr), sizeof(c->reg));
	if (err == 0)
		err = nmh_mmap(c->h, 0, c->reg.nr_memsize, &c->mem);
	if (err != 0) {
		nmh_close(c->h);
		return err;
	}
	c->nifp = NETMAP_IF(c->mem, c->reg.nr_offset);
	return 0;
}

void client_close(struct client *c)
{
	nmh_munmap(c->mem, c->reg.nr_memsize);
	nmh_close(c->h);
}

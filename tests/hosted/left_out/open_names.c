/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * open_names - what a core answers that was built without some of its parts.
 *
 * One line each, with the errno: opening a VALE port, a pipe, a null port; asking for the
 * list of switches and attaching to one; setting a port's header.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

static int open_name(struct nmh_ns *ns, const char *name, uint32_t mode)
{
	struct nmreq_register reg = { .nr_mode = mode };
	struct client c;
	int error = client_open(&c, ns, name, &reg);

	if (error == 0)
		client_close(&c);
	return error;
}

/* A request with a body of zeros; `other` is open meanwhile. */
static int ask(struct nmh_ns *ns, const char *other, uint16_t reqtype, const char *name)
{
	struct nmreq_header hdr = { .nr_version = NETMAP_API, .nr_reqtype = reqtype };
	struct nm_handle *h = nmh_open(ns);
	struct client c;
	uint64_t base, bytes;
	void *mem;
	int error;

	CLIENT_MUST(h != NULL);
	CLIENT_MUST(client_open(&c, ns, other, NULL) == 0);
	base = nmh_arena(&mem, &bytes);
	memset(mem, 0, 4096);
	strncpy(hdr.nr_name, name, sizeof(hdr.nr_name) - 1);
	hdr.nr_body = base + sizeof(hdr);
	memcpy(mem, &hdr, sizeof(hdr));
	error = nmh_ctrl(h, base);
	client_close(&c);
	nmh_close(h);
	return error;
}

int main(int argc, char **argv)
{
	const char *other = argc > 1 ? argv[1] : "vale0:other"; /* a name that can be opened */
	struct nmh_ns *ns;

	CLIENT_MUST(nmh_init() == 0);
	ns = nmh_ns_new();
	CLIENT_MUST(ns != NULL);
	printf("vale %d\n", open_name(ns, "vale0:a", NR_REG_ALL_NIC));
	printf("pipe %d\n", open_name(ns, "x{1", NR_REG_ALL_NIC));
	printf("null %d\n", open_name(ns, "x", NR_REG_NULL));
	printf("list %d\n", ask(ns, other, NETMAP_REQ_VALE_LIST, ""));
	printf("attach %d\n", ask(ns, other, NETMAP_REQ_VALE_ATTACH, "vale0:nic"));
	printf("header %d\n", ask(ns, other, NETMAP_REQ_PORT_HDR_SET, other));
	nmh_ns_free(ns);
	nmh_fini();
	CLIENT_MUST(nmh_live() == 0);
	return 0;
}

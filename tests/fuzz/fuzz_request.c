/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_request - whatever programs ask of the core, in whatever shape.
 *
 * An input is a list of calls on up to three files.  After each input everything is closed and
 * the core must have given all its memory back.
 */
#include <errno.h>

#include "fuzz.h"
#include "hosted.h"
#include "os_hosted_test.h"

#define FILES 3
#define PAGE  4096

static const char *const names[] = {
	"vale0:a", "vale0:b", "vale1:a", "vale0:nic0", "nic0", "nic0{1", "nic0}1", "vale0:a{1",
	"vale0:a}1", "none{7", "none}7", "vale0:", "vale:x", "vale0", "", "nic0{", "a{1}2{3",
	"vale0:nic1", "valeXYZW_0123456789_0123456789:p",
};

#define NNAMES (sizeof(names) / sizeof(names[0]))

static void take_name(struct input *in, char *to, size_t size)
{
	uint32_t which = take(in, 1);

	memset(to, 0, size);
	if (which < 8 * NNAMES)
		strncpy(to, names[which % NNAMES], size);
	else
		take_raw(in, to, size);
}

/* Header, body and options into the arena, mostly well-formed. */
static uint64_t make_request(struct input *in)
{
	struct nmreq_header hdr;
	uint64_t base, bytes, at;
	uint8_t body[80], *mem;
	void *bottom;
	uint32_t odd, nopts, i;

	base = nmh_arena(&bottom, &bytes);
	mem = bottom;
	memset(&hdr, 0, sizeof(hdr));
	odd = take(in, 1); /* bits: what is malformed */
	hdr.nr_version = odd & 1 ? (uint16_t)take(in, 2) : NETMAP_API;
	hdr.nr_reqtype = (uint16_t)(take(in, 1) % 17);
	hdr.nr_reserved = odd & 2 ? take(in, 1) : 0;
	take_name(in, hdr.nr_name, sizeof(hdr.nr_name));
	take_raw(in, body, sizeof(body));
	/* many extra buffers cost time and reach nothing new; the tests of mem/ have them */
	memset(body + offsetof(struct nmreq_register, nr_extra_bufs) + 1, 0, 3);
	at = sizeof(hdr);
	hdr.nr_body = odd & 4 ? take(in, 4) * 16ULL + base : base + at;
	if (hdr.nr_reqtype == NETMAP_REQ_VALE_DELIF || hdr.nr_reqtype >= NETMAP_REQ_SYNC_KLOOP_STOP)
		hdr.nr_body = odd & 4 ? hdr.nr_body : 0;
	memcpy(mem + at, body, sizeof(body));
	at += sizeof(body);
	nopts = odd & 8 ? take(in, 1) % 6 : 0;
	if (nopts != 0)
		hdr.nr_options = base + at;
	for (i = 0; i < nopts; i++) {
		struct nmreq_option opt;
		uint8_t rest[128];
		uint32_t kind = take(in, 1), size = take(in, 1);

		memset(&opt, 0, sizeof(opt));
		opt.nro_reqtype = kind & 0x80 ? take(in, 4) : kind % (NETMAP_REQ_OPT_MAX + 1);
		opt.nro_size = kind & 0x40 ? take(in, 4) : size;
		take_raw(in, rest, size % sizeof(rest));
		if (i + 1 < nopts)
			opt.nro_next = base + at + sizeof(opt) + sizeof(rest);
		if (kind & 0x20) /* a loop, or somewhere */
			opt.nro_next = base + take(in, 2);
		memcpy(mem + at, &opt, sizeof(opt));
		memcpy(mem + at + sizeof(opt), rest, size % sizeof(rest));
		at += sizeof(opt) + sizeof(rest);
	}
	memcpy(mem, &hdr, sizeof(hdr));
	return odd & 16 ? base + take(in, 3) : base;
}

static void legacy(struct input *in, struct nm_handle *h)
{
	struct nmreq req;
	uint32_t odd = take(in, 1);

	take_raw(in, &req, sizeof(req));
	req.nr_arg3 &= 0xff; /* as in make_request() */
	if (!(odd & 1))
		req.nr_version = NETMAP_API;
	if (!(odd & 2))
		take_name(in, req.nr_name, sizeof(req.nr_name));
	if (odd & 4)
		nmh_legacy_info(h, &req);
	else
		nmh_legacy_regif(h, &req);
}

static void call(struct input *in, struct nmh_ns *ns, struct nmh_nic *nic,
		 struct nm_handle **files)
{
	struct nm_handle **h = &files[take(in, 1) % FILES];
	uint32_t what = take(in, 1);

	if (*h == NULL) {
		*h = nmh_open(ns);
		if (*h == NULL)
			return;
	}
	switch (what % 16) {
	default:
		nmh_ctrl(*h, make_request(in));
		break;
	case 0:
		nmh_close(*h);
		*h = NULL;
		break;
	case 1:
		nmh_txsync(*h);
		break;
	case 2:
		nmh_rxsync(*h);
		break;
	case 3:
		nmh_poll_now(*h, (int)take(in, 1) & 3);
		break;
	case 4:
	case 5:
		legacy(in, *h);
		break;
	case 6:
		nmh_alloc_fail(take(in, 1) % 32);
		break;
	case 7: {
		void *user;
		uint64_t at = take(in, 3), len = 4096ULL * take(in, 1);

		if (nmh_mmap(*h, at * 4096, len, &user) == 0)
			nmh_munmap(user, len);
		break;
	}
	case 9: { /* a page of the request can or cannot be read */
		uint32_t page = take(in, 1);
		void *bottom;
		uint64_t bytes;

		nmh_arena_fault(nmh_arena(&bottom, &bytes) + (page & 1) * PAGE, page & 2);
		break;
	}
	case 10:
		nmh_hostile(take(in, 1) % 3);
		break;
	case 11:
		nmh_nic_detach(nic);
		break;
	case 12:
		nmh_nic_fail_register(nic, take(in, 1) & 1 ? EIO : 0);
		break;
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	nm_host_defer_alone();
	nmh_param_set("buf_num", 4096);
	nmh_param_set("priv_buf_num", 256);
	if (nmh_init() != 0)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct nmh_nic_config cfg = { .tx_rings = 2, .rx_rings = 2, .tx_slots = 16,
					    .rx_slots = 16 };
	struct nm_handle *files[FILES] = { NULL };
	struct nmh_ns *ns = nmh_ns_new();
	struct input in = { data, data + size };
	struct nmh_nic *nic;
	uint64_t bytes;
	void *bottom;
	int i, err;

	nic = nmh_nic_new(ns, "nic0", &cfg, &err);
	while (in.p < in.end)
		call(&in, ns, nic, files);
	nmh_alloc_fail(0);
	nmh_hostile(0);
	nmh_arena_fault(nmh_arena(&bottom, &bytes), 0);
	nmh_arena_fault(nmh_arena(&bottom, &bytes) + PAGE, 0);
	for (i = 0; i < FILES; i++) {
		if (files[i] != NULL)
			nmh_close(files[i]);
	}
	if (nmh_nic_free(nic) != 0)
		abort();
	nmh_ns_free(ns);
	FUZZ_MUST(nmh_left_behind() == 0);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of libnetmap on the pretended device of fake_netmap.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "libnetmap.h"

/* --- A context that keeps the last message and counts, and can refuse, memory. --- */

static char message[512];
static int live, refuse_after = -1;

static void
keep_message(struct nmctx *ctx, const char *text)
{
	(void)ctx;
	snprintf(message, sizeof(message), "%s", text);
}

static void *
counted_malloc(struct nmctx *ctx, size_t size)
{
	(void)ctx;
	if (refuse_after == 0)
		return NULL;
	if (refuse_after > 0)
		refuse_after--;
	live++;
	return calloc(1, size);
}

static void
counted_free(struct nmctx *ctx, void *p)
{
	(void)ctx;
	live--;
	free(p);
}

static struct nmctx context = {
	.verbose = 1, .error = keep_message, .malloc = counted_malloc, .free = counted_free,
};

static int
open_files(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

static void
use_context(void)
{
	nmctx_set_default(&context);
	message[0] = '\0';
}

/* --- Ports --- */

static void
a_port_opens_and_closes(void)
{
	struct nmport_d *d;

	use_context();
	d = nmport_open("vale0:sink");
	CHECK(d != NULL && d->fd >= 0 && d->register_done && d->mmap_done);
	CHECK(d->nifp != NULL && strcmp(d->nifp->ni_name, "vale0:sink") == 0);
	CHECK(strcmp(d->hdr.nr_name, "vale0:sink") == 0);
	CHECK(d->first_tx_ring == 0 && d->last_tx_ring == 0);
	CHECK(d->first_rx_ring == 0 && d->last_rx_ring == 0);
	CHECK(context.mem_descs != NULL);
	nmport_close(d);
	CHECK(context.mem_descs == NULL && live == 0);
}

static void
closing_leaves_no_file_open_but_the_fakes_own(void)
{
	struct nmport_d *d;
	int files;

	use_context();
	nmport_close(nmport_open("vale0:sink"));
	files = open_files();
	d = nmport_open("vale0:sink");
	CHECK(open_files() == files + 1);
	nmport_close(d);
	CHECK(open_files() == files);
	CHECK(nmport_open("vale0:busy") == NULL && errno == EBUSY);
	CHECK(nmport_open("netmap:absent") == NULL && errno == ENXIO);
	CHECK(open_files() == files);
	CHECK(live == 0);
}

static void
a_failure_is_told_with_its_reason(void)
{
	use_context();
	CHECK(nmport_open("vale0:busy") == NULL);
	CHECK(strstr(message, "vale0:busy") != NULL && strstr(message, "in use") != NULL);
	setenv("FAKE_NETMAP_ERRNO", "2", 1);
	CHECK(nmport_open("vale0:sink") == NULL && errno == ENOENT);
	CHECK(strstr(message, "/dev/netmap") != NULL && strstr(message, "modprobe netmap") != NULL);
	setenv("FAKE_NETMAP_ERRNO", "13", 1);
	CHECK(nmport_open("vale0:sink") == NULL && errno == EACCES);
	CHECK(strstr(message, "root") != NULL);
}

static void
each_refusal_of_the_kernel_has_a_hint(void)
{
	static const struct {
		int error;
		const char *name, *hint;
	} cases[] = {
		{ ENXIO, "netmap:nosuch0", "no such interface" },
		{ ENXIO, "netmap:lo", "the interface is there" },
		{ EBUSY, "vale0:sink", "in use" },
		{ EIO, "vale0:sink", "virtio-net headers" },
		{ ENOMEM, "vale0:sink", "no room for its rings" },
		{ EINVAL, "vale0:sink-9", "no such ring" },
		{ EOPNOTSUPP, "vale0:sink/r", "does not do what the name asks for" },
		{ ERANGE, "vale0:sink", "cannot open the port" },
	};
	char refuse[32];
	size_t i;

	use_context();
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(refuse, sizeof(refuse), "%d=%d", NETMAP_REQ_REGISTER, cases[i].error);
		setenv("FAKE_NETMAP_REFUSE", refuse, 1);
		CHECK(nmport_open(cases[i].name) == NULL && errno == cases[i].error);
		CHECK(strstr(message, strerror(cases[i].error)) != NULL);
		CHECK(strstr(message, cases[i].hint) != NULL);
	}
	CHECK(live == 0);
}

static void
the_built_in_context_writes_to_stderr(void)
{
	char path[] = "/tmp/stderr-XXXXXX", text[200] = "";
	int fd = mkstemp(path), kept = dup(2);

	CHECK(fd >= 0 && kept >= 0 && dup2(fd, 2) == 2);
	CHECK(nmport_open("vale0:busy") == NULL);
	CHECK(dup2(kept, 2) == 2 && pread(fd, text, sizeof(text) - 1, 0) > 0);
	unlink(path);
	CHECK(strncmp(text, "vale0:busy: ", 12) == 0 && text[strlen(text) - 1] == '\n');
}

static void
a_region_that_cannot_be_mapped_leaves_the_port_registered(void)
{
	struct nmport_d *d;
	uint64_t bytes;
	int before;

	use_context();
	d = nmport_prepare("vale0:sink");
	CHECK(nmport_register(d) == 0);
	before = live;
	bytes = d->reg.nr_memsize;
	d->reg.nr_memsize = 0;
	CHECK(nmport_mmap(d) == -1 && errno == EINVAL);
	CHECK(strstr(message, "cannot map 0 bytes") != NULL);
	CHECK(d->register_done && !d->mmap_done && d->nifp == NULL && live == before);
	d->reg.nr_memsize = bytes;
	CHECK(nmport_mmap(d) == 0);
	nmport_close(d);
	CHECK(live == 0);
}

static void
a_silent_context_says_nothing(void)
{
	use_context();
	context.verbose = 0;
	CHECK(nmport_open("vale0:busy") == NULL && errno == EBUSY);
	CHECK(message[0] == '\0');
}

static void
ports_on_one_region_share_one_mapping(void)
{
	struct nmport_d *a, *b, *c;

	use_context();
	a = nmport_open("vale0:sink");
	b = nmport_open("vale0:sink");
	c = nmport_open("vale0:loop");
	CHECK(a != NULL && b != NULL && c != NULL);
	CHECK(a->reg.nr_mem_id == b->reg.nr_mem_id && a->mem == b->mem);
	CHECK(a->nifp != b->nifp);
	CHECK(NETMAP_TXRING(a->nifp, 0) == NETMAP_TXRING(b->nifp, 0));
	CHECK(c->mem != a->mem);
	nmport_close(a);
	CHECK(NETMAP_TXRING(b->nifp, 0)->num_slots == 64);	/* still mapped */
	nmport_close(b);
	nmport_close(c);
	CHECK(context.mem_descs == NULL && live == 0);
}

static void
the_steps_of_opening_can_be_taken_and_undone_one_by_one(void)
{
	struct nmport_d *d;

	use_context();
	d = nmport_new();
	CHECK(d != NULL && d->fd == -1);
	CHECK(nmport_parse(d, "vale0:sink-0/x") == 0);
	CHECK(d->reg.nr_mode == NR_REG_ONE_NIC && d->reg.nr_flags == NR_EXCLUSIVE);
	CHECK(nmport_mmap(d) == -1 && errno == EINVAL);
	CHECK(nmport_register(d) == 0 && d->fd >= 0 && d->nifp == NULL);
	CHECK(nmport_register(d) == -1 && errno == EINVAL);
	CHECK(nmport_mmap(d) == 0 && d->nifp != NULL);
	CHECK(nmport_mmap(d) == -1 && errno == EINVAL);
	nmport_undo_mmap(d);
	CHECK(d->nifp == NULL && d->register_done);
	nmport_undo_mmap(d);
	nmport_undo_register(d);
	CHECK(d->fd == -1);
	nmport_undo_register(d);
	CHECK(nmport_open_desc(d) == 0);
	nmport_undo_open_desc(d);
	nmport_undo_parse(d);
	CHECK(d->hdr.nr_name[0] == '\0' && d->reg.nr_mode == 0);
	CHECK(nmport_parse(d, "vale0:loop") == 0);
	nmport_delete(d);
	CHECK(live == 0);
	nmport_delete(NULL);
	nmport_close(NULL);
	nmport_undo_prepare(NULL);
}

static void
a_program_may_change_the_request_before_opening(void)
{
	struct nmport_d *d;

	use_context();
	d = nmport_prepare("vale0:sink");
	d->reg.nr_tx_slots = 33;
	d->reg.nr_tx_rings = 3;
	CHECK(nmport_open_desc(d) == 0);
	CHECK(d->last_tx_ring == 2 && NETMAP_TXRING(d->nifp, 2)->num_slots == 33);
	nmport_close(d);
	CHECK(live == 0);
}

static void
each_mode_has_its_range_of_rings(void)
{
	static const struct {
		const char *spec;
		int first_tx, last_tx, first_rx, last_rx;
	} cases[] = {
		{ "vale0:sink", 0, 2, 0, 1 },
		{ "vale0:sink^", 3, 3, 2, 2 },
		{ "vale0:sink^0", 3, 3, 2, 2 },
		{ "vale0:sink*", 0, 3, 0, 2 },
		{ "vale0:sink-1", 1, 1, 1, 1 },
		{ "vale0:sink-2", 2, 2, 0, 0 },		/* there are two rx rings */
		{ "vale0:sink/R", 1, 0, 0, 1 },
		{ "vale0:sink/T", 0, 2, 1, 0 },
		{ "vale0:sink/r", 1, 0, 0, 1 },
	};
	struct nmport_d *first, *d;
	size_t i;

	use_context();
	first = nmport_open("vale0:sink@conf:tx-rings=3,rx-rings=2");
	CHECK(first != NULL);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		d = nmport_open(cases[i].spec);
		CHECK(d != NULL);
		CHECK(d->first_tx_ring == cases[i].first_tx && d->last_tx_ring == cases[i].last_tx);
		CHECK(d->first_rx_ring == cases[i].first_rx && d->last_rx_ring == cases[i].last_rx);
		CHECK(d->cur_tx_ring == d->first_tx_ring && d->cur_rx_ring == d->first_rx_ring);
		nmport_close(d);
	}
	nmport_close(first);
}

static void
a_clone_is_bound_to_the_same_region(void)
{
	struct nmport_d *d, *c;
	struct nmreq_opt_offsets *o;

	use_context();
	d = nmport_prepare("vale0:sink@conf:rings=2@offset:initial=64");
	d->reg.nr_extra_bufs = 5;
	CHECK(nmport_open_desc(d) == 0);
	c = nmport_clone(d);
	CHECK(c != NULL && c->fd == -1 && !c->register_done);
	CHECK(strcmp(c->hdr.nr_name, "vale0:sink") == 0);
	CHECK(c->reg.nr_mem_id == d->reg.nr_mem_id && c->reg.nr_extra_bufs == 0);
	o = (struct nmreq_opt_offsets *)nmreq_find_option(&c->hdr, NETMAP_REQ_OPT_OFFSETS);
	CHECK(o != NULL && o->nro_initial_offset == 64 && o->nro_opt.nro_next == 0);
	CHECK((void *)o != (void *)nmreq_find_option(&d->hdr, NETMAP_REQ_OPT_OFFSETS));
	CHECK(nmport_open_desc(c) == 0 && c->mem == d->mem);
	nmport_close(c);
	nmport_close(d);
	CHECK(live == 0);
}

static void
external_memory_must_be_open_before_it_is_cloned(void)
{
	static char base[4096] __attribute__((__aligned__(4096)));
	struct nmport_d *d;

	use_context();
	d = nmport_prepare("vale0:sink");
	CHECK(nmport_extmem_getinfo(d) == NULL);
	CHECK(nmport_extmem(d, base, sizeof(base)) == 0);
	CHECK(nmport_extmem_getinfo(d)->nr_memsize == sizeof(base));
	CHECK(d->extmem->nro_usrptr == (uintptr_t)base);
	CHECK(nmport_extmem(d, base, sizeof(base)) == -1 && errno == EINVAL);
	CHECK(nmport_extmem_from_file(d, "/dev/zero") == -1 && errno == EINVAL);	/* no size */
	CHECK(nmport_clone(d) == NULL && errno == EINVAL);
	nmport_undo_prepare(d);
	d = nmport_open("vale0:sink");
	CHECK(nmport_extmem(d, base, sizeof(base)) == -1 && errno == EINVAL);
	CHECK(strstr(message, "too late") != NULL && nmport_extmem_getinfo(d) == NULL);
	nmport_close(d);
	CHECK(live == 0);
}

static void
external_memory_comes_from_a_file(void)
{
	char path[] = "/tmp/extmem-XXXXXX", spec[128];
	int fd = mkstemp(path);
	struct nmport_d *d;

	use_context();
	CHECK(fd >= 0 && ftruncate(fd, 8192) == 0);
	close(fd);
	snprintf(spec, sizeof(spec), "vale0:sink@extmem:file=%s,buf-num=7,if-size=100", path);
	d = nmport_prepare(spec);
	CHECK(d != NULL);
	CHECK(nmport_extmem_getinfo(d)->nr_memsize == 8192);
	CHECK(nmport_extmem_getinfo(d)->nr_buf_pool_objtotal == 7);
	CHECK(nmport_extmem_getinfo(d)->nr_if_pool_objsize == 100);
	((char *)(uintptr_t)d->extmem->nro_usrptr)[8191] = 'x';
	nmport_undo_prepare(d);
	CHECK(live == 0);
	fd = open(path, O_RDONLY);
	CHECK(lseek(fd, 8191, SEEK_SET) == 8191 && read(fd, spec, 1) == 1 && spec[0] == 'x');
	close(fd);
	snprintf(spec, sizeof(spec), "vale0:sink@extmem:file=%s", path);
	d = nmport_prepare(spec);
	CHECK(nmport_extmem_from_file(d, path) == -1 && errno == EINVAL);	/* twice */
	nmport_undo_prepare(d);
	CHECK(live == 0);
	CHECK(ftruncate(open(path, O_RDWR), 0) == 0);
	snprintf(spec, sizeof(spec), "vale0:sink@extmem:%s", path);
	CHECK(nmport_prepare(spec) == NULL && errno == EINVAL);		/* empty */
	unlink(path);
	CHECK(nmport_prepare(spec) == NULL && errno == ENOENT);
	CHECK(strstr(message, path) != NULL);
	CHECK(live == 0);
}

static void
offsets_reach_the_kernel(void)
{
	struct nmport_d *d;
	struct nmreq_opt_offsets *o;
	struct netmap_ring *ring;

	use_context();
	d = nmport_prepare("vale0:sink@offset:initial=128,bits=16,gap=8");
	o = (struct nmreq_opt_offsets *)nmreq_find_option(&d->hdr, NETMAP_REQ_OPT_OFFSETS);
	CHECK(o->nro_initial_offset == 128 && o->nro_max_offset == 128);
	CHECK(o->nro_offset_bits == 16 && o->nro_min_gap == 8);
	CHECK(nmport_open_desc(d) == 0);
	CHECK(nmport_offset(d, 1, 1, 1, 1) == -1 && errno == EINVAL);	/* too late */
	ring = NETMAP_TXRING(d->nifp, 0);
	CHECK(NETMAP_ROFFSET(ring, &ring->slot[5]) == 128);
	CHECK(nmport_inject(d, "hello", 6) == 6);
	CHECK(strcmp(NETMAP_BUF(ring, ring->slot[0].buf_idx) + 128, "hello") == 0);
	nmport_close(d);
	CHECK(live == 0);
}

static void
an_option_that_the_kernel_refuses_is_named(void)
{
	struct nmreq_opt_csb csb;
	struct nmport_d *d;

	use_context();
	memset(&csb, 0, sizeof(csb));
	csb.nro_opt.nro_reqtype = NETMAP_REQ_OPT_CSB;
	d = nmport_prepare("vale0:sink");
	nmreq_push_option(&d->hdr, &csb.nro_opt);
	CHECK(nmport_open_desc(d) == -1 && errno == EOPNOTSUPP);
	CHECK(strstr(message, "option csb") != NULL);
	nmport_undo_prepare(d);		/* leaves the program's own option alone */
	CHECK(live == 0);
}

static void
a_port_shares_the_region_of_another(void)
{
	struct nmport_d *a, *d;
	char spec[64];
	const char *name = "vale0:sink-3";

	use_context();
	CHECK(nmreq_get_mem_id(&name, &context) == -1 && errno == ENXIO);
	CHECK(strcmp(name, "vale0:sink-3") == 0);
	a = nmport_open("vale0:sink");
	CHECK(nmreq_get_mem_id(&name, &context) == a->reg.nr_mem_id);
	CHECK(strcmp(name, "-3") == 0);
	d = nmport_prepare("vale1:b@share:vale0:sink");
	CHECK(d != NULL && d->reg.nr_mem_id == a->reg.nr_mem_id);
	nmport_undo_prepare(d);
	CHECK(nmport_prepare("vale1:b@share:vale0:sink-3") == NULL && errno == EINVAL);
	snprintf(spec, sizeof(spec), "vale1:b@%d@share:vale0:sink", a->reg.nr_mem_id + 1);
	CHECK(nmport_prepare(spec) == NULL && errno == EINVAL);
	nmport_close(a);
	CHECK(live == 0);
}

static void
inject_uses_several_slots_and_rings(void)
{
	static char large[5000];
	struct nmport_d *d;
	struct netmap_ring *ring;
	int n = 0;

	use_context();
	d = nmport_open("vale0:stuck@conf:tx-rings=2,tx-slots=8");
	ring = NETMAP_TXRING(d->nifp, 0);
	memset(large, 'L', sizeof(large));
	CHECK(nmport_inject(d, large, sizeof(large)) == (int)sizeof(large));
	CHECK(ring->head == 3 && ring->cur == 3);
	CHECK((ring->slot[0].flags & NS_MOREFRAG) && (ring->slot[1].flags & NS_MOREFRAG));
	CHECK(!(ring->slot[2].flags & NS_MOREFRAG) && ring->slot[2].len == 5000 - 2 * 2048);
	while (nmport_inject(d, "small", 6) == 6)
		n++;
	CHECK(n == 4 + 7);
	CHECK(nmport_inject(d, large, 0) == 0);
	nmport_close(d);
	d = nmport_open("vale0:stuck/R");
	CHECK(nmport_inject(d, "small", 6) == 0);
	nmport_close(d);
}

static void
a_packet_too_large_for_the_room_leaves_the_ring_usable(void)
{
	static char large[64 * 2048];
	struct nmport_d *d;
	struct netmap_ring *ring;

	use_context();
	d = nmport_open("vale0:loop@conf:slots=8");
	ring = NETMAP_TXRING(d->nifp, 0);
	CHECK(nmport_inject(d, large, sizeof(large)) == 0);
	CHECK(ring->head == 0 && ring->cur == 0);
	CHECK(nmport_inject(d, "small", 6) == 6);
	CHECK(!(ring->slot[0].flags & NS_MOREFRAG));
	nmport_close(d);
}

/* Undo one step by its number. */
static void
undo_step(struct nmport_d *d, int step)
{
	static void (*const steps[])(struct nmport_d *) = {
		nmport_undo_mmap, nmport_undo_register, nmport_undo_parse, nmport_undo_open_desc,
	};

	steps[step](d);
}

static void
steps_may_be_undone_in_any_order(void)
{
	char path[] = "/tmp/extmem-XXXXXX", spec[128];
	int a, b, c, n, files, fd = mkstemp(path);
	struct nmport_d *d;

	use_context();
	CHECK(fd >= 0 && ftruncate(fd, 8192) == 0);
	close(fd);
	snprintf(spec, sizeof(spec), "vale0:sink@offset:initial=64@extmem:file=%s", path);
	nmport_close(nmport_open("vale0:sink"));	/* the fake keeps a file per port */
	files = open_files();
	for (n = 0; n < 64; n++) {
		a = n % 4, b = n / 4 % 4, c = n / 16;
		d = nmport_open(spec);
		CHECK(d != NULL && open_files() == files + 1);
		undo_step(d, a);
		CHECK(!d->mmap_done && d->nifp == NULL && d->mem == NULL);
		undo_step(d, b);
		undo_step(d, c);
		if (d->fd < 0)
			CHECK(!d->register_done && open_files() == files);
		/* What is left of it opens again, from wherever it stands. */
		if (d->hdr.nr_name[0] == '\0')
			CHECK(d->extmem == NULL && d->hdr.nr_options == 0 &&
			    nmport_parse(d, spec) == 0);
		if (!d->register_done)
			CHECK(nmport_register(d) == 0);
		CHECK(nmport_mmap(d) == 0 && d->extmem != NULL);
		switch (n % 3) {	/* each of these ends it, whatever is open */
		case 0:
			nmport_close(d);
			break;
		case 1:
			nmport_delete(d);
			break;
		default:
			nmport_undo_prepare(d);
			break;
		}
		CHECK(live == 0 && open_files() == files && context.mem_descs == NULL);
	}
	unlink(path);
}

static void
a_port_that_was_closed_asks_anew(void)
{
	struct nmport_d *d;

	use_context();
	d = nmport_prepare("vale0:sink");
	CHECK(nmport_open_desc(d) == 0);
	CHECK(d->reg.nr_mem_id != 0 && d->reg.nr_tx_slots == 64);
	nmport_undo_open_desc(d);
	/* The region may be gone, and its id is then an error or another's. */
	CHECK(d->reg.nr_mem_id == 0 && d->reg.nr_tx_slots == 0 && d->reg.nr_memsize == 0);
	CHECK(d->reg.nr_mode == NR_REG_ALL_NIC);
	nmport_close(d);
}

static void
a_name_that_fails_leaves_the_port_as_it_was(void)
{
	static const char *const bad[] = {
		"vale0", "vale0:b&", "vale0:b/q", "vale0:b@conf:rings=2@offset:initial=1",
		"vale0:b@conf:rings=2@share:vale0:absent", "vale0:b-3/x@9@conf:rings=2,rings=3",
	};
	struct nmreq_register reg;
	struct nmreq_option *options;
	struct nmport_d *d;
	size_t i;

	use_context();
	d = nmport_prepare("vale0:a-1/x@7@conf:tx-slots=32");
	d->reg.nr_extra_bufs = 5;
	CHECK(nmport_offset(d, 64, 0, 65, 0) == -1 && errno == EINVAL && d->hdr.nr_options == 0);
	CHECK(nmport_offset(d, 64, 0, 64, 0) == 0);
	reg = d->reg;
	options = nmreq_find_option(&d->hdr, NETMAP_REQ_OPT_OFFSETS);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		message[0] = '\0';
		CHECK(nmport_parse(d, bad[i]) == -1 && errno != 0 && message[0] != '\0');
		CHECK(strcmp(d->hdr.nr_name, "vale0:a") == 0);
		CHECK(memcmp(&d->reg, &reg, sizeof(reg)) == 0);
		CHECK(d->hdr.nr_options == (uintptr_t)options && options->nro_next == 0);
	}
	nmport_undo_parse(d);
	CHECK(nmport_open_desc(d) == -1 && errno == ENXIO);	/* no name */
	CHECK(nmport_parse(d, "vale0:sink") == 0 && nmport_open_desc(d) == 0);
	CHECK(nmport_parse(d, "vale0:loop") == -1 && errno == EINVAL);	/* it is open */
	CHECK(strcmp(d->hdr.nr_name, "vale0:sink") == 0 && d->nifp != NULL);
	nmport_close(d);
	CHECK(live == 0);
}

static void
options_of_the_program_stay_the_programs(void)
{
	struct nmreq_opt_offsets mine;
	struct nmport_d *d;

	use_context();
	memset(&mine, 0, sizeof(mine));
	mine.nro_opt.nro_reqtype = NETMAP_REQ_OPT_OFFSETS;
	mine.nro_opt.nro_size = sizeof(mine);
	d = nmport_prepare("vale0:sink");
	nmreq_push_option(&d->hdr, &mine.nro_opt);
	CHECK(nmport_offset(d, 1, 0, 0, 0) == -1 && errno == EINVAL);	/* there is one */
	nmport_undo_parse(d);
	CHECK(nmreq_find_option(&d->hdr, NETMAP_REQ_OPT_OFFSETS) == &mine.nro_opt);
	nmport_delete(d);		/* must not free it */
	d = nmport_prepare("vale0:sink@offset:initial=4");
	mine.nro_opt.nro_reqtype = NETMAP_REQ_OPT_CSB;
	nmreq_push_option(&d->hdr, &mine.nro_opt);
	nmport_undo_parse(d);		/* takes its own from behind it */
	CHECK(d->hdr.nr_options == (uintptr_t)&mine && mine.nro_opt.nro_next == 0);
	nmport_delete(d);
	/* One of the library's that the program freed is not freed again. */
	d = nmport_prepare("vale0:sink@offset:initial=4");
	nmreq_free_options(&d->hdr);
	nmport_delete(d);
	CHECK(live == 0);
}

static void
only_the_option_that_is_to_blame_is_blamed(void)
{
	use_context();
	CHECK(nmport_open("netmap:absent@offset:initial=64") == NULL && errno == ENXIO);
	CHECK(strstr(message, "offsets") == NULL && strstr(message, "no such interface") != NULL);
	CHECK(live == 0);
}

static void
a_null_port_has_no_rings(void)
{
	struct nmport_d *d;

	use_context();
	d = nmport_prepare("vale0:sink");
	d->reg.nr_mode = NR_REG_NULL;
	CHECK(nmport_open_desc(d) == 0);
	CHECK(d->first_tx_ring == 1 && d->last_tx_ring == 0);
	CHECK(d->first_rx_ring == 1 && d->last_rx_ring == 0);
	CHECK(nmport_inject(d, "small", 6) == 0);
	nmport_close(d);
}

static void
an_injected_packet_inherits_no_flags_of_its_slot(void)
{
	struct nmport_d *d;
	struct netmap_slot *slot;

	use_context();
	d = nmport_open("vale0:stuck");
	slot = &NETMAP_TXRING(d->nifp, 0)->slot[0];
	slot->flags = NS_INDIRECT | NS_REPORT | NS_BUF_CHANGED | 0x300;
	CHECK(nmport_inject(d, "small", 6) == 6);
	CHECK(slot->flags == NS_BUF_CHANGED && slot->len == 6);
	nmport_close(d);
}

static void
external_memory_stays_until_the_last_port_on_it_is_closed(void)
{
	char path[] = "/tmp/extmem-XXXXXX", spec[128];
	int fd = mkstemp(path);
	struct nmport_d *d, *c;
	char *base;

	use_context();
	CHECK(fd >= 0 && ftruncate(fd, 8192) == 0);
	close(fd);
	snprintf(spec, sizeof(spec), "vale0:sink@extmem:%s", path);
	d = nmport_open(spec);
	CHECK(d != NULL);
	base = (char *)(uintptr_t)d->extmem->nro_usrptr;
	c = nmport_clone(d);
	CHECK(c != NULL && c->extmem == NULL && nmport_open_desc(c) == 0 && c->mem == d->mem);
	CHECK((char *)c->nifp == base + c->reg.nr_offset);
	nmport_close(d);
	base[8191] = 'x';			/* c still uses it */
	nmport_close(c);
	CHECK(msync(base, 4096, MS_ASYNC) == -1 && errno == ENOMEM);	/* unmapped */
	unlink(path);
	CHECK(live == 0);
}

/* --- Options of names --- */

static void
an_option_given_twice_is_refused(void)
{
	static const char *const bad[] = {
		"vale0:a@conf:rings=1@conf:rings=2", "vale0:a@offset:1@offset:2",
		"vale0:a@conf:rings=1@offset:1@conf:slots=3", "vale0:a@offset:4,max=3",
		"vale0:a@offset:4,bits=65",
	};
	struct nmport_d *d;
	size_t i;

	use_context();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(nmport_prepare(bad[i]) == NULL && errno == EINVAL);
	d = nmport_prepare("vale0:a@conf:slots=9@offset:2,max=2");
	CHECK(d != NULL);
	nmport_close(d);
	CHECK(live == 0);
}

static void
the_region_of_a_port_that_nobody_has_open_is_none(void)
{
	const char *name = "vale0:later@conf:rings=2";

	use_context();
	CHECK(nmreq_get_mem_id(&name, &context) == -1 && errno == ENXIO);
	CHECK(strstr(message, "not open") != NULL);
	CHECK(strcmp(name, "vale0:later@conf:rings=2") == 0);
	name = "netmap:absent";
	CHECK(nmreq_get_mem_id(&name, &context) == -1 && errno == ENXIO);
	CHECK(strstr(message, "absent: cannot learn the memory region") != NULL);
	CHECK(strcmp(name, "netmap:absent") == 0);
	name = "nonsense";
	CHECK(nmreq_get_mem_id(&name, &context) == -1 && errno == EINVAL);
	setenv("FAKE_NETMAP_ERRNO", "13", 1);
	name = "vale0:sink";
	CHECK(nmreq_get_mem_id(&name, &context) == -1 && errno == EACCES);
	CHECK(live == 0);
}

static int
never_called(void *token, const char *const *values, struct nmctx *ctx)
{
	(void)token;
	(void)values;
	(void)ctx;
	abort();
}

static void
a_parser_with_too_many_keys_is_refused(void)
{
	static struct nmreq_opt_key keys[NMREQ_OPT_KEYS_MAX + 1];
	struct nmreq_opt_parser p = { "big", keys, NMREQ_OPT_KEYS_MAX + 1, -1, never_called, NULL };
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		keys[i].name = "k";
	use_context();
	CHECK(nmreq_options_decode("@big:k=1", &p, NULL, &context) == -1 && errno == EINVAL);
	CHECK(nmreq_options_decode("big:k=1", &p, NULL, &context) == -1 && errno == EINVAL);
	CHECK(nmreq_options_decode("", &p, NULL, &context) == 0);
	CHECK(live == 0);
}

static void
options_of_names_can_be_forbidden(void)
{
	struct nmport_d *d;

	use_context();
	nmport_disable_option("conf");
	CHECK(nmport_prepare("vale0:sink@conf:rings=2") == NULL && errno == EINVAL);
	d = nmport_prepare("vale0:sink@offset:initial=2");
	CHECK(d != NULL);
	nmport_undo_prepare(d);
	CHECK(nmport_enable_option("conf") == 0);
	CHECK(nmport_enable_option("conf") == 0);
	d = nmport_prepare("vale0:sink@conf:rings=2");
	CHECK(d != NULL && d->reg.nr_tx_rings == 2);
	nmport_undo_prepare(d);
	nmport_disable_option("nonsense");
	CHECK(nmport_enable_option("nonsense") == -1 && errno == EINVAL);
}

static void
conf_sets_rings_and_slots(void)
{
	struct nmport_d *d;

	use_context();
	d = nmport_prepare("vale0:a@conf:tx-rings=3,rings=2,slots=512,rx-slots=100,host-rings=4,"
	    "host-rx-rings=5");
	CHECK(d != NULL);
	CHECK(d->reg.nr_tx_rings == 3 && d->reg.nr_rx_rings == 2);
	CHECK(d->reg.nr_tx_slots == 512 && d->reg.nr_rx_slots == 100);
	CHECK(d->reg.nr_host_tx_rings == 4 && d->reg.nr_host_rx_rings == 5);
	nmport_undo_prepare(d);
}

static void
bad_options_are_refused_without_a_leak(void)
{
	static const char *const bad[] = {
		"vale0:a@", "vale0:a@@", "vale0:a@conf", "vale0:a@conf:", "vale0:a@conf:rings",
		"vale0:a@conf:rings=", "vale0:a@conf:rings=x", "vale0:a@conf:rings=1x",
		"vale0:a@conf:rings=-1", "vale0:a@conf:rings=65536", "vale0:a@conf:slots=4294967296",
		"vale0:a@conf:rings=1,rings=2", "vale0:a@conf:rings=1,", "vale0:a@conf:,rings=1",
		"vale0:a@conf:colour=red", "vale0:a@paint:x", "vale0:a@offset", "vale0:a@offset:bits=4",
		"vale0:a@offset:initial=99999999999999999999", "vale0:a@offset:1,bits=65",
		"vale0:a@offset:1@offset:2", "vale0:a@extmem", "vale0:a@extmem:buf-num=1",
		"vale0:a@share", "vale0:a@share:", "vale0:a@share:nonsense", "vale0:a@3x", "vale0:a@65536",
		"vale0:a@conf=rings", "vale0:a@3@4",
	};
	size_t i;

	use_context();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		message[0] = '\0';
		errno = 0;
		if (nmport_prepare(bad[i]) != NULL || errno != EINVAL || message[0] == '\0') {
			fprintf(stderr, "%s: errno %d, said '%s'\n", bad[i], errno, message);
			exit(1);
		}
		CHECK(live == 0);
	}
}

static int
note_values(void *token, const char *const *values, struct nmctx *ctx)
{
	char *out = token;

	(void)ctx;
	sprintf(out + strlen(out), "[%s|%s|%s]", values[0] != NULL ? values[0] : "-",
	    values[1] != NULL ? values[1] : "-", values[2] != NULL ? values[2] : "-");
	if (values[0] != NULL && strcmp(values[0], "fail") == 0) {
		errno = ERANGE;
		return -1;
	}
	return 0;
}

static void
programs_can_have_options_of_their_own(void)
{
	static const struct nmreq_opt_key keys[] = {
		{ "a", 0 }, { "flag", NMREQ_OPT_KEY_BARE }, { "c", NMREQ_OPT_KEY_REQUIRED },
	};
	struct nmreq_opt_parser second = { "two", keys, 2, -1, note_values, NULL };
	struct nmreq_opt_parser first = { "one", keys, 3, 2, note_values, &second };
	char out[256] = "";

	use_context();
	CHECK(nmreq_options_decode("", &first, out, &context) == 0);
	CHECK(nmreq_options_decode("@one:a=1,flag,third@two:flag=2", &first, out, &context) == 0);
	CHECK(strcmp(out, "[1||third][-|2|-]") == 0);
	CHECK(nmreq_options_decode("@one:a=1", &first, out, &context) == -1 && errno == EINVAL);
	CHECK(nmreq_options_decode("@two:third", &first, out, &context) == -1 && errno == EINVAL);
	CHECK(nmreq_options_decode("@two:a=fail", &first, out, &context) == -1 && errno == ERANGE);
	CHECK(nmreq_options_decode("two:a=1", &first, out, &context) == -1 && errno == EINVAL);
	CHECK(live == 0);
}

/* --- Requests --- */

static void
a_header_is_made_and_options_are_linked(void)
{
	struct nmreq_register reg;
	struct nmreq_header hdr;
	struct nmreq_option a = { 0 }, b = { 0 }, c = { 0 }, *o;
	int n = 0;

	memset(&hdr, 0xff, sizeof(hdr));
	nmreq_header_init(&hdr, NETMAP_REQ_REGISTER, &reg);
	CHECK(hdr.nr_version == NETMAP_API && hdr.nr_reqtype == NETMAP_REQ_REGISTER);
	CHECK(hdr.nr_reserved == 0 && hdr.nr_name[0] == '\0' && hdr.nr_options == 0);
	CHECK(hdr.nr_body == (uintptr_t)&reg);
	a.nro_reqtype = NETMAP_REQ_OPT_EXTMEM;
	b.nro_reqtype = NETMAP_REQ_OPT_CSB;
	c.nro_reqtype = NETMAP_REQ_OPT_OFFSETS;
	nmreq_push_option(&hdr, &a);
	nmreq_push_option(&hdr, &b);
	nmreq_push_option(&hdr, &c);
	nmreq_foreach_option(&hdr, o)
		n++;
	CHECK(n == 3 && nmreq_find_option(&hdr, NETMAP_REQ_OPT_CSB) == &b);
	nmreq_remove_option(&hdr, &b);
	CHECK(nmreq_find_option(&hdr, NETMAP_REQ_OPT_CSB) == NULL && b.nro_next == 0);
	nmreq_remove_option(&hdr, &b);
	nmreq_remove_option(&hdr, &a);
	CHECK(hdr.nr_options == (uintptr_t)&c && c.nro_next == 0);
	CHECK(strcmp(nmreq_option_name(NETMAP_REQ_OPT_EXTMEM), "extmem") == 0);
	CHECK(strcmp(nmreq_option_name(NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS),
	    "sync-kloop-eventfds") == 0);
	CHECK(strcmp(nmreq_option_name(NETMAP_REQ_OPT_CSB), "csb") == 0);
	CHECK(strcmp(nmreq_option_name(NETMAP_REQ_OPT_SYNC_KLOOP_MODE), "sync-kloop-mode") == 0);
	CHECK(strcmp(nmreq_option_name(NETMAP_REQ_OPT_OFFSETS), "offsets") == 0);
	CHECK(strcmp(nmreq_option_name(0), "unknown") == 0);
	CHECK(strcmp(nmreq_option_name(NETMAP_REQ_OPT_MAX), "unknown") == 0);
}

static void
all_options_are_freed(void)
{
	struct nmreq_header hdr;
	int i;

	use_context();
	nmreq_header_init(&hdr, NETMAP_REQ_REGISTER, NULL);
	for (i = 0; i < 3; i++)
		nmreq_push_option(&hdr, nmctx_malloc(&context, sizeof(struct nmreq_option)));
	nmreq_free_options(&hdr);
	CHECK(hdr.nr_options == 0 && live == 0);
}

/* --- Context --- */

static void
every_allocation_may_fail_without_a_leak(void)
{
	static const char spec[] = "vale0:sink@conf:rings=2@offset:initial=64@extmem:/proc/self/exe";
	char path[] = "/tmp/extmem-XXXXXX", plain[128];
	struct nmport_d *d, *c;
	int n, files, fd = mkstemp(path);

	use_context();
	CHECK(fd >= 0 && ftruncate(fd, 8192) == 0);
	snprintf(plain, sizeof(plain), "vale0:sink@conf:rings=2@offset:initial=64@extmem:%s", path);
	nmport_close(nmport_open("vale0:sink@conf:rings=2"));
	files = open_files();
	for (n = 0;; n++) {
		CHECK(n < 50);
		refuse_after = n;
		d = nmport_open(plain);
		if (d == NULL) {
			CHECK(errno == ENOMEM && live == 0 && open_files() == files);
			continue;
		}
		c = nmport_clone(d);
		if (c == NULL)
			CHECK(errno == ENOMEM);
		nmport_close(c);
		nmport_close(d);
		CHECK(live == 0 && open_files() == files && context.mem_descs == NULL);
		if (c != NULL)
			break;
	}
	CHECK(n >= 10);
	unlink(path);
	/* A running program is not writable: fails (ETXTBSY) after memory was taken. */
	for (n = 0; n < 8; n++) {
		refuse_after = n;
		CHECK(nmport_prepare(spec) == NULL);
		CHECK(live == 0 && open_files() == files);
	}
	refuse_after = -1;
}

static void
a_context_may_leave_things_out(void)
{
	static const struct nmctx unset;
	struct nmctx ctx = unset;
	char text[2000];
	char *p;

	ctx.verbose = 1;
	nmctx_ferror(&ctx, "nobody listens");
	nmctx_lock(&ctx);
	nmctx_unlock(&ctx);
	/* A message longer than the buffer is cut, not run over. */
	use_context();
	memset(text, 'm', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	nmctx_ferror(&context, "%s", text);
	CHECK(strlen(message) == 511);
	/* The built-in memory comes zeroed; nothing may be given back. */
	nmctx_set_default(NULL);
	p = nmctx_malloc(nmctx_get(), 64);
	CHECK(p != NULL && p[0] == 0 && p[63] == 0);
	nmctx_free(nmctx_get(), p);
	nmctx_free(nmctx_get(), NULL);
	nmctx_free(&context, NULL);
	CHECK(live == 0);
	refuse_after = 0;
	CHECK(nmctx_malloc(&context, 1) == NULL);
	refuse_after = -1;
}

static void
the_default_context_can_be_replaced(void)
{
	struct nmctx *built_in = nmctx_get();

	CHECK(built_in != &context);
	CHECK(nmctx_set_default(&context) == built_in);
	CHECK(nmctx_get() == &context);
	nmctx_ferror(&context, "%s %d", "number", 7);
	CHECK(strcmp(message, "number 7") == 0);
	CHECK(nmctx_set_default(NULL) == &context && nmctx_get() == built_in);
}

static void *
open_and_close(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 20; i++) {
		struct nmctx *ctx = nmctx_get();

		nmctx_lock(ctx);
		nmctx_unlock(ctx);
	}
	return NULL;
}

static int depth, locks;

static void
watch_lock(struct nmctx *ctx, int dolock)
{
	(void)ctx;
	depth += dolock ? 1 : -1;
	locks += dolock;
	CHECK(depth == 0 || depth == 1);
}

static void
mappings_are_looked_for_under_the_lock(void)
{
	pthread_t t;

	use_context();
	context.lock = watch_lock;
	nmport_close(nmport_open("vale0:sink"));
	CHECK(depth == 0 && locks == 2);
	context.lock = NULL;
	nmctx_set_threadsafe();
	CHECK(context.lock != NULL);
	nmctx_lock(&context);
	CHECK(pthread_create(&t, NULL, open_and_close, NULL) == 0);
	nmctx_unlock(&context);
	CHECK(pthread_join(t, NULL) == 0);
}

#define THREADS	3

static struct nmem_d *seen[THREADS];
static pthread_barrier_t barrier;

static void *
open_shared(void *arg)
{
	int me = (int)(intptr_t)arg, i;

	for (i = 0; i < 25; i++) {
		struct nmport_d *d = nmport_open("vale0:sink"), *c = nmport_clone(d);

		CHECK(c != NULL && nmport_open_desc(c) == 0 && c->mem == d->mem);
		CHECK(NETMAP_TXRING(d->nifp, 0) == NETMAP_TXRING(c->nifp, 0));
		seen[me] = d->mem;
		pthread_barrier_wait(&barrier);
		CHECK(seen[(me + 1) % THREADS] == d->mem);	/* all are open here */
		pthread_barrier_wait(&barrier);
		nmport_close(d);		/* and here they come and go */
		CHECK(NETMAP_TXRING(c->nifp, 0)->num_slots == 64);
		nmport_close(c);
	}
	return NULL;
}

static void
threads_share_one_mapping(void)
{
	pthread_t threads[THREADS];
	intptr_t i;

	nmctx_set_threadsafe();
	CHECK(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
	for (i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, open_shared, (void *)i) == 0);
	for (i = 0; i < THREADS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	CHECK(nmctx_get()->mem_descs == NULL);
}

static const struct test tests[] = {
	TEST(a_port_opens_and_closes),
	TEST(closing_leaves_no_file_open_but_the_fakes_own),
	TEST(a_failure_is_told_with_its_reason),
	TEST(each_refusal_of_the_kernel_has_a_hint),
	TEST(the_built_in_context_writes_to_stderr),
	TEST(a_region_that_cannot_be_mapped_leaves_the_port_registered),
	TEST(a_silent_context_says_nothing),
	TEST(ports_on_one_region_share_one_mapping),
	TEST(the_steps_of_opening_can_be_taken_and_undone_one_by_one),
	TEST(a_program_may_change_the_request_before_opening),
	TEST(each_mode_has_its_range_of_rings),
	TEST(a_clone_is_bound_to_the_same_region),
	TEST(external_memory_must_be_open_before_it_is_cloned),
	TEST(external_memory_comes_from_a_file),
	TEST(offsets_reach_the_kernel),
	TEST(an_option_that_the_kernel_refuses_is_named),
	TEST(a_port_shares_the_region_of_another),
	TEST(inject_uses_several_slots_and_rings),
	TEST(a_packet_too_large_for_the_room_leaves_the_ring_usable),
	TEST(steps_may_be_undone_in_any_order),
	TEST(a_port_that_was_closed_asks_anew),
	TEST(a_name_that_fails_leaves_the_port_as_it_was),
	TEST(options_of_the_program_stay_the_programs),
	TEST(only_the_option_that_is_to_blame_is_blamed),
	TEST(a_null_port_has_no_rings),
	TEST(an_injected_packet_inherits_no_flags_of_its_slot),
	TEST(external_memory_stays_until_the_last_port_on_it_is_closed),
	TEST(an_option_given_twice_is_refused),
	TEST(the_region_of_a_port_that_nobody_has_open_is_none),
	TEST(a_parser_with_too_many_keys_is_refused),
	TEST(options_of_names_can_be_forbidden),
	TEST(conf_sets_rings_and_slots),
	TEST(bad_options_are_refused_without_a_leak),
	TEST(programs_can_have_options_of_their_own),
	TEST(a_header_is_made_and_options_are_linked),
	TEST(all_options_are_freed),
	TEST(every_allocation_may_fail_without_a_leak),
	TEST(a_context_may_leave_things_out),
	TEST(the_default_context_can_be_replaced),
	TEST(mappings_are_looked_for_under_the_lock),
	TEST(threads_share_one_mapping),
};

int
main(int argc, char **argv)
{
	return run_tests(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}

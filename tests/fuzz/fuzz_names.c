/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_names - names of ports, whatever is written in them: the decoders of libnetmap, one by
 * one and as nmport_parse() calls them, and the parser that netmap_user.h compiles into programs.
 *
 * What must hold: a decoder that fails leaves its string and its results as they were, says why
 * once, and gives an errno that is documented; one that succeeds has taken what belongs to
 * it, and writing down its result and reading that gives the same result.  In the end all memory
 * and all files are back, also when memory ran out in between.
 *
 * The build renames open(), close() and ioctl() of the library and of this file: no device
 * and no file of the machine is ever touched.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NETMAP_WITH_LIBS
#include <net/netmap_user.h>
#include "fuzz.h"
#include "internal.h"

#define MAX_NAME 300

/* ---- the system, played -------------------------------------------------------------- */

static uint32_t open_error, ioctl_error, files_open;
static int64_t blocks, fail_at; /* the fail_at-th allocation fails; 0: none */
static uint32_t told;

/* Any path is an empty file, or does not open. */
int open(const char *path, int flags, ...)
{
	int fd;

	FUZZ_MUST(strlen(path) < MAX_NAME);
	(void)flags;
	if (open_error != 0) {
		errno = (int)open_error;
		return -1;
	}
	fd = memfd_create("played", 0);
	FUZZ_MUST(fd >= 0 && ftruncate(fd, 4096) == 0);
	files_open++;
	return fd;
}

int close(int fd)
{
	FUZZ_MUST(files_open > 0);
	files_open--;
	return (int)syscall(SYS_close, fd);
}

static uint16_t region_of(const char *name, size_t size)
{
	size_t i, n = strnlen(name, size);
	uint16_t id = 1;

	FUZZ_MUST(n > 0 && n < size);
	for (i = 0; i < n; i++)
		id = (uint16_t)(id * 31 + (uint8_t)name[i]);
	return id;
}

int ioctl(int fd, unsigned long request, ...)
{
	struct nmreq_header *hdr;
	struct nmreq *old;
	va_list ap;
	void *arg;

	(void)fd;
	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (ioctl_error != 0) {
		errno = (int)ioctl_error;
		return -1;
	}
	if (request == NIOCREGIF) {
		old = arg;
		FUZZ_MUST(old->nr_version == NETMAP_API);
		old->nr_arg2 = region_of(old->nr_name, sizeof(old->nr_name));
		return 0;
	}
	hdr = arg;
	FUZZ_MUST(request == NIOCCTRL && hdr->nr_reqtype == NETMAP_REQ_PORT_INFO_GET);
	((struct nmreq_port_info_get *)(uintptr_t)hdr->nr_body)->nr_mem_id =
	    region_of(hdr->nr_name, sizeof(hdr->nr_name));
	return 0;
}

static void *counted_malloc(struct nmctx *ctx, size_t size)
{
	(void)ctx;
	if (fail_at != 0 && --fail_at == 0)
		return NULL;
	blocks++;
	return calloc(1, size);
}

static void counted_free(struct nmctx *ctx, void *p)
{
	(void)ctx;
	FUZZ_MUST(p != NULL);
	blocks--;
	free(p);
}

static void count_message(struct nmctx *ctx, const char *message)
{
	(void)ctx;
	FUZZ_MUST(*message != '\0');
	told++;
}

static struct nmctx ctx = {
	.verbose = 1, .error = count_message, .malloc = counted_malloc, .free = counted_free,
};

static void begin(void)
{
	told = 0;
	errno = 0;
}

/* ---- the decoders ---------------------------------------------------------------------- */

static void header(const char *name)
{
	struct nmreq_header hdr, again, before;
	char text[2 * MAX_NAME];
	const char *rest = name, *s = text;

	nmreq_header_init(&hdr, NETMAP_REQ_REGISTER, NULL);
	strcpy(hdr.nr_name, "before");
	before = hdr;
	begin();
	if (nmreq_header_decode(&rest, &hdr, &ctx) != 0) {
		FUZZ_MUST(rest == name && memcmp(&hdr, &before, sizeof(hdr)) == 0);
		FUZZ_MUST((errno == EINVAL || errno == ENAMETOOLONG) && told == 1);
		return;
	}
	FUZZ_MUST(told == 0 && rest > name && strchr("-^*/@", *rest) != NULL);
	FUZZ_MUST(strnlen(hdr.nr_name, sizeof(hdr.nr_name)) < sizeof(hdr.nr_name));
	FUZZ_MUST(strncmp(rest - strlen(hdr.nr_name), hdr.nr_name, strlen(hdr.nr_name)) == 0);
	/* what follows belongs to it: a-1 is a name before -2, and ring 1 of a before nothing */
	snprintf(text, sizeof(text), "netmap:%s%s", hdr.nr_name, rest);
	nmreq_header_init(&again, NETMAP_REQ_REGISTER, NULL);
	FUZZ_MUST(nmreq_header_decode(&s, &again, &ctx) == 0 && strcmp(s, rest) == 0);
	FUZZ_MUST(memcmp(&again, &hdr, sizeof(hdr)) == 0);
}

/* Mode, flags and region as nmreq_register_decode() reads them. */
static void write_mode(char *to, size_t size, const struct nmreq_register *reg)
{
	static const struct { char letter; uint64_t flag; } letters[] = {
		{ 'x', NR_EXCLUSIVE }, { 'z', NR_ZCOPY_MON }, { 't', NR_MONITOR_TX },
		{ 'r', NR_MONITOR_RX }, { 'R', NR_RX_RINGS_ONLY }, { 'T', NR_TX_RINGS_ONLY },
	};
	char flags[8] = "", *f = flags;
	char mode[16] = "";
	size_t i;

	switch (reg->nr_mode) {
	case NR_REG_ALL_NIC: break;
	case NR_REG_SW: strcpy(mode, "^"); break;
	case NR_REG_NIC_SW: strcpy(mode, "*"); break;
	case NR_REG_ONE_NIC: snprintf(mode, sizeof(mode), "-%u", reg->nr_ringid); break;
	case NR_REG_ONE_SW: snprintf(mode, sizeof(mode), "^%u", reg->nr_ringid); break;
	default: FUZZ_MUST(!"a mode that has no letter");
	}
	for (i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		if (reg->nr_flags & letters[i].flag)
			*f++ = letters[i].letter;
	}
	snprintf(to, size, "%s%s%s@%u", mode, *flags ? "/" : "", flags, reg->nr_mem_id);
}

static void mode(const char *name)
{
	struct nmreq_register reg, before, again;
	const char *rest = name, *s;
	char text[MAX_NAME];

	memset(&reg, 0, sizeof(reg));
	reg.nr_mem_id = 7;
	reg.nr_extra_bufs = 3;
	before = reg;
	begin();
	if (nmreq_register_decode(&rest, &reg, &ctx) != 0) {
		FUZZ_MUST(rest == name && memcmp(&reg, &before, sizeof(reg)) == 0);
		FUZZ_MUST(errno == EINVAL && told == 1);
		return;
	}
	FUZZ_MUST(told == 0 && (*rest == '\0' || *rest == '@'));
	write_mode(text, sizeof(text), &reg);
	again = before;
	s = text;
	FUZZ_MUST(nmreq_register_decode(&s, &again, &ctx) == 0 && *s == '\0');
	FUZZ_MUST(memcmp(&again, &reg, sizeof(reg)) == 0);
}

/* Options with every kind of key; each one tells what it was given. */
#define KEYS 3

static char heard[4 * MAX_NAME];

static int hear(void *token, const char *const *values, struct nmctx *c)
{
	size_t n = strlen(heard);
	uint32_t i;

	(void)c;
	FUZZ_MUST(token == heard && values[0] != NULL && *values[0] != '\0');
	FUZZ_MUST(values[1] == NULL || *values[1] != '\0');
	n += (size_t)snprintf(heard + n, sizeof(heard) - n, "@opt:");
	for (i = 0; i < KEYS; i++) {
		static const char *const keys[] = { "need", "may", "bare" };

		if (values[i] != NULL)
			n += (size_t)snprintf(heard + n, sizeof(heard) - n, "%s%s=%s", i ? "," : "",
					      keys[i], values[i]);
	}
	return 0;
}

static void options(const char *name)
{
	static const struct nmreq_opt_key keys[KEYS] = {
		{ "need", NMREQ_OPT_KEY_REQUIRED }, { "may", 0 }, { "bare", NMREQ_OPT_KEY_BARE },
	};
	static struct nmreq_opt_parser parser = { "opt", keys, KEYS, 0, hear, NULL };
	char first[sizeof(heard)];
	int ret;

	heard[0] = '\0';
	begin();
	ret = nmreq_options_decode(name, &parser, heard, &ctx);
	if (ret != 0) {
		FUZZ_MUST(ret == -1 && ((errno == EINVAL && told == 1) || errno == ENOMEM));
		return;
	}
	FUZZ_MUST(told == 0);
	fail_at = 0;
	memcpy(first, heard, sizeof(first));
	heard[0] = '\0';
	FUZZ_MUST(nmreq_options_decode(first, &parser, heard, &ctx) == 0);
	FUZZ_MUST(strcmp(first, heard) == 0);
}

static void mem_id(const char *name)
{
	const char *rest = name;
	int32_t id;

	begin();
	id = nmreq_get_mem_id(&rest, &ctx);
	if (id < 0)
		FUZZ_MUST(id == -1 && rest == name && errno != 0 && told == 1);
	else
		FUZZ_MUST(id <= UINT16_MAX && rest > name && told == 0);
}

/* Decimal numbers, against arithmetic that is wide enough for any of them. */
static void number(const char *text)
{
	static const uint64_t limits[] = { 9, UINT16_MAX, UINT32_MAX, UINT64_MAX - 1, UINT64_MAX };
	bool digits = *text != '\0';
	unsigned __int128 wide = 0;
	const char *s;
	uint32_t i;

	for (s = text; *s != '\0' && digits; s++) {
		digits = *s >= '0' && *s <= '9';
		if (wide <= UINT64_MAX) /* else it is too large already */
			wide = wide * 10 + (unsigned)(*s - '0');
	}
	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		uint64_t v = 77;

		if (nm_parse_u64(text, limits[i], &v) == 0)
			FUZZ_MUST(digits && wide <= limits[i] && v == (uint64_t)wide);
		else
			FUZZ_MUST((!digits || wide > limits[i]) && v == 77);
	}
}

/* The whole name of a port, with the options that are known. */
static void whole(const char *name)
{
	static const struct nmreq_register clear;
	struct nmport_d *d = nmport_new(), *again;
	char text[2 * MAX_NAME], modes[64];
	struct nmreq_register *reg;

	if (d == NULL) {
		FUZZ_MUST(errno == ENOMEM);
		return;
	}
	reg = &d->reg;
	begin();
	if (nmport_parse(d, name) != 0) {
		FUZZ_MUST(errno != 0 && (told == 1 || errno == ENOMEM));
		FUZZ_MUST(memcmp(reg, &clear, sizeof(clear)) == 0 && d->hdr.nr_name[0] == '\0');
		FUZZ_MUST(d->hdr.nr_options == 0 && d->clist == NULL && d->extmem == NULL);
		nmport_delete(d);
		return;
	}
	FUZZ_MUST(told == 0);
	fail_at = 0;
	write_mode(modes, sizeof(modes), reg);
	snprintf(text, sizeof(text),
		 "netmap:%s%s@conf:tx-rings=%u,rx-rings=%u,host-tx-rings=%u,host-rx-rings=%u,"
		 "tx-slots=%u,rx-slots=%u", d->hdr.nr_name, modes, reg->nr_tx_rings,
		 reg->nr_rx_rings, reg->nr_host_tx_rings, reg->nr_host_rx_rings, reg->nr_tx_slots,
		 reg->nr_rx_slots);
	again = nmport_prepare(text);
	FUZZ_MUST(again != NULL && memcmp(&again->reg, reg, sizeof(*reg)) == 0);
	FUZZ_MUST(strcmp(again->hdr.nr_name, d->hdr.nr_name) == 0);
	nmport_delete(again);
	nmport_undo_parse(d);
	FUZZ_MUST(memcmp(reg, &clear, sizeof(clear)) == 0 && d->hdr.nr_options == 0);
	nmport_delete(d);
}

/* The parser of netmap_user.h, by the function that calls it. */
static void old_open(const char *name)
{
	struct nmreq first;
	struct nm_desc *d = nm_open(name, NULL, NM_OPEN_NO_MMAP, NULL);
	bool ours = strncmp(name, "netmap:", 7) == 0 || strncmp(name, "vale", 4) == 0;
	size_t n;

	if (d == NULL) {
		/* 0 tells libpcap that the name is not for netmap */
		FUZZ_MUST((errno == 0) == !ours);
		return;
	}
	FUZZ_MUST(ours && IS_NETMAP_DESC(d));
	first = d->req;
	n = strnlen(first.nr_name, sizeof(first.nr_name));
	FUZZ_MUST(n > 0 && n < sizeof(first.nr_name));
	FUZZ_MUST((first.nr_ringid & ~(uint32_t)NETMAP_RING_MASK) == 0);
	FUZZ_MUST((first.nr_flags & NR_REG_MASK) >= NR_REG_ALL_NIC &&
		  (first.nr_flags & NR_REG_MASK) <= NR_REG_ONE_SW);
	FUZZ_MUST(strstr(name, first.nr_name) != NULL);
	nm_close(d);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	nmctx_set_default(&ctx);
	return 0;
}

/* Two bytes say what the system does, the rest is the name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const all[])(const char *) = {
		header, mode, options, mem_id, number, whole, old_open,
	};
	static const uint8_t errors[] = { 0, 0, 0, 0, 0, ENOENT, EACCES, EMFILE };
	struct input in = { data, data + size };
	uint32_t memory = take(&in, 1), system = take(&in, 1);
	size_t n = (size_t)(in.end - in.p), i;
	char *name;

	if (n >= MAX_NAME)
		n = MAX_NAME - 1;
	/* of the exact length, so that reading beyond it is noticed */
	n = strnlen((const char *)in.p, n);
	name = malloc(n + 1);
	FUZZ_MUST(name != NULL);
	memcpy(name, in.p, n);
	name[n] = '\0';
	open_error = errors[system & 7];
	ioctl_error = errors[system >> 3 & 7];
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		fail_at = memory & 7;
		all[i](name);
		FUZZ_MUST(blocks == 0 && files_open == 0);
	}
	free(name);
	return 0;
}

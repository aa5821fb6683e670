/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hosted.c - the system call layer of the hosted port: hosted.h on top of ctl.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "ctl/ctl.h"
#include "hosted.h"
#include "os_hosted_test.h"

struct nmh_ns {
	struct nm_ns ns;
};

struct nmh_poll {
	struct nm_poll poll;
};

/* ---- life ----------------------------------------------------------------------- */

int nmh_init(void)
{
	int err = nm_core_init();

	nm_host_leave("nm_core_init");
	return err;
}

void nmh_fini(void)
{
	nm_core_fini();
	nm_host_leave("nm_core_fini");
}

uint64_t nmh_live(void)
{
	return nm_host_live(NULL);
}

uint64_t nmh_live_bytes(void)
{
	uint64_t bytes;

	nm_host_live(&bytes);
	return bytes;
}

uint64_t nmh_live_page_bytes(void)
{
	return nm_host_live_page_bytes();
}

int nmh_live_describe(char *buf, size_t size)
{
	return nm_host_live_describe(buf, size);
}

int nmh_left_behind(void)
{
	char text[2048];

	if (nmh_live() == 0)
		return 0;
	nmh_live_describe(text, sizeof(text));
	fprintf(stderr, "left behind:\n%s", text);
	return 1;
}

void nmh_check_freed(void)
{
	nm_host_check_freed();
}

struct nmh_ns *nmh_ns_new(void)
{
	struct nmh_ns *ns = calloc(1, sizeof(*ns));

	if (ns == NULL)
		nm_host_fatal("out of memory");
	nm_ns_init(&ns->ns, ns);
	return ns;
}

void nmh_ns_free(struct nmh_ns *ns)
{
	nm_ns_fini(&ns->ns);
	nm_host_leave("nm_ns_fini");
	free(ns);
}

/* ---- files ------------------------------------------------------------------------ */

struct nm_handle *nmh_open(struct nmh_ns *ns)
{
	struct nm_handle *h = nm_ctl_open(&ns->ns);

	nm_host_leave("open");
	return h;
}

void nmh_close(struct nm_handle *h)
{
	nm_ctl_close(h);
	nm_host_leave("close");
}

int nmh_ctrl(struct nm_handle *h, uint64_t uhdr)
{
	struct nm_image *img = NULL;
	int err = nm_ctl_gather(uhdr, &img);

	if (err == 0)
		err = nm_ctl_request(h, img);
	if (img != NULL)
		err = nm_ctl_scatter(uhdr, img, err);
	nm_os_free(img);
	nm_host_leave("NIOCCTRL");
	return err;
}

int nmh_legacy_info(struct nm_handle *h, struct nmreq *req)
{
	int err = nm_ctl_legacy_info(h, req);

	nm_host_leave("NIOCGINFO");
	return err;
}

int nmh_legacy_regif(struct nm_handle *h, struct nmreq *req)
{
	int err = nm_ctl_legacy_regif(h, req);

	nm_host_leave("NIOCREGIF");
	return err;
}

int nmh_txsync(struct nm_handle *h)
{
	int err = nm_ctl_sync(h, NR_TX);

	nm_host_leave("NIOCTXSYNC");
	return err;
}

int nmh_rxsync(struct nm_handle *h)
{
	int err = nm_ctl_sync(h, NR_RX);

	nm_host_leave("NIOCRXSYNC");
	return err;
}

/* ---- poll ---------------------------------------------------------------------------- */

int nmh_poll_now(struct nm_handle *h, int events)
{
	int ready = nm_ctl_poll(h, events, NULL);

	nm_host_leave("poll");
	return ready;
}

int nmh_poll_sleep(struct nm_handle *h, int events, int timeout_ms)
{
	struct nm_poll p;
	uint64_t seen;
	int ready;

	nm_host_poll_init(&p);
	ready = nm_ctl_poll(h, events, &p);
	nm_host_leave("poll");
	/* the wake-ups that came while it looked count: look again before sleeping */
	for (seen = 0; ready == 0 && nm_host_poll_wait(&p, seen, timeout_ms);) {
		seen = nm_host_poll_wakes(&p);
		ready = nm_ctl_poll(h, events, NULL);
		nm_host_leave("poll");
	}
	nm_host_poll_fini(&p);
	return ready;
}

struct nmh_poll *nmh_sleeper_new(struct nm_handle *h, int events, int *ready)
{
	struct nmh_poll *p = calloc(1, sizeof(*p));

	if (p == NULL)
		nm_host_fatal("out of memory");
	nm_host_poll_init(&p->poll);
	*ready = nm_ctl_poll(h, events, &p->poll);
	nm_host_leave("poll");
	return p;
}

uint64_t nmh_sleeper_wakes(struct nmh_poll *p)
{
	return nm_host_poll_wakes(&p->poll);
}

int nmh_sleeper_wait(struct nmh_poll *p, uint64_t seen, int timeout_ms)
{
	return nm_host_poll_wait(&p->poll, seen, timeout_ms);
}

void nmh_sleeper_free(struct nmh_poll *p)
{
	nm_host_poll_fini(&p->poll);
	free(p);
}

/* ---- mmap, user memory ------------------------------------------------------------------ */

int nmh_mmap(struct nm_handle *h, uint64_t offset, uint64_t len, void **user)
{
	struct nm_os_pages *pages;
	int err = nm_ctl_mmap(h, offset, len, &pages);

	nm_host_leave("mmap");
	return err != 0 ? err : nm_host_pages_map(pages, offset, len, user);
}

void nmh_munmap(void *user, uint64_t len)
{
	munmap(user, len);
}

uint64_t nmh_arena(void **mem, uint64_t *bytes)
{
	*bytes = NM_HOST_ARENA_BYTES;
	return nm_host_arena(mem);
}

void nmh_arena_fault(uint64_t uaddr, int bad)
{
	nm_host_arena_fault(uaddr, bad != 0);
}

/* ---- parameters ---------------------------------------------------------------------------- */

static const struct param {
	const char *name;
	int *value;
	int def, min, max, rw;
} params[] = {
#define PARAM_ROW(name, def, min, max, rw, help) { #name, &netmap_##name, def, min, max, rw },
	NM_PARAMS(PARAM_ROW)
};

#define NPARAMS (sizeof(params) / sizeof(params[0]))

static const struct param *param_find(const char *name)
{
	size_t i;

	for (i = 0; i < NPARAMS; i++) {
		if (strcmp(params[i].name, name) == 0)
			return &params[i];
	}
	return NULL;
}

int nmh_param_set(const char *name, int64_t value)
{
	const struct param *p = param_find(name);

	if (p == NULL)
		return ENOENT;
	if (p->rw == 0)
		return EPERM;
	if (value < p->min || value > p->max)
		return EINVAL;
	nm_write_once((uint32_t *)p->value, (uint32_t)value);
	return 0;
}

int nmh_param_get(const char *name, int64_t *value)
{
	const struct param *p = param_find(name);

	if (p == NULL)
		return ENOENT;
	*value = (int)nm_read_once((const uint32_t *)p->value);
	return 0;
}

int nmh_param_info(uint32_t i, const char **name, int *def, int *min, int *max, int *rw)
{
	if (i >= NPARAMS)
		return ENOENT;
	*name = params[i].name;
	*def = params[i].def;
	*min = params[i].min;
	*max = params[i].max;
	*rw = params[i].rw;
	return 0;
}

void nmh_params_reset(void)
{
	size_t i;

	for (i = 0; i < NPARAMS; i++)
		nm_write_once((uint32_t *)params[i].value, (uint32_t)params[i].def);
}

/* ---- steering -------------------------------------------------------------------------------- */

void nmh_clock(uint32_t seconds, uint32_t usec)
{
	nm_host_clock(seconds, usec);
}

void nmh_alloc_fail(uint64_t nth)
{
	nm_host_alloc_fail(nth);
}

uint64_t nmh_alloc_count(void)
{
	return nm_host_alloc_count();
}

int nmh_alloc_failed(void)
{
	return nm_host_alloc_failed();
}

int nmh_hostile(uint32_t kind)
{
	return nm_host_hostile_arm(kind) ? 0 : ENOTSUP;
}

uint64_t nmh_hostile_reads(void)
{
	return nm_host_hostile_reads();
}

int nmh_irq_disarm(void)
{
	return nm_host_irq_disarm();
}

int nmh_log_take(char *buf, size_t size)
{
	return nm_host_log_take(buf, size);
}

size_t nmh_abi_slot_offset(void)
{
	return offsetof(struct netmap_ring, slot);
}

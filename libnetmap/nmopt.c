/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options that a port's name may carry: share, conf, extmem, offset.  Each
 * is a table of keys and a function that turns their values into fields of the
 * request or options of the kernel.
 */
#include <errno.h>
#include <string.h>

#include "internal.h"

#define COUNT(a)	((int)(sizeof(a) / sizeof((a)[0])))

/* Number in a key's value, if it was given; complains for the option. */
static int
number(struct nmctx *ctx, const char *option, const char *key, const char *text, uint64_t max,
       uint64_t *value)
{
	if (text == NULL || nm_parse_u64(text, max, value) == 0)
		return 0;
	nmctx_ferror(ctx, "@%s: %s: %s is not a number from 0 to %llu", option, key, text,
	    (unsigned long long)max);
	errno = EINVAL;
	return -1;
}

/* share:PORT */
static int
apply_share(void *token, const char *const *values, struct nmctx *ctx)
{
	struct nmport_d *d = token;
	const char *rest = values[0];
	int32_t id = nmreq_get_mem_id(&rest, ctx);

	if (id < 0)
		return -1;
	if (*rest != '\0') {
		nmctx_ferror(ctx, "@share: %s: \"%s\" does not belong to the port's name", values[0],
		    rest);
		errno = EINVAL;
		return -1;
	}
	if (d->reg.nr_mem_id != 0 && d->reg.nr_mem_id != id) {
		nmctx_ferror(ctx, "@share: %s is in region %d, but region %u was asked for",
		    values[0], (int)id, d->reg.nr_mem_id);
		errno = EINVAL;
		return -1;
	}
	d->reg.nr_mem_id = (uint16_t)id;
	return 0;
}

static const struct nmreq_opt_key share_keys[] = {
	{ "port", NMREQ_OPT_KEY_REQUIRED },
};

/*
 * conf:...  The general keys come first, so that a particular one overrides
 * them whatever the order in the name.
 */
enum conf_key {
	CONF_RINGS, CONF_HOST_RINGS, CONF_SLOTS, CONF_TX_RINGS, CONF_RX_RINGS,
	CONF_HOST_TX_RINGS, CONF_HOST_RX_RINGS, CONF_TX_SLOTS, CONF_RX_SLOTS
};

static const struct nmreq_opt_key conf_keys[] = {
	[CONF_RINGS] = { "rings", 0 },
	[CONF_HOST_RINGS] = { "host-rings", 0 },
	[CONF_SLOTS] = { "slots", 0 },
	[CONF_TX_RINGS] = { "tx-rings", 0 },
	[CONF_RX_RINGS] = { "rx-rings", 0 },
	[CONF_HOST_TX_RINGS] = { "host-tx-rings", 0 },
	[CONF_HOST_RX_RINGS] = { "host-rx-rings", 0 },
	[CONF_TX_SLOTS] = { "tx-slots", 0 },
	[CONF_RX_SLOTS] = { "rx-slots", 0 },
};

static int
apply_conf(void *token, const char *const *values, struct nmctx *ctx)
{
	struct nmreq_register *reg = &((struct nmport_d *)token)->reg;
	int key, given = 0;

	for (key = 0; key < COUNT(conf_keys); key++) {
		int slots = key == CONF_SLOTS || key == CONF_TX_SLOTS || key == CONF_RX_SLOTS;
		uint64_t v;

		if (values[key] == NULL)
			continue;
		given = 1;
		if (number(ctx, "conf", conf_keys[key].name, values[key],
		    slots ? UINT32_MAX : UINT16_MAX, &v) != 0)
			return -1;
		if (key == CONF_RINGS || key == CONF_TX_RINGS)
			reg->nr_tx_rings = (uint16_t)v;
		if (key == CONF_RINGS || key == CONF_RX_RINGS)
			reg->nr_rx_rings = (uint16_t)v;
		if (key == CONF_HOST_RINGS || key == CONF_HOST_TX_RINGS)
			reg->nr_host_tx_rings = (uint16_t)v;
		if (key == CONF_HOST_RINGS || key == CONF_HOST_RX_RINGS)
			reg->nr_host_rx_rings = (uint16_t)v;
		if (key == CONF_SLOTS || key == CONF_TX_SLOTS)
			reg->nr_tx_slots = (uint32_t)v;
		if (key == CONF_SLOTS || key == CONF_RX_SLOTS)
			reg->nr_rx_slots = (uint32_t)v;
	}
	if (!given) {
		nmctx_ferror(ctx, "@conf: names nothing to set; for example @conf:rings=2");
		errno = EINVAL;
		return -1;
	}
	return 0;
}

/* extmem:file=PATH,... */
enum extmem_key {
	EXTMEM_FILE, EXTMEM_IF_NUM, EXTMEM_IF_SIZE, EXTMEM_RING_NUM, EXTMEM_RING_SIZE,
	EXTMEM_BUF_NUM, EXTMEM_BUF_SIZE
};

static const struct nmreq_opt_key extmem_keys[] = {
	[EXTMEM_FILE] = { "file", NMREQ_OPT_KEY_REQUIRED },
	[EXTMEM_IF_NUM] = { "if-num", 0 },
	[EXTMEM_IF_SIZE] = { "if-size", 0 },
	[EXTMEM_RING_NUM] = { "ring-num", 0 },
	[EXTMEM_RING_SIZE] = { "ring-size", 0 },
	[EXTMEM_BUF_NUM] = { "buf-num", 0 },
	[EXTMEM_BUF_SIZE] = { "buf-size", 0 },
};

static int
apply_extmem(void *token, const char *const *values, struct nmctx *ctx)
{
	struct nmport_d *d = token;
	uint64_t sizes[COUNT(extmem_keys)] = { 0 };
	struct nmreq_pools_info *info;
	int key;

	for (key = EXTMEM_IF_NUM; key <= EXTMEM_BUF_SIZE; key++) {
		if (number(ctx, "extmem", extmem_keys[key].name, values[key], UINT32_MAX,
		    &sizes[key]) != 0)
			return -1;
	}
	if (nmport_extmem_from_file(d, values[EXTMEM_FILE]) != 0)
		return -1;
	info = nmport_extmem_getinfo(d);
	info->nr_if_pool_objtotal = (uint32_t)sizes[EXTMEM_IF_NUM];
	info->nr_if_pool_objsize = (uint32_t)sizes[EXTMEM_IF_SIZE];
	info->nr_ring_pool_objtotal = (uint32_t)sizes[EXTMEM_RING_NUM];
	info->nr_ring_pool_objsize = (uint32_t)sizes[EXTMEM_RING_SIZE];
	info->nr_buf_pool_objtotal = (uint32_t)sizes[EXTMEM_BUF_NUM];
	info->nr_buf_pool_objsize = (uint32_t)sizes[EXTMEM_BUF_SIZE];
	return 0;
}

/* offset:initial=N,... */
enum offset_key { OFFSET_INITIAL, OFFSET_MAX, OFFSET_BITS, OFFSET_GAP };

static const struct nmreq_opt_key offset_keys[] = {
	[OFFSET_INITIAL] = { "initial", NMREQ_OPT_KEY_REQUIRED },
	[OFFSET_MAX] = { "max", 0 },
	[OFFSET_BITS] = { "bits", 0 },
	[OFFSET_GAP] = { "gap", 0 },
};

static int
apply_offset(void *token, const char *const *values, struct nmctx *ctx)
{
	uint64_t v[COUNT(offset_keys)] = { 0 };
	int key;

	for (key = 0; key < COUNT(offset_keys); key++) {
		if (number(ctx, "offset", offset_keys[key].name, values[key],
		    key == OFFSET_BITS ? 64 : UINT64_MAX, &v[key]) != 0)
			return -1;
	}
	return nmport_offset(token, v[OFFSET_INITIAL], v[OFFSET_MAX], v[OFFSET_BITS], v[OFFSET_GAP]);
}

/* All options, and those in the list of allowed ones. */
static struct nmreq_opt_parser options[] = {
	{ "share", share_keys, COUNT(share_keys), 0, apply_share, &options[1] },
	{ "conf", conf_keys, COUNT(conf_keys), -1, apply_conf, &options[2] },
	{ "extmem", extmem_keys, COUNT(extmem_keys), EXTMEM_FILE, apply_extmem, &options[3] },
	{ "offset", offset_keys, COUNT(offset_keys), OFFSET_INITIAL, apply_offset, NULL },
};

static struct nmreq_opt_parser *allowed = &options[0];

struct nmreq_opt_parser *
nm_port_options(void)
{
	return allowed;
}

/* The link that points to the allowed option of this name, or to the list's end. */
static struct nmreq_opt_parser **
find_allowed(const char *name)
{
	struct nmreq_opt_parser **link = &allowed;

	while (*link != NULL && strcmp((*link)->name, name) != 0)
		link = &(*link)->next;
	return link;
}

int
nmport_enable_option(const char *name)
{
	int i;

	if (*find_allowed(name) != NULL)
		return 0;
	for (i = 0; i < COUNT(options); i++) {
		if (strcmp(options[i].name, name) == 0) {
			options[i].next = allowed;
			allowed = &options[i];
			return 0;
		}
	}
	errno = EINVAL;
	return -1;
}

void
nmport_disable_option(const char *name)
{
	struct nmreq_opt_parser **link = find_allowed(name);

	if (*link != NULL)
		*link = (*link)->next;
}

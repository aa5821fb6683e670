/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of switches and of their ephemeral ports.
 *
 * A switch exists while it has a port; a port while somebody refers to it.  Names:
 * `vale<sw>:<port>`, <sw> of letters, digits and underscores; anything else that
 * merely begins alike is left to the other kinds of port.
 *
 * LOCKS  nm_control.
 */
#include "vale/switch.h"

struct switch_table {
	uint32_t n;
	struct nm_switch *sw[];
};

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

uint32_t nm_switch_parse(const char *name, int *err)
{
	static const char prefix[] = NM_BDG_NAME;
	uint32_t len = sizeof(prefix) - 1;

	*err = 0;
	if (strncmp(name, prefix, len) != 0)
		return 0;
	while (name_char(name[len]))
		len++;
	if (name[len] != ':')
		return 0;
	if (len >= NM_SWITCH_NAME || name[len + 1] == '\0')
		*err = EINVAL;
	return len;
}

static struct switch_table *table_of(struct nm_ns *ns, bool create)
{
	if (ns->vale == NULL && create) {
		uint32_t n = (uint32_t)nm_param(max_bridges);
		struct switch_table *t = nm_os_malloc(sizeof(*t) + n * sizeof(t->sw[0]));

		if (t != NULL)
			t->n = n;
		ns->vale = t;
	}
	return ns->vale;
}

static void table_gc(struct nm_ns *ns)
{
	struct switch_table *t = ns->vale;
	uint32_t i;

	for (i = 0; i < t->n; i++) {
		if (t->sw[i] != NULL)
			return;
	}
	ns->vale = NULL;
	nm_os_free(t);
}

struct nm_switch *nm_switch_get(struct nm_ns *ns, const char *name, uint32_t len, bool create,
				int *err)
{
	struct switch_table *t = table_of(ns, create);
	uint32_t i, spot = UINT32_MAX;
	struct nm_switch *sw;

	*err = create ? ENOMEM : ENXIO;
	if (t == NULL)
		return NULL;
	for (i = t->n; i-- > 0;) {
		sw = t->sw[i];
		if (sw == NULL)
			spot = i;
		else if (strncmp(sw->name, name, len) == 0 && sw->name[len] == '\0')
			return sw;
	}
	if (!create)
		return NULL;
	if (spot == UINT32_MAX) {
		nm_prerr("%.*s: there are %u switches already; load netmap with a larger max_bridges",
			 (int)len, name, (unsigned)t->n);
		return NULL;
	}
	sw = nm_os_malloc(sizeof(*sw));
	if (sw == NULL || nm_mactable_init(&sw->macs) != 0) {
		nm_os_free(sw);
		table_gc(ns);
		return NULL;
	}
	memcpy(sw->name, name, len);
	sw->ns = ns;
	sw->index = (uint16_t)spot;
	sw->set = &sw->sets[0];
	t->sw[spot] = sw;
	return sw;
}

void nm_switch_gc(struct nm_switch *sw)
{
	struct nm_ns *ns = sw->ns;

	if (sw->set->n > 0)
		return;
	((struct switch_table *)ns->vale)->sw[sw->index] = NULL;
	nm_mactable_fini(&sw->macs);
	nm_os_free(sw);
	table_gc(ns);
}

struct nm_vale_port *nm_switch_find_port(struct nm_switch *sw, const char *name)
{
	uint32_t i;

	for (i = 0; i < sw->set->n; i++) {
		struct nm_vale_port *p = sw->port[sw->set->index[i]];

		if (strcmp(p->up.name, name) == 0)
			return p;
	}
	return NULL;
}

/* Publishes which ports there are; the old set may be in use until the next
 * nm_os_synchronize(). */
static void publish_set(struct nm_switch *sw)
{
	struct nm_port_set *set = sw->set == &sw->sets[0] ? &sw->sets[1] : &sw->sets[0];
	uint32_t i;

	set->n = 0;
	for (i = 0; i < NM_SWITCH_PORTS; i++) {
		if (sw->port[i] != NULL)
			set->index[set->n++] = (uint8_t)i;
	}
	nm_ptr_publish((void **)&sw->set, set);
	nm_os_synchronize(); /* so that the other one is free for the next change */
}

int nm_switch_add(struct nm_switch *sw, struct nm_vale_port *p)
{
	uint32_t i;

	for (i = 0; i < NM_SWITCH_PORTS && sw->port[i] != NULL; i++)
		;
	if (i == NM_SWITCH_PORTS) {
		nm_prerr("%s: the switch has %u ports already", p->up.name, NM_SWITCH_PORTS);
		return ENOMEM;
	}
	p->index = i;
	nm_ptr_publish((void **)&sw->port[i], p);
	publish_set(sw);
	nm_ptr_publish((void **)&p->sw, sw);
	return 0;
}

void nm_switch_remove(struct nm_vale_port *p)
{
	struct nm_switch *sw = p->sw;

	nm_ptr_publish((void **)&p->sw, NULL);
	nm_ptr_publish((void **)&sw->port[p->index], NULL);
	publish_set(sw);
	/* nobody can learn the port any more */
	nm_mactable_purge(&sw->macs, p->index);
	nm_switch_gc(sw);
}

/* ---- ephemeral ports --------------------------------------------------------------- */

int nm_vale_krings_create(struct netmap_adapter *na)
{
	uint32_t i;

	if (netmap_krings_create(na) != 0)
		return ENOMEM;
	for (i = 0; i < na->num_tx_rings; i++) {
		if (nm_vale_scratch_new(na->tx_rings[i]) != 0)
			goto fail;
	}
	for (i = 0; i < na->num_rx_rings; i++) {
		struct netmap_kring *kring = na->rx_rings[i];

		kring->nkr_leases = nm_os_malloc(kring->nkr_num_slots * sizeof(uint32_t));
		if (kring->nkr_leases == NULL)
			goto fail;
		memset(kring->nkr_leases, 0xff, kring->nkr_num_slots * sizeof(uint32_t));
	}
	return 0;
fail:
	nm_vale_krings_delete(na);
	return ENOMEM;
}

void nm_vale_krings_delete(struct netmap_adapter *na)
{
	uint32_t i;

	for (i = 0; i < na->num_tx_rings; i++)
		nm_vale_scratch_free(na->tx_rings[i]);
	/* the rx rings are stopped, and a grace period has passed since: no producer */
	for (i = 0; i < na->num_rx_rings; i++) {
		nm_os_free(na->rx_rings[i]->nkr_leases);
		na->rx_rings[i]->nkr_leases = NULL;
	}
	netmap_krings_delete(na);
}

/* A reader gives slots back: O(1), the producers read nr_hwcur. */
static int vale_rxsync(struct netmap_kring *kring, int flags)
{
	(void)flags;
	nm_store_release(&kring->nr_hwcur, kring->rhead);
	return 0;
}

static void vale_dtor(struct netmap_adapter *na)
{
	struct nm_vale_port *p = container_of(na, struct nm_vale_port, up);

	if (p->sw != NULL)
		nm_switch_remove(p);
}

static int port_new(struct nm_resolve *r, struct nm_switch *sw, struct netmap_adapter **out)
{
	const struct nmreq_register *reg = r->reg;
	struct netmap_adapter *na;
	struct nm_mem_need need;
	int error;

	na = nm_port_alloc(sizeof(struct nm_vale_port), r->name, r->ns);
	if (na == NULL)
		return ENOMEM;
	na->num_tx_rings = nm_port_count(reg->nr_tx_rings, 1, 1, NM_MAX_VALE_RINGS);
	na->num_rx_rings = nm_port_count(reg->nr_rx_rings, 1, 1, NM_MAX_VALE_RINGS);
	na->num_tx_desc = nm_port_count(reg->nr_tx_slots, NM_DEFAULT_SLOTS, 2, NM_MAX_SLOTS);
	na->num_rx_desc = nm_port_count(reg->nr_rx_slots, NM_DEFAULT_SLOTS, 2, NM_MAX_SLOTS);
	na->na_flags = NAF_SW_ONLY | NAF_MOREFRAG | NAF_BDG_MAYSLEEP;
	na->nm_register = nm_port_sw_register;
	na->nm_txsync = nm_vale_txsync;
	na->nm_rxsync = vale_rxsync;
	na->nm_krings_create = nm_vale_krings_create;
	na->nm_krings_delete = nm_vale_krings_delete;
	na->nm_dtor = vale_dtor;
	error = nm_port_complete(na);
	if (error)
		goto discard;
	if (r->mem != NULL) {
		na->nm_mem = r->mem;
		nm_mem_get(r->mem);
	} else {
		nm_port_need(na, 1, &need);
		need.bufs += reg->nr_extra_bufs < NM_MEM_MAX_EXTRA ? reg->nr_extra_bufs
								     : NM_MEM_MAX_EXTRA;
		na->na_flags |= NAF_MEM_OWNER;
		na->nm_mem = nm_mem_private_new(&need, &error);
		if (na->nm_mem == NULL)
			goto discard;
	}
	error = nm_switch_add(sw, container_of(na, struct nm_vale_port, up));
	if (error) {
		nm_mem_put(na->nm_mem);
		goto discard;
	}
	*out = na;
	return 0;
discard:
	nm_port_discard(na);
	return error;
}

static int vale_resolve(struct nm_resolve *r, struct netmap_adapter **na)
{
	struct nm_vale_port *p;
	struct nm_switch *sw;
	uint32_t len;
	int error;

	len = nm_switch_parse(r->name, &error);
	if (len == 0 || error)
		return error;
	sw = nm_switch_get(r->ns, r->name, len, r->create, &error);
	if (sw == NULL)
		return error;
	p = nm_switch_find_port(sw, r->name);
	if (p == NULL) {
		error = r->create ? port_new(r, sw, na) : ENXIO;
		if (error)
			nm_switch_gc(sw);
		return error;
	}
	if (r->mem != NULL && r->mem != p->up.nm_mem)
		return EINVAL; /* it lives in another region */
	netmap_adapter_get(&p->up);
	*na = &p->up;
	return 0;
}

/* ---- requests -------------------------------------------------------------------------- */

int nm_vale_set_hdr(struct netmap_adapter *na, uint32_t len)
{
	if (na->nm_dtor != vale_dtor)
		return EINVAL;
	if (len != 0 && len != 10 && len != 12)
		return EINVAL;
	nm_write_once(&na->virt_hdr_len, len);
	return 0;
}

/* Switch number and port number of a name, or of a switch's name alone. */
static int list_named(struct nm_ns *ns, const char *name, uint16_t *bridge, uint32_t *port)
{
	struct nm_vale_port *p;
	struct nm_switch *sw;
	uint32_t len;
	int error;

	len = nm_switch_parse(name, &error);
	if (error)
		return error;
	if (len == 0)
		len = (uint32_t)strnlen(name, NETMAP_REQ_IFNAMSIZ);
	sw = nm_switch_get(ns, name, len, false, &error);
	if (sw == NULL)
		return ENOENT;
	*bridge = sw->index;
	*port = 0;
	if (name[len] == '\0')
		return 0;
	p = nm_switch_find_port(sw, name);
	if (p == NULL)
		return ENOENT;
	*port = p->index;
	return 0;
}

int nm_vale_list(struct nm_ns *ns, char *name, uint16_t *bridge, uint32_t *port)
{
	struct switch_table *t = ns->vale;
	uint32_t b, p = *port;

	if (name[0] != '\0')
		return list_named(ns, name, bridge, port);
	for (b = *bridge; t != NULL && b < t->n; b++, p = 0) {
		if (t->sw[b] == NULL)
			continue;
		for (; p < NM_SWITCH_PORTS; p++) {
			if (t->sw[b]->port[p] == NULL)
				continue;
			*bridge = (uint16_t)b;
			*port = p;
			nm_strlcpy(name, t->sw[b]->port[p]->up.name, NETMAP_REQ_IFNAMSIZ);
			return 0;
		}
	}
	return ENOENT;
}

static struct nm_port_kind vale_kind = {
	.name = "vale",
	.order = 40,
	.resolve = vale_resolve,
};

int nm_vale_init(void)
{
	nm_port_kind_register(&vale_kind);
	return 0;
}

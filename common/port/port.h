/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port/ - kinds of port behind one table; life of an adapter, of its krings and
 * rings; native NICs, pipes, null ports.  The essay is in port.c.
 */
#ifndef NM_PORT_H
#define NM_PORT_H

#include <dev/netmap/netmap_kern.h>
#include "mem/mem.h"
#include "ring/ring.h"

#define NM_MAX_SLOTS 4096   /* per ring of VALE ports, pipes and null ports */
#define NM_MAX_VALE_RINGS 16
#define NM_MAX_PIPE_RINGS 256
#define NM_MAX_PIPES 64	    /* per parent */
#define NM_DEFAULT_SLOTS 1024

/* Core-wide state.  The control lock guards everything that is not per packet. */
extern struct nm_mutex nm_control;

/* A namespace: the OS port embeds one per network namespace. */
struct nm_ns {
	void *os;		  /* the port's own */
	void *vale;		  /* vale/'s switches, NULL until the first */
	struct nm_list phantoms;  /* parents of pipes that have no other object */
};
void nm_ns_init(struct nm_ns *ns, void *os);
/* No file of the namespace is open any more.  Context: sleep. */
void nm_ns_fini(struct nm_ns *ns);

/* ---- look-up --------------------------------------------------------------- */

struct nm_resolve {
	struct nm_ns *ns;
	const char *name;		  /* as asked, NUL-terminated, not empty */
	const struct nmreq_register *reg; /* sizes, mode and flags asked; kernel copy */
	struct nm_mem *mem;		  /* region asked by id, NULL: none asked */
	bool create;			  /* may make ephemeral ports; else ENXIO */
	uint32_t depth;			  /* parents looked up so far */
};

/*
 * A kind of port.  resolve: 0 and *na with a reference; 0 and *na NULL: the name is
 * not of this kind; else an errno.  `order` sorts the look-up: null 10, monitor 20,
 * pipe 30, vale 40, nic 50.  ns_fini (may be NULL) frees what the kind keeps in a
 * namespace.
 */
struct nm_port_kind {
	const char *name;
	int order;
	int (*resolve)(struct nm_resolve *r, struct netmap_adapter **na);
	void (*ns_fini)(struct nm_ns *ns);
	struct nm_list link;
};
void nm_port_kind_register(struct nm_port_kind *kind);

/* ENXIO when no kind knows the name.  Context: sleep, interface and control held. */
int nm_port_resolve(struct nm_resolve *r, struct netmap_adapter **na);

/* Takes/drops a reference; the last put calls nm_dtor and frees.  Context: sleep,
 * control held (and the interface lock where the port has an interface). */
void netmap_adapter_get(struct netmap_adapter *na);
void netmap_adapter_put(struct netmap_adapter *na);

/*
 * A new adapter of `size` bytes (it begins with a struct netmap_adapter), zeroed,
 * named, one reference, no region.  NULL: no memory.  nm_port_complete fills the
 * defaults (host ring counts 1, krings create/delete, notify) and checks numbers:
 * EINVAL.  nm_port_discard frees one that never came to life.
 */
struct netmap_adapter *nm_port_alloc(size_t size, const char *name, struct nm_ns *ns);
int nm_port_complete(struct netmap_adapter *na);
void nm_port_discard(struct netmap_adapter *na);

/*
 * Reads a count from a request: 0 gives def, over max is clamped to max.
 * Slots: at least 2.
 */
static inline uint32_t nm_port_count(uint32_t asked, uint32_t def, uint32_t min, uint32_t max)
{
	if (asked == 0)
		asked = def;
	return asked < min ? min : asked > max ? max : asked;
}

/* What a region must hold for one port with these numbers (host rings have none
 * unless NAF_HOST_RINGS), `copies` times the rings and buffers. */
void nm_port_need(const struct netmap_adapter *na, uint32_t copies, struct nm_mem_need *need);

/* nm_register of ports without hardware: NAF_NETMAP_ON while something is bound. */
int nm_port_sw_register(struct netmap_adapter *na, int onoff);

/* ---- krings and rings ------------------------------------------------------ */

/* The default nm_krings_create / nm_krings_delete: krings for all rings, stopped. */
int netmap_krings_create(struct netmap_adapter *na);
void netmap_krings_delete(struct netmap_adapter *na);

/* Calls fn for every ring, host rings too; none while there are no krings. */
typedef void (*nm_kring_fn)(struct netmap_kring *);
void nm_port_each_ring(struct netmap_adapter *na, nm_kring_fn fn);

/* All of a port's rings, once: stop, wait, grace period; and start.  Context: sleep. */
void nm_port_stop_rings(struct netmap_adapter *na);
void nm_port_start_rings(struct netmap_adapter *na);

/* Writes a field of shared memory that is const to programs. */
#define NM_SHARED_SET(type, field, value) (*(type *)(uintptr_t)&(field) = (value))

/*
 * netmap_rings, with buffers, for every kring that has users or NKR_NEEDRING and
 * has none yet; ENOMEM: those made by this call are gone again.
 * The second frees the rings of krings that have neither any more (all: every one).
 * Context: sleep, the rings concerned stopped, the region active.
 */
int nm_port_rings_create(struct netmap_adapter *na);
void nm_port_rings_delete(struct netmap_adapter *na, bool all);

/* ---- binding: what ctl/ does for a file, vale/ for an attached NIC ---------- */

struct nm_binding {
	struct netmap_adapter *na; /* a reference while bound */
	struct netmap_if *nifp;	   /* published last, with nm_ptr_publish */
	uint32_t qfirst[NR_TXRX], qlast[NR_TXRX]; /* rings [first, last), host rings behind NIC rings */
	uint64_t flags;		   /* NR_* of the request */
	uint32_t mode;		   /* NR_REG_* */
	uint32_t extra_bufs;	   /* obtained */
};

/*
 * Binds rings of `na` as `reg` asks (mode, ringid, flags, extra bufs): ranges,
 * exclusivity, krings, region, rings, netmap_if, nm_register.  On success the
 * binding owns the caller's reference to na and `reg` is filled with what was had
 * (offset, memsize, counts, mem_id, extra bufs).  On error nothing has changed and
 * the caller still has its reference.  EBUSY, EINVAL, ENOMEM, or nm_register's.
 * Context: sleep, interface and control held.
 */
int nm_port_bind(struct nm_binding *b, struct netmap_adapter *na, struct nmreq_register *reg);
/* The reverse; drops the reference.  Context as bind. */
void nm_port_unbind(struct nm_binding *b);

/* The out fields that REGISTER and PORT_INFO_GET share, without binding; memsize is
 * what the region has or would have.  Context: sleep, control held. */
void nm_port_fill_info(struct netmap_adapter *na, struct nmreq_register *reg);

/* Whether the rings [first,last) of t are one ring of several: then wait on it, else
 * on the port. */
static inline struct nm_waitq *nm_binding_waitq(struct nm_binding *b, enum txrx t)
{
	if (b->qlast[t] - b->qfirst[t] == 1)
		return &NMR(b->na, t)[b->qfirst[t]]->si;
	return &b->na->si[t];
}

/* Registered by ctl/ at init, in each kind's file. */
void nm_nic_init(void);
#ifdef NM_WITHOUT_PIPE
static inline void nm_pipe_init(void) { }
#else
void nm_pipe_init(void);
#endif
#ifdef NM_WITHOUT_NULL
static inline void nm_null_init(void) { }
#else
void nm_null_init(void);
#endif
int nm_port_init(void); /* control lock, kinds of this room */
void nm_port_fini(void);

#endif /* NM_PORT_H */

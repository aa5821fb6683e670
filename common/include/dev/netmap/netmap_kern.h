/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netmap_kern.h - what a NIC driver sees of netmap, and the core's own structs.
 *
 * A driver fills a struct netmap_adapter on its stack and calls
 * netmap_attach(); the core copies it.  From then on the core calls the
 * adapter's functions and the driver calls netmap_rx_irq(), netmap_tx_irq() and
 * netmap_reset().  The names are those that FreeBSD's drivers use.
 *
 * Functions return 0 or a positive errno.  Contexts are named as in os.h.
 *
 * The two syncs, called by one thread at a time per ring, possibly in interrupt
 * context (with a NIC attached to a switch):
 *   nm_txsync  sends slots nr_hwcur..rhead, moves nr_hwcur to rhead, then
 *              reclaims sent slots by moving nr_hwtail forward
 *   nm_rxsync  publishes received slots by moving nr_hwtail forward, then takes
 *              back slots nr_hwcur..rhead and moves nr_hwcur to rhead
 */
#ifndef _NET_NETMAP_KERN_H_
#define _NET_NETMAP_KERN_H_

#include "netmap_os_types.h" /* if_t, bus_dma_tag_t, bus_dmamap_t, nm_if_input_fn, nm_if_transmit_fn, u_int */
#include "os.h"
#include "list.h"
#include "params.h"
#include <net/netmap.h>

struct netmap_adapter;
struct netmap_kring;
struct nm_mem;
struct nm_vale_scratch;

enum txrx { NR_RX = 0, NR_TX = 1, NR_TXRX };

#define for_rx_tx(t) for ((t) = NR_RX; (t) < NR_TXRX; (t) = (enum txrx)((int)(t) + 1))

static inline enum txrx nm_txrx_swap(enum txrx t)
{
	return t == NR_RX ? NR_TX : NR_RX;
}

/* nr_mode, nr_pending_mode */
#define NKR_NETMAP_OFF 0
#define NKR_NETMAP_ON 1

/* nr_kflags; written under the control lock, atomically where interrupts may come, as
 * those set PENDINTR */
#define NKR_PENDINTR 0x1  /* the driver said there is work */
#define NKR_EXCLUSIVE 0x2 /* one file only */
#define NKR_FORWARD 0x4	  /* rx packets may have to go to the host stack */
#define NKR_NEEDRING 0x8  /* keep the netmap_ring though no file binds it */
#define NKR_NOINTR 0x10	  /* no interrupts for this ring, somebody polls it */
#define NKR_FAKERING 0x20 /* a netmap_ring without buffers */

/*
 * nkr_state: two bits, and above them the number of reasons to be stopped, in one
 * word so that one atomic moves between states.  While stopped no new sync may
 * start and no packet may be put in.
 */
#define NM_KR_BUSY 0x1	  /* a sync is running */
#define NM_KR_AGAIN 0x2	  /* somebody wanted one meanwhile: repeat before leaving */
#define NM_KR_STOP 0x100  /* one reason to be stopped */
#define NM_KR_STOPPED (~(uint32_t)0xff) /* mask: any reason */

/* flags of nm_sync / nm_txsync / nm_rxsync / nm_notify */
#define NAF_FORCE_READ 1       /* look at the hardware even without PENDINTR */
#define NAF_FORCE_RECLAIM 2    /* reclaim sent slots now */
#define NAF_CAN_FORWARD_DOWN 4 /* the caller can deliver to the host stack */
#define NM_SYNC_CAN_FAULT 0x100 /* process context of the ring's user, may copy from it */

/*
 * One ring as the kernel sees it.  All indices are slot numbers.  Written by the
 * holder of NM_KR_BUSY unless another owner is named.
 */
struct netmap_kring {
	/* what every sync reads */
	struct netmap_ring *ring; /* shared with programs: never trusted */
	struct netmap_adapter *na;
	int (*nm_sync)(struct netmap_kring *, int flags);
	int (*nm_notify)(struct netmap_kring *, int flags);
	uint32_t nkr_num_slots;
	uint32_t nr_hwcur;    /* tx: next to send; rx: first not given back.  rx rings
				 fed by a switch or pipe: release by the reader */
	uint32_t rhead, rcur, rtail; /* checked copies of the program's indices */
	uint32_t nr_mode;	     /* NKR_NETMAP_*; changed while stopped */
	uint32_t nr_pending_mode;    /* what nr_mode will be after nm_register */
	uint32_t nr_kflags;	     /* NKR_* */
	uint32_t ring_id;
	uint32_t users; /* files bound to this ring; control lock */
	enum txrx tx;
	int32_t nkr_hwofs; /* NIC index of slot 0 */
	uint32_t nkr_to_refill;
	uint32_t last_reclaim;
	uint32_t nkr_stopped;	/* for drivers to look at: stopped; nkr_state decides */
	uint32_t nkr_fresh;	/* its netmap_ring was made by the call that is running */
	uint64_t offset_mask;	/* bits of slot.ptr that hold the offset; 0: none */
	uint64_t offset_max;
	uint64_t hwbuf_len;	/* bytes the hardware may write per buffer */
	uint64_t buf_align;
	struct nm_vale_scratch *vale; /* tx rings of switch ports */
	struct netmap_adapter *notify_na; /* whose nm_notify the ring reports to */
	void *na_private;
	char name[NETMAP_REQ_IFNAMSIZ + 16]; /* for the log */

	/* a line of its own: taken by every sync and every producer */
	uint32_t nkr_state __attribute__((aligned(64))); /* NM_KR_*; atomics only */

	/* another: written by the producers of rx rings */
	uint32_t nr_hwtail __attribute__((aligned(64))); /* first slot not ready; store-release */
	uint32_t nkr_lease;   /* end of the slots that producers have reserved; q_lock */
	uint32_t *nkr_leases; /* by first slot of a finished reservation its end, or
				 NM_LEASE_OPEN; q_lock; NULL: no producers */
	struct nm_spin q_lock; /* leaf: reservations */
	struct nm_waitq si;    /* who waits for this ring */
	struct netmap_kring *pipe_peer; /* pipes: the ring at the other end */
	struct netmap_kring *bwrap_peer; /* attached NICs: NIC ring <-> switch ring */
} __attribute__((aligned(64)));

#define NM_LEASE_OPEN UINT32_MAX

/* na_flags; control lock, but ON, ZOMBIE: read anywhere */
#define NAF_SKIP_INTR 1	    /* the port's interrupts are not for file waiters */
#define NAF_SW_ONLY 2	    /* no hardware behind it */
#define NAF_BDG_MAYSLEEP 4  /* the switch may sleep in this port's syncs */
#define NAF_MEM_OWNER 8	    /* the region belongs to the port */
#define NAF_NATIVE 16	    /* a NIC driver's own adapter */
#define NAF_NETMAP_ON 32    /* some ring is in netmap mode */
#define NAF_HOST_RINGS 64   /* has real host rings */
#define NAF_FORCE_NATIVE 128
#define NAF_MOREFRAG 512    /* NS_MOREFRAG understood */
#define NAF_OFFSETS 1024    /* offsets understood */
#define NAF_HOST_ALL 2048   /* as many host rings as NIC rings */
#define NAF_ZOMBIE (1U << 30) /* the NIC has left */
#define NAF_BUSY (1U << 31)   /* owned by a switch: no file may bind it */

/* return values of the interrupt functions */
#define NM_IRQ_PASS 0	   /* not ours: the driver goes on as usual */
#define NM_IRQ_COMPLETED 1 /* taken care of */
#define NM_IRQ_RESCHED 2   /* taken, more to do: poll again */

struct nm_config_info {
	u_int num_tx_rings, num_rx_rings;
	u_int num_tx_descs, num_rx_descs; /* slots per ring */
	u_int rx_buf_maxsize;		  /* bytes */
};

/*
 * Buffers of a region by index.  Indices 0 and 1 are reserved; index 0 is where
 * a bad index leads, so that a driver never sees a wild address.
 */
struct netmap_lut {
	void *base;	   /* kernel address of buffer 0 */
	uint32_t objtotal; /* number of buffers */
	uint32_t objsize;  /* bytes */
};

/*
 * A port.  Made by a kind of port (common/port, common/vale) or by a driver's
 * netmap_attach().  Control lock unless said otherwise.  References: one per
 * file bound, per child port, per switch it is attached to; nm_dtor at the last.
 */
struct netmap_adapter {
	uint32_t na_flags;
	int32_t active_fds; /* files (and switches) bound */
	u_int num_rx_rings, num_tx_rings;
	u_int num_host_rx_rings, num_host_tx_rings; /* >= 1, real only with NAF_HOST_RINGS */
	u_int num_tx_desc, num_rx_desc;		    /* slots per ring */

	/* arrays of pointers, NIC rings then host rings; NULL while nobody binds */
	struct netmap_kring **tx_rings, **rx_rings;
	void *krings_mem; /* the block that holds them */

	struct nm_waitq si[NR_TXRX]; /* who waits for any ring, by direction */

	/* the port's functions; contexts: sleep and control lock held, the syncs:
	 * any, nm_notify: read */
	int (*nm_register)(struct netmap_adapter *, int onoff);
	int (*nm_txsync)(struct netmap_kring *, int flags);
	int (*nm_rxsync)(struct netmap_kring *, int flags);
	int (*nm_notify)(struct netmap_kring *, int flags);
	int (*nm_config)(struct netmap_adapter *, struct nm_config_info *);
	void (*nm_intr)(struct netmap_adapter *, int onoff);
	int (*nm_krings_create)(struct netmap_adapter *);
	void (*nm_krings_delete)(struct netmap_adapter *);
	void (*nm_dtor)(struct netmap_adapter *); /* frees what the kind added, not the adapter */
	int (*nm_bufcfg)(struct netmap_kring *, uint64_t target);
	/* a switch's say in who binds: NULL, or returns an errno (EBUSY) */
	int (*nm_bind_check)(struct netmap_adapter *, const struct nmreq_register *);

	/* a switch's wish to be told that the NIC leaves; NULL: not attached */
	void (*nm_owner_leave)(struct netmap_adapter *);

	nm_if_input_fn if_input;       /* the stack's, while in netmap mode */
	nm_if_transmit_fn if_transmit;

	if_t ifp; /* NULL: no interface of the OS */
	void *pdev; /* device for DMA, NULL: none */
	struct nm_mem *nm_mem;	/* its region; a reference */
	struct netmap_lut na_lut; /* valid while active_fds > 0 */
	u_int rx_buf_maxsize;	/* bytes that the hardware may write into a buffer */

	uint32_t na_refcount;
	uint32_t na_stopped;   /* netmap_disable_all_rings() that are in force */
	uint32_t virt_hdr_len; /* bytes of vnet header before each frame: 0, 10 or 12 */
	void *na_private;      /* whoever attached something to it (switch) */
	struct netmap_adapter *na_parent; /* pipes: the port they belong to; a reference */
	struct nm_list na_pipes;	  /* pipe ends on this port */
	struct nm_list na_link;		  /* in its kind's list */
	struct nm_ns *ns;
	struct nm_deferred na_deferred;
	char name[NETMAP_REQ_IFNAMSIZ];
};

/* ---- for drivers ----------------------------------------------------------- */

/*
 * Makes `template` (copied) the native adapter of template->ifp.  Set: ifp, name
 * (or left empty: the interface's), num_{tx,rx}_{rings,desc}, nm_register,
 * nm_txsync, nm_rxsync; the rest is optional.  EINVAL for impossible numbers,
 * ENOMEM, EBUSY when the interface has an adapter already.
 * netmap_attach_ext: `size` is the bytes of a larger struct that begins with the
 * adapter; override_reg as documented at its definition.
 * Context: sleep, interface lock held, control not.
 */
int netmap_attach(struct netmap_adapter *tmpl);
int netmap_attach_ext(struct netmap_adapter *tmpl, size_t size, int override_reg);
/*
 * The interface is leaving.  Stops its rings, detaches it from a switch, and
 * lets go of ifp; files that are still open get EIO.  Context as netmap_attach.
 */
void netmap_detach(if_t ifp);

/*
 * The driver (re)initialised hardware ring `ring`; new_cur is the NIC index it
 * starts at.  Returns the ring's slots, or NULL when it is not in netmap mode.
 * Context: any, that ring's syncs stopped.
 */
struct netmap_slot *netmap_reset(struct netmap_adapter *na, enum txrx t, u_int ring,
				 u_int new_cur);

/*
 * An interrupt for a queue.  Returns NM_IRQ_PASS when the ring is not in netmap
 * mode; else wakes who waits (or forwards, with a switch) and returns
 * NM_IRQ_COMPLETED.  *work_done is set to 1 when not NULL.  Context: any.
 */
int netmap_rx_irq(if_t ifp, u_int q, u_int *work_done);
int netmap_tx_irq(if_t ifp, u_int q);
int netmap_common_irq(struct netmap_adapter *na, u_int q, u_int *work_done);

/* The program's indices were impossible: makes the ring sane again.  Returns 1
 * when something was wrong (poll then gives POLLERR).  Context: the ring BUSY. */
int netmap_ring_reinit(struct netmap_kring *kring);

/* Stop / restart every ring of an interface's adapter (reset, ring resize).
 * Nest.  Context: sleep. */
void netmap_disable_all_rings(if_t ifp);
void netmap_enable_all_rings(if_t ifp);

/* nr_mode = nr_pending_mode for the rings that onoff concerns.  Context: sleep. */
void netmap_krings_mode_commit(struct netmap_adapter *na, int onoff);

static inline u_int nm_next(u_int i, u_int lim)
{
	return nm_unlikely(i == lim) ? 0 : i + 1;
}

static inline u_int nm_prev(u_int i, u_int lim)
{
	return nm_unlikely(i == 0) ? lim : i - 1;
}

/* NIC rings of a direction. */
static inline u_int nma_get_nrings(const struct netmap_adapter *na, enum txrx t)
{
	return t == NR_TX ? na->num_tx_rings : na->num_rx_rings;
}

static inline u_int nma_get_host_nrings(const struct netmap_adapter *na, enum txrx t)
{
	return t == NR_TX ? na->num_host_tx_rings : na->num_host_rx_rings;
}

/* NIC and host rings: the length of NMR(na, t). */
static inline u_int netmap_all_rings(const struct netmap_adapter *na, enum txrx t)
{
	return nma_get_nrings(na, t) + nma_get_host_nrings(na, t);
}

static inline struct netmap_kring **NMR(const struct netmap_adapter *na, enum txrx t)
{
	return t == NR_TX ? na->tx_rings : na->rx_rings;
}

static inline u_int nma_get_ndesc(const struct netmap_adapter *na, enum txrx t)
{
	return t == NR_TX ? na->num_tx_desc : na->num_rx_desc;
}

#define NA(ifp) nm_os_if_na(ifp)

/* Packet paths look at na_flags while the holder of control changes some: whole stores. */
static inline void nm_na_flags_set(struct netmap_adapter *na, uint32_t flags)
{
	nm_write_once(&na->na_flags, na->na_flags | flags);
}

static inline void nm_na_flags_clear(struct netmap_adapter *na, uint32_t flags)
{
	nm_write_once(&na->na_flags, na->na_flags & ~flags);
}

static inline uint32_t nm_na_flags(const struct netmap_adapter *na)
{
	return nm_read_once(&na->na_flags);
}

static inline int nm_netmap_on(const struct netmap_adapter *na)
{
	return na != NULL && (nm_na_flags(na) & NAF_NETMAP_ON) != 0;
}

static inline int nm_native_on(const struct netmap_adapter *na)
{
	return nm_netmap_on(na) && (nm_na_flags(na) & NAF_NATIVE) != 0;
}

/* Ring q of direction t if it is in netmap mode, else NULL. */
static inline struct netmap_kring *netmap_kring_on(struct netmap_adapter *na, u_int q,
						   enum txrx t)
{
	struct netmap_kring *kring;

	if (!nm_native_on(na) || q >= nma_get_nrings(na, t) || NMR(na, t) == NULL)
		return NULL;
	kring = NMR(na, t)[q];
	return kring->nr_mode == NKR_NETMAP_ON ? kring : NULL;
}

static inline int nm_kring_pending_on(const struct netmap_kring *kring)
{
	return kring->nr_pending_mode == NKR_NETMAP_ON && kring->nr_mode == NKR_NETMAP_OFF;
}

static inline int nm_kring_pending_off(const struct netmap_kring *kring)
{
	return kring->nr_pending_mode == NKR_NETMAP_OFF && kring->nr_mode == NKR_NETMAP_ON;
}

/* rx: slots between what was received and what the program gave back. */
static inline uint32_t nm_kr_rxspace(const struct netmap_kring *k)
{
	int32_t n = (int32_t)(nm_load_acquire(&k->nr_hwtail) - nm_load_acquire(&k->nr_hwcur));

	return (uint32_t)(n < 0 ? n + (int32_t)k->nkr_num_slots : n);
}

/* tx: nothing is on its way to the wire. */
static inline int nm_kr_txempty(const struct netmap_kring *k)
{
	return k->rcur == k->nr_hwtail;
}

/* Called by a driver's nm_register when its first ring enters, its last leaves. */
static inline void nm_set_native_flags(struct netmap_adapter *na)
{
	nm_na_flags_set(na, NAF_NETMAP_ON);
}

static inline void nm_clear_native_flags(struct netmap_adapter *na)
{
	nm_na_flags_clear(na, NAF_NETMAP_ON);
}

/* Slot index to NIC index and back; they differ after a reset. */
static inline uint32_t netmap_idx_k2n(const struct netmap_kring *kr, uint32_t idx)
{
	int32_t n = (int32_t)idx + kr->nkr_hwofs;

	if (n < 0)
		return (uint32_t)(n + (int32_t)kr->nkr_num_slots);
	return n < (int32_t)kr->nkr_num_slots ? (uint32_t)n
					      : (uint32_t)n - kr->nkr_num_slots;
}

static inline uint32_t netmap_idx_n2k(const struct netmap_kring *kr, uint32_t idx)
{
	int32_t n = (int32_t)idx - kr->nkr_hwofs;

	if (n < 0)
		return (uint32_t)(n + (int32_t)kr->nkr_num_slots);
	return n < (int32_t)kr->nkr_num_slots ? (uint32_t)n
					      : (uint32_t)n - kr->nkr_num_slots;
}

#define NETMAP_BUF_BASE(na) ((na)->na_lut.base)
#define NETMAP_BUF_SIZE(na) ((na)->na_lut.objsize)

/* Whether an index names a usable buffer (not the two reserved ones). */
static inline bool nm_lut_has(const struct netmap_lut *lut, uint32_t idx)
{
	return nm_likely(idx - 2U < lut->objtotal - 2U);
}

static inline void *nm_lut_buf(const struct netmap_lut *lut, uint32_t idx)
{
	return (char *)lut->base + (size_t)idx * lut->objsize;
}

/* The buffer of a slot; the slot is read once; a bad index gives buffer 0. */
static inline void *NMB(struct netmap_adapter *na, struct netmap_slot *slot)
{
	uint32_t idx = nm_user_read32(&slot->buf_idx);

	return nm_lut_buf(&na->na_lut, nm_lut_has(&na->na_lut, idx) ? idx : 0);
}

uint64_t nm_mem_buf_phys(struct nm_mem *mem, uint32_t idx);

/* As NMB, with the physical address. */
static inline void *PNMB(struct netmap_adapter *na, struct netmap_slot *slot, uint64_t *pp)
{
	uint32_t idx = nm_user_read32(&slot->buf_idx);

	if (!nm_lut_has(&na->na_lut, idx))
		idx = 0;
	*pp = nm_mem_buf_phys(na->nm_mem, idx);
	return nm_lut_buf(&na->na_lut, idx);
}

/* Whether a driver must refuse a slot: address is buffer 0, or len over a buffer. */
#define NM_CHECK_ADDR_LEN(na, addr, len)                                       \
	((addr) == NETMAP_BUF_BASE(na) || (len) > NETMAP_BUF_SIZE(na))

#endif /* _NET_NETMAP_KERN_H_ */

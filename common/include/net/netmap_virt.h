/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rings without system calls: the CSB protocol, and the device that shows
 * netmap memory and ports to a virtual machine (ptnet).
 *
 * CSB ("communication status block") entries are plain shared memory.  Each
 * word has one writer.  What matters is the order in which two words of an
 * entry are written and read, so that the reader never sees a pair that breaks
 * the ring's invariant:
 *
 *     writer                     reader
 *     atok: cur, then head       head, then cur       => head <= cur
 *     ktoa: hwcur, then hwtail   hwtail, then hwcur   => hwcur not behind hwtail's time
 *
 * Sleeping: a side that wants to sleep sets its need_kick word, then looks at
 * the other side's indices once more (nm_stld_barrier() between the two), and
 * sleeps only if nothing came; a side that has written indices reads the
 * other's need_kick after the same barrier.  Thus one of the two always notices.
 */
#ifndef _NET_NETMAP_VIRT_H_
#define _NET_NETMAP_VIRT_H_

#include <net/netmap.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Barriers between two loads, two stores, and a store and a later load.  They
 * order against another CPU even in a kernel built for one: the other side may be a
 * virtual machine's host.  They can be called from any context.
 */
static inline void
nm_ldld_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

static inline void
nm_stst_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static inline void
nm_stld_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Application: publish new cur and head of a ring. */
static inline void
nm_sync_kloop_appl_write(struct nm_csb_atok *atok, uint32_t cur, uint32_t head)
{
	__atomic_store_n(&atok->cur, cur, __ATOMIC_RELAXED);
	__atomic_store_n(&atok->head, head, __ATOMIC_RELEASE);
}

/* Application: learn how far the kernel has come. */
static inline void
nm_sync_kloop_appl_read(const struct nm_csb_ktoa *ktoa, uint32_t *hwtail, uint32_t *hwcur)
{
	*hwtail = __atomic_load_n(&ktoa->hwtail, __ATOMIC_ACQUIRE);
	*hwcur = __atomic_load_n(&ktoa->hwcur, __ATOMIC_RELAXED);
}

/* Kernel loop (or a host): publish hwcur and hwtail. */
static inline void
nm_sync_kloop_kern_write(struct nm_csb_ktoa *ktoa, uint32_t hwcur, uint32_t hwtail)
{
	__atomic_store_n(&ktoa->hwcur, hwcur, __ATOMIC_RELAXED);
	__atomic_store_n(&ktoa->hwtail, hwtail, __ATOMIC_RELEASE);
}

/*
 * Kernel loop (or a host): fetch what the application wants, each word once.
 * The result is unchecked: it comes from memory that a program can write.
 */
static inline void
nm_sync_kloop_kern_read(const struct nm_csb_atok *atok, uint32_t *head, uint32_t *cur,
			uint32_t *sync_flags)
{
	*head = __atomic_load_n(&atok->head, __ATOMIC_ACQUIRE);
	*cur = __atomic_load_n(&atok->cur, __ATOMIC_RELAXED);
	*sync_flags = __atomic_load_n(&atok->sync_flags, __ATOMIC_RELAXED);
}

#ifdef __cplusplus
}
#endif

/*
 * --- The PCI device seen by a guest -----------------------------------------
 */
#define PTNETMAP_MEMDEV_NAME	"ptnetmap-memdev"
#define PTNETMAP_PCI_VENDOR_ID	0x1b36
#define PTNETMAP_PCI_DEVICE_ID	0x000c	/* the memory device */
#define PTNETMAP_PCI_NETIF_ID	0x000d	/* the network interface */
#define PTNETMAP_IO_PCI_BAR	0	/* registers */
#define PTNETMAP_MEM_PCI_BAR	1	/* the region */
#define PTNETMAP_MSIX_PCI_BAR	2

/* Registers of the memory device: byte offsets into the register BAR. */
#define PTNET_MDEV_IO_MEMSIZE_LO	0	/* size of the region, in two halves */
#define PTNET_MDEV_IO_MEMSIZE_HI	4
#define PTNET_MDEV_IO_MEMID		8	/* the region's id in the host */
#define PTNET_MDEV_IO_IF_POOL_OFS	64	/* the pools as in nmreq_pools_info */
#define PTNET_MDEV_IO_IF_POOL_OBJNUM	68
#define PTNET_MDEV_IO_IF_POOL_OBJSZ	72
#define PTNET_MDEV_IO_RING_POOL_OFS	76
#define PTNET_MDEV_IO_RING_POOL_OBJNUM	80
#define PTNET_MDEV_IO_RING_POOL_OBJSZ	84
#define PTNET_MDEV_IO_BUF_POOL_OFS	88
#define PTNET_MDEV_IO_BUF_POOL_OBJNUM	92
#define PTNET_MDEV_IO_BUF_POOL_OBJSZ	96
#define PTNET_MDEV_IO_END		100

/* Feature bits, negotiated through PTNET_IO_PTFEAT. */
#define PTNETMAP_F_VNET_HDR	1

/* Registers of the network interface. */
#define PTNET_IO_PTFEAT		0	/* features: write the wish, read what was granted */
#define PTNET_IO_PTCTL		4	/* a PTNETMAP_PTCTL_* command */
#define PTNET_IO_MAC_LO		8	/* the Ethernet address */
#define PTNET_IO_MAC_HI		12
#define PTNET_IO_CSBBAH		16	/* the old single CSB, not used any more */
#define PTNET_IO_CSBBAL		20
#define PTNET_IO_NIFP_OFS	24	/* netmap_if, bytes into the region */
#define PTNET_IO_NUM_TX_RINGS	28
#define PTNET_IO_NUM_RX_RINGS	32
#define PTNET_IO_NUM_TX_SLOTS	36
#define PTNET_IO_NUM_RX_SLOTS	40
#define PTNET_IO_VNET_HDR_LEN	44
#define PTNET_IO_HOSTMEMID	48
#define PTNET_IO_CSB_GH_BAH	52	/* physical address of the atok array: high, low half */
#define PTNET_IO_CSB_GH_BAL	56
#define PTNET_IO_CSB_HG_BAH	60	/* the same for the ktoa array */
#define PTNET_IO_CSB_HG_BAL	64
#define PTNET_IO_END		68
#define PTNET_IO_KICK_BASE	128	/* kick register of ring i: base + 4 * i */
#define PTNET_IO_MASK		0xff

/* Commands for PTNET_IO_PTCTL. */
#define PTNETMAP_PTCTL_CREATE	1	/* start the host's side */
#define PTNETMAP_PTCTL_DELETE	2	/* stop it */

#endif /* _NET_NETMAP_VIRT_H_ */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The request of netmap before NIOCCTRL: one flat struct for every purpose.
 *
 * Programs built against older headers use it (through nm_open() in
 * netmap_user.h, for one), so the kernel turns it into the requests of netmap.h
 * and runs them.  New code has no reason to use it.  Any nr_version from NETMAP_MIN_API
 * up is accepted; a size or offset that does not fit 32 bits is an error.
 */
#ifndef _NET_NETMAP_LEGACY_H_
#define _NET_NETMAP_LEGACY_H_

#ifndef _NET_NETMAP_H_
#include <net/netmap.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct nmreq {
	char nr_name[NM_IFNAMSIZ];	/* program: port, NUL-terminated */
	uint32_t nr_version;		/* program: NETMAP_API */
	uint32_t nr_offset;		/* kernel: bytes to netmap_if in the mapping */
	uint32_t nr_memsize;		/* kernel: bytes in the region */
	uint32_t nr_tx_slots;		/* both: as in nmreq_register */
	uint32_t nr_rx_slots;
	uint16_t nr_tx_rings;
	uint16_t nr_rx_rings;
	uint16_t nr_ringid;		/* program: ring number and NETMAP_*_RING, NETMAP_*_POLL bits */
	uint16_t nr_cmd;		/* program: 0 to bind, else one of the commands below */
	uint16_t nr_arg1;		/* meaning depends on nr_cmd; VALE_LIST: switch, then result */
	uint16_t nr_arg2;		/* both: id of the memory region */
	uint32_t nr_arg3;		/* both: number of extra buffers */
	uint32_t nr_flags;		/* program: NR_REG_* in NR_REG_MASK, NR_* flags above */
	uint32_t spare2[1];
};

/* nmreq.nr_ringid. */
#define NETMAP_HW_RING		0x4000	/* NR_REG_DEFAULT: bind just the NIC ring numbered here */
#define NETMAP_SW_RING		0x2000	/* NR_REG_DEFAULT: bind just the host rings */
#define NETMAP_RING_MASK	0x0fff	/* the number of the ring, or of the pipe */
#define NETMAP_NO_TX_POLL	0x1000	/* as NR_NO_TX_POLL */
#define NETMAP_DO_RX_POLL	0x8000	/* as NR_DO_RX_POLL */

/* nmreq.nr_cmd for NIOCREGIF, except BDG_LIST and VNET_HDR_GET: for NIOCGINFO. */
#define NETMAP_BDG_ATTACH	1	/* VALE_ATTACH; nr_arg1 = NETMAP_BDG_HOST for host rings too */
#define NETMAP_BDG_DETACH	2	/* VALE_DETACH */
#define NETMAP_BDG_REGOPS	3	/* reserved for kernel modules */
#define NETMAP_BDG_LIST		4	/* VALE_LIST; nr_arg1 the switch, nr_arg2 the port */
#define NETMAP_BDG_VNET_HDR	5	/* PORT_HDR_SET; nr_arg1 the length */
#define NETMAP_BDG_NEWIF	6	/* VALE_NEWIF */
#define NETMAP_BDG_DELIF	7	/* VALE_DELIF */
#define NETMAP_PT_HOST_CREATE	8	/* passed-through ports of old hypervisors: not supported */
#define NETMAP_PT_HOST_DELETE	9
#define NETMAP_BDG_POLLING_ON	10	/* VALE_POLLING_ENABLE */
#define NETMAP_BDG_POLLING_OFF	11	/* VALE_POLLING_DISABLE */
#define NETMAP_VNET_HDR_GET	12	/* PORT_HDR_GET; length comes back in nr_arg1 */

#define NETMAP_BDG_HOST		1	/* nr_arg1 of BDG_ATTACH */

/* nmreq.nr_flags: the part that holds NR_REG_*. */
#define NR_REG_MASK		0xf

/* Payload of NIOCCONFIG, opaque to all but a module that extends a switch. */
#define NM_IFRDATA_LEN		256
struct nm_ifreq {
	char nifr_name[NM_IFNAMSIZ];
	char data[NM_IFRDATA_LEN];
};

#ifdef __cplusplus
}
#endif

/*
 * NIOCGINFO  describe a port, as PORT_INFO_GET
 * NIOCREGIF  bind the file (nr_cmd 0), or run nr_cmd
 * NIOCCONFIG hand an opaque request to the module that extends a switch
 */
#if defined(_WIN32)
#define NIOCGINFO	NM_WIN_IOCTL(145)
#define NIOCREGIF	NM_WIN_IOCTL(146)
#define NIOCCONFIG	NM_WIN_IOCTL(150)
#else
#define NIOCGINFO	_IOWR('i', 145, struct nmreq)
#define NIOCREGIF	_IOWR('i', 146, struct nmreq)
#define NIOCCONFIG	_IOWR('i', 150, struct nm_ifreq)
#endif

#endif /* _NET_NETMAP_LEGACY_H_ */

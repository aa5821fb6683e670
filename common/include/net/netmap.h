/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netmap: rings and packet buffers of a network port in shared memory.
 *
 * A program opens /dev/netmap, binds the file to a port with one NIOCCTRL
 * request of type NETMAP_REQ_REGISTER, and maps the port's memory region with
 * mmap().  From then on packets move through rings of slots:
 *
 *     region:  netmap_if (one per bound file)
 *                 |-- ring_ofs[] --> netmap_ring -- slot[] --> buffer
 *
 * Everything in a region refers to the rest of it by offsets, never by
 * addresses, so each process may map it where it likes.
 *
 * A ring is shared by two sides.  The program owns the slots from head up to,
 * not including, tail; all other slots belong to the kernel.  Both indices move
 * forward only, wrapping at num_slots, and
 *
 *     (kernel's own position) <= head <= cur <= tail      in ring order.
 *
 *   tx ring: the owned slots are free.  Fill slot[head]'s buffer, set its len,
 *            advance head and cur; the next sync or poll sends what lies
 *            before head.  One slot always stays empty, so a ring carries at
 *            most num_slots - 1 packets.
 *   rx ring: the owned slots hold received packets.  Read slot[head]'s buffer,
 *            advance head; the next sync gives the buffers back.
 *   cur:     where waiting starts.  poll() reports the ring ready when tail
 *            lies beyond cur.  Programs that do not use this keep cur == head.
 *
 * The kernel looks at head, cur and the slots, and moves tail, only while the
 * program is inside a system call on the bound file (or, in CSB mode, through
 * the two CSB arrays instead).  A program may read several packets and return
 * their slots in one go; moving a buffer to another ring of the same region is
 * done by exchanging the buf_idx of two owned slots and setting NS_BUF_CHANGED
 * in both.
 *
 * Whoever writes a field is named beside it: "kernel" fields are const for
 * programs; the kernel casts the const away when it sets them up.
 */
#ifndef _NET_NETMAP_H_
#define _NET_NETMAP_H_

#if defined(__linux__) && defined(__KERNEL__)
#include <linux/types.h>
#include <linux/ioctl.h>
#elif defined(_WIN32)
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#else
#include <sys/types.h>
#include <sys/time.h>
#if defined(__FreeBSD__) || defined(__APPLE__)
#include <sys/ioccom.h>
#else
#include <sys/ioctl.h>
#endif
#if !defined(_KERNEL)
#include <stddef.h>
#include <stdint.h>
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Version of this interface.  A program puts NETMAP_API into nr_version; the
 * kernel takes any version from NETMAP_MIN_API to NETMAP_MAX_API.
 */
#define NETMAP_API	14
#define NETMAP_MIN_API	14
#define NETMAP_MAX_API	15

/* Bytes; keeps fields written by different CPUs off each other's cache lines. */
#define NM_CACHE_ALIGN	128

#if defined(_MSC_VER)
#define NM_ATTR_CACHE_ALIGNED	__declspec(align(128))
#else
#define NM_ATTR_CACHE_ALIGNED	__attribute__((__aligned__(NM_CACHE_ALIGN)))
#endif

/* Arrays of run-time length close some structs: standard in C, an extension in C++. */
#if defined(__GNUC__)
#define NM_EXTENSION	__extension__
#else
#define NM_EXTENSION
#endif

/*
 * Length of an interface name, final NUL included, in struct netmap_if and in
 * the legacy request.  It equals the system's IFNAMSIZ on Linux and FreeBSD, and is
 * spelled out here so that this header does not pull in <net/if.h>.
 */
#if defined(_WIN32)
#define NM_IFNAMSIZ	44
#else
#define NM_IFNAMSIZ	16
#endif

/*
 * Time stamp of a ring.  Programs see struct timeval.  Where that type is
 * missing (the Linux kernel) or half as wide (Windows) a struct with the same
 * fields and the layout of a 64-bit struct timeval stands in.
 */
#if defined(__linux__) && defined(__KERNEL__)
struct netmap_timeval {
	long tv_sec;
	long tv_usec;
};
#define NM_RING_TIMEVAL	struct netmap_timeval
#elif defined(_WIN32)
struct netmap_timeval {
	int64_t tv_sec;
	int64_t tv_usec;
};
#define NM_RING_TIMEVAL	struct netmap_timeval
#else
#define NM_RING_TIMEVAL	struct timeval
#endif

/*
 * One place in a ring: which buffer, how many bytes.
 * The program may write a slot only while it owns it; the kernel reads each
 * field once, during a sync, and checks it.  A bad len or buf_idx costs that packet only.
 */
struct netmap_slot {
	uint32_t buf_idx;	/* number of the buffer in the region's pool; 0 and 1 are reserved */
	uint16_t len;		/* bytes of this packet (fragment); rx: written by the kernel */
	uint16_t flags;		/* NS_* below */
	uint64_t ptr;		/* NS_INDIRECT: user address; rings with offsets: see offset_mask */
};

/*
 * slot->flags.
 *
 * NS_BUF_CHANGED   program: buf_idx is not the one the kernel last saw here.
 * NS_REPORT        program, tx: the kernel shall report this slot's completion
 *                  as soon as it can, not only when it suits its batching.
 * NS_FORWARD       program, rx (NIC or host ring): after head has passed this
 *                  slot hand the packet to the other side, host stack or NIC.
 *                  Effective with NR_FORWARD.
 * NS_NO_LEARN      program, tx on a switch: do not learn the source address.
 * NS_INDIRECT      program, tx on a switch: the packet is at user address ptr.
 * NS_MOREFRAG      whoever fills the slot: the packet goes on in the next one.
 * NS_TXMON         kernel, rx of a monitor: the packet was seen on a tx ring.
 */
#define NS_BUF_CHANGED	0x0001
#define NS_REPORT	0x0002
#define NS_FORWARD	0x0004
#define NS_NO_LEARN	0x0008
#define NS_INDIRECT	0x0010
#define NS_MOREFRAG	0x0020
#define NS_TXMON	0x0040

/*
 * The upper byte has a meaning for each direction.  tx to a switch that has
 * this enabled: the destination port.  rx: the number of slots of the packet.
 */
#define NS_PORT_SHIFT	8
#define NS_PORT_MASK	(0xff << NS_PORT_SHIFT)
#define NS_RFRAGS(_slot)	(((_slot)->flags >> NS_PORT_SHIFT) & 0xff)

/* Most slots that one packet may span. */
#define NETMAP_MAX_FRAGS	64

/*
 * A ring.  It starts at an offset listed in netmap_if.ring_ofs; its buffers
 * start at buf_ofs from its own address.
 */
struct netmap_ring {
	const int64_t buf_ofs;		/* kernel: bytes from this ring to buffer 0 */
	const uint32_t num_slots;	/* kernel: any number >= 2, not only powers of two */
	const uint32_t nr_buf_size;	/* kernel: bytes in a buffer */
	const uint16_t ringid;		/* kernel: index among the rings of its direction */
	const uint16_t dir;		/* kernel: 1 transmit, 0 receive */

	uint32_t head;			/* program: first slot it still owns */
	uint32_t cur;			/* program: poll() wakes it when tail is beyond this */
	uint32_t tail;			/* kernel: first slot the program does not own; program: read only */

	uint32_t flags;			/* program: NR_TIMESTAMP, NR_FORWARD; read at each sync */

	NM_RING_TIMEVAL ts;		/* kernel: time of the last rx sync (see NR_TIMESTAMP) */

	/*
	 * Packet offsets (option NETMAP_REQ_OPT_OFFSETS).  When offset_mask is
	 * not 0, slot->ptr & offset_mask is where in its buffer a packet begins, in
	 * bytes; the remaining bits of ptr are the program's.
	 */
	const uint64_t offset_mask;	/* kernel */
	const uint64_t buf_align;	/* kernel: alignment wanted of a tx offset, bytes; 0 for any */

	/* The first cache-aligned part ends here; the kernel may use sem as it likes. */
	NM_ATTR_CACHE_ALIGNED uint8_t sem[128];

	NM_EXTENSION struct netmap_slot slot[];	/* num_slots of them */
};

/*
 * netmap_ring.flags, set by the program.
 *
 * NR_TIMESTAMP  write ts at every rx sync even where the system's parameter
 *               no_timestamp=1 turns this off (by default ts is always written).
 * NR_FORWARD    honour NS_FORWARD in the slots of this rx ring.
 */
#define NR_TIMESTAMP	0x0002
#define NR_FORWARD	0x0004

/*
 * What a bound file sees first, at nr_offset bytes into the mapped region.
 *
 * ring_ofs lists the rings in this order: NIC tx, host tx, NIC rx, host rx,
 * each as a distance in bytes from this struct; 0 stands for a ring that the file did not
 * bind.  NETMAP_TXRING() and NETMAP_RXRING() in netmap_user.h do the arithmetic.
 */
struct netmap_if {
	char ni_name[NM_IFNAMSIZ];		/* kernel: name of the port, cut to this length */
	const uint32_t ni_version;		/* kernel: NETMAP_API */
	const uint32_t ni_flags;		/* kernel: NI_PRIV_MEM */
	const uint32_t ni_tx_rings;		/* kernel: NIC tx rings */
	const uint32_t ni_rx_rings;		/* kernel: NIC rx rings */

	/*
	 * Extra buffers, asked for with nr_extra_bufs: index of the first, 0 for none.
	 * The first uint32_t in each buffer is the index of the next, 0 at the end.  The
	 * program may take buffers off the list and put others on it; what is
	 * listed when the file is closed is freed.
	 */
	uint32_t ni_bufs_head;

	const uint32_t ni_host_tx_rings;	/* kernel: at least 1 */
	const uint32_t ni_host_rx_rings;	/* kernel: at least 1 */
	uint32_t ni_spare1[3];
	NM_EXTENSION const ssize_t ring_ofs[];
};

/* netmap_if.ni_flags: the region is private to this port, not the global one. */
#define NI_PRIV_MEM	0x1

/*
 * --- Requests ---------------------------------------------------------------
 *
 * ioctl(fd, NIOCCTRL, &header).  The header names a port and points to a body,
 * whose type follows from nr_reqtype, and to a list of options.  Header, options
 * and body are read by the kernel at the start of the call and written at its
 * end: the header and the header of each option (with its nro_status) always, the
 * body when the request succeeded.  Addresses travel as uint64_t.
 */

/* A body and all its options together may not exceed this many bytes. */
#define NETMAP_REQ_MAXSIZE	4096

/* Bytes in nr_name, final NUL included. */
#define NETMAP_REQ_IFNAMSIZ	64

/* nr_reqtype, and the body that goes with it. */
enum {
	/* Bind this file to a port: nmreq_register. */
	NETMAP_REQ_REGISTER = 1,
	/* Describe a port without binding: nmreq_port_info_get. */
	NETMAP_REQ_PORT_INFO_GET = 2,
	/* Attach an interface to a switch: nmreq_vale_attach. */
	NETMAP_REQ_VALE_ATTACH = 3,
	/* Undo that: nmreq_vale_detach. */
	NETMAP_REQ_VALE_DETACH = 4,
	/* Walk switches and their ports: nmreq_vale_list. */
	NETMAP_REQ_VALE_LIST = 5,
	/* Length of the virtio-net header of a switch port: nmreq_port_hdr. */
	NETMAP_REQ_PORT_HDR_SET = 6,
	NETMAP_REQ_PORT_HDR_GET = 7,
	/* Make a persistent switch port, an interface of the system: nmreq_vale_newif. */
	NETMAP_REQ_VALE_NEWIF = 8,
	/* Remove it: no body. */
	NETMAP_REQ_VALE_DELIF = 9,
	/* Kernel threads that poll an attached interface: nmreq_vale_polling. */
	NETMAP_REQ_VALE_POLLING_ENABLE = 10,
	NETMAP_REQ_VALE_POLLING_DISABLE = 11,
	/* Layout of the pools in a port's region: nmreq_pools_info. */
	NETMAP_REQ_POOLS_INFO_GET = 12,
	/* Sync the bound rings inside this call until stopped: nmreq_sync_kloop_start. */
	NETMAP_REQ_SYNC_KLOOP_START = 13,
	/* Stop that loop and wait for its end: no body. */
	NETMAP_REQ_SYNC_KLOOP_STOP = 14,
	/* Switch a bound file to CSB mode: no body, option NETMAP_REQ_OPT_CSB. */
	NETMAP_REQ_CSB_ENABLE = 15,
};

/* nro_reqtype, and the struct that begins with the option's header. */
enum {
	/* REGISTER with memory of the program's own: nmreq_opt_extmem. */
	NETMAP_REQ_OPT_EXTMEM = 1,
	/* SYNC_KLOOP_START with event file descriptors: nmreq_opt_sync_kloop_eventfds. */
	NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS = 2,
	/* REGISTER or CSB_ENABLE in CSB mode: nmreq_opt_csb. */
	NETMAP_REQ_OPT_CSB = 3,
	/* SYNC_KLOOP_START that syncs inside a wake-up: nmreq_opt_sync_kloop_mode. */
	NETMAP_REQ_OPT_SYNC_KLOOP_MODE = 4,
	/* REGISTER with packets at an offset in their buffers: nmreq_opt_offsets. */
	NETMAP_REQ_OPT_OFFSETS = 5,
	/* One more than the greatest number in use. */
	NETMAP_REQ_OPT_MAX,
};

/* Header of an option. */
struct nmreq_option {
	uint64_t nro_next;	/* program: address of the next option, 0 at the end */
	uint32_t nro_reqtype;	/* program: NETMAP_REQ_OPT_* */
	uint32_t nro_status;	/* kernel: 0, or an errno that says why the option was not applied */
	uint64_t nro_size;	/* program: bytes of an option of variable length, this header included */
};

/* Header of a request. */
struct nmreq_header {
	uint16_t nr_version;			/* program: NETMAP_API; kernel: the version used */
	uint16_t nr_reqtype;			/* program: NETMAP_REQ_* */
	uint32_t nr_reserved;			/* program: 0 */
	char nr_name[NETMAP_REQ_IFNAMSIZ];	/* program: port, NUL-terminated */
	uint64_t nr_options;			/* program: address of the first option or 0 */
	uint64_t nr_body;			/* program: address of the body, 0 if there is none */
};

/*
 * Body of REGISTER.  Sizes given as 0 mean "as the port has it".
 * All counts come back as they are after binding.
 */
struct nmreq_register {
	uint64_t nr_offset;		/* kernel: bytes from the start of the mapping to netmap_if */
	uint64_t nr_memsize;		/* kernel: bytes in the region, the length to mmap() */
	uint32_t nr_tx_slots;		/* both: slots in a tx ring */
	uint32_t nr_rx_slots;		/* both: slots in an rx ring */
	uint16_t nr_tx_rings;		/* both: NIC tx rings */
	uint16_t nr_rx_rings;		/* both: NIC rx rings */
	uint16_t nr_host_tx_rings;	/* both: host tx rings */
	uint16_t nr_host_rx_rings;	/* both: host rx rings */
	uint16_t nr_mem_id;		/* both: region; 0 lets the port choose, 1 is the global one */
	uint16_t nr_ringid;		/* program: which ring, for the NR_REG_ONE_* modes */
	uint32_t nr_mode;		/* program: NR_REG_* */
	uint32_t nr_extra_bufs;		/* both: buffers beside those in rings, see ni_bufs_head */
	uint64_t nr_flags;		/* program: the NR_* bits below */
};

/* nmreq_register.nr_mode: the rings to bind. */
enum {
	NR_REG_DEFAULT = 0,	/* legacy requests only */
	NR_REG_ALL_NIC = 1,	/* every NIC ring */
	NR_REG_SW = 2,		/* every host ring: packets from and to the system's own stack */
	NR_REG_NIC_SW = 3,	/* both */
	NR_REG_ONE_NIC = 4,	/* the NIC ring pair nr_ringid */
	NR_REG_PIPE_MASTER = 5,	/* legacy requests only: pipes are named PORT{ID and PORT}ID */
	NR_REG_PIPE_SLAVE = 6,	/* legacy requests only */
	NR_REG_NULL = 7,	/* a port without traffic that exists for its memory */
	NR_REG_ONE_SW = 8,	/* the host ring pair nr_ringid */
};

/* nmreq_register.nr_flags; values below 0x100 stay free of the modes in legacy requests. */
#define NR_MONITOR_TX		0x100	/* bind a monitor of the port's tx rings, not the port */
#define NR_MONITOR_RX		0x200	/* the same for its rx rings */
#define NR_ZCOPY_MON		0x400	/* the monitor gets the buffers after use, not copies */
#define NR_EXCLUSIVE		0x800	/* no other file may bind these rings */
#define NR_RX_RINGS_ONLY	0x2000	/* only the rx half of the mode's rings */
#define NR_TX_RINGS_ONLY	0x4000	/* only the tx half */
#define NR_ACCEPT_VNET_HDR	0x8000	/* the program handles virtio-net headers if the port has them */
#define NR_DO_RX_POLL		0x10000	/* poll() syncs rx also when POLLIN is not asked for */
#define NR_NO_TX_POLL		0x20000	/* poll() syncs tx only when POLLOUT is asked for */

/* Body of PORT_INFO_GET: nr_mem_id is read when the name is empty, the rest is written. */
struct nmreq_port_info_get {
	uint64_t nr_memsize;
	uint32_t nr_tx_slots;
	uint32_t nr_rx_slots;
	uint16_t nr_tx_rings;
	uint16_t nr_rx_rings;
	uint16_t nr_host_tx_rings;
	uint16_t nr_host_rx_rings;
	uint16_t nr_mem_id;
	uint16_t pad[3];
};

/* Names that begin with this and a colon further on are ports of a switch: vale0:a. */
#define NM_BDG_NAME	"vale"

/* Body of VALE_ATTACH; the name is SWITCH:INTERFACE. */
struct nmreq_vale_attach {
	struct nmreq_register reg;	/* nr_mode NR_REG_ALL_NIC, or NR_REG_NIC_SW with host rings */
	uint32_t port_index;		/* kernel: number of the port in its switch */
	uint32_t pad1;
};

/* Body of VALE_DETACH. */
struct nmreq_vale_detach {
	uint32_t port_index;		/* kernel */
	uint32_t pad1;
};

/*
 * Body of VALE_LIST.  With a name: the kernel writes both indices.  With an
 * empty one: it looks for the first port at or after them and writes them and nr_name.
 */
struct nmreq_vale_list {
	uint16_t nr_bridge_idx;
	uint16_t pad1;
	uint32_t nr_port_idx;
};

/* Body of PORT_HDR_SET and PORT_HDR_GET: bytes of virtio-net header, 0, 10 or 12. */
struct nmreq_port_hdr {
	uint32_t nr_hdr_len;
	uint32_t pad1;
};

/* Body of VALE_NEWIF; 0 for the defaults. */
struct nmreq_vale_newif {
	uint32_t nr_tx_slots;
	uint32_t nr_rx_slots;
	uint16_t nr_tx_rings;
	uint16_t nr_rx_rings;
	uint16_t nr_mem_id;
	uint16_t pad1;
};

/* Body of VALE_POLLING_ENABLE and _DISABLE. */
struct nmreq_vale_polling {
	uint32_t nr_mode;		/* program: NETMAP_POLLING_MODE_* */
	uint32_t nr_first_cpu_id;	/* program: CPU of the first thread */
	uint32_t nr_num_polling_cpus;	/* program: threads in MULTI_CPU mode */
	uint32_t pad1;
};

#define NETMAP_POLLING_MODE_SINGLE_CPU	1	/* one thread polls all rx rings */
#define NETMAP_POLLING_MODE_MULTI_CPU	2	/* rx ring i is polled on CPU nr_first_cpu_id + i */

/*
 * Body of POOLS_INFO_GET, and what is asked of external memory.  A region
 * holds three pools; an object of a pool is at its offset + index * its size, in bytes.
 */
struct nmreq_pools_info {
	uint64_t nr_memsize;		/* bytes in the region */
	uint16_t nr_mem_id;
	uint16_t pad1[3];
	uint64_t nr_if_pool_offset;
	uint32_t nr_if_pool_objtotal;
	uint32_t nr_if_pool_objsize;
	uint64_t nr_ring_pool_offset;
	uint32_t nr_ring_pool_objtotal;
	uint32_t nr_ring_pool_objsize;
	uint64_t nr_buf_pool_offset;
	uint32_t nr_buf_pool_objtotal;
	uint32_t nr_buf_pool_objsize;
};

/* Body of SYNC_KLOOP_START: pause between two rounds in sleep mode, at most 1000000. */
struct nmreq_sync_kloop_start {
	uint32_t sleep_us;
	uint32_t pad1;
};

/*
 * CSB mode: head, cur and tail travel through two arrays of the program's
 * memory instead of the rings, so that the kernel loop needs no system calls.
 * One entry per bound ring, tx rings first, both arrays aligned to 64 bytes.
 * netmap_virt.h has the functions that read and write them in the right order.
 */

/* Application to kernel; written by the program. */
struct nm_csb_atok {
	uint32_t head;			/* as netmap_ring.head */
	uint32_t cur;			/* as netmap_ring.cur */
	uint32_t appl_need_kick;	/* 1: the program sleeps and wants to be notified */
	uint32_t sync_flags;		/* flags for the sync function */
	uint32_t pad[12];
};

/* Kernel to application; written by the kernel. */
struct nm_csb_ktoa {
	uint32_t hwcur;			/* how far the kernel has consumed */
	uint32_t hwtail;		/* as netmap_ring.tail */
	uint32_t kern_need_kick;	/* 1: the loop sleeps and wants a write to its ioeventfd */
	uint32_t pad[13];
};

/*
 * Event descriptors for the kernel loop, one pair per bound ring, tx rings
 * first; nro_size is the whole option's length.
 */
struct nmreq_opt_sync_kloop_eventfds {
	struct nmreq_option nro_opt;
	NM_EXTENSION struct {
		int32_t ioeventfd;	/* the program wakes the loop; negative: the loop sleeps and polls */
		int32_t irqfd;		/* the loop wakes the program; negative: it never does */
	} eventfds[];
};

/* How the kernel loop reacts to its event descriptors; all of them must be valid. */
struct nmreq_opt_sync_kloop_mode {
	struct nmreq_option nro_opt;
	uint32_t mode;			/* program: NM_OPT_SYNC_KLOOP_DIRECT_* */
};
#define NM_OPT_SYNC_KLOOP_DIRECT_TX	0x1	/* sync tx rings in the context that wakes the loop */
#define NM_OPT_SYNC_KLOOP_DIRECT_RX	0x2	/* the same for rx rings */

/* The region lives in memory of the program's. */
struct nmreq_opt_extmem {
	struct nmreq_option nro_opt;
	uint64_t nro_usrptr;			/* program: page-aligned address */
	struct nmreq_pools_info nro_info;	/* program: wishes and nr_memsize; kernel: the result */
};

struct nmreq_opt_csb {
	struct nmreq_option nro_opt;
	uint64_t csb_atok;		/* program: address of the array of nm_csb_atok */
	uint64_t csb_ktoa;		/* program: address of the array of nm_csb_ktoa */
};

/*
 * Packets start at an offset in their buffers, kept per slot in the low bits of
 * slot->ptr.  Sizes are in bytes.
 */
struct nmreq_opt_offsets {
	struct nmreq_option nro_opt;
	uint64_t nro_max_offset;	/* both: greatest offset the program will use */
	uint64_t nro_initial_offset;	/* program: offset written into every slot at start */
	uint32_t nro_offset_bits;	/* program: bits of ptr to use; 0: the kernel's choice; kernel: used */
	uint32_t nro_tx_align;		/* program: alignment it will keep for tx offsets; 0: any */
	uint64_t nro_min_gap;		/* program: room to keep between the end of an rx packet and the buffer's */
};

#ifdef __cplusplus
}
#endif

/*
 * --- ioctl codes ------------------------------------------------------------
 *
 * NIOCCTRL    any of the requests above
 * NIOCTXSYNC  pass on what the program put before head of its tx rings; never blocks
 * NIOCRXSYNC  take back slots of its rx rings and fetch new packets; never blocks
 */
#if defined(_WIN32)
/*
 * Windows: codes of the device \\.\netmap.  These are the values of
 * CTL_CODE(40000, 0x800 + n, METHOD_BUFFERED, FILE_ANY_ACCESS), spelled out so
 * that no further header is needed.
 */
#define NM_WIN_IOCTL(n)		((40000u << 16) | ((0x800u + (n)) << 2))
#define NETMAP_SETSOCKOPT	NM_WIN_IOCTL(140)
#define NETMAP_GETSOCKOPT	NM_WIN_IOCTL(141)
#define NETMAP_MMAP		(NM_WIN_IOCTL(160) | 2u)	/* METHOD_OUT_DIRECT; returns one pointer */
#define NETMAP_POLL		NM_WIN_IOCTL(162)		/* POLL_REQUEST_DATA in and out */
#define NIOCTXSYNC		NM_WIN_IOCTL(148)
#define NIOCRXSYNC		NM_WIN_IOCTL(149)
#define NIOCCTRL		NM_WIN_IOCTL(151)

typedef struct nm_poll_request {
	int events;	/* program: POLLIN, POLLOUT */
	int timeout;	/* program: milliseconds, -1 for ever */
	int revents;	/* driver: what is ready */
} POLL_REQUEST_DATA;
#else
#define NIOCCTRL	_IOWR('i', 151, struct nmreq_header)
#define NIOCTXSYNC	_IO('i', 148)
#define NIOCRXSYNC	_IO('i', 149)
#endif

#include <net/netmap_legacy.h>

#endif /* _NET_NETMAP_H_ */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What programs need beside the kernel's interface in netmap.h: finding rings and
 * buffers in a mapped region, and moving along a ring.
 *
 * The least that receives packets:
 *
 *	struct netmap_if *nifp = NETMAP_IF(mem, reg.nr_offset);
 *	struct netmap_ring *ring = NETMAP_RXRING(nifp, 0);
 *
 *	poll(&pfd, 1, -1);
 *	while (!nm_ring_empty(ring)) {
 *		struct netmap_slot *slot = &ring->slot[ring->head];
 *
 *		use(NETMAP_BUF_OFFSET(ring, slot), slot->len);
 *		ring->head = ring->cur = nm_ring_next(ring, ring->head);
 *	}
 *
 * A program that defines NETMAP_WITH_LIBS before including this file also gets
 * a small library, compiled into it: nm_open(), nm_close(), nm_mmap(),
 * nm_inject(), nm_dispatch(), nm_nextpkt().  libnetmap is the richer
 * alternative for new programs.
 */
#ifndef _NET_NETMAP_USER_H_
#define _NET_NETMAP_USER_H_

#if defined(_WIN32)
#include <winsock2.h>
#include <windows.h>
#include <winioctl.h>
#include <io.h>
#else
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>
#if !defined(_LINUX_IF_H)	/* <linux/if.h>, when it came first, excludes <net/if.h> */
#include <net/if.h>
#endif
#endif
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <net/netmap.h>

#define NETMAP_DEVICE_NAME	"/dev/netmap"

#ifndef likely
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#endif

/* --- Finding things in the mapped region ----------------------------------- */

#define NM_USER_AT_(type, base, ofs)	((type *)(void *)((char *)(base) + (ofs)))

/* The netmap_if of a bound file: base of the mapping, nr_offset of the request. */
#define NETMAP_IF(base, ofs)	NM_USER_AT_(struct netmap_if, base, ofs)

/* Ring i of a direction; NIC rings come first, then host rings. */
#define NETMAP_TXRING(nifp, i)	\
	NM_USER_AT_(struct netmap_ring, nifp, (nifp)->ring_ofs[i])
#define NETMAP_RXRING(nifp, i)	\
	NM_USER_AT_(struct netmap_ring, nifp, \
	    (nifp)->ring_ofs[(i) + (nifp)->ni_tx_rings + (nifp)->ni_host_tx_rings])

/* Buffer number idx, and the number of the buffer that an address lies in. */
#define NETMAP_BUF(ring, idx)	\
	((char *)(ring) + (ring)->buf_ofs + (size_t)(idx) * (ring)->nr_buf_size)
#define NETMAP_BUF_IDX(ring, buf)	\
	((size_t)((char *)(buf) - ((char *)(ring) + (ring)->buf_ofs)) / (ring)->nr_buf_size)

/*
 * Packet offsets: read a slot's, write it (the bits outside the mask stay), and
 * the address where the slot's packet begins.  Without the offsets option the mask is 0.
 */
#define NETMAP_ROFFSET(ring, slot)	((slot)->ptr & (ring)->offset_mask)
#define NETMAP_WOFFSET(ring, slot, offset)	\
	((slot)->ptr = ((slot)->ptr & ~(ring)->offset_mask) | \
	    ((uint64_t)(offset) & (ring)->offset_mask))
#define NETMAP_BUF_OFFSET(ring, slot)	\
	(NETMAP_BUF(ring, (slot)->buf_idx) + NETMAP_ROFFSET(ring, slot))

/* --- Moving along a ring --------------------------------------------------- */

/* The index after i. */
static inline uint32_t
nm_ring_next(const struct netmap_ring *ring, uint32_t i)
{
	return unlikely(i + 1 >= ring->num_slots) ? 0 : i + 1;
}

/*
 * The end of the slots that are the program's.  Another thread's sync of the same port may
 * move it at any time; the slots before it are complete.
 */
static inline uint32_t
nm_ring_tail_(const struct netmap_ring *ring)
{
	return __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
}

/* Nothing to read (rx) or no room (tx) at cur. */
static inline int
nm_ring_empty(const struct netmap_ring *ring)
{
	return ring->cur == nm_ring_tail_(ring);
}

/* Slots from cur to tail. */
static inline uint32_t
nm_ring_space(const struct netmap_ring *ring)
{
	uint32_t cur = ring->cur, tail = nm_ring_tail_(ring);

	return tail >= cur ? tail - cur : tail + ring->num_slots - cur;
}

/* A tx ring still has slots that the kernel has not given back as sent. */
static inline int
nm_tx_pending(const struct netmap_ring *ring)
{
	return nm_ring_next(ring, ring->tail) != ring->head;
}

/*
 * Copy a packet of len bytes.  Whole cache lines go through copies of fixed size,
 * which the compiler turns into a few vector moves; neither side is touched beyond len.
 */
static inline void
nm_pkt_copy(const void *src, void *dst, int len)
{
	const char *s = (const char *)src;
	char *d = (char *)dst;

	if (unlikely(len >= 1024)) {
		memcpy(d, s, (size_t)len);
		return;
	}
	for (; len >= 64; len -= 64, s += 64, d += 64)
		memcpy(d, s, 64);
	if (len > 0)
		memcpy(d, s, (size_t)len);
}

/* --- Debug output ----------------------------------------------------------- */

/*
 * D(format, ...)       one line on stderr with the time of day and the place.
 * RD(n, format, ...)   the same, at most n lines a second from this place.
 * ND(format, ...)      nothing: a D() that is switched off.
 */
#if defined(__GNUC__)
__attribute__((__format__(__printf__, 3, 4), __unused__))
#endif
static inline void
nm_user_log_(const char *func, int line, const char *format, ...)
{
	char text[512];
	va_list ap;
	int64_t sec, usec;
#if defined(_WIN32)
	uint64_t ms = GetTickCount64();

	sec = (int64_t)(ms / 1000);
	usec = (int64_t)(ms % 1000) * 1000;
#else
	struct timeval now;

	gettimeofday(&now, NULL);
	sec = now.tv_sec;
	usec = now.tv_usec;
#endif
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	fprintf(stderr, "%03d.%06d %s [%d] %s\n", (int)(sec % 1000), (int)usec, func, line, text);
}

/* Count an event of this second; true while the second's allowance is not used up. */
static inline int
nm_user_log_allow_(time_t *second, int *count, int per_second)
{
	time_t now = time(NULL);

	if (*second != now) {
		*second = now;
		*count = 0;
	}
	return (*count)++ < per_second;
}

#ifndef D
#define D(...)	nm_user_log_(__func__, __LINE__, __VA_ARGS__)
#endif
#ifndef ND
#define ND(...)	do { } while (0)
#endif
#ifndef RD
#define RD(lines, ...)	do {							\
	static time_t nm_rd_second_;						\
	static int nm_rd_count_;						\
	if (nm_user_log_allow_(&nm_rd_second_, &nm_rd_count_, (lines)))	\
		nm_user_log_(__func__, __LINE__, __VA_ARGS__);			\
} while (0)
#endif

#ifdef NETMAP_WITH_LIBS
/* --- The small library ------------------------------------------------------ */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#if !defined(_WIN32)
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#endif

struct nm_desc;

/* What nm_dispatch() and nm_nextpkt() tell about a packet; begins like a pcap header. */
struct nm_pkthdr {
	struct timeval ts;		/* of the ring, at its last sync */
	uint32_t caplen;		/* bytes in buf */
	uint32_t len;			/* bytes of the packet, more if it spans several slots */
	uint64_t flags;			/* NM_MORE_PKTS */
	struct nm_desc *d;
	struct netmap_slot *slot;	/* of the packet's first byte */
	uint8_t *buf;
};
#define NM_MORE_PKTS	1		/* more packets follow without a new sync */

struct nm_stat {
	u_int ps_recv;
	u_int ps_drop;
	u_int ps_ifdrop;
#if defined(_WIN32)
	u_int bs_capt;
#endif
};

#define NM_ERRBUF_SIZE	512

/* An open port. */
struct nm_desc {
	struct nm_desc *self;		/* points here while the descriptor is valid */
	int fd;
	void *mem;			/* the mapping, NULL before nm_mmap() */
	size_t memsize;			/* bytes of it */
	int done_mmap;			/* mapped here, not borrowed from a parent */
	struct netmap_if *nifp;
	/* The rings in use; first > last when there is none of the direction. */
	uint16_t first_tx_ring, last_tx_ring, cur_tx_ring;
	uint16_t first_rx_ring, last_rx_ring, cur_rx_ring;
	struct nmreq req;		/* as the kernel returned it */
	struct nm_pkthdr hdr;		/* of the last packet handed out */

	/* Any ring of the region, and the range of addresses of its buffers. */
	struct netmap_ring *some_ring;
	void *buf_start;
	void *buf_end;

	/* Room for libpcap. */
	int snaplen;
	int promisc;
	int to_ms;
	char *errbuf;
	uint32_t if_flags;
	uint32_t if_reqcap;
	uint32_t if_curcap;
	struct nm_stat st;
	char msg[NM_ERRBUF_SIZE];
};

#define P2NMD(p)		((struct nm_desc *)(p))
#define IS_NETMAP_DESC(d)	\
	((d) != NULL && (const void *)((const struct nm_desc *)(d))->self == (const void *)(d))
#define NETMAP_FD(d)		(P2NMD(d)->fd)

/* Called once per packet by nm_dispatch(); the buffer is valid during the call. */
typedef void (*nm_cb_t)(u_char *, const struct nm_pkthdr *, const u_char *);

/*
 * Flags of nm_open(), above the 16 bits of NETMAP_*_POLL.  Except for
 * NO_MMAP they choose what to take from the parent's request.
 */
enum {
	NM_OPEN_NO_MMAP = 0x040000,	/* do not map; nm_mmap() later, if at all */
	NM_OPEN_IFNAME = 0x080000,	/* nr_name, nr_ringid, nr_flags; the name given is not parsed */
	NM_OPEN_ARG1 = 0x100000,	/* nr_arg1 */
	NM_OPEN_ARG2 = 0x200000,	/* nr_arg2, the region */
	NM_OPEN_ARG3 = 0x400000,	/* nr_arg3, extra buffers */
	NM_OPEN_RING_CFG = 0x800000,	/* numbers of rings and slots */
};

/* The four calls to the system that the library makes. */
#if defined(_WIN32)
static inline int
nm_sys_open_(void)
{
	HANDLE h = CreateFileA("\\\\.\\netmap", GENERIC_READ | GENERIC_WRITE, 0, NULL,
	    OPEN_EXISTING, 0, NULL);
	int fd;

	if (h == INVALID_HANDLE_VALUE) {
		errno = ENOENT;
		return -1;
	}
	fd = _open_osfhandle((intptr_t)h, 0);
	if (fd < 0)
		CloseHandle(h);
	return fd;
}

static inline int
nm_sys_regif_(int fd, struct nmreq *req)
{
	DWORD done;

	if (DeviceIoControl((HANDLE)_get_osfhandle(fd), NIOCREGIF, req, sizeof(*req), req,
	    sizeof(*req), &done, NULL))
		return 0;
	errno = GetLastError() == ERROR_FILE_NOT_FOUND ? ENXIO : EINVAL;
	return -1;
}

static inline void *
nm_sys_map_(int fd, size_t size)
{
	void *mem = NULL;
	DWORD done;

	(void)size;
	if (!DeviceIoControl((HANDLE)_get_osfhandle(fd), NETMAP_MMAP, NULL, 0, &mem, sizeof(mem),
	    &done, NULL)) {
		errno = ENOMEM;
		return NULL;
	}
	return mem;
}

/* The driver undoes the mapping when the file is closed. */
static inline void
nm_sys_unmap_(void *mem, size_t size)
{
	(void)mem;
	(void)size;
}

#define nm_sys_close_(fd)	_close(fd)
#else
static inline int
nm_sys_open_(void)
{
	return open(NETMAP_DEVICE_NAME, O_RDWR);
}

static inline int
nm_sys_regif_(int fd, struct nmreq *req)
{
	return ioctl(fd, NIOCREGIF, req);
}

static inline void *
nm_sys_map_(int fd, size_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

static inline void
nm_sys_unmap_(void *mem, size_t size)
{
	munmap(mem, size);
}

#define nm_sys_close_(fd)	close(fd)
#endif

/*
 * Take a decimal number of at most max off the string at *s.  Returns 0, or -1
 * when there is no digit or the number is too great.
 */
static inline int
nm_name_number_(const char **s, uint32_t max, uint32_t *value)
{
	const char *p = *s;
	uint32_t v = 0;

	if (*p < '0' || *p > '9')
		return -1;
	for (; *p >= '0' && *p <= '9'; p++) {
		v = v * 10 + (uint32_t)(*p - '0');
		if (v > max)
			return -1;
	}
	*s = p;
	*value = v;
	return 0;
}

/* A '-' selects a ring only when digits alone follow; interface names may contain it. */
static inline int
nm_name_is_ring_(const char *s)
{
	const char *p = s + 1;

	while (*p >= '0' && *p <= '9')
		p++;
	return *s == '-' && p != s + 1 && (*p == '\0' || *p == '/' || *p == '@');
}

/* A numbered pipe; an id with letters stays in the name, where the kernel finds it too. */
static inline int
nm_name_is_pipe_(const char *s)
{
	const char *p = s + 1;

	if (*s != '{' && *s != '}')
		return 0;
	while (*p >= '0' && *p <= '9')
		p++;
	return *p == '\0' || *p == '/' || *p == '@';
}

/* The letters behind '/': what to bind, how.  Stops at '@'. */
static inline int
nm_name_flags_(const char **s, uint32_t *flags)
{
	for (;; (*s)++) {
		switch (**s) {
		case 'x': *flags |= NR_EXCLUSIVE; break;
		case 'z': *flags |= NR_ZCOPY_MON; break;
		case 't': *flags |= NR_MONITOR_TX; break;
		case 'r': *flags |= NR_MONITOR_RX; break;
		case 'R': *flags |= NR_RX_RINGS_ONLY; break;
		case 'T': *flags |= NR_TX_RINGS_ONLY; break;
		case '\0': case '/': case '@': return 0;
		default: return -1;
		}
	}
}

/*
 * Turn a name like netmap:eth0-2/x@3 or vale0:a{1 into the name, ringid, flags
 * and arg2 of a request.  Returns 0 or an errno: ENAMETOOLONG, EINVAL.
 */
static inline int
nm_name_parse_(const char *spec, struct nmreq *req)
{
	uint32_t mode = NR_REG_ALL_NIC, number = 0, flags = 0;
	const char *s = spec;
	size_t len;

	if (strncmp(s, "netmap:", 7) == 0)
		spec = s += 7;
	while (*s != '\0' && strchr("*^/@", *s) == NULL && !nm_name_is_ring_(s) &&
	    !nm_name_is_pipe_(s))
		s++;
	len = (size_t)(s - spec);
	if (len == 0)
		return EINVAL;
	if (len >= sizeof(req->nr_name))
		return ENAMETOOLONG;

	if (*s == '-' || *s == '{' || *s == '}') {
		mode = *s == '-' ? NR_REG_ONE_NIC :
		    *s == '{' ? NR_REG_PIPE_MASTER : NR_REG_PIPE_SLAVE;
		s++;
		if (nm_name_number_(&s, NETMAP_RING_MASK, &number) != 0)
			return EINVAL;
	} else if (*s == '^') {
		s++;
		mode = NR_REG_SW;
		if (*s >= '0' && *s <= '9') {
			mode = NR_REG_ONE_SW;
			if (nm_name_number_(&s, NETMAP_RING_MASK, &number) != 0)
				return EINVAL;
		}
	} else if (*s == '*') {
		s++;
		mode = NR_REG_NIC_SW;
	}
	while (*s == '/') {
		s++;
		if (nm_name_flags_(&s, &flags) != 0)
			return EINVAL;
	}
	if (*s == '@') {
		uint32_t mem_id;

		s++;
		if (nm_name_number_(&s, UINT16_MAX, &mem_id) != 0)
			return EINVAL;
		req->nr_arg2 = (uint16_t)mem_id;
	}
	if (*s != '\0')
		return EINVAL;
	/* A zero-copy monitor is one of both directions unless told otherwise. */
	if ((flags & NR_ZCOPY_MON) && !(flags & (NR_MONITOR_TX | NR_MONITOR_RX)))
		flags |= NR_MONITOR_TX | NR_MONITOR_RX;

	memset(req->nr_name, 0, sizeof(req->nr_name));
	memcpy(req->nr_name, spec, len);
	req->nr_ringid = (uint16_t)number;
	req->nr_flags = (req->nr_flags & ~(uint32_t)NR_REG_MASK) | mode | flags;
	return 0;
}

/*
 * Set the ranges of rings from the mode bound.  The number of host rings is known only
 * once the region is mapped; until then it is taken to be one.
 */
static inline void
nm_desc_ranges_(struct nm_desc *d)
{
	const struct nmreq *req = &d->req;
	uint32_t id = req->nr_ringid & NETMAP_RING_MASK;
	uint32_t tx = req->nr_tx_rings, rx = req->nr_rx_rings;
	uint32_t host_tx = d->nifp != NULL ? d->nifp->ni_host_tx_rings : 1;
	uint32_t host_rx = d->nifp != NULL ? d->nifp->ni_host_rx_rings : 1;
	uint32_t tx0 = 0, tx1 = tx, rx0 = 0, rx1 = rx;	/* first, one beyond the last */

	switch (req->nr_flags & NR_REG_MASK) {
	case NR_REG_SW:
		tx0 = tx, tx1 = tx + host_tx;
		rx0 = rx, rx1 = rx + host_rx;
		break;
	case NR_REG_NIC_SW:
		tx1 = tx + host_tx;
		rx1 = rx + host_rx;
		break;
	/* Where a direction has fewer rings than that, the kernel binds its first. */
	case NR_REG_ONE_NIC:
		tx0 = id < tx ? id : 0, tx1 = tx0 + 1;
		rx0 = id < rx ? id : 0, rx1 = rx0 + 1;
		break;
	case NR_REG_ONE_SW:
		tx0 = tx + (id < host_tx ? id : 0), tx1 = tx0 + 1;
		rx0 = rx + (id < host_rx ? id : 0), rx1 = rx0 + 1;
		break;
	case NR_REG_NULL:
		tx1 = rx1 = 0;
		break;
	default:
		break;
	}
	/* A monitor has no tx rings of its own to send on. */
	if (req->nr_flags & (NR_RX_RINGS_ONLY | NR_MONITOR_TX | NR_MONITOR_RX))
		tx1 = tx0;
	if (req->nr_flags & NR_TX_RINGS_ONLY)
		rx1 = rx0;
	/* An empty range is written as 1..0, since the fields are unsigned. */
	d->first_tx_ring = (uint16_t)(tx1 > tx0 ? tx0 : 1);
	d->last_tx_ring = (uint16_t)(tx1 > tx0 ? tx1 - 1 : 0);
	d->first_rx_ring = (uint16_t)(rx1 > rx0 ? rx0 : 1);
	d->last_rx_ring = (uint16_t)(rx1 > rx0 ? rx1 - 1 : 0);
	d->cur_tx_ring = d->first_tx_ring;
	d->cur_rx_ring = d->first_rx_ring;
}

/*
 * Map the region of an open port, or share the mapping of a parent that uses
 * the same region.  Returns 0, or -1 with errno.
 */
static inline int
nm_mmap(struct nm_desc *d, const struct nm_desc *parent)
{
	size_t i, rings;

	if (d->mem != NULL)
		return 0;
	if (IS_NETMAP_DESC(parent) && parent->mem != NULL &&
	    parent->req.nr_arg2 == d->req.nr_arg2) {
		d->mem = parent->mem;
		d->memsize = parent->memsize;
	} else {
		d->memsize = d->req.nr_memsize;
		d->mem = nm_sys_map_(d->fd, d->memsize);
		if (d->mem == NULL)
			return -1;
		d->done_mmap = 1;
	}
	d->nifp = NETMAP_IF(d->mem, d->req.nr_offset);
	nm_desc_ranges_(d);
	rings = (size_t)d->nifp->ni_tx_rings + d->nifp->ni_host_tx_rings + d->nifp->ni_rx_rings +
	    d->nifp->ni_host_rx_rings;
	for (i = 0; i < rings; i++) {
		if (d->nifp->ring_ofs[i] == 0)
			continue;
		d->some_ring = NM_USER_AT_(struct netmap_ring, d->nifp, d->nifp->ring_ofs[i]);
		d->buf_start = NETMAP_BUF(d->some_ring, 0);
		d->buf_end = (char *)d->mem + d->memsize;
		break;
	}
	return 0;
}

/*
 * Close a port.  A mapping that others share must outlive them: close the parent
 * last.  Returns 0, or EINVAL when d is not an open port.
 */
static inline int
nm_close(struct nm_desc *d)
{
	if (!IS_NETMAP_DESC(d))
		return EINVAL;
	if (d->done_mmap)
		nm_sys_unmap_(d->mem, d->memsize);
	if (d->fd >= 0)
		nm_sys_close_(d->fd);
	memset(d, 0, sizeof(*d));
	free(d);
	return 0;
}

/*
 * Open a port by name and, unless NM_OPEN_NO_MMAP is set, map it.
 *
 * req    if not NULL, the request to start from (rings, slots, flags); the
 *        name decides nr_name, nr_ringid and the mode.
 * flags  NM_OPEN_* and NETMAP_NO_TX_POLL, NETMAP_DO_RX_POLL.
 * parent if not NULL, where the NM_OPEN_* flags take fields from, and whose mapping is
 *        shared when it is the same region.
 *
 * Returns NULL with errno on failure; errno is 0 when the name is not one of netmap's.
 */
static inline struct nm_desc *
nm_open(const char *name, const struct nmreq *req, uint64_t flags, const struct nm_desc *parent)
{
	struct nm_desc *d;
	int error = 0;

	if (strncmp(name, "netmap:", 7) != 0 && strncmp(name, NM_BDG_NAME, 4) != 0) {
		errno = 0;
		return NULL;
	}
	d = (struct nm_desc *)calloc(1, sizeof(*d));
	if (d == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	d->self = d;
	d->fd = -1;
	if (req != NULL)
		d->req = *req;
	if (!IS_NETMAP_DESC(parent))
		parent = NULL;
	if (parent != NULL && (flags & NM_OPEN_IFNAME)) {
		memcpy(d->req.nr_name, parent->req.nr_name, sizeof(d->req.nr_name));
		d->req.nr_ringid = parent->req.nr_ringid;
		d->req.nr_flags = parent->req.nr_flags;
	} else {
		error = nm_name_parse_(name, &d->req);
	}
	if (parent != NULL && (flags & NM_OPEN_ARG1))
		d->req.nr_arg1 = parent->req.nr_arg1;
	if (parent != NULL && (flags & NM_OPEN_ARG2))
		d->req.nr_arg2 = parent->req.nr_arg2;
	if (parent != NULL && (flags & NM_OPEN_ARG3))
		d->req.nr_arg3 = parent->req.nr_arg3;
	if (parent != NULL && (flags & NM_OPEN_RING_CFG)) {
		d->req.nr_tx_slots = parent->req.nr_tx_slots;
		d->req.nr_rx_slots = parent->req.nr_rx_slots;
		d->req.nr_tx_rings = parent->req.nr_tx_rings;
		d->req.nr_rx_rings = parent->req.nr_rx_rings;
	}
	d->req.nr_version = NETMAP_API;
	d->req.nr_cmd = 0;
	d->req.nr_ringid |= (uint16_t)(flags & (NETMAP_NO_TX_POLL | NETMAP_DO_RX_POLL));

	if (error == 0) {
		d->fd = nm_sys_open_();
		if (d->fd < 0 || nm_sys_regif_(d->fd, &d->req) != 0)
			error = errno;
	}
	if (error == 0) {
		d->memsize = d->req.nr_memsize;
		nm_desc_ranges_(d);
		if (!(flags & NM_OPEN_NO_MMAP) && nm_mmap(d, parent) != 0)
			error = errno;
	}
	if (error != 0) {
		nm_close(d);
		errno = error;
		return NULL;
	}
	return d;
}

/*
 * Put one packet into a tx ring with enough room, over several slots if it is larger
 * than a buffer.  It leaves at the next poll or NIOCTXSYNC.  Returns size, or 0
 * when no ring has room.
 */
static inline int
nm_inject(struct nm_desc *d, const void *buf, size_t size)
{
	uint32_t n, rings;

	if (d->first_tx_ring > d->last_tx_ring || size == 0)
		return 0;
	rings = (uint32_t)(d->last_tx_ring - d->first_tx_ring) + 1;
	for (n = 0; n < rings; n++) {
		uint32_t ri = d->first_tx_ring + (d->cur_tx_ring - d->first_tx_ring + n) % rings;
		struct netmap_ring *ring = NETMAP_TXRING(d->nifp, ri);
		const char *from = (const char *)buf;
		size_t left = size;
		uint32_t i = ring->head;

		if (size > (size_t)nm_ring_space(ring) * ring->nr_buf_size || nm_ring_empty(ring))
			continue;
		for (;;) {
			struct netmap_slot *slot = &ring->slot[i];
			size_t offset = (size_t)NETMAP_ROFFSET(ring, slot);
			size_t part = ring->nr_buf_size > offset ? ring->nr_buf_size - offset : 0;

			if (part > left)
				part = left;
			nm_pkt_copy(from, NETMAP_BUF_OFFSET(ring, slot), (int)part);
			slot->len = (uint16_t)part;
			/* What an earlier packet asked for is not asked for this one. */
			slot->flags &= NS_BUF_CHANGED;
			from += part;
			left -= part;
			i = nm_ring_next(ring, i);
			if (left == 0)
				break;
			slot->flags |= NS_MOREFRAG;
			if (i == ring->tail)
				break;
		}
		if (left != 0)		/* offsets took the room: head has not moved, nothing is sent */
			continue;
		ring->head = ring->cur = i;
		d->cur_tx_ring = (uint16_t)ri;
		return (int)size;
	}
	return 0;
}

/* The first rx ring with packets, from cur_rx_ring on; NULL if there is none. */
static inline struct netmap_ring *
nm_rx_ready_(struct nm_desc *d)
{
	uint32_t n, rings;

	if (d->first_rx_ring > d->last_rx_ring)
		return NULL;
	rings = (uint32_t)(d->last_rx_ring - d->first_rx_ring) + 1;
	for (n = 0; n < rings; n++) {
		uint32_t ri = d->first_rx_ring + (d->cur_rx_ring - d->first_rx_ring + n) % rings;
		struct netmap_ring *ring = NETMAP_RXRING(d->nifp, ri);

		if (!nm_ring_empty(ring)) {
			d->cur_rx_ring = (uint16_t)ri;
			return ring;
		}
	}
	return NULL;
}

/*
 * Describe the packet at cur of a ring in hdr and return the index behind it.  A packet of
 * several slots counts once: caplen is the first slot's part, len the sum.
 */
static inline uint32_t
nm_rx_take_(struct nm_desc *d, struct netmap_ring *ring, struct nm_pkthdr *hdr)
{
	uint32_t i = ring->cur;
	struct netmap_slot *slot = &ring->slot[i];
	int more;

	hdr->d = d;
	hdr->slot = slot;
	hdr->buf = (uint8_t *)NETMAP_BUF_OFFSET(ring, slot);
	hdr->ts.tv_sec = ring->ts.tv_sec;
	hdr->ts.tv_usec = ring->ts.tv_usec;
	hdr->caplen = slot->len;
	hdr->len = 0;
	do {
		hdr->len += ring->slot[i].len;
		more = ring->slot[i].flags & NS_MOREFRAG;
		i = nm_ring_next(ring, i);
	} while (more && i != ring->tail);
	return i;
}

/*
 * Hand up to cnt received packets (all, if cnt is 0 or less) to the callback, ring after
 * ring.  Fetches nothing: poll() or NIOCRXSYNC does.  Returns the number of packets.
 */
static inline int
nm_dispatch(struct nm_desc *d, int cnt, nm_cb_t cb, u_char *arg)
{
	struct netmap_ring *ring = nm_rx_ready_(d);
	int got = 0;

	while (ring != NULL && (cnt <= 0 || got < cnt)) {
		struct netmap_ring *now = ring;
		uint32_t next = nm_rx_take_(d, ring, &d->hdr);

		/*
		 * cur moves first, to see whether another packet follows; head keeps the buffer
		 * ours until the callback has returned.
		 */
		now->cur = next;
		got++;
		ring = nm_rx_ready_(d);
		d->hdr.flags = ring != NULL && (cnt <= 0 || got < cnt) ? NM_MORE_PKTS : 0;
		cb(arg, &d->hdr, d->hdr.buf);
		now->head = next;
	}
	return got;
}

/*
 * The next received packet, or NULL when the rings are empty.  Its bytes stay valid
 * until the next sync or poll of this port.
 */
static inline u_char *
nm_nextpkt(struct nm_desc *d, struct nm_pkthdr *hdr)
{
	struct netmap_ring *ring = nm_rx_ready_(d);

	if (ring == NULL)
		return NULL;
	ring->head = ring->cur = nm_rx_take_(d, ring, hdr);
	hdr->flags = nm_rx_ready_(d) != NULL ? NM_MORE_PKTS : 0;
	return hdr->buf;
}
#endif /* NETMAP_WITH_LIBS */

#endif /* _NET_NETMAP_USER_H_ */

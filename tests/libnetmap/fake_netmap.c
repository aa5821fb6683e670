/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pretended /dev/netmap, for programs and the library where there is no kernel
 * module: linked into a test, or preloaded under a program.  It takes the place of open,
 * ioctl and poll.  What a port does follows from the last word of its name:
 *
 *	sink    takes everything, receives nothing
 *	source  receives without end: frames of 100 bytes, each tenth made of two slots
 *	loop    receives what it sends
 *	pong    as loop, with pkt-gen's requests turned into answers
 *	stuck   never takes anything off its tx rings
 *	swap    takes everything, leaving other buffers, with other bytes, in the slots
 *	feed    receives what the file FAKE_NETMAP_FEED holds, once
 *	gone    poll gives POLLERR, a sync EIO
 *	busy    cannot be registered (EBUSY)
 *	absent  is not there (ENXIO)
 *
 * The environment says more:
 *
 *	FAKE_NETMAP_ERRNO=2            open() itself fails with that number
 *	FAKE_NETMAP_SWITCHES="0 1 vale0:a,0 3 vale0:b"
 *	                               number of switch and port, and name, of all ports there are
 *	FAKE_NETMAP_REFUSE="3=16,8=95" requests of these types fail with these numbers
 *	FAKE_NETMAP_VERSION=11         every request fails: the kernel speaks that version
 *	FAKE_NETMAP_LOG=FILE           every request: a line of header and body as it came, in hex
 *
 * A region is a memory file, which replaces the opened file at REGISTER, so that
 * mmap() needs no pretence.  All ports of one name share one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <net/netmap.h>

#define MAX_PORTS	32
#define MAX_FILES	256
#define MAX_RINGS	16
#define BUF_SIZE	2048u
#define IF_BYTES	1024u
#define SET(type, lvalue, value)	(*(type *)(uintptr_t)&(lvalue) = (value))

struct port {
	char name[NETMAP_REQ_IFNAMSIZ];
	uint32_t tx_rings, rx_rings, tx_slots, rx_slots;
	int memfd;
	char *mem;
	size_t size;
	uint64_t offset_mask;
	uint32_t hdr_len;	/* virtio-net header of a switch's port */
	FILE *feed[MAX_RINGS];
};

/* Before each slot in the files of FAKE_NETMAP_TAKEN and FAKE_NETMAP_FEED. */
struct record {
	uint16_t ring, flags;
	uint32_t len;
};

struct file {
	int is_netmap;
	struct port *port;	/* NULL before REGISTER */
	struct nmreq_register reg;
};

static struct port ports[MAX_PORTS];
static struct file files[MAX_FILES];
static uint32_t n_files;	/* registered so far: the last MAX_FILES have a netmap_if each */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;	/* of all that */

static int
ends_in(const char *name, const char *word)
{
	size_t n = strlen(name), m = strlen(word);

	return n >= m && strcmp(name + n - m, word) == 0;
}

static int
is(const struct port *p, const char *word)
{
	return ends_in(p->name, word);
}

/* The region: interfaces, rings, buffers. */
static size_t
ring_bytes(uint32_t slots)
{
	return (sizeof(struct netmap_ring) + slots * sizeof(struct netmap_slot) + 255) & ~255ul;
}

/* Ring number i of a port: tx, host tx, rx, host rx. */
static struct netmap_ring *
ring_at(const struct port *p, uint32_t i)
{
	size_t tx = ring_bytes(p->tx_slots), rx = ring_bytes(p->rx_slots);
	size_t ofs = MAX_FILES * IF_BYTES;

	ofs += i <= p->tx_rings + 1 ? i * tx : (p->tx_rings + 1) * tx + (i - p->tx_rings - 1) * rx;
	return (struct netmap_ring *)(void *)(p->mem + ofs);
}

static void
make_region(struct port *p, uint64_t initial_offset)
{
	uint32_t rings = p->tx_rings + p->rx_rings + 2, i, k, buf = 2;
	size_t bufs_at, bufs = 2;

	bufs_at = MAX_FILES * IF_BYTES + (p->tx_rings + 1) * ring_bytes(p->tx_slots) +
	    (p->rx_rings + 1) * ring_bytes(p->rx_slots);
	bufs += (p->tx_rings + 1) * p->tx_slots + (p->rx_rings + 1) * p->rx_slots;
	p->size = bufs_at + bufs * BUF_SIZE;
	p->memfd = memfd_create("region", 0);
	if (p->memfd < 0 || ftruncate(p->memfd, (off_t)p->size) != 0)
		abort();
	p->mem = mmap(NULL, p->size, PROT_READ | PROT_WRITE, MAP_SHARED, p->memfd, 0);
	if (p->mem == MAP_FAILED)
		abort();
	for (i = 0; i < rings; i++) {
		struct netmap_ring *r = ring_at(p, i);
		int tx = i <= p->tx_rings;

		SET(int64_t, r->buf_ofs, p->mem + bufs_at - (char *)r);
		SET(uint32_t, r->num_slots, tx ? p->tx_slots : p->rx_slots);
		SET(uint32_t, r->nr_buf_size, BUF_SIZE);
		SET(uint16_t, r->dir, (uint16_t)tx);
		SET(uint64_t, r->offset_mask, p->offset_mask);
		for (k = 0; k < r->num_slots; k++) {
			r->slot[k].buf_idx = buf++;
			r->slot[k].ptr = initial_offset;
		}
		r->tail = tx ? r->num_slots - 1 : 0;
	}
}

static struct port *
find_port(const char *name)
{
	struct port *p;

	for (p = ports; p < ports + MAX_PORTS && p->name[0] != '\0'; p++) {
		if (strcmp(p->name, name) == 0)
			return p;
	}
	return p < ports + MAX_PORTS ? p : NULL;
}

static uint16_t
id_of(const struct port *p)
{
	return (uint16_t)(2 + (p - ports));
}

/* As in the kernel an option has the status EOPNOTSUPP until somebody has handled it. */
static void
mark_options(struct nmreq_header *hdr)
{
	struct nmreq_option *o = (struct nmreq_option *)(uintptr_t)hdr->nr_options;

	for (; o != NULL; o = (struct nmreq_option *)(uintptr_t)o->nro_next)
		o->nro_status = EOPNOTSUPP;
}

/* EXTMEM and OFFSETS are known, others refused. */
static int
take_options(struct nmreq_header *hdr, struct nmreq_opt_offsets **offsets)
{
	struct nmreq_option *o = (struct nmreq_option *)(uintptr_t)hdr->nr_options;
	int error = 0;

	for (; o != NULL; o = (struct nmreq_option *)(uintptr_t)o->nro_next) {
		o->nro_status = 0;
		if (o->nro_reqtype == NETMAP_REQ_OPT_OFFSETS)
			*offsets = (struct nmreq_opt_offsets *)o;
		else if (o->nro_reqtype != NETMAP_REQ_OPT_EXTMEM)
			error = (int)(o->nro_status = EOPNOTSUPP);
	}
	return error;
}

static uint32_t
or_default(uint32_t wanted, uint32_t value)
{
	return wanted != 0 ? wanted : value;
}

static void
setup_if(struct file *f, uint32_t index)
{
	struct port *p = f->port;
	struct netmap_if *nifp = (struct netmap_if *)(void *)(p->mem + index * IF_BYTES);
	uint32_t i, rings = p->tx_rings + p->rx_rings + 2;

	snprintf(nifp->ni_name, sizeof(nifp->ni_name), "%.15s", p->name);
	SET(uint32_t, nifp->ni_version, NETMAP_API);
	SET(uint32_t, nifp->ni_tx_rings, p->tx_rings);
	SET(uint32_t, nifp->ni_rx_rings, p->rx_rings);
	SET(uint32_t, nifp->ni_host_tx_rings, 1);
	SET(uint32_t, nifp->ni_host_rx_rings, 1);
	for (i = 0; i < rings; i++)
		SET(ssize_t, nifp->ring_ofs[i], (char *)ring_at(p, i) - (char *)nifp);
}

static int
do_register(int fd, struct nmreq_header *hdr)
{
	struct nmreq_register *reg = (struct nmreq_register *)(uintptr_t)hdr->nr_body;
	struct nmreq_opt_offsets *offsets = NULL;
	struct port *p = find_port(hdr->nr_name);
	struct file *f = &files[fd];
	int error;

	mark_options(hdr);
	if (hdr->nr_version != NETMAP_API || p == NULL || reg == NULL)
		return EINVAL;
	if (ends_in(hdr->nr_name, "busy"))
		return EBUSY;
	if (hdr->nr_name[0] == '\0' || ends_in(hdr->nr_name, "absent"))
		return ENXIO;
	error = take_options(hdr, &offsets);
	if (error != 0)
		return error;
	if (p->name[0] == '\0') {
		snprintf(p->name, sizeof(p->name), "%s", hdr->nr_name);
		p->tx_rings = or_default(reg->nr_tx_rings, 1);
		p->rx_rings = or_default(reg->nr_rx_rings, 1);
		p->tx_slots = or_default(reg->nr_tx_slots, 64);
		p->rx_slots = or_default(reg->nr_rx_slots, 64);
		if (p->tx_rings > MAX_RINGS || p->rx_rings > MAX_RINGS)
			return EINVAL;
		if (offsets != NULL)
			p->offset_mask = 0xffff;
	}
	if (reg->nr_mem_id != 0 && reg->nr_mem_id != id_of(p))
		return EINVAL;
	if (p->mem == NULL)
		make_region(p, offsets != NULL ? offsets->nro_initial_offset : 0);
	f->port = p;
	f->reg = *reg;
	setup_if(f, n_files % MAX_FILES);
	reg->nr_offset = n_files++ % MAX_FILES * IF_BYTES;
	reg->nr_memsize = p->size;
	reg->nr_tx_rings = (uint16_t)p->tx_rings;
	reg->nr_rx_rings = (uint16_t)p->rx_rings;
	reg->nr_tx_slots = p->tx_slots;
	reg->nr_rx_slots = p->rx_slots;
	reg->nr_host_tx_rings = reg->nr_host_rx_rings = 1;
	reg->nr_mem_id = id_of(p);
	if (dup2(p->memfd, fd) < 0)
		abort();
	return 0;
}

/* --- Switches, as FAKE_NETMAP_SWITCHES has them --- */

static int
do_list(struct nmreq_header *hdr)
{
	struct nmreq_vale_list *at = (struct nmreq_vale_list *)(uintptr_t)hdr->nr_body;
	const char *s = getenv("FAKE_NETMAP_SWITCHES");
	char name[NETMAP_REQ_IFNAMSIZ];
	unsigned int sw, port;
	int used;

	for (; s != NULL && sscanf(s, "%u %u %63[^,]%n", &sw, &port, name, &used) == 3; s++) {
		size_t n = strcspn(name, ":");
		int whole = strcmp(name, hdr->nr_name) == 0;

		s += used;
		if (whole || (strlen(hdr->nr_name) == n && strncmp(name, hdr->nr_name, n) == 0) ||
		    (hdr->nr_name[0] == '\0' && (sw > at->nr_bridge_idx ||
		    (sw == at->nr_bridge_idx && port >= at->nr_port_idx)))) {
			at->nr_port_idx = hdr->nr_name[0] == '\0' || whole ? port : 0;
			at->nr_bridge_idx = (uint16_t)sw;
			if (hdr->nr_name[0] == '\0')
				memcpy(hdr->nr_name, name, sizeof(name));
			return 0;
		}
		if (*s == '\0')
			break;
	}
	return ENOENT;
}

static int
do_attach(struct nmreq_header *hdr)
{
	((struct nmreq_vale_attach *)(uintptr_t)hdr->nr_body)->port_index = 7;
	return 0;
}

static int
do_detach(struct nmreq_header *hdr)
{
	((struct nmreq_vale_detach *)(uintptr_t)hdr->nr_body)->port_index = 7;
	return 0;
}

static int
do_newif(struct nmreq_header *hdr)
{
	struct nmreq_vale_newif *body = (struct nmreq_vale_newif *)(uintptr_t)hdr->nr_body;

	body->nr_tx_slots = or_default(body->nr_tx_slots, 1024);
	body->nr_rx_slots = or_default(body->nr_rx_slots, 1024);
	body->nr_tx_rings = (uint16_t)or_default(body->nr_tx_rings, 1);
	body->nr_rx_rings = (uint16_t)or_default(body->nr_rx_rings, 1);
	body->nr_mem_id = (uint16_t)or_default(body->nr_mem_id, 9);
	return 0;
}

static int
do_port_info(struct nmreq_header *hdr)
{
	struct nmreq_port_info_get *info = (struct nmreq_port_info_get *)(uintptr_t)hdr->nr_body;
	struct port *p = find_port(hdr->nr_name);
	const char *switches = getenv("FAKE_NETMAP_SWITCHES");

	if (switches != NULL && strstr(switches, hdr->nr_name) != NULL) {
		*info = (struct nmreq_port_info_get) {
			.nr_memsize = 8192, .nr_tx_slots = 512, .nr_rx_slots = 256, .nr_tx_rings = 2,
			.nr_rx_rings = 3, .nr_host_tx_rings = 1, .nr_host_rx_rings = 4, .nr_mem_id = 5,
		};
		return 0;
	}
	/* As the kernel does: a port of a switch is made to be described, and is gone again. */
	if (strncmp(hdr->nr_name, "vale", 4) == 0 && (p == NULL || p->mem == NULL)) {
		info->nr_mem_id = 0;
		return 0;
	}
	if (p == NULL || p->mem == NULL)
		return ENXIO;
	info->nr_mem_id = id_of(p);
	info->nr_memsize = p->size;
	return 0;
}

static int
do_port_hdr(struct nmreq_header *hdr)
{
	struct nmreq_port_hdr *body = (struct nmreq_port_hdr *)(uintptr_t)hdr->nr_body;
	struct port *p = find_port(hdr->nr_name);

	if (p == NULL || p->mem == NULL)
		return ENXIO;
	if (hdr->nr_reqtype == NETMAP_REQ_PORT_HDR_GET)
		body->nr_hdr_len = p->hdr_len;
	else if (strncmp(p->name, "vale", 4) != 0)
		return EINVAL;
	else
		p->hdr_len = body->nr_hdr_len;
	return 0;
}

static char *
buffer(struct netmap_ring *r, uint32_t i)
{
	return (char *)r + r->buf_ofs + (size_t)r->slot[i].buf_idx * BUF_SIZE +
	    (r->slot[i].ptr & r->offset_mask);
}

static uint32_t
next(const struct netmap_ring *r, uint32_t i)
{
	return i + 1 == r->num_slots ? 0 : i + 1;
}

/* Receive one slot if there is room. */
static void
receive(struct netmap_ring *r, const char *bytes, uint16_t len, uint16_t flags)
{
	if (next(r, r->tail) == r->head)
		return;
	memcpy(buffer(r, r->tail), bytes, len);
	r->slot[r->tail].len = len;
	r->slot[r->tail].flags = flags;
	r->tail = next(r, r->tail);
}

/* Write down what a slot sends. */
static void
take_down(struct netmap_ring *r, uint32_t ring, uint32_t i)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static FILE *file;
	const struct netmap_slot *slot = &r->slot[i];
	const struct record record = { (uint16_t)ring, slot->flags, slot->len };
	const char *path = getenv("FAKE_NETMAP_TAKEN");
	const void *bytes = buffer(r, i);

	if (path == NULL)
		return;
	if (slot->flags & NS_INDIRECT)
		bytes = (const void *)(uintptr_t)slot->ptr;
	pthread_mutex_lock(&lock);
	if (file == NULL)
		file = fopen(path, "wb");
	if (file == NULL || fwrite(&record, sizeof(record), 1, file) != 1 ||
	    fwrite(bytes, 1, slot->len, file) != slot->len || fflush(file) != 0)
		abort();
	pthread_mutex_unlock(&lock);
}

/* Leave another buffer in a tx slot, and other bytes in both, as the reader of a pipe may. */
static void
swap_buffers(struct netmap_ring *tx, struct netmap_ring *rx, uint32_t i)
{
	uint32_t buf = tx->slot[i].buf_idx;

	memset(buffer(tx, i), 0xee, BUF_SIZE);
	tx->slot[i].buf_idx = rx->slot[i].buf_idx;
	rx->slot[i].buf_idx = buf;
}

/* Where the kernel stands in a tx ring: one behind tail, since it gives back at once. */
static void
tx_ring(struct port *p, uint32_t i)
{
	struct netmap_ring *r = ring_at(p, i), *rx = ring_at(p, p->tx_rings + 1 + i % p->rx_rings);
	uint32_t at = next(r, r->tail);

	if (is(p, "stuck"))
		return;
	for (; at != r->head; at = next(r, at)) {
		char *bytes = buffer(r, at);

		take_down(r, i, at);
		if (is(p, "swap"))
			swap_buffers(r, rx, at);
		if (is(p, "pong") && r->slot[at].len >= 54)
			bytes[49] = 2;		/* a request becomes an answer */
		if (is(p, "pong") || is(p, "loop"))
			receive(rx, bytes, r->slot[at].len, r->slot[at].flags & NS_MOREFRAG);
		r->tail = at;
	}
}

/* Receive the next slots that the file has for this ring, as many as there is room for. */
static void
feed(struct port *p, uint32_t i)
{
	struct netmap_ring *r = ring_at(p, p->tx_rings + 1 + i);
	char bytes[BUF_SIZE];
	struct record record;

	if (p->feed[i] == NULL)
		p->feed[i] = fopen(getenv("FAKE_NETMAP_FEED"), "rb");
	if (p->feed[i] == NULL)
		abort();
	while (next(r, r->tail) != r->head &&
	    fread(&record, sizeof(record), 1, p->feed[i]) == 1) {
		if (record.len > sizeof(bytes) ||
		    fread(bytes, 1, record.len, p->feed[i]) != record.len)
			abort();
		if (record.ring == i)
			receive(r, bytes, (uint16_t)record.len, record.flags);
	}
}

static void
rx_ring(struct port *p, uint32_t i)
{
	static const char frame[100] = "\xff\xff\xff\xff\xff\xff";
	struct netmap_ring *r = ring_at(p, p->tx_rings + 1 + i);
	uint32_t n;

	if (is(p, "feed"))
		feed(p, i);
	for (n = 0; is(p, "source") && n + 2 < r->num_slots; n++) {
		uint32_t used = (r->tail + r->num_slots - r->head) % r->num_slots;

		if (used + 3 > r->num_slots)
			break;
		if (n % 10 == 9) {
			receive(r, frame, 60, NS_MOREFRAG);
			receive(r, frame, 40, 0);
		} else {
			receive(r, frame, 100, 0);
		}
	}
}

/* Call f for the NIC rings of one direction that the file has bound. */
static int
is_bound(const struct file *f, uint32_t i)
{
	return f->reg.nr_mode != NR_REG_ONE_NIC || f->reg.nr_ringid == i;
}

static void
for_bound(struct file *f, uint32_t rings, void (*sync)(struct port *, uint32_t))
{
	uint32_t i;

	for (i = 0; i < rings; i++) {
		if (is_bound(f, i))
			sync(f->port, i);
	}
}

/* Whether a bound ring of those that begin at number first has a slot for the program. */
static int
is_ready(const struct file *f, uint32_t first, uint32_t rings)
{
	uint32_t i;

	for (i = 0; i < rings; i++) {
		const struct netmap_ring *r = ring_at(f->port, first + i);

		if (is_bound(f, i) && r->cur != r->tail)
			return 1;
	}
	return 0;
}

static struct file *
file_of(int fd)
{
	return fd >= 0 && fd < MAX_FILES && files[fd].is_netmap ? &files[fd] : NULL;
}

int
open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode = 0;
	int fd;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (strncmp(path, "/sys/class/net/", 15) == 0 && getenv("FAKE_NETMAP_SPEED") != NULL) {
		fd = memfd_create("speed", 0);
		dprintf(fd, "%s\n", getenv("FAKE_NETMAP_SPEED"));
		lseek(fd, 0, SEEK_SET);
		return fd;
	}
	if (strcmp(path, "/dev/netmap") != 0)
		return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	if (getenv("FAKE_NETMAP_ERRNO") != NULL) {
		errno = atoi(getenv("FAKE_NETMAP_ERRNO"));
		return -1;
	}
	fd = memfd_create("unbound", 0);
	if (fd >= MAX_FILES)
		abort();
	pthread_mutex_lock(&mutex);
	memset(&files[fd], 0, sizeof(files[fd]));
	files[fd].is_netmap = 1;
	pthread_mutex_unlock(&mutex);
	return fd;
}

static const struct {
	size_t body;
	int (*run)(struct nmreq_header *hdr);
} requests[] = {
	[NETMAP_REQ_REGISTER] = { sizeof(struct nmreq_register), NULL },
	[NETMAP_REQ_PORT_INFO_GET] = { sizeof(struct nmreq_port_info_get), do_port_info },
	[NETMAP_REQ_VALE_ATTACH] = { sizeof(struct nmreq_vale_attach), do_attach },
	[NETMAP_REQ_VALE_DETACH] = { sizeof(struct nmreq_vale_detach), do_detach },
	[NETMAP_REQ_VALE_LIST] = { sizeof(struct nmreq_vale_list), do_list },
	[NETMAP_REQ_PORT_HDR_SET] = { sizeof(struct nmreq_port_hdr), do_port_hdr },
	[NETMAP_REQ_PORT_HDR_GET] = { sizeof(struct nmreq_port_hdr), do_port_hdr },
	[NETMAP_REQ_VALE_NEWIF] = { sizeof(struct nmreq_vale_newif), do_newif },
	[NETMAP_REQ_VALE_DELIF] = { 0, NULL },
	[NETMAP_REQ_VALE_POLLING_ENABLE] = { sizeof(struct nmreq_vale_polling), NULL },
	[NETMAP_REQ_VALE_POLLING_DISABLE] = { sizeof(struct nmreq_vale_polling), NULL },
};

static void
log_hex(FILE *f, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	while (n-- > 0)
		fprintf(f, "%02x", *p++);
}

/* A line: the header, without the addresses at its end, and the body. */
static void
log_request(const struct nmreq_header *hdr, size_t body)
{
	const char *path = getenv("FAKE_NETMAP_LOG");
	FILE *f = path != NULL ? fopen(path, "a") : NULL;

	if (f == NULL)
		return;
	log_hex(f, hdr, offsetof(struct nmreq_header, nr_options));
	fprintf(f, " %d %s", hdr->nr_options != 0, hdr->nr_body == 0 ? "none" : "");
	if (hdr->nr_body != 0)
		log_hex(f, (const void *)(uintptr_t)hdr->nr_body, body);
	fprintf(f, "\n");
	fclose(f);
}

/* The number that the environment gives for a type of request; 0 for none. */
static int
refused(uint16_t type)
{
	const char *s = getenv("FAKE_NETMAP_REFUSE");

	for (; s != NULL && *s != '\0'; s = strchr(s, ',') != NULL ? strchr(s, ',') + 1 : NULL) {
		if (atoi(s) == type && strchr(s, '=') != NULL)
			return atoi(strchr(s, '=') + 1);
	}
	return 0;
}

static int
control(int fd, struct file *f, struct nmreq_header *hdr)
{
	const char *version = getenv("FAKE_NETMAP_VERSION");
	uint16_t type = hdr->nr_reqtype;

	if (type == 0 || type >= sizeof(requests) / sizeof(requests[0]))
		return EINVAL;
	log_request(hdr, requests[type].body);
	if (version != NULL) {
		hdr->nr_version = (uint16_t)atoi(version);
		return EINVAL;
	}
	/* As the kernel sees it: a body exactly where the request has one. */
	if ((hdr->nr_body != 0) != (requests[type].body != 0) || hdr->nr_reserved != 0)
		return EINVAL;
	if (refused(type) != 0)
		return refused(type);
	if (type == NETMAP_REQ_REGISTER)
		return f->port != NULL ? EBUSY : do_register(fd, hdr);
	return requests[type].run != NULL ? requests[type].run(hdr) : 0;
}

int
ioctl(int fd, unsigned long request, ...)
{
	struct file *f = file_of(fd);
	int error = 0;
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (f == NULL)
		return (int)syscall(SYS_ioctl, fd, request, arg);
	if (request == NIOCCTRL) {
		pthread_mutex_lock(&mutex);
		error = control(fd, f, arg);
		pthread_mutex_unlock(&mutex);
	} else if (f->port == NULL)
		error = ENXIO;
	else if (is(f->port, "gone"))
		error = EIO;
	else if (request == NIOCTXSYNC)
		for_bound(f, f->port->tx_rings, tx_ring);
	else
		for_bound(f, f->port->rx_rings, rx_ring);
	errno = error;
	return error != 0 ? -1 : 0;
}

/* Under another name in C, because libc's declaration of poll says that it only writes to fds. */
int fake_poll(struct pollfd *fds, nfds_t n, int timeout) __asm__("poll");

int
fake_poll(struct pollfd *fds, nfds_t n, int timeout)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	struct file *f = n == 1 ? file_of(fds->fd) : NULL;

	if (f == NULL || f->port == NULL)
		return (int)syscall(SYS_poll, fds, n, timeout);
	fds->revents = 0;
	if (is(f->port, "gone")) {
		fds->revents = POLLERR;
		return 1;
	}
	for_bound(f, f->port->tx_rings, tx_ring);
	for_bound(f, f->port->rx_rings, rx_ring);
	if (is_ready(f, 0, f->port->tx_rings))
		fds->revents |= fds->events & POLLOUT;
	if (is_ready(f, f->port->tx_rings + 1, f->port->rx_rings))
		fds->revents |= fds->events & POLLIN;
	if (fds->revents == 0)
		nanosleep(&pause, NULL);
	return fds->revents != 0;
}

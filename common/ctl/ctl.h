/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/ - what a system calls at the top: requests, handles, poll, mmap.
 *
 * A port gathers a request into one flat image (ctl/gather.c does it for systems
 * where pointers can be followed; Windows receives it flat), calls
 * nm_ctl_request(), and scatters the answer.  The essay is in request.c.
 */
#ifndef NM_CTL_H
#define NM_CTL_H

#include "port/port.h"

/* One per open file.  Made by nm_ctl_open, freed by nm_ctl_close. */
struct nm_handle {
	struct nm_ns *ns;
	struct nm_binding b; /* b.nifp != NULL: bound; syncs read it with nm_ptr_load */
};

/* Module load / unload: everything of the core.  0 or errno; on error all undone. */
int nm_core_init(void);
/* No file is open, no namespace left. */
void nm_core_fini(void);

/* NULL: no memory.  Context: fault. */
struct nm_handle *nm_ctl_open(struct nm_ns *ns);
/* Nobody uses the handle any more (last reference to the file).  Context: fault. */
void nm_ctl_close(struct nm_handle *h);

/* ---- a request's flat image ------------------------------------------------ */

#define NM_IMAGE_MAX_OPTS (NETMAP_REQ_MAXSIZE / sizeof(struct nmreq_option))

struct nm_image_opt {
	uint32_t off;	/* in data; 8-aligned */
	uint32_t len;	/* bytes gathered: the option's struct (at least its header) */
	uint64_t uaddr; /* where it came from (scatter) */
};

/* The answer must fit the old struct nmreq, else EOVERFLOW before anything is bound. */
#define NM_IMAGE_FIT32 0x1

/*
 * Options lie behind the body, in order, without overlap.  A port that fills an image
 * itself sets all fields but data's nro_status; nothing of it is trusted.
 */
struct nm_image {
	struct nmreq_header hdr;
	uint32_t body_len; /* bytes at data[0]; 0: none */
	uint32_t nopts;
	uint32_t used;	   /* bytes of data in use */
	uint32_t flags;	   /* NM_IMAGE_* */
	struct nm_image_opt opt[NM_IMAGE_MAX_OPTS];
	uint8_t data[NETMAP_REQ_MAXSIZE + 8] __attribute__((aligned(8)));
};

/*
 * Gather: copies header, body and options from the calling process.  *out is to be
 * freed with nm_os_free also on errors where it is not NULL (then the header and the
 * options' nro_status are to be scattered all the same).  EFAULT (memory that cannot be
 * read, or not be written), EINVAL (reserved, version, unknown type, name without end,
 * body pointer missing or superfluous), EMSGSIZE, ENOMEM.  Scatter: what the rules copy
 * back, given the request's own result `error`; returns error, or EFAULT if that was 0.
 * Context: fault.
 */
int nm_ctl_gather(uint64_t uhdr, struct nm_image **out);
int nm_ctl_scatter(uint64_t uhdr, struct nm_image *img, int error);

/*
 * Carries out a gathered image; writes results into it, the options' nro_status in any
 * case.  EINVAL for a header or options that are wrong (type 0, doubles, sizes), EOPNOTSUPP
 * for what this kernel does not do, else the request's own.  Context: fault.
 */
int nm_ctl_request(struct nm_handle *h, struct nm_image *img);

/* Legacy ioctls on a kernel copy of struct nmreq, updated in place: NIOCGINFO and
 * NIOCREGIF.  EINVAL, or the new request's errno; EOVERFLOW where a 64-bit answer
 * does not fit the old struct (then nothing is bound).  Context: fault. */
int nm_ctl_legacy_info(struct nm_handle *h, struct nmreq *req);
int nm_ctl_legacy_regif(struct nm_handle *h, struct nmreq *req);

/* NIOCTXSYNC (NR_TX) / NIOCRXSYNC (NR_RX).  ENXIO not bound, EIO stopped or gone,
 * EBUSY CSB mode; 0 also when a ring was bad and was re-initialised.
 * Context: fault. */
int nm_ctl_sync(struct nm_handle *h, enum txrx t);

/* poll: `events` of NM_POLL*; records in `p` when it is not NULL (nm_waitq_record),
 * for the directions asked; returns the ready ones and NM_POLLERR.  Context: fault. */
#define NM_POLLIN 1
#define NM_POLLOUT 2
#define NM_POLLERR 4
int nm_ctl_poll(struct nm_handle *h, int events, struct nm_poll *p);

/* The region of a bound handle for mmap: its pages and size in bytes; ENXIO when not
 * bound, EINVAL when [offset, offset+len) is outside.  Valid until close.
 * Context: sleep. */
int nm_ctl_mmap(struct nm_handle *h, uint64_t offset, uint64_t len, struct nm_os_pages **pages);

#endif /* NM_CTL_H */

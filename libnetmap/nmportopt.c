/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options of the kernel that a port can carry: external memory and offsets.  Those
 * made here belong to the port; a program may hang others of its own on the
 * header, which are left alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

/* An option that was made here.  The program may have taken it off the list. */
struct own_option {
	struct nmport_cleanup_d cleanup;
	struct nmreq_option *opt;
};

static void
drop_option(struct nmport_cleanup_d *c, struct nmport_d *d)
{
	struct nmreq_option *opt, *ours = ((struct own_option *)c)->opt;

	nmreq_foreach_option(&d->hdr, opt) {
		if (opt != ours)
			continue;
		nmreq_remove_option(&d->hdr, opt);
		nmctx_free(d->ctx, opt);
		break;
	}
	if ((void *)d->extmem == (void *)ours)
		d->extmem = NULL;
}

static void
own(struct nmport_d *d, struct nmport_cleanup_d *c,
    void (*undo)(struct nmport_cleanup_d *, struct nmport_d *))
{
	c->undo = undo;
	c->next = d->clist;
	d->clist = c;
}

/* Make a kernel option, zeroed, on the port's list and the port's own. */
static void *
add_option(struct nmport_d *d, uint32_t type, size_t size)
{
	struct nmreq_option *opt;
	struct own_option *mine;

	if (nmreq_find_option(&d->hdr, type) != NULL) {
		nmctx_ferror(d->ctx, "%s: option %s given twice", d->hdr.nr_name,
		    nmreq_option_name(type));
		errno = EINVAL;
		return NULL;
	}
	mine = nmctx_malloc(d->ctx, sizeof(*mine));
	opt = mine != NULL ? nmctx_malloc(d->ctx, size) : NULL;
	if (opt == NULL) {
		nmctx_ferror(d->ctx, "%s: no memory for an option", d->hdr.nr_name);
		nmctx_free(d->ctx, mine);
		errno = ENOMEM;
		return NULL;
	}
	memset(opt, 0, size);
	opt->nro_reqtype = type;
	opt->nro_size = size;
	nmreq_push_option(&d->hdr, opt);
	mine->opt = opt;
	own(d, &mine->cleanup, drop_option);
	return opt;
}

int
nm_options_copy(struct nmport_d *to, struct nmport_d *from)
{
	struct nmreq_option *opt;

	nmreq_foreach_option(&from->hdr, opt) {
		struct nmreq_option *copy;
		uint64_t next;

		if (opt->nro_reqtype != NETMAP_REQ_OPT_OFFSETS)
			continue;
		copy = add_option(to, opt->nro_reqtype, sizeof(struct nmreq_opt_offsets));
		if (copy == NULL)
			return -1;
		next = copy->nro_next;
		memcpy(copy, opt, sizeof(struct nmreq_opt_offsets));
		copy->nro_next = next;
		copy->nro_status = 0;
	}
	return 0;
}

int
nmport_extmem(struct nmport_d *d, void *base, size_t size)
{
	struct nmreq_opt_extmem *opt;

	if (d->register_done) {
		nmctx_ferror(d->ctx, "%s: external memory comes too late: the port is open",
		    d->hdr.nr_name);
		errno = EINVAL;
		return -1;
	}
	opt = add_option(d, NETMAP_REQ_OPT_EXTMEM, sizeof(*opt));
	if (opt == NULL)
		return -1;
	opt->nro_usrptr = (uintptr_t)base;
	opt->nro_info.nr_memsize = size;
	d->extmem = opt;
	return 0;
}

struct file_mapping {
	struct nmport_cleanup_d cleanup;
	void *base;
	size_t size;
};

static void
unmap_file(struct nmport_cleanup_d *c, struct nmport_d *d)
{
	struct file_mapping *m = (struct file_mapping *)c;

	if (!nm_mem_adopt(d->ctx, m->base, m->size))
		munmap(m->base, m->size);
}

int
nmport_extmem_from_file(struct nmport_d *d, const char *path)
{
	struct file_mapping *m = nmctx_malloc(d->ctx, sizeof(*m));
	const char *what = "no memory";
	struct stat st;
	int fd = -1, error = ENOMEM;

	if (m == NULL)
		goto fail;
	what = "cannot open";
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0) {
		error = errno;
		goto fail;
	}
	what = "cannot map";
	m->size = (size_t)st.st_size;
	m->base = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m->base == MAP_FAILED) {
		error = errno;
		goto fail;
	}
	close(fd);
	if (nmport_extmem(d, m->base, m->size) != 0) {
		error = errno;
		munmap(m->base, m->size);
		nmctx_free(d->ctx, m);
		errno = error;
		return -1;
	}
	own(d, &m->cleanup, unmap_file);
	return 0;
fail:
	nmctx_ferror(d->ctx, "%s: %s for external memory: %s", path, what, strerror(error));
	if (fd >= 0)
		close(fd);
	nmctx_free(d->ctx, m);
	errno = error;
	return -1;
}

struct nmreq_pools_info *
nmport_extmem_getinfo(struct nmport_d *d)
{
	return d->extmem != NULL ? &d->extmem->nro_info : NULL;
}

int
nmport_offset(struct nmport_d *d, uint64_t initial, uint64_t maxoff, uint64_t bits,
	      uint64_t mingap)
{
	struct nmreq_opt_offsets *opt;

	const char *wrong = NULL;

	if (d->register_done)
		wrong = "the port is open already";
	else if (bits > 64)
		wrong = "more than 64 bits";
	else if (maxoff != 0 && maxoff < initial)
		wrong = "the greatest is below the initial one";
	if (wrong != NULL) {
		nmctx_ferror(d->ctx, "%s: offsets: %s", d->hdr.nr_name, wrong);
		errno = EINVAL;
		return -1;
	}
	opt = add_option(d, NETMAP_REQ_OPT_OFFSETS, sizeof(*opt));
	if (opt == NULL)
		return -1;
	opt->nro_initial_offset = initial;
	opt->nro_max_offset = maxoff != 0 ? maxoff : initial;
	opt->nro_offset_bits = (uint32_t)bits;
	opt->nro_min_gap = mingap;
	return 0;
}

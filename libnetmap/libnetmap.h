/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libnetmap: open netmap ports by name, from C.
 *
 *	struct nmport_d *d = nmport_open("netmap:eth0");
 *	if (d == NULL)
 *		err(1, "netmap:eth0");
 *	... poll(d->fd), NETMAP_RXRING(d->nifp, d->first_rx_ring), ...
 *	nmport_close(d);
 *
 * Three layers, each usable alone: nmport_* (an open port), nmreq_* (requests,
 * options, names), nmctx_* (memory, messages and locks of the other two).
 *
 * Functions that return int give 0, or -1 with errno; those that return a
 * pointer give NULL with errno.  Why a call failed is also put into words and
 * handed to the context's error callback, which by default prints it on stderr.
 * Any function that takes memory may fail with ENOMEM.  Names and buffers that
 * are handed in stay the caller's and are not needed after the call, except where
 * said otherwise.
 *
 * A port, a request and a list of options belong to one thread at a time.  Several
 * threads may each open, use and close ports of their own after nmctx_set_threadsafe().
 *
 * Names of ports:
 *
 *	netmap:IFNAME[MODE][/FLAGS][@OPTION]...		an interface
 *	[netmap:]valeSWITCH:PORT[MODE]...		a port of a switch
 *	either followed by {ID or }ID			an end of a pipe on it
 *
 *	MODE	^   host rings		^K  host ring K		*  NIC and host rings
 *		-K  NIC ring K		nothing: all NIC rings
 *	FLAGS	x exclusive, R rx rings only, T tx rings only,
 *		r monitor of rx, t monitor of tx, z zero-copy monitor (of both without r, t)
 *	OPTION	N			id of the memory region
 *		share:PORT		the region of another port
 *		conf:KEY=N,...		rings, slots, tx-rings, rx-rings, host-rings,
 *					host-tx-rings, host-rx-rings, tx-slots, rx-slots
 *		extmem:file=PATH,...	memory in a file; if-num, if-size, ring-num,
 *					ring-size, buf-num, buf-size
 *		offset:initial=N,...	packets at an offset; max, bits, gap
 *
 * "-K" counts as a mode only when digits alone follow the dash up to the end,
 * '/' or '@'; elsewhere a dash belongs to the name.
 */
#ifndef LIBNETMAP_H_
#define LIBNETMAP_H_

#include <stddef.h>
#include <stdint.h>

#include <net/netmap.h>
#include <net/netmap_user.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nmctx;
struct nmport_d;
struct nmem_d;
struct nmport_cleanup_d;
struct nmreq_opt_parser;

#if defined(__GNUC__)
#define LIBNETMAP_PRINTF(fmt, args)	__attribute__((__format__(__printf__, fmt, args)))
#else
#define LIBNETMAP_PRINTF(fmt, args)
#endif

/* --- Ports ------------------------------------------------------------------ */

/*
 * A port, open or about to be.  Between nmport_prepare() and nmport_open_desc() a
 * program may change hdr and reg as it likes; afterwards they hold what the kernel
 * answered, and once the port is closed again what was asked.  Options that the program
 * hangs on hdr itself stay its own and must live until the port is registered.  A range of
 * rings with first > last is empty; host rings come behind NIC rings.  Made by the
 * library only (nmport_new() and what calls it): fields may be added at the end.
 */
struct nmport_d {
	struct nmreq_header hdr;
	struct nmreq_register reg;
	struct nmem_d *mem;			/* the mapping, shared between ports */
	struct nmctx *ctx;
	int register_done;
	int mmap_done;
	struct nmreq_opt_extmem *extmem;	/* the option, if there is one */
	int fd;					/* -1 while not registered */
	struct netmap_if *nifp;			/* NULL while not mapped */
	uint16_t first_tx_ring;
	uint16_t last_tx_ring;
	uint16_t first_rx_ring;
	uint16_t last_rx_ring;
	uint16_t cur_tx_ring;			/* used by nmport_inject() */
	uint16_t cur_rx_ring;			/* free for the program */
	struct nmport_cleanup_d *clist;		/* what the port owns; the library's */
	struct nmreq_register asked;		/* reg before it was registered; the library's */
};

/*
 * Open a port by name, ready for use; and close it (NULL: nothing to do), which frees it.
 * Ports on one region share the mapping of the first; the system keeps that one's file, and
 * so its port, in use until the last of them is closed.
 * Errors: those of nmport_parse(), nmport_register() and nmport_mmap().
 */
struct nmport_d *nmport_open(const char *portspec);
void nmport_close(struct nmport_d *d);

/*
 * Copy one packet of size bytes into a tx ring that has room, over several slots if need
 * be.  It leaves at the next sync or poll.  Returns size, or 0 when no ring has room for
 * all of it or size is 0; errno says nothing.
 */
int nmport_inject(struct nmport_d *d, const void *buf, size_t size);

/*
 * nmport_open() in its two halves, for programs that change hdr or reg in between.  When
 * nmport_open_desc() fails the port is as before and still the caller's.
 * nmport_undo_prepare() also closes and frees the port (NULL: nothing to do).
 */
struct nmport_d *nmport_prepare(const char *portspec);
int nmport_open_desc(struct nmport_d *d);
void nmport_undo_prepare(struct nmport_d *d);
void nmport_undo_open_desc(struct nmport_d *d);

/*
 * The halves in their own halves.  prepare = new, parse; open_desc = register, mmap.  A step
 * that fails changes nothing.  Each undo function first undoes the steps after its own, and
 * may be called when there is nothing to undo.
 *
 * new       a port without a name; frees with nmport_delete(), which takes NULL and ports in
 *           any state.
 * parse     name, mode and options into hdr and reg.  EINVAL, ENAMETOOLONG: not a name;
 *           EINVAL: the port is open; with share also ENXIO: the port to share with is not
 *           open; with extmem what open() and mmap() of the file say.
 * register  opens /dev/netmap and binds it.  ENOENT, EACCES: the device; ENXIO: no such
 *           port; EBUSY: it is in use; EIO: its virtio-net headers were not accepted;
 *           EINVAL: no such ring or region, or registered already; EOPNOTSUPP: an option or
 *           mode that this kernel has not.
 * mmap      maps the region, or finds it mapped.  EINVAL: not registered, or mapped already;
 *           what mmap() says.
 */
struct nmport_d *nmport_new(void);
int nmport_parse(struct nmport_d *d, const char *portspec);
int nmport_register(struct nmport_d *d);
int nmport_mmap(struct nmport_d *d);
void nmport_delete(struct nmport_d *d);
void nmport_undo_parse(struct nmport_d *d);
void nmport_undo_register(struct nmport_d *d);
void nmport_undo_mmap(struct nmport_d *d);

/*
 * A new port, not open yet and the caller's, with the name, mode, sizes and offsets of d, and
 * bound to the same region once d is registered.  Extra buffers are not asked for again; options
 * other than offsets are not copied.
 * EINVAL: d wants external memory and is not registered.
 */
struct nmport_d *nmport_clone(struct nmport_d *d);

/*
 * Before registering: let the region live in size bytes at base (page aligned), or
 * in a file, as large as the file is.  The memory stays the caller's and must be there until
 * the last port on the region is closed; that of a file is the library's.
 * EINVAL: registered already, or external memory given twice; with a file what open(), fstat()
 * and mmap() say.
 */
int nmport_extmem(struct nmport_d *d, void *base, size_t size);
int nmport_extmem_from_file(struct nmport_d *d, const char *path);

/*
 * Wishes for and, after registering, layout of the external memory; NULL without it.  Valid
 * as long as the port has its name.
 */
struct nmreq_pools_info *nmport_extmem_getinfo(struct nmport_d *d);

/*
 * Before registering: ask for packets at offsets, in bytes: the one every slot starts
 * with, the greatest (0: initial), bits of slot->ptr (0: the kernel's choice), room
 * behind each packet.  EINVAL: registered already, given twice, more than 64 bits, greatest
 * below initial.
 */
int nmport_offset(struct nmport_d *d, uint64_t initial, uint64_t maxoff, uint64_t bits,
		  uint64_t mingap);

/*
 * Allow or forbid an option (share, conf, extmem, offset) in names of ports, for
 * the whole process, before threads start; all are allowed at first.  EINVAL: no such
 * option; forbidding an unknown one does nothing.
 */
int nmport_enable_option(const char *name);
void nmport_disable_option(const char *name);

/* --- Requests --------------------------------------------------------------- */

/* Clear a header and set its version, type and body (NULL for none), which it points to. */
void nmreq_header_init(struct nmreq_header *hdr, uint16_t reqtype, void *body);

/*
 * Take the port's name off *spec into nr_name, pipe id included, and leave *spec
 * at what follows.  EINVAL: not a name; ENAMETOOLONG: more than 63 bytes.  On failure *spec
 * and hdr are as they were, here and in the next two.
 */
int nmreq_header_decode(const char **spec, struct nmreq_header *hdr, struct nmctx *ctx);

/*
 * Take mode, flags and an @N off *mode into nr_mode, nr_ringid, nr_flags (added to those
 * there) and nr_mem_id (kept without @N), and leave *mode at the end or at the '@' of an
 * option.  EINVAL.
 */
int nmreq_register_decode(const char **mode, struct nmreq_register *reg, struct nmctx *ctx);

/* One key of an option in a port's name. */
struct nmreq_opt_key {
	const char *name;
	unsigned int flags;
};
#define NMREQ_OPT_KEY_REQUIRED	0x1	/* the option makes no sense without it */
#define NMREQ_OPT_KEY_BARE	0x2	/* may stand without =VALUE; its value is then "" */

#define NMREQ_OPT_KEYS_MAX	16

/*
 * How to read @NAME:KEY=VALUE,... .  apply() gets one value per key in the order
 * of keys, NULL for those that were not given, valid during the call; it returns 0, or -1
 * with errno after it has told why.  At most NMREQ_OPT_KEYS_MAX keys.  A value holds
 * neither ',' nor '@'.
 */
struct nmreq_opt_parser {
	const char *name;
	const struct nmreq_opt_key *keys;
	int n_keys;
	int default_key;	/* index of the key that a value without KEY= belongs to, -1: none */
	int (*apply)(void *token, const char *const *values, struct nmctx *ctx);
	struct nmreq_opt_parser *next;
};

/*
 * Run the parsers of a list on a string of options, "" or "@name:..."..., and hand each
 * the token.  EINVAL: bad syntax, unknown or doubled key or option; or what an apply() set.
 * Options before the one that fails have been applied: undoing that is the caller's.
 */
int nmreq_options_decode(const char *opt, struct nmreq_opt_parser *parsers, void *token,
			 struct nmctx *ctx);

/*
 * Region id of the port named at the start of *portname, which is moved behind the name.
 * Returns the id, or -1 with errno: EINVAL, ENAMETOOLONG: not a name; ENXIO: no such port, or
 * one that nobody has open and that has no region yet; ENOENT, EACCES: /dev/netmap.
 */
int32_t nmreq_get_mem_id(const char **portname, struct nmctx *ctx);

/*
 * The list of options of a request: put one in front, which must stay until the request is
 * done; take one off (not in it: nothing happens); the first of a type, or NULL.
 */
void nmreq_push_option(struct nmreq_header *hdr, struct nmreq_option *opt);
void nmreq_remove_option(struct nmreq_header *hdr, struct nmreq_option *opt);
struct nmreq_option *nmreq_find_option(struct nmreq_header *hdr, uint32_t type);
/* Take off and free all options, which came from nmctx_malloc() of the default context. */
void nmreq_free_options(struct nmreq_header *hdr);
/* "extmem", "csb", ...; "unknown" for a type that is none.  Static. */
const char *nmreq_option_name(uint32_t type);

/* A loop over the options of a header; opt must not be taken off in its body. */
#define nmreq_foreach_option(hdr, opt)						\
	for ((opt) = (struct nmreq_option *)(uintptr_t)(hdr)->nr_options;	\
	     (opt) != NULL;							\
	     (opt) = (struct nmreq_option *)(uintptr_t)(opt)->nro_next)

/* --- Context ---------------------------------------------------------------- */

/*
 * Services that the library calls, and the mappings it keeps.  Ports use the
 * default context of the moment when they were made, which must outlive them; its callbacks
 * must not change while it has ports.
 */
struct nmctx {
	int verbose;					/* 0: no messages at all */
	void (*error)(struct nmctx *ctx, const char *message);
	void *(*malloc)(struct nmctx *ctx, size_t size);	/* zeroed memory, or NULL */
	void (*free)(struct nmctx *ctx, void *p);
	void (*lock)(struct nmctx *ctx, int dolock);	/* 1 take, 0 release; NULL: one thread only */
	struct nmem_d *mem_descs;			/* regions mapped now */
};

/*
 * The default context; and replace it (NULL: the built-in one), returning the one before.
 * Before threads start.
 */
struct nmctx *nmctx_get(void);
struct nmctx *nmctx_set_default(struct nmctx *ctx);

/*
 * Give the default context a mutex, unless it has a lock, so that several threads may open and
 * close ports.  Before threads start.
 */
void nmctx_set_threadsafe(void);

/*
 * For callbacks and option parsers: tell an error in words (no line end; cut at 511 bytes) if
 * the context is verbose; memory, zeroed by the built-in context, or NULL; give it back (NULL:
 * nothing to do); take and release the lock, if there is one, which is not recursive.
 */
void nmctx_ferror(struct nmctx *ctx, const char *fmt, ...) LIBNETMAP_PRINTF(2, 3);
void *nmctx_malloc(struct nmctx *ctx, size_t size);
void nmctx_free(struct nmctx *ctx, void *p);
void nmctx_lock(struct nmctx *ctx);
void nmctx_unlock(struct nmctx *ctx);

#ifdef __cplusplus
}
#endif

#endif /* LIBNETMAP_H_ */

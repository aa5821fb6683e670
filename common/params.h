/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parameters, once: each port expands NM_PARAMS to make them visible
 * (Linux: module parameters; hosted: a table for the tests).  Values are ints,
 * read with nm_param(); a port refuses a value outside [min, max] with EINVAL
 * and nothing changes.  `rw`: 2 writable live, 1 only when loading, 0 read only.
 * Sizes are bytes per object, nums are objects.  Changes of {if,ring,buf}_* take
 * effect when region 1 is next brought into use, priv_* with the next new port.
 */
#ifndef NM_PARAMS_H
#define NM_PARAMS_H

/*  X(name, default, min, max, rw, help) */
#define NM_PARAMS(X)                                                           \
	X(verbose, 0, 0, 3, 2, "print more to the log")                        \
	X(no_timestamp, 0, 0, 1, 2, "do not write ring->ts at every rx sync")  \
	X(no_pendintr, 1, 0, 1, 2, "rx sync always looks for new packets")     \
	X(bridge_batch, 256, 1, 256, 2, "packets a switch forwards at a time") \
	X(max_bridges, 8, 1, 1000, 1, "switches per network namespace")        \
	X(if_size, 1024, 64, 1048576, 2, "region 1: bytes of a netmap_if")     \
	X(if_num, 100, 1, 100000, 2, "region 1: number of netmap_ifs")         \
	X(ring_size, 36864, 320, 4194304, 2, "region 1: bytes of a ring")      \
	X(ring_num, 200, 2, 100000, 2, "region 1: number of rings")            \
	X(buf_size, 2048, 64, 65536, 2, "region 1: bytes of a buffer")         \
	X(buf_num, 163840, 4, 100000000, 2, "region 1: number of buffers")     \
	X(if_curr_size, 0, 0, 0, 0, "region 1 in use: bytes of a netmap_if")   \
	X(if_curr_num, 0, 0, 0, 0, "region 1 in use: number of netmap_ifs")    \
	X(ring_curr_size, 0, 0, 0, 0, "region 1 in use: bytes of a ring")      \
	X(ring_curr_num, 0, 0, 0, 0, "region 1 in use: number of rings")       \
	X(buf_curr_size, 0, 0, 0, 0, "region 1 in use: bytes of a buffer")     \
	X(buf_curr_num, 0, 0, 0, 0, "region 1 in use: number of buffers")      \
	X(priv_if_size, 1024, 64, 1048576, 2, "private regions: bytes of a netmap_if") \
	X(priv_if_num, 2, 1, 100000, 2, "private regions: number of netmap_ifs") \
	X(priv_ring_size, 20480, 320, 4194304, 2, "private regions: bytes of a ring") \
	X(priv_ring_num, 4, 2, 100000, 2, "private regions: number of rings")  \
	X(priv_buf_size, 2048, 64, 65536, 2, "private regions: bytes of a buffer") \
	X(priv_buf_num, 4098, 4, 100000000, 2, "private regions: number of buffers")

#define NM_PARAM_DECLARE(name, def, min, max, rw, help) extern int netmap_##name;
NM_PARAMS(NM_PARAM_DECLARE)
#undef NM_PARAM_DECLARE

/* One read of a live parameter; a port may change it at any time. */
#define nm_param(name) ((int)nm_read_once((const uint32_t *)&netmap_##name))

#endif /* NM_PARAMS_H */

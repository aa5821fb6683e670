/* SPDX-License-Identifier: BSD-2-Clause */
/* What NIC drivers link against: the functions and variables of netmap_kern.h. */
#include <linux/module.h>

#include <dev/netmap/netmap_kern.h>

EXPORT_SYMBOL_GPL(netmap_attach);
EXPORT_SYMBOL_GPL(netmap_attach_ext);
EXPORT_SYMBOL_GPL(netmap_detach);
EXPORT_SYMBOL_GPL(netmap_reset);
EXPORT_SYMBOL_GPL(netmap_rx_irq);
EXPORT_SYMBOL_GPL(netmap_tx_irq);
EXPORT_SYMBOL_GPL(netmap_common_irq);
EXPORT_SYMBOL_GPL(netmap_ring_reinit);
EXPORT_SYMBOL_GPL(netmap_disable_all_rings);
EXPORT_SYMBOL_GPL(netmap_enable_all_rings);
EXPORT_SYMBOL_GPL(netmap_krings_mode_commit);
EXPORT_SYMBOL_GPL(netmap_verbose);
EXPORT_SYMBOL_GPL(netmap_no_pendintr);

/* what its inline functions call */
EXPORT_SYMBOL_GPL(nm_mem_buf_phys);
EXPORT_SYMBOL_GPL(nm_os_if_na);
EXPORT_SYMBOL_GPL(nm_os_log);
EXPORT_SYMBOL_GPL(nm_os_log_ratelimit);

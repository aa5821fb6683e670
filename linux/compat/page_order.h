/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux 6.8 renamed MAX_ORDER to MAX_PAGE_ORDER, the largest order there is; 6.4 had
 * made it that, before it was one more.  One less is right, if modest, for both.
 */
#ifndef NM_COMPAT_PAGE_ORDER_H
#define NM_COMPAT_PAGE_ORDER_H

#include <linux/mmzone.h>

#include "netmap_probes.h"

#ifndef HAVE_MAX_PAGE_ORDER
#define MAX_PAGE_ORDER (MAX_ORDER - 1)
#endif

#endif /* NM_COMPAT_PAGE_ORDER_H */

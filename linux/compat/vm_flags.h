/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux 6.3 made vma->vm_flags read only and gave functions to change it. */
#ifndef NM_COMPAT_VM_FLAGS_H
#define NM_COMPAT_VM_FLAGS_H

#include <linux/mm.h>

#include "netmap_probes.h"

#ifndef HAVE_VM_FLAGS_SET
static inline void vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags |= flags;
}
#endif

#endif /* NM_COMPAT_VM_FLAGS_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/* The pages of a region as the device node needs them. */
#ifndef NM_OS_MEMORY_H
#define NM_OS_MEMORY_H

struct nm_os_pages;
struct vm_area_struct;

/*
 * Shows the region in a user mapping, from vma->vm_pgoff on; the caller has checked
 * that this range lies inside.  All pages are mapped at once, so that the packet path
 * never faults; pages that the program drops (MADV_DONTNEED) come back by a fault.
 * The region must outlive the mapping's file.  Returns 0 or a negative errno.
 * Context: mmap.
 */
int nm_linux_pages_map(struct nm_os_pages *p, struct vm_area_struct *vma);

#endif /* NM_OS_MEMORY_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel memory, and the pages of a region.
 *
 * A region is an array of single pages.  They are taken in clusters, the largest
 * that come without trying hard, split at once so that each page counts its own
 * references, and lined up in the kernel by vmap().  Every user mapping of a page
 * holds a reference, so that freeing a region cannot take a page from a program that
 * still has it.  All of it is accounted to the memory cgroup of who asked.
 */
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "os.h"
#include "os_memory.h"
#include "compat/page_order.h"
#include "compat/vm_flags.h"

/* 2 MB on x86: what a large page of the direct map or of an IOMMU covers. */
#define NM_CLUSTER_ORDER 9

struct nm_os_pages {
	size_t count;
	void *kva;
	struct page **page;
};

void *nm_os_malloc(size_t bytes)
{
	if (bytes > INT_MAX)
		return NULL; /* kvmalloc() would warn */
	return kvzalloc(max_t(size_t, bytes, 16), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
}

void nm_os_free(void *p)
{
	kvfree(p);
}

/*
 * Clusters give up early.  Single pages try harder, but rather fail than set the
 * OOM killer on programs because a parameter asked for too large a region.
 */
static struct page *nm_cluster_alloc(unsigned int order)
{
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN;
	struct page *page;

	if (order == 0)
		return alloc_page(gfp | __GFP_RETRY_MAYFAIL);
	page = alloc_pages(gfp | __GFP_NORETRY, order);
	if (page != NULL)
		split_page(page, order);
	return page;
}

static int nm_pages_fill(struct nm_os_pages *p, size_t count)
{
	unsigned int order = min(NM_CLUSTER_ORDER, MAX_PAGE_ORDER);

	while (p->count < count) {
		struct page *page;
		size_t i;

		order = min_t(unsigned int, order, ilog2(count - p->count));
		page = nm_cluster_alloc(order);
		if (page == NULL && order == 0)
			return ENOMEM;
		if (page == NULL) {
			order--;
			continue;
		}
		for (i = 0; i < (size_t)1 << order; i++)
			p->page[p->count++] = page + i;
		cond_resched();
	}
	return 0;
}

void nm_os_pages_free(struct nm_os_pages *p)
{
	size_t i;

	if (p == NULL)
		return;
	if (p->kva != NULL)
		vunmap(p->kva);
	for (i = 0; i < p->count; i++) {
		put_page(p->page[i]);
		if (i % 1024 == 0)
			cond_resched();
	}
	kvfree(p->page);
	kfree(p);
}

struct nm_os_pages *nm_os_pages_alloc(size_t bytes, void **kva)
{
	size_t count = bytes >> PAGE_SHIFT;
	struct nm_os_pages *p;

	if (count == 0 || count > totalram_pages() || count > UINT_MAX)
		return NULL;
	p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	if (p == NULL)
		return NULL;
	p->page = kvmalloc_array(count, sizeof(p->page[0]), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (p->page == NULL || nm_pages_fill(p, count) != 0)
		goto fail;
	p->kva = vmap(p->page, (unsigned int)count, VM_MAP, PAGE_KERNEL);
	if (p->kva == NULL)
		goto fail;
	*kva = p->kva;
	return p;
fail:
	nm_os_pages_free(p);
	return NULL;
}

uint64_t nm_os_pages_phys(const struct nm_os_pages *p, size_t offset)
{
	return PFN_PHYS(page_to_pfn(p->page[offset >> PAGE_SHIFT])) + offset_in_page(offset);
}

static vm_fault_t nm_pages_fault(struct vm_fault *vmf)
{
	struct nm_os_pages *p = vmf->vma->vm_private_data;

	if (vmf->pgoff >= p->count)
		return VM_FAULT_SIGBUS;
	vmf->page = p->page[vmf->pgoff];
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct nm_pages_vm_ops = {
	.fault = nm_pages_fault,
};

int nm_linux_pages_map(struct nm_os_pages *p, struct vm_area_struct *vma)
{
	unsigned long left = vma_pages(vma);

	/* mremap() may move or shrink it; packets are no use in a core dump */
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = p;
	vma->vm_ops = &nm_pages_vm_ops;
	return vm_insert_pages(vma, vma->vm_start, p->page + vma->vm_pgoff, &left);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies from and to the calling process. */
#include <linux/kernel.h>
#include <linux/uaccess.h>

#include "os.h"

/* On a 32-bit kernel an address above 4 GB is nobody's. */
static bool nm_user_addr_fits(uint64_t uaddr)
{
	return (uintptr_t)uaddr == uaddr;
}

int nm_os_copyin(uint64_t uaddr, void *dst, size_t len)
{
	if (!nm_user_addr_fits(uaddr))
		return EFAULT;
	return copy_from_user(dst, u64_to_user_ptr(uaddr), len) ? EFAULT : 0;
}

int nm_os_copyout(const void *src, uint64_t uaddr, size_t len)
{
	if (!nm_user_addr_fits(uaddr))
		return EFAULT;
	return copy_to_user(u64_to_user_ptr(uaddr), src, len) ? EFAULT : 0;
}

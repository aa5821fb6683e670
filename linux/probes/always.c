/* SPDX-License-Identifier: BSD-2-Clause */
/* Compiles on every kernel: when it does not, the tree or the compiler is broken. */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/netdevice.h>

int probe(void);
int probe(void)
{
	return 0;
}

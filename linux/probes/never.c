/* SPDX-License-Identifier: BSD-2-Clause */
/* Compiles nowhere: when it does, the probes prove nothing. */
#include <linux/mm.h>

int probe(void);
int probe(void)
{
	return nm_no_kernel_has_this_function();
}

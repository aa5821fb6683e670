/* SPDX-License-Identifier: BSD-2-Clause */
#include <linux/mmzone.h>

int probe(void);
int probe(void)
{
	return MAX_PAGE_ORDER;
}

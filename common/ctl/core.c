/* SPDX-License-Identifier: BSD-2-Clause */
/* Module load and unload: the rooms from the lowest up, and back. */
#include "ctl/ctl.h"
#include "vale/vale.h"

int nm_core_init(void)
{
	int error = nm_mem_init();

	if (error)
		return error;
	error = nm_port_init();
	if (error)
		goto out_mem;
	error = nm_vale_init();
	if (error)
		goto out_port;
	return 0;

out_port:
	nm_port_fini();
out_mem:
	nm_mem_fini();
	return error;
}

void nm_core_fini(void)
{
	nm_port_fini();
	nm_mem_fini();
	nm_os_defer_barrier(); /* adapters that wait for their grace period */
}

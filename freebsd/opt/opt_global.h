/* SPDX-License-Identifier: BSD-2-Clause */
/* Options of the kernel that the module is for, where its build folder is not at hand:
 * those of GENERIC that reach the headers. */
#define SMP 1
#define VIMAGE 1

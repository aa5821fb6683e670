/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os_contract.h - what os.h promises, as a table of cases that any port can run.
 *
 * The cases use os.h and the few things of struct nm_contract_env that a system
 * must lend them.  A case returns NULL, or what was wrong.
 */
#ifndef NM_OS_CONTRACT_H
#define NM_OS_CONTRACT_H

#include "os.h"

struct nm_contract_env {
	/* A thread that runs fn(arg), NULL: none to be had; join waits for its end. */
	void *(*start)(void (*fn)(void *), void *arg);
	void (*join)(void *thread);
	/* Memory of the calling process: two pages that can be used, one that cannot. */
	uint64_t user_pages;
	uint64_t user_bad;
	/* A poll call that sleeps; how often it was woken; its end. */
	struct nm_poll *(*poll_new)(void);
	uint32_t (*poll_wakes)(struct nm_poll *p);
	void (*poll_free)(struct nm_poll *p);
	/* An interface without an adapter, its name, and the namespace it is in. */
	if_t ifp;
	const char *if_name;
	void *ns_os;
};

struct nm_contract_case {
	const char *name;
	const char *(*run)(const struct nm_contract_env *env);
};

extern const struct nm_contract_case nm_contract_cases[];
extern const unsigned int nm_contract_ncases;

#endif /* NM_OS_CONTRACT_H */

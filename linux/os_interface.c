/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interfaces, and the adapter that each may have.
 *
 * The adapter is found in a small table keyed by the interface's address, not in a
 * field of struct net_device, which has none that is ours to use.  Readers walk a
 * chain in a read section; writers hold the RTNL.
 */
#include <linux/hashtable.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/net_namespace.h>

#include "os.h"

struct nm_if_entry {
	struct hlist_node link;
	struct net_device *ifp;
	struct netmap_adapter *na;
	struct rcu_head rcu;
};

static DEFINE_HASHTABLE(nm_if_table, 7);

void nm_os_if_lock(void)
{
	rtnl_lock();
}

void nm_os_if_unlock(void)
{
	rtnl_unlock();
}

const char *nm_os_if_name(if_t ifp)
{
	return ifp->name;
}

void nm_os_if_hold(if_t ifp)
{
	dev_hold(ifp);
}

void nm_os_if_release(if_t ifp)
{
	dev_put(ifp);
}

bool nm_os_if_in_ns(if_t ifp, void *ns_os)
{
	return net_eq(dev_net(ifp), ns_os);
}

static struct nm_if_entry *nm_if_find(const struct net_device *ifp)
{
	struct nm_if_entry *e;

	hash_for_each_possible_rcu(nm_if_table, e, link, (unsigned long)ifp,
				   lockdep_rtnl_is_held()) {
		if (e->ifp == ifp)
			return e;
	}
	return NULL;
}

struct netmap_adapter *nm_os_if_na(if_t ifp)
{
	struct nm_if_entry *e = nm_if_find(ifp);

	return e != NULL ? READ_ONCE(e->na) : NULL;
}

int nm_os_if_set_na(if_t ifp, struct netmap_adapter *na)
{
	struct nm_if_entry *e;

	ASSERT_RTNL();
	e = nm_if_find(ifp);
	if (na == NULL) {
		if (e != NULL) {
			hash_del_rcu(&e->link);
			kfree_rcu(e, rcu);
		}
		return 0;
	}
	if (e != NULL) {
		smp_store_release(&e->na, na);
		return 0;
	}
	e = kzalloc(sizeof(*e), GFP_KERNEL);
	if (e == NULL)
		return ENOMEM;
	e->ifp = ifp;
	e->na = na;
	hash_add_rcu(nm_if_table, &e->link, (unsigned long)ifp);
	return 0;
}

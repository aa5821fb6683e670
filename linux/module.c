/* SPDX-License-Identifier: BSD-2-Clause */
/* Loading and unloading, parameters, network namespaces. */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "ctl/ctl.h"
#include "device.h"

/* ---- parameters: NM_PARAMS as /sys/module/netmap/parameters ------------------- */

struct nm_linux_param {
	int *value;
	int min, max;
	int rw; /* 0: read only */
};

static int nm_param_store(const char *text, const struct kernel_param *kp)
{
	const struct nm_linux_param *p = kp->arg;
	int v, error;

	if (p->rw == 0)
		return -EPERM;
	error = kstrtoint(text, 0, &v);
	if (error != 0)
		return error;
	if (v < p->min || v > p->max)
		return -EINVAL;
	WRITE_ONCE(*p->value, v);
	return 0;
}

static int nm_param_show(char *text, const struct kernel_param *kp)
{
	const struct nm_linux_param *p = kp->arg;

	return scnprintf(text, PAGE_SIZE, "%d\n", READ_ONCE(*p->value));
}

static const struct kernel_param_ops nm_param_ops = {
	.set = nm_param_store,
	.get = nm_param_show,
};

#define NM_PARAM_EXPOSE(name, def, min_, max_, rw_, help)                      \
	static struct nm_linux_param nm_linux_param_##name = {                 \
		&netmap_##name, min_, max_, rw_,                               \
	};                                                                     \
	module_param_cb(name, &nm_param_ops, &nm_linux_param_##name,           \
			(rw_) == 2 ? 0644 : 0444);                             \
	MODULE_PARM_DESC(name, help);
NM_PARAMS(NM_PARAM_EXPOSE)

/* ---- network namespaces --------------------------------------------------------- */

static unsigned int nm_net_id;

struct nm_ns *nm_linux_ns(struct net *net)
{
	return net_generic(net, nm_net_id);
}

static int __net_init nm_net_init(struct net *net)
{
	nm_ns_init(nm_linux_ns(net), net);
	return 0;
}

/* Open files hold their namespace, so none is left in this one. */
static void __net_exit nm_net_exit(struct net *net)
{
	nm_ns_fini(nm_linux_ns(net));
}

static struct pernet_operations nm_net_ops = {
	.init = nm_net_init,
	.exit = nm_net_exit,
	.id = &nm_net_id,
	.size = sizeof(struct nm_ns),
};

/* ---- load and unload ------------------------------------------------------------ */

static int __init nm_module_init(void)
{
	int error = -nm_core_init();

	if (error != 0)
		return error;
	/* as a device's operations: on the way out switches let go of interfaces
	 * before the namespace moves or destroys them */
	error = register_pernet_device(&nm_net_ops);
	if (error != 0)
		goto fini;
	error = nm_device_add();
	if (error != 0)
		goto unregister;
	return 0;
unregister:
	unregister_pernet_device(&nm_net_ops);
fini:
	nm_os_defer_barrier();
	nm_core_fini();
	nm_os_defer_barrier();
	return error;
}

/* No file is open: each holds a reference to the module. */
static void __exit nm_module_exit(void)
{
	nm_device_remove();
	unregister_pernet_device(&nm_net_ops);
	nm_os_defer_barrier(); /* what the last closes deferred may use the core */
	nm_core_fini();
	nm_os_defer_barrier();
}

module_init(nm_module_init);
module_exit(nm_module_exit);

MODULE_DESCRIPTION("netmap: fast packet I/O, and the VALE switch");
MODULE_AUTHOR("The netmap authors");
MODULE_LICENSE("Dual BSD/GPL");
MODULE_VERSION(NETMAP_VERSION);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux/ - the Linux port.
 *
 * From a system call to the core and back:
 *
 *   device.c        /dev/netmap: open, ioctl, poll, mmap, release; the only place
 *                   where the core's positive errno becomes a negative one
 *   module.c        load and unload, parameters, network namespaces
 *   exports.c       what NIC drivers link against
 *
 * What the core asks of the system (common/os.h):
 *
 *   os_linux.h      inline: locks, atomics, read sections, wait queues
 *   os_sync.c       their rare half, deferred calls, clocks, log (this file)
 *   os_memory.c     kernel memory, the pages of a region and their user mapping
 *   os_user.c       copies from and to the calling process
 *   os_interface.c  interfaces and the adapters attached to them
 *
 * Locks: the core's order (interface, control, region, leaf) with the RTNL as the
 * interface lock.  mmap and page faults run below the mm's lock and take at most a
 * region lock; user copies, which take the mm's lock, happen with none of ours held.
 *
 * Everything is written for the newest kernel.  Where an older one differs, a header
 * in compat/ supplies what is missing; linux/probes/ asks the kernel tree, by
 * compiling, whether it is.
 */
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/netdevice.h>
#include <linux/poll.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>

#include "os.h"

void nm_spin_init(struct nm_spin *l, const char *name)
{
	spin_lock_init(&l->lock);
}

/* Two calls, because lockdep tells classes of locks apart by where they are made. */
void nm_mutex_init(struct nm_mutex *m, int class, const char *name)
{
	if (class == NM_LOCK_CONTROL)
		mutex_init(&m->lock);
	else
		mutex_init(&m->lock);
}

void nm_waitq_init(struct nm_waitq *q)
{
	init_waitqueue_head(&q->head);
}

void nm_waitq_wake(struct nm_waitq *q)
{
	wake_up_interruptible(&q->head);
}

/* Does nothing once the poll call has its queues, or wants none.  The core's barrier
 * follows, the other half of the one before nm_waitq_has_sleepers(). */
void nm_waitq_record(struct nm_waitq *q, struct nm_poll *p)
{
	poll_wait(p->file, &q->head, p->table);
}

static void nm_deferred_run(struct rcu_head *rcu)
{
	struct nm_deferred *d = container_of(rcu, struct nm_deferred, rcu);

	d->fn(d);
}

void nm_os_defer(struct nm_deferred *d, void (*fn)(struct nm_deferred *))
{
	d->fn = fn;
	call_rcu(&d->rcu, nm_deferred_run);
}

/* Quicker while the RTNL is held, as binding and closing do, so that the whole system
 * does not wait long for it; the kernel's own interfaces leave in the same way. */
void nm_os_synchronize(void)
{
	synchronize_net();
}

void nm_os_defer_barrier(void)
{
	rcu_barrier();
}

void nm_os_nap(void)
{
	usleep_range(800, 1200);
}

void nm_os_log(int level, const char *fmt, ...)
{
	struct va_format line;
	va_list args;

	va_start(args, fmt);
	line.fmt = fmt;
	line.va = &args;
	switch (level) {
	case NM_LOG_ERR:
		printk(KERN_ERR "netmap: %pV\n", &line);
		break;
	case NM_LOG_WARN:
		printk(KERN_WARNING "netmap: %pV\n", &line);
		break;
	default:
		printk(KERN_INFO "netmap: %pV\n", &line);
		break;
	}
	va_end(args);
}

bool nm_os_log_ratelimit(void)
{
	static struct ratelimit_state limit = RATELIMIT_STATE_INIT_FLAGS(
		limit, DEFAULT_RATELIMIT_INTERVAL, DEFAULT_RATELIMIT_BURST,
		RATELIMIT_MSG_ON_RELEASE); /* no line of its own about what is left out */

	return __ratelimit(&limit) != 0;
}

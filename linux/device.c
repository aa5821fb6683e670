/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev/netmap.
 *
 * An open file is a handle of the core, in the network namespace of the process
 * that opened it; the file keeps that namespace alive, and the module loaded.  The
 * core's functions return positive errnos, which change sign here and nowhere else.
 *
 * 32-bit programs on a 64-bit kernel get ENOTTY from the kernel itself: the structs
 * of requests have other sizes there, and none is translated.
 */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <net/net_namespace.h>

#include "ctl/ctl.h"
#include "device.h"
#include "os_memory.h"

static int nm_dev_open(struct inode *inode, struct file *file)
{
	struct net *net = get_net(current->nsproxy->net_ns);
	struct nm_handle *h = nm_ctl_open(nm_linux_ns(net));

	if (h == NULL) {
		put_net(net);
		return -ENOMEM;
	}
	file->private_data = h;
	return nonseekable_open(inode, file);
}

static int nm_dev_release(struct inode *inode, struct file *file)
{
	struct nm_handle *h = file->private_data;
	struct net *net = h->ns->os;

	nm_ctl_close(h);
	put_net(net);
	return 0;
}

static int nm_dev_request(struct nm_handle *h, uint64_t uhdr)
{
	struct nm_image *img = NULL;
	int error = nm_ctl_gather(uhdr, &img);

	if (img == NULL)
		return error;
	if (error == 0)
		error = nm_ctl_request(h, img);
	error = nm_ctl_scatter(uhdr, img, error);
	nm_os_free(img);
	return error;
}

static int nm_dev_legacy(struct nm_handle *h, uint64_t uaddr,
			 int (*run)(struct nm_handle *, struct nmreq *))
{
	struct nmreq req;
	int error = nm_os_copyin(uaddr, &req, sizeof(req));

	if (error == 0)
		error = run(h, &req);
	if (error == 0)
		error = nm_os_copyout(&req, uaddr, sizeof(req));
	return error;
}

static noinline long nm_dev_ioctl_rare(struct nm_handle *h, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case NIOCCTRL:
		return -nm_dev_request(h, arg);
	case NIOCGINFO:
		return -nm_dev_legacy(h, arg, nm_ctl_legacy_info);
	case NIOCREGIF:
		return -nm_dev_legacy(h, arg, nm_ctl_legacy_regif);
	default:
		return -ENOTTY;
	}
}

/* The two syncs are the packet path: first, and nothing before them. */
static long nm_dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct nm_handle *h = file->private_data;

	if (likely(cmd == NIOCTXSYNC))
		return -nm_ctl_sync(h, NR_TX);
	if (likely(cmd == NIOCRXSYNC))
		return -nm_ctl_sync(h, NR_RX);
	return nm_dev_ioctl_rare(h, cmd, arg);
}

static __poll_t nm_dev_poll(struct file *file, struct poll_table_struct *table)
{
	struct nm_poll record = { .file = file, .table = table };
	__poll_t wanted = poll_requested_events(table);
	__poll_t answer = 0;
	int events = 0, ready;

	if (wanted & (EPOLLIN | EPOLLRDNORM))
		events |= NM_POLLIN;
	if (wanted & (EPOLLOUT | EPOLLWRNORM))
		events |= NM_POLLOUT;
	ready = nm_ctl_poll(file->private_data, events, &record);
	if (ready & NM_POLLIN)
		answer |= EPOLLIN | EPOLLRDNORM;
	if (ready & NM_POLLOUT)
		answer |= EPOLLOUT | EPOLLWRNORM;
	if (ready & NM_POLLERR)
		answer |= EPOLLERR;
	return answer;
}

/* Rings are shared with the kernel: a private copy of them would be no use. */
static int nm_dev_mmap(struct file *file, struct vm_area_struct *vma)
{
	uint64_t offset = (uint64_t)vma->vm_pgoff << PAGE_SHIFT;
	struct nm_os_pages *pages = NULL;
	int error;

	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	error = nm_ctl_mmap(file->private_data, offset, vma->vm_end - vma->vm_start, &pages);
	if (error != 0)
		return -error;
	return nm_linux_pages_map(pages, vma);
}

static const struct file_operations nm_dev_fops = {
	.owner = THIS_MODULE,
	.open = nm_dev_open,
	.release = nm_dev_release,
	.unlocked_ioctl = nm_dev_ioctl,
	.poll = nm_dev_poll,
	.mmap = nm_dev_mmap,
};

static struct miscdevice nm_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "netmap",
	.fops = &nm_dev_fops,
	.mode = 0600, /* udev and netmap-utils open it to a group */
};

int nm_device_add(void)
{
	return misc_register(&nm_dev);
}

void nm_device_remove(void)
{
	misc_deregister(&nm_dev);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vale-ctl: look at VALE switches and change them.
 *
 *	options.c  the command line: one action
 *	kernel.c   requests to /dev/netmap, refusals in words
 *	main.c     the actions, each one request and one line about its outcome
 *
 * Every line on stdout is NAME, then words or KEY=NUMBER, with single blanks between
 * them.  Scripts read it: keys may be added at the end, none changes or goes.  A name
 * comes from whoever opened the port, so bytes that would break a line are escaped.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel.h"
#include "options.h"

static void
print_name(const char *name)
{
	for (; *name != '\0'; name++) {
		if (*name > ' ' && *name < 0x7f && *name != '\\')
			putchar(*name);
		else
			printf("\\x%02x", (unsigned int)(unsigned char)*name);
	}
}

/* The kernel may write into the name, so each request gets a copy. */
static void
copy_name(char to[NETMAP_REQ_IFNAMSIZ], const char *name)
{
	memset(to, 0, NETMAP_REQ_IFNAMSIZ);
	memcpy(to, name, strnlen(name, NETMAP_REQ_IFNAMSIZ - 1));
}

static void
print_sizes(const struct nmreq_port_info_get *info)
{
	printf(" tx-rings=%u rx-rings=%u host-tx-rings=%u host-rx-rings=%u tx-slots=%u "
	    "rx-slots=%u region=%u bytes=%llu", info->nr_tx_rings, info->nr_rx_rings,
	    info->nr_host_tx_rings, info->nr_host_rx_rings, info->nr_tx_slots, info->nr_rx_slots,
	    info->nr_mem_id, (unsigned long long)info->nr_memsize);
}

/*
 * One line about a port; 0 or the errno.  The kernel would make a port that is not there
 * just to describe it: whoever calls this has seen it in the list.
 */
static int
show_port(struct kernel *k, const char *port, const struct nmreq_vale_list *at, int sizes)
{
	struct nmreq_port_info_get info;
	char name[NETMAP_REQ_IFNAMSIZ];
	int error;

	memset(&info, 0, sizeof(info));
	if (sizes) {
		copy_name(name, port);
		error = kernel_ask(k, NETMAP_REQ_PORT_INFO_GET, name, &info);
		if (error != 0)
			return error;
	}
	print_name(port);
	printf(" switch=%u port=%u", at->nr_bridge_idx, at->nr_port_idx);
	if (sizes)
		print_sizes(&info);
	putchar('\n');
	return 0;
}

static int
show_one(struct kernel *k, const char *port, int sizes)
{
	struct nmreq_vale_list at = { 0 };
	char name[NETMAP_REQ_IFNAMSIZ];
	int error;

	copy_name(name, port);
	error = kernel_ask(k, NETMAP_REQ_VALE_LIST, name, &at);
	if (error != 0)
		return kernel_refused(NETMAP_REQ_VALE_LIST, port, error);
	error = show_port(k, port, &at, sizes);
	return error == 0 ? 0 : kernel_refused(NETMAP_REQ_PORT_INFO_GET, port, error);
}

/* The ports from a place on; of one switch only, if so wanted. */
static int
show_from(struct kernel *k, struct nmreq_vale_list at, int one_switch, int sizes)
{
	uint16_t sw = at.nr_bridge_idx;
	char name[NETMAP_REQ_IFNAMSIZ];

	for (;;) {
		struct nmreq_vale_list asked = at;
		int error;

		copy_name(name, "");
		error = kernel_ask(k, NETMAP_REQ_VALE_LIST, name, &at);
		if (error == ENOENT || (error == 0 && one_switch && at.nr_bridge_idx != sw))
			return 0;
		if (error != 0)
			return kernel_refused(NETMAP_REQ_VALE_LIST, "", error);
		if (at.nr_bridge_idx < asked.nr_bridge_idx ||
		    (at.nr_bridge_idx == asked.nr_bridge_idx && at.nr_port_idx < asked.nr_port_idx)) {
			fprintf(stderr, "vale-ctl: the kernel's list runs in circles; stopped\n");
			return -1;
		}
		error = show_port(k, name, &at, sizes);
		if (error != 0 && error != ENXIO)	/* ENXIO: gone since it was listed */
			return kernel_refused(NETMAP_REQ_PORT_INFO_GET, name, error);
		at.nr_port_idx++;
	}
}

static int
list(struct kernel *k, const struct options *o)
{
	struct nmreq_vale_list at = { 0 };
	char name[NETMAP_REQ_IFNAMSIZ];
	int error;

	if (strchr(o->name, ':') != NULL)
		return show_one(k, o->name, o->verbose);
	if (*o->name != '\0') {
		copy_name(name, o->name);
		error = kernel_ask(k, NETMAP_REQ_VALE_LIST, name, &at);
		if (error != 0)
			return kernel_refused(NETMAP_REQ_VALE_LIST, o->name, error);
	}
	return show_from(k, at, *o->name != '\0', o->verbose);
}

/*
 * A request about a port and the port's name as the begin of the line that answers; 0, or -1
 * after one line on stderr.
 */
static int
ask_about(struct kernel *k, uint16_t type, const char *port, void *body)
{
	char name[NETMAP_REQ_IFNAMSIZ];
	int error;

	copy_name(name, port);
	error = kernel_ask(k, type, name, body);
	if (error != 0)
		return kernel_refused(type, port, error);
	print_name(port);
	return 0;
}

static int
attach(struct kernel *k, const struct options *o)
{
	int host = o->action == ACTION_ATTACH_HOST;
	struct nmreq_vale_attach body;

	memset(&body, 0, sizeof(body));
	body.reg.nr_mode = host ? NR_REG_NIC_SW : NR_REG_ALL_NIC;
	body.reg.nr_mem_id = o->mem_id;
	if (ask_about(k, NETMAP_REQ_VALE_ATTACH, o->name, &body) != 0)
		return -1;
	printf(" attached port=%u host=%d\n", body.port_index, host);
	return 0;
}

static int
detach(struct kernel *k, const struct options *o)
{
	struct nmreq_vale_detach body;

	memset(&body, 0, sizeof(body));
	if (ask_about(k, NETMAP_REQ_VALE_DETACH, o->name, &body) != 0)
		return -1;
	printf(" detached port=%u\n", body.port_index);
	return 0;
}

/* -C SLOTS, TX,RX slots, then RINGS or TX,RX rings. */
static void
newif_sizes(struct nmreq_vale_newif *body, const uint32_t *v, int n)
{
	if (n >= 1) {
		body->nr_tx_slots = v[0];
		body->nr_rx_slots = n >= 2 ? v[1] : v[0];
	}
	if (n >= 3) {
		body->nr_tx_rings = (uint16_t)v[2];
		body->nr_rx_rings = (uint16_t)(n == 4 ? v[3] : v[2]);
	}
}

static int
create(struct kernel *k, const struct options *o)
{
	struct nmreq_vale_newif body;

	memset(&body, 0, sizeof(body));
	newif_sizes(&body, o->numbers, o->n_numbers);
	body.nr_mem_id = o->mem_id;
	if (ask_about(k, NETMAP_REQ_VALE_NEWIF, o->name, &body) != 0)
		return -1;
	printf(" created tx-rings=%u rx-rings=%u tx-slots=%u rx-slots=%u region=%u\n",
	    body.nr_tx_rings, body.nr_rx_rings, body.nr_tx_slots, body.nr_rx_slots, body.nr_mem_id);
	return 0;
}

static int
remove_port(struct kernel *k, const struct options *o)
{
	if (ask_about(k, NETMAP_REQ_VALE_DELIF, o->name, NULL) != 0)
		return -1;
	printf(" removed\n");
	return 0;
}

/* Without -C one thread polls, on CPU 0. */
static int
start_polling(struct kernel *k, const struct options *o)
{
	int multi = o->n_numbers > 0 && o->numbers[0] == 1;
	struct nmreq_vale_polling body;

	memset(&body, 0, sizeof(body));
	body.nr_mode = multi ? NETMAP_POLLING_MODE_MULTI_CPU : NETMAP_POLLING_MODE_SINGLE_CPU;
	body.nr_first_cpu_id = o->n_numbers >= 2 ? o->numbers[1] : 0;
	body.nr_num_polling_cpus = o->n_numbers == 3 ? o->numbers[2] : 1;
	if (ask_about(k, NETMAP_REQ_VALE_POLLING_ENABLE, o->name, &body) != 0)
		return -1;
	printf(" polled threads=%u first-cpu=%u\n", body.nr_num_polling_cpus, body.nr_first_cpu_id);
	return 0;
}

static int
stop_polling(struct kernel *k, const struct options *o)
{
	struct nmreq_vale_polling body;

	memset(&body, 0, sizeof(body));
	if (ask_about(k, NETMAP_REQ_VALE_POLLING_DISABLE, o->name, &body) != 0)
		return -1;
	printf(" not polled\n");
	return 0;
}

static int
act(struct kernel *k, const struct options *o)
{
	switch (o->action) {
	case ACTION_INFO:
		return show_one(k, o->name, 1);
	case ACTION_ATTACH:
	case ACTION_ATTACH_HOST:
		return attach(k, o);
	case ACTION_DETACH:
		return detach(k, o);
	case ACTION_CREATE:
		return create(k, o);
	case ACTION_REMOVE:
		return remove_port(k, o);
	case ACTION_POLL:
		return start_polling(k, o);
	case ACTION_UNPOLL:
		return stop_polling(k, o);
	default:
		return list(k, o);
	}
}

/* 0: done; 1: the kernel refused or the output could not be written; 2: wrong command line. */
int
main(int argc, char **argv)
{
	struct kernel k;
	struct options o;
	int ret = options_read(&o, argc, argv);

	if (ret < 0)
		return 2;
	if (ret == 0) {
		k.trace = o.verbose;
		if (kernel_open(&k) != 0)
			return 1;
		ret = act(&k, &o);
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "vale-ctl: cannot write: %s\n", strerror(errno));
		return 1;
	}
	return ret < 0;
}

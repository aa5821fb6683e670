/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much kernel memory ports take, and whether all of it comes back.
 *
 *   memory PREFIX N   bytes that each of N default ports holds
 *   rounds N          opens and closes ports of each kind N times and reports what grew
 */
#include "guest.h"

#include <stdlib.h>

#define MAX_CACHES	1024
#define CACHE_NAME	40

struct cache {
	char name[CACHE_NAME];
	long objects, size;
};

struct usage {
	long free_kb;
	long netmap_vmalloc;	/* areas of vmalloc memory that netmap.ko asked for */
	size_t caches;
	struct cache cache[MAX_CACHES];
};

static void
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(-errno, "%s", path);
	close(fd);
}

/* Free memory, what waits in the lists of each CPU included: MemFree leaves that out. */
static long
free_memory_kb(void)
{
	FILE *f;
	char line[256];
	long pages = 0, n;

	write_file("/proc/sys/vm/drop_caches", "3");
	write_file("/proc/sys/vm/stat_refresh", "1");
	f = fopen("/proc/zoneinfo", "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, " pages free %ld", &n) == 1 || sscanf(line, " count: %ld", &n) == 1)
			pages += n;
	if (f != NULL)
		fclose(f);
	if (pages == 0)
		die(0, "/proc/zoneinfo shows nothing");
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void
measure(struct usage *u)
{
	char line[512];
	FILE *f;

	memset(u, 0, sizeof(*u));
	u->free_kb = free_memory_kb();
	f = fopen("/proc/vmallocinfo", "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		u->netmap_vmalloc += strstr(line, "[netmap]") != NULL;
	if (f != NULL)
		fclose(f);
	f = fopen("/proc/slabinfo", "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL && u->caches < MAX_CACHES) {
		struct cache *c = &u->cache[u->caches];

		if (sscanf(line, "%39s %ld %*d %ld", c->name, &c->objects, &c->size) == 3)
			u->caches++;
	}
	if (f != NULL)
		fclose(f);
	if (u->caches == 0)
		die(0, "/proc/slabinfo shows nothing");
}

int
cmd_memory(int argc, char **argv)
{
	static struct usage before, after;
	unsigned n = arg_number(argc, argv, 2, 8), i;
	struct gport *ports = calloc(n, sizeof(*ports));
	char name[64];
	size_t region = 0;

	/* The first port of all may set up what stays for the module's life. */
	snprintf(name, sizeof(name), "%s:w", argv[1]);
	must_open(&ports[0], name, NULL);
	gport_close(&ports[0]);
	measure(&before);
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s:m%u", argv[1], i);
		must_open(&ports[i], name, NULL);
		region = ports[i].memsize;
	}
	measure(&after);
	printf("result ports=%u per_port=%ld memsize=%zu\n", n,
	    (before.free_kb - after.free_kb) * 1024 / (long)n, region);
	for (i = 0; i < n; i++)
		gport_close(&ports[i]);
	return 0;
}

static void
one_round(unsigned round)
{
	static const char *const pairs[][2] = {
		{ "vale4:a", "vale4:b" }, { "leak{1", "leak}1" }, { "vale4:c{2", "vale4:c}2" },
	};
	struct nmreq_register small = { .nr_tx_slots = 64, .nr_rx_slots = 64 };
	struct gport a, b, refused;
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		must_open(&a, pairs[i][0], &small);
		must_open(&b, pairs[i][1], &small);
		if (gport_open(&refused, "no-such-port", NULL) == 0)
			die(0, "a port that does not exist opened");
		if (round % 2 == 0) {
			gport_close(&a);
			gport_close(&b);
		} else {
			gport_close(&b);
			gport_close(&a);
		}
	}
}

int
cmd_rounds(int argc, char **argv)
{
	static struct usage before, after;
	unsigned n = arg_number(argc, argv, 1, 100), i, j, worst = 0;
	long grew, most = 0;

	for (i = 0; i < 10; i++) {
		one_round(i);
		measure(&before);	/* looking takes memory too, the first times */
	}
	for (i = 0; i < n; i++)
		one_round(i);
	measure(&after);
	for (i = 0; i < before.caches; i++) {
		for (j = 0; j < after.caches; j++) {
			if (strcmp(before.cache[i].name, after.cache[j].name) != 0)
				continue;
			grew = after.cache[j].objects - before.cache[i].objects;
			if (grew > most) {
				most = grew;
				worst = i;
			}
		}
	}
	printf("result rounds=%u lost_kb=%ld cache=%s grew=%ld vmalloc=%ld\n", n,
	    before.free_kb - after.free_kb, most > 0 ? before.cache[worst].name : "none", most,
	    after.netmap_vmalloc);
	return 0;
}

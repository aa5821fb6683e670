/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * driver - runs a fuzz target where there is no libFuzzer: it needs nothing but gcc.
 *
 *	PROGRAM [-n RUNS] [-s SEED] [-t SECONDS] [-m BYTES] [-o FILE] INPUT|FOLDER...
 *
 * Runs the inputs, then RUNS mutations of those that reached new code.  The same arguments
 * mean the same executions, but for -t, which ends them early on a slow machine.  The input
 * that ends the process is left in FILE.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#define BYTES_MAX 4096

#if defined(__GNUC__) && !defined(__clang__)
#define NO_COVERAGE __attribute__((no_sanitize_coverage))
#else
#define NO_COVERAGE
#endif

static uint8_t reached[1 << 16];
static uint32_t new_ways;

/* The compiler puts a call of this at every basic block (-fsanitize-coverage=trace-pc). */
void __sanitizer_cov_trace_pc(void);
NO_COVERAGE void __sanitizer_cov_trace_pc(void)
{
	static __thread uintptr_t from; /* a way into a place, not only the place */
	uintptr_t pc = (uintptr_t)__builtin_return_address(0);
	uint8_t *place = &reached[(pc ^ from ^ pc >> 16) & 0xffff];

	from = pc << 1;
	if (*place == 0) {
		*place = 1;
		new_ways++;
	}
}

struct sample {
	uint8_t data[BYTES_MAX];
	size_t size;
};

static struct sample now, *corpus;
static size_t ncorpus, max_len = 512;
static const char *crash_file;
static uint64_t rng = 1, executions;

static uint32_t random32(void)
{
	rng = rng * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(rng >> 33);
}

static void leave_input(int sig)
{
	int fd = crash_file ? open(crash_file, O_WRONLY | O_CREAT | O_TRUNC, 0644) : -1;

	if (fd >= 0 && write(fd, now.data, now.size) == (ssize_t)now.size)
		close(fd);
	signal(sig, SIG_DFL);
	raise(sig);
}

static void mutate(struct sample *s)
{
	uint32_t turns = 1 + random32() % 8, at, n;

	while (turns-- > 0) {
		at = s->size ? random32() % (uint32_t)s->size : 0;
		switch (random32() % 8) {
		case 0:
		case 1:
			s->data[at] = (uint8_t)random32();
			break;
		case 2:
			s->data[at] ^= (uint8_t)(1 << random32() % 8);
			break;
		case 3: { /* a number that is at a limit */
			static const uint8_t limits[] = { 0, 1, 2, 0x7f, 0x80, 0xff };

			memset(s->data + at, limits[random32() % 6],
			       at + 4 <= s->size ? 4 : s->size - at);
			break;
		}
		case 4: /* another sample behind it */
			if (ncorpus != 0) {
				const struct sample *more = &corpus[random32() % ncorpus];

				n = (uint32_t)(more->size < max_len - at ? more->size : max_len - at);
				memcpy(s->data + at, more->data, n);
				s->size = at + n;
			}
			break;
		case 5:
			s->size = at;
			break;
		case 6:
			for (n = random32() % 64; n > 0 && s->size < max_len; n--)
				s->data[s->size++] = (uint8_t)(random32() % 3 ? 0 : random32());
			break;
		case 7: /* a piece of it once more */
			n = random32() % 16;
			if (at + n <= s->size && s->size + n <= max_len) {
				memcpy(s->data + s->size, s->data + at, n);
				s->size += n;
			}
			break;
		}
	}
}

static void run_one(void)
{
	uint32_t before = new_ways;

	executions++;
	LLVMFuzzerTestOneInput(now.data, now.size);
	if (new_ways == before)
		return;
	corpus = realloc(corpus, (ncorpus + 1) * sizeof(*corpus));
	FUZZ_MUST(corpus != NULL);
	corpus[ncorpus++] = now;
}

static int replay(const char *path);

static int replay_folder(const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, NULL, alphasort), i, status = 0;
	char file[4096];

	for (i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
			status |= replay(file);
		}
		free(names[i]);
	}
	free(names);
	return status;
}

static int replay(const char *path)
{
	struct stat st;
	FILE *f;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return replay_folder(path);
	f = fopen(path, "rb");
	if (f == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 1;
	}
	now.size = fread(now.data, 1, sizeof(now.data), f);
	fclose(f);
	run_one();
	return 0;
}

static int numbers(int argc, char **argv, uint64_t *runs, time_t *seconds)
{
	int opt;

	while ((opt = getopt(argc, argv, "n:s:t:m:o:")) != -1) {
		switch (opt) {
		case 'n':
			*runs = strtoull(optarg, NULL, 0);
			break;
		case 's':
			rng = strtoull(optarg, NULL, 0);
			break;
		case 't':
			*seconds = (time_t)strtoul(optarg, NULL, 0);
			break;
		case 'm':
			max_len = strtoul(optarg, NULL, 0);
			break;
		case 'o':
			crash_file = optarg;
			break;
		default:
			return 2;
		}
	}
	return max_len == 0 || max_len > BYTES_MAX ? 2 : 0;
}

int main(int argc, char **argv)
{
	time_t end, seconds = 3600;
	uint64_t runs = 0;
	int status = numbers(argc, argv, &runs, &seconds);

	if (status != 0)
		return status;
	LLVMFuzzerInitialize(&argc, &argv);
	signal(SIGABRT, leave_input);
	now.size = 0;
	run_one(); /* so that there is one to begin with */
	for (; optind < argc; optind++)
		status |= replay(argv[optind]);
	for (end = time(NULL) + seconds; runs > 0 && time(NULL) < end; runs--) {
		/* what needs no feedback (gcov) has one sample only */
		if (ncorpus != 0)
			now = corpus[random32() % ncorpus];
		mutate(&now);
		if (now.size > max_len)
			now.size = max_len;
		run_one();
	}
	printf("%llu executions, %zu inputs kept, %u ways reached\n",
	       (unsigned long long)executions, ncorpus, new_ways);
	free(corpus);
	return status;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "guest.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sched.h>
#include <sys/wait.h>

static const struct {
	const char *name;
	guest_command *run;
} commands[] = {
	{ "bounds", cmd_bounds },
	{ "fuzz", cmd_fuzz },
	{ "hold", cmd_hold },
	{ "killed", cmd_killed },
	{ "legacy", cmd_legacy },
	{ "many", cmd_many },
	{ "memory", cmd_memory },
	{ "numbered", cmd_numbered },
	{ "overload", cmd_overload },
	{ "rounds", cmd_rounds },
	{ "stream", cmd_stream },
	{ "wake", cmd_wake },
};

void
die(int rc, const char *fmt, ...)
{
	va_list ap;

	printf("failed: ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	if (rc < 0)
		printf(": %s", strerror(-rc));
	printf("\n");
	fflush(stdout);
	exit(1);
}

unsigned
arg_number(int argc, char **argv, int i, unsigned otherwise)
{
	return i < argc ? (unsigned)strtoul(argv[i], NULL, 0) : otherwise;
}

void
must_open(struct gport *p, const char *name, const struct nmreq_register *ask)
{
	int rc = gport_open(p, name, ask);

	if (rc != 0)
		die(rc, "open %s", name);
}

void
must_txsync(struct gport *p)
{
	int rc = gport_txsync(p);

	if (rc != 0)
		die(rc, "txsync");
}

void
must_rxsync(struct gport *p)
{
	int rc = gport_rxsync(p);

	if (rc != 0)
		die(rc, "rxsync");
}

void
must_succeed(pid_t child, const char *what)
{
	int status;

	if (waitpid(child, &status, 0) != child)
		die(-errno, "waitpid for the %s", what);
	if (WIFSIGNALED(status))
		die(0, "the %s died from signal %d", what, WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		die(0, "the %s ended with %d", what, WEXITSTATUS(status));
}

void
await_sleep(pid_t process)
{
	char path[64], line[512], *close_paren;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)process);
	for (;;) {
		f = fopen(path, "r");
		if (f == NULL || fgets(line, sizeof(line), f) == NULL)
			die(0, "process %d is gone", (int)process);
		fclose(f);
		close_paren = strrchr(line, ')');
		if (close_paren != NULL && close_paren[2] == 'S')
			return;
		if (close_paren != NULL && close_paren[2] == 'Z')
			die(0, "process %d ended instead of sleeping", (int)process);
		sched_yield();
	}
}

int
main(int argc, char **argv)
{
	size_t i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "usage: nmguest COMMAND [argument ...]\n");
	return 2;
}

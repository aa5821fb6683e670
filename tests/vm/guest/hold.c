/* SPDX-License-Identifier: BSD-2-Clause */
/* hold PORT ... -- COMMAND: keep the ports open while the command runs; its exit code is ours. */
#include "guest.h"

#include <stdlib.h>
#include <sys/wait.h>

int
cmd_hold(int argc, char **argv)
{
	struct gport port;
	int i, status;
	pid_t child;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		must_open(&port, argv[i], NULL);	/* closed by exit */
	if (i + 1 >= argc)
		die(0, "no command after --");
	child = fork();
	if (child == 0) {
		execvp(argv[i + 1], argv + i + 1);
		die(-errno, "%s", argv[i + 1]);
	}
	if (waitpid(child, &status, 0) != child)
		die(-errno, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

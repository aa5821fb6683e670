/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small C tests: PROGRAM --list prints their names, PROGRAM NAME runs one.  A
 * failed CHECK ends the program with its place on stderr.
 */
#ifndef TESTS_CHECK_H_
#define TESTS_CHECK_H_

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(cond)	do {							\
	if (!(cond)) {								\
		fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond); \
		exit(1);							\
	}									\
} while (0)

struct test {
	const char *name;
	void (*run)(void);
};

#define TEST(name)	{ #name, name }

static inline int
run_tests(const struct test *tests, size_t n, int argc, char **argv)
{
	size_t i;

	if (argc != 2)
		return 2;
	for (i = 0; i < n; i++) {
		if (strcmp(argv[1], "--list") == 0) {
			puts(tests[i].name);
		} else if (strcmp(argv[1], tests[i].name) == 0) {
			tests[i].run();
			return 0;
		}
	}
	return strcmp(argv[1], "--list") == 0 ? 0 : 2;
}

#endif

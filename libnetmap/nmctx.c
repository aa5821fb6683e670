/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The context: where the library gets memory, how it tells what went wrong, and
 * what keeps two threads apart.  Programs that want their own replace the
 * callbacks; everybody else gets malloc, stderr and no locking.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "libnetmap.h"

static void
print_error(struct nmctx *ctx, const char *message)
{
	(void)ctx;
	fprintf(stderr, "%s\n", message);
}

static void *
plain_malloc(struct nmctx *ctx, size_t size)
{
	(void)ctx;
	return calloc(1, size);
}

static void
plain_free(struct nmctx *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void
mutex_lock(struct nmctx *ctx, int dolock)
{
	(void)ctx;
	if (dolock)
		pthread_mutex_lock(&mutex);
	else
		pthread_mutex_unlock(&mutex);
}

static struct nmctx built_in = {
	.verbose = 1,
	.error = print_error,
	.malloc = plain_malloc,
	.free = plain_free,
};

static struct nmctx *current = &built_in;

struct nmctx *
nmctx_get(void)
{
	return current;
}

struct nmctx *
nmctx_set_default(struct nmctx *ctx)
{
	struct nmctx *before = current;

	current = ctx != NULL ? ctx : &built_in;
	return before;
}

void
nmctx_set_threadsafe(void)
{
	if (current->lock == NULL)
		current->lock = mutex_lock;
}

/* A long message is cut: it is for people, and must not need memory to be told. */
void
nmctx_ferror(struct nmctx *ctx, const char *fmt, ...)
{
	char message[512];
	va_list ap;

	if (!ctx->verbose || ctx->error == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	ctx->error(ctx, message);
}

void *
nmctx_malloc(struct nmctx *ctx, size_t size)
{
	return ctx->malloc(ctx, size);
}

void
nmctx_free(struct nmctx *ctx, void *p)
{
	if (p != NULL)
		ctx->free(ctx, p);
}

void
nmctx_lock(struct nmctx *ctx)
{
	if (ctx->lock != NULL)
		ctx->lock(ctx, 1);
}

void
nmctx_unlock(struct nmctx *ctx)
{
	if (ctx->lock != NULL)
		ctx->lock(ctx, 0);
}

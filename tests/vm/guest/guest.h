/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nmguest: the programs that the VM tests run in the guest, one file each, as
 * subcommands of one binary.  Each prints "result key=value ..." lines and ends with 0 when
 * what it checks itself held.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdint.h>
#include <sys/types.h>

#include "gport.h"

typedef int guest_command(int argc, char **argv);

guest_command cmd_bounds, cmd_fuzz, cmd_hold, cmd_killed, cmd_legacy, cmd_many, cmd_memory,
    cmd_numbered, cmd_overload, cmd_rounds, cmd_stream, cmd_wake;

/* Say what went wrong, with the errno name when rc is negative, and exit with 1. */
void die(int rc, const char *fmt, ...) __attribute__((noreturn, format(printf, 2, 3)));

/* argv[i] as a number, or `otherwise` when there are fewer arguments. */
unsigned arg_number(int argc, char **argv, int i, unsigned otherwise);

/* Open a port or die. */
void must_open(struct gport *p, const char *name, const struct nmreq_register *ask);

/* Sync or die. */
void must_txsync(struct gport *p);
void must_rxsync(struct gport *p);

/* Wait for a child and die unless it exited with 0. */
void must_succeed(pid_t child, const char *what);

/* Return once the process sleeps in the kernel; die when it ended. */
void await_sleep(pid_t process);

/*
 * Pass `count` numbered frames from one port to the other, never more in flight
 * than the receiving ring can hold.  Dies on anything lost, doubled, damaged or out of order.
 */
void numbered_flow(struct gport *from, struct gport *to, uint32_t from_id, uint32_t to_id,
    uint32_t count, uint32_t batch, uint16_t len);

#endif /* GUEST_H */

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKTGEN_PING_H_
#define PKTGEN_PING_H_

/* Bytes of payload by which ping and pong know their packets. */
#define PING_BYTES	12

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames with a number in them.  Every byte of the payload follows from the
 * number, so that a frame cut short, mixed up or overwritten does not pass.
 */
#ifndef FRAME_H
#define FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "gport.h"

#define FRAME_MIN	60
#define FRAME_BROADCAST	0xffffffffu

/* Locally administered address of station `id`; FRAME_BROADCAST is everybody. */
void frame_address(uint8_t address[6], uint32_t id);

/* Fill `len` bytes (FRAME_MIN at least) with frame `seq` from one station to another. */
void frame_write(char *buf, uint16_t len, uint32_t from, uint32_t to, uint32_t seq);

struct frame_info {
	uint32_t from, to, seq;
};

/* Read a frame back; false when any byte is not as frame_write() left it. */
bool frame_read(const char *buf, uint16_t len, struct frame_info *info);

/* Put one frame into the ring's next slot; the caller has seen that there is room. */
void frame_put(struct netmap_ring *ring, uint16_t len, uint32_t from, uint32_t to, uint32_t seq);

/* Take the next frame off an rx ring that is not empty; false when it is damaged. */
bool frame_take(struct netmap_ring *ring, struct frame_info *info);

#endif /* FRAME_H */

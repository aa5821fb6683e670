/* SPDX-License-Identifier: BSD-2-Clause */
#include "frame.h"

#define TYPE_HI		0x88	/* the Ethernet type for local experiments, 0x88b5 */
#define TYPE_LO		0xb5
#define AT_FROM		16
#define AT_TO		20
#define AT_SEQ		24
#define AT_FILL		28

void
frame_address(uint8_t address[6], uint32_t id)
{
	if (id == FRAME_BROADCAST) {
		memset(address, 0xff, 6);
		return;
	}
	address[0] = 0x02;
	address[1] = 0;
	address[2] = id >> 24;
	address[3] = id >> 16;
	address[4] = id >> 8;
	address[5] = id;
}

static uint8_t
fill_byte(uint32_t seq, uint32_t at)
{
	return (uint8_t)(seq * 31 + at * 7);
}

void
frame_write(char *buf, uint16_t len, uint32_t from, uint32_t to, uint32_t seq)
{
	uint8_t *b = (uint8_t *)buf;
	uint32_t i;

	frame_address(b, to);
	frame_address(b + 6, from);
	b[12] = TYPE_HI;
	b[13] = TYPE_LO;
	b[14] = len >> 8;
	b[15] = (uint8_t)len;
	memcpy(b + AT_FROM, &from, 4);
	memcpy(b + AT_TO, &to, 4);
	memcpy(b + AT_SEQ, &seq, 4);
	for (i = AT_FILL; i < len; i++)
		b[i] = fill_byte(seq, i);
}

bool
frame_read(const char *buf, uint16_t len, struct frame_info *info)
{
	const uint8_t *b = (const uint8_t *)buf;
	uint8_t address[6];
	uint32_t i;

	if (len < FRAME_MIN || b[12] != TYPE_HI || b[13] != TYPE_LO ||
	    b[14] != len >> 8 || b[15] != (uint8_t)len)
		return false;
	memcpy(&info->from, b + AT_FROM, 4);
	memcpy(&info->to, b + AT_TO, 4);
	memcpy(&info->seq, b + AT_SEQ, 4);
	frame_address(address, info->to);
	if (memcmp(b, address, 6) != 0)
		return false;
	frame_address(address, info->from);
	if (memcmp(b + 6, address, 6) != 0)
		return false;
	for (i = AT_FILL; i < len; i++)
		if (b[i] != fill_byte(info->seq, i))
			return false;
	return true;
}

void
frame_put(struct netmap_ring *ring, uint16_t len, uint32_t from, uint32_t to, uint32_t seq)
{
	struct netmap_slot *slot = &ring->slot[ring->head];

	frame_write(NETMAP_BUF(ring, slot->buf_idx), len, from, to, seq);
	slot->len = len;
	slot->flags = 0;
	ring->head = ring->cur = nm_ring_next(ring, ring->head);
}

bool
frame_take(struct netmap_ring *ring, struct frame_info *info)
{
	struct netmap_slot *slot = &ring->slot[ring->head];
	bool good = (slot->flags & NS_MOREFRAG) == 0 &&
	    frame_read(NETMAP_BUF(ring, slot->buf_idx), slot->len, info);

	ring->head = ring->cur = nm_ring_next(ring, ring->head);
	return good;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The types of Linux under the names that netmap_kern.h and drivers use.  Only
 * forward declarations: the core never looks inside any of them, and most of its
 * files compile without <linux/netdevice.h>.
 */
#ifndef NETMAP_OS_TYPES_H
#define NETMAP_OS_TYPES_H

#include <linux/types.h> /* u_int, dma_addr_t */

struct device;
struct net_device;
struct sk_buff;
enum netdev_tx;

typedef struct net_device *if_t;
typedef struct device *bus_dma_tag_t;
typedef dma_addr_t bus_dmamap_t;
typedef int (*nm_if_input_fn)(struct sk_buff *skb);
typedef enum netdev_tx (*nm_if_transmit_fn)(struct sk_buff *skb, struct net_device *dev);

#endif /* NETMAP_OS_TYPES_H */

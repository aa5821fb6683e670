/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vale/ - the switch: life of switches and ports (switch.c), the packet path
 * (forward.c), MAC table (mactable.c), attached NICs (bwrap.c).  The essay is in
 * forward.c.
 */
#ifndef NM_VALE_H
#define NM_VALE_H

#include "port/port.h"

/* Built without the switch: no such kind of port, and no port is one of it. */
#ifdef NM_WITHOUT_VALE

static inline int nm_vale_init(void)
{
	return 0;
}

static inline int nm_vale_set_hdr(struct netmap_adapter *na, uint32_t len)
{
	return EINVAL;
}

#else

/* Module load: registers the kind of port `vale<sw>:<port>`. */
int nm_vale_init(void);

/* All: context sleep, interface and control locks held.  Names NUL-terminated. */

/* NETMAP_REQ_VALE_ATTACH / DETACH; name `vale<sw>:<nic>`; *index: port number.
 * EINVAL, ENXIO (no such NIC / port), EBUSY, ENOMEM. */
int nm_vale_attach(struct nm_ns *ns, const char *name, const struct nmreq_register *reg,
		   struct nm_mem *mem, uint32_t *index);
int nm_vale_detach(struct nm_ns *ns, const char *name, uint32_t *index);
/*
 * NETMAP_REQ_VALE_LIST.  A name: *bridge and *port of it (port 0 when the name is a
 * switch's only); ENOENT.  Empty: the first port at or after (*bridge, *port), its
 * name written to `name` (NETMAP_REQ_IFNAMSIZ bytes); ENOENT at the end.
 */
int nm_vale_list(struct nm_ns *ns, char *name, uint16_t *bridge, uint32_t *port);
/* Bytes of vnet header on a port: 0, 10, 12, else EINVAL.  EINVAL too when the port
 * is not a VALE port. */
int nm_vale_set_hdr(struct netmap_adapter *na, uint32_t len);

#endif /* NM_WITHOUT_VALE */

#endif /* NM_VALE_H */

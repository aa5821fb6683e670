# SPDX-License-Identifier: BSD-2-Clause
"""What tests of requests share: the state that a failed request must not change."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from errno import EINVAL, ENOENT
from typing import Any

from harness import Core, Handle, K, ffi, lib, struct

REQUESTS_WITH_BODY = {
    "REGISTER": (lib.NETMAP_REQ_REGISTER, "nmreq_register"),
    "PORT_INFO_GET": (lib.NETMAP_REQ_PORT_INFO_GET, "nmreq_port_info_get"),
    "VALE_ATTACH": (lib.NETMAP_REQ_VALE_ATTACH, "nmreq_vale_attach"),
    "VALE_DETACH": (lib.NETMAP_REQ_VALE_DETACH, "nmreq_vale_detach"),
    "VALE_LIST": (lib.NETMAP_REQ_VALE_LIST, "nmreq_vale_list"),
    "PORT_HDR_SET": (lib.NETMAP_REQ_PORT_HDR_SET, "nmreq_port_hdr"),
    "PORT_HDR_GET": (lib.NETMAP_REQ_PORT_HDR_GET, "nmreq_port_hdr"),
    "VALE_NEWIF": (lib.NETMAP_REQ_VALE_NEWIF, "nmreq_vale_newif"),
    "VALE_POLLING_ENABLE": (lib.NETMAP_REQ_VALE_POLLING_ENABLE, "nmreq_vale_polling"),
    "VALE_POLLING_DISABLE": (lib.NETMAP_REQ_VALE_POLLING_DISABLE, "nmreq_vale_polling"),
    "POOLS_INFO_GET": (lib.NETMAP_REQ_POOLS_INFO_GET, "nmreq_pools_info"),
    "SYNC_KLOOP_START": (lib.NETMAP_REQ_SYNC_KLOOP_START, "nmreq_sync_kloop_start"),
}
REQUESTS_WITHOUT_BODY = {
    "VALE_DELIF": lib.NETMAP_REQ_VALE_DELIF,
    "SYNC_KLOOP_STOP": lib.NETMAP_REQ_SYNC_KLOOP_STOP,
    "CSB_ENABLE": lib.NETMAP_REQ_CSB_ENABLE,
}
# Known requests that this kernel does not carry out.
NOT_CARRIED_OUT = (
    "VALE_NEWIF",
    "VALE_DELIF",
    "VALE_POLLING_ENABLE",
    "VALE_POLLING_DISABLE",
    "SYNC_KLOOP_START",
    "SYNC_KLOOP_STOP",
    "CSB_ENABLE",
)
FIRST_REGIONS = range(1, 12)


@dataclass(frozen=True)
class State:
    """Everything that requests can make or take away, as far as it shows."""

    blocks: int
    bytes: int
    ports: tuple[tuple[int, int, str], ...]
    regions: tuple[int, ...]


def switch_ports(handle: Handle) -> tuple[tuple[int, int, str], ...]:
    """Every port of every switch: bridge, port, name."""
    found: list[tuple[int, int, str]] = []
    bridge, port = 0, 0
    while True:
        body = struct("nmreq_vale_list", nr_bridge_idx=bridge, nr_port_idx=port)
        reply = handle.request(lib.NETMAP_REQ_VALE_LIST, "", body)
        if reply.error:
            assert reply.error == ENOENT
            return tuple(found)
        bridge, port = reply.body.nr_bridge_idx, reply.body.nr_port_idx
        found.append((bridge, port, ffi.string(reply.header.nr_name).decode()))
        port += 1


def regions(handle: Handle) -> tuple[int, ...]:
    """The ids in use among the first few."""
    found = []
    for mem_id in FIRST_REGIONS:
        body = struct("nmreq_pools_info", nr_mem_id=mem_id)
        reply = handle.request(lib.NETMAP_REQ_POOLS_INFO_GET, "", body)
        assert reply.error in (0, EINVAL)
        if reply.error == 0:
            found.append(mem_id)
    return tuple(found)


def state(core: Core) -> State:
    """The state now."""
    probe = core.open()
    try:
        return State(core.live(), int(lib.nmh_live_bytes()), switch_ports(probe), regions(probe))
    finally:
        probe.close()


@contextlib.contextmanager
def unchanged(core: Core) -> Iterator[None]:
    """What happens inside leaves nothing behind and takes nothing away."""
    before = state(core)
    yield
    assert state(core) == before


def reg(mode: int = lib.NR_REG_ALL_NIC, **fields: int) -> Any:
    """A body of REGISTER."""
    return struct("nmreq_register", nr_mode=mode, **{f"nr_{k}": v for k, v in fields.items()})


def old_request(name: str | bytes = "", version: int = K.NETMAP_API, **fields: int) -> Any:
    """A struct nmreq."""
    req = struct("nmreq", nr_version=version, **{f"nr_{k}": v for k, v in fields.items()})
    raw = name.encode() if isinstance(name, str) else name
    ffi.memmove(req.nr_name, raw, min(len(raw), len(req.nr_name)))
    return req


def old_name(req: Any) -> str:
    """The name in a struct nmreq."""
    return str(ffi.string(req.nr_name).decode())

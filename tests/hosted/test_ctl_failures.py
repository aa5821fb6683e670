# SPDX-License-Identifier: BSD-2-Clause
"""Every allocation of every request fails once: ENOMEM, and nothing has changed."""

from __future__ import annotations

from collections.abc import Callable
from errno import ENOMEM
from typing import Any

import pytest
from ctl_state import old_request, reg, state
from harness import Core, Handle, K, Option, lib, struct

MOST = 200  # allocations of one request, at the very most


def attach_body() -> Any:
    body = struct("nmreq_vale_attach")
    body.reg.nr_mode = lib.NR_REG_ALL_NIC
    return body


REGISTER = lib.NETMAP_REQ_REGISTER
INFO = lib.NETMAP_REQ_PORT_INFO_GET
# name: what is asked, on a core that has vale0:a open and a NIC eth0 attached to nothing
REQUESTS: dict[str, Callable[[Handle], int]] = {
    "register a switch port": lambda h: h.request(REGISTER, "vale0:b", reg()).error,
    "register on a new switch": lambda h: h.request(REGISTER, "vale1:b", reg(tx_rings=4)).error,
    "register a port that is there": lambda h: h.request(REGISTER, "vale0:a", reg()).error,
    "register a pipe": lambda h: h.request(REGISTER, "p{1", reg()).error,
    "register a pipe on a switch port": lambda h: h.request(REGISTER, "vale0:a}1", reg()).error,
    "register a null port": lambda h: (
        h.request(REGISTER, "x", reg(lib.NR_REG_NULL, extra_bufs=9)).error
    ),
    "register a NIC": lambda h: h.request(REGISTER, "eth0", reg()).error,
    "ask about a switch port": lambda h: (
        h.request(INFO, "vale0:c", struct("nmreq_port_info_get")).error
    ),
    "ask about a pipe": lambda h: h.request(INFO, "q{1", struct("nmreq_port_info_get")).error,
    "ask about pools": lambda h: (
        h.request(
            lib.NETMAP_REQ_POOLS_INFO_GET, "vale0:a", struct("nmreq_pools_info"), [Option(99)]
        ).error
    ),
    "list ports": lambda h: (
        h.request(lib.NETMAP_REQ_VALE_LIST, "", struct("nmreq_vale_list")).error
    ),
    "attach a NIC": lambda h: (
        h.request(lib.NETMAP_REQ_VALE_ATTACH, "vale0:eth0", attach_body()).error
    ),
    "old info": lambda h: int(lib.nmh_legacy_info(h.raw, old_request("vale0:c"))),
    "old register": lambda h: int(lib.nmh_legacy_regif(h.raw, old_request("vale0:c"))),
    "old pipe": lambda h: int(
        lib.nmh_legacy_regif(h.raw, old_request("p", flags=lib.NR_REG_PIPE_MASTER, ringid=1))
    ),
    "old list": lambda h: int(lib.nmh_legacy_info(h.raw, old_request("", cmd=K.NETMAP_BDG_LIST))),
}


@pytest.mark.parametrize("what", REQUESTS)
def test_a_request_that_finds_no_memory_changes_nothing(core: Core, what: str) -> None:
    for name, value in {"if_num": 8, "ring_num": 16, "buf_num": 2048}.items():
        core.set_param(name, value)
    core.nic("eth0")
    core.open("vale0:a")
    handle = core.open()
    before = state(core)
    for nth in range(1, MOST):
        with core.failing(nth):
            error = REQUESTS[what](handle)
        if not core.failed:
            assert error == 0
            assert nth > 1
            return
        assert error == ENOMEM
        assert state(core) == before
    raise AssertionError("too many allocations")


def test_open_without_memory_gives_no_file(core: Core) -> None:
    with core.failing(1):
        assert core.try_open() is None
    assert core.try_open() is not None


def test_starting_the_core_needs_no_memory_that_could_be_missing() -> None:
    with Core() as core:
        assert core.live() == 0

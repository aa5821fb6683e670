# SPDX-License-Identifier: BSD-2-Clause
"""Memory runs out at every allocation in turn: ENOMEM, and nothing is left behind."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from harness import BROADCAST, Core, Handle, Option, ethernet, ffi, lib, mac, struct

Attempt = Callable[[], object]
Scenario = Callable[[Core], tuple[Attempt, Attempt]]

scenarios: dict[str, Scenario] = {}


def scenario(name: str) -> Callable[[Scenario], Scenario]:
    """Set a scene; returns what is attempted, and what undoes it."""

    def keep(fn: Scenario) -> Scenario:
        scenarios[name] = fn
        return fn

    return keep


def binding(core: Core, name: str, **fields: Any) -> tuple[Attempt, Attempt]:
    """Binding a file that is open already."""
    files: list[Handle] = [core.open()]

    def attempt() -> None:
        files[0].register(name, map_it=False, **fields)

    return attempt, files[0].close


@scenario("open a file")
def _(core: Core) -> tuple[Attempt, Attempt]:
    files: list[Handle] = []
    return lambda: files.append(core.open()), lambda: files[0].close()


@scenario("bind the first port of a switch")
def _(core: Core) -> tuple[Attempt, Attempt]:
    return binding(core, "vale0:a")


@scenario("bind a further port")
def _(core: Core) -> tuple[Attempt, Attempt]:
    core.open("vale0:a")
    return binding(core, "vale0:b")


@scenario("bind a port with many rings and extra buffers")
def _(core: Core) -> tuple[Attempt, Attempt]:
    return binding(core, "vale0:a", tx_rings=7, rx_rings=3, extra_bufs=100)


@scenario("bind a second file to a port")
def _(core: Core) -> tuple[Attempt, Attempt]:
    core.open("vale0:a")
    return binding(core, "vale0:a")


@scenario("bind a port in another port's region")
def _(core: Core) -> tuple[Attempt, Attempt]:
    mem_id = core.open("null", mode=lib.NR_REG_NULL, tx_rings=2, rx_rings=2, extra_bufs=9).reg
    return binding(core, "vale0:a", mem_id=mem_id.nr_mem_id, tx_slots=64, rx_slots=64)


@scenario("bind a pipe of a port that does not exist")
def _(core: Core) -> tuple[Attempt, Attempt]:
    return binding(core, "nowhere{1")


@scenario("bind the other end of a pipe")
def _(core: Core) -> tuple[Attempt, Attempt]:
    core.open("nowhere{1")
    return binding(core, "nowhere}1")


@scenario("bind a pipe of a switch port")
def _(core: Core) -> tuple[Attempt, Attempt]:
    return binding(core, "vale0:a{1", tx_rings=2, rx_rings=2)


@scenario("bind a null port")
def _(core: Core) -> tuple[Attempt, Attempt]:
    return binding(core, "any", mode=lib.NR_REG_NULL, extra_bufs=10)


@scenario("bind a NIC")
def _(core: Core) -> tuple[Attempt, Attempt]:
    core.nic("nic0", tx_rings=2, rx_rings=2)
    return binding(core, "nic0")


@scenario("bind a NIC's second ring beside the first")
def _(core: Core) -> tuple[Attempt, Attempt]:
    core.nic("nic0", tx_rings=2, rx_rings=2)
    core.open("nic0", mode=lib.NR_REG_ONE_NIC, ringid=0)
    return binding(core, "nic0", mode=lib.NR_REG_ONE_NIC, ringid=1)


@scenario("bind a pipe of a NIC")
def _(core: Core) -> tuple[Attempt, Attempt]:
    core.nic("nic0")
    return binding(core, "nic0}5")


@scenario("attach a driver")
def _(core: Core) -> tuple[Attempt, Attempt]:
    return lambda: core.nic("nic0"), lambda: core.nics[0].free()


@scenario("attach a NIC to a switch")
def _(core: Core) -> tuple[Attempt, Attempt]:
    core.nic("nic0", tx_rings=2, rx_rings=3)
    handle = core.open()

    def attempt() -> None:
        body = struct("nmreq_vale_attach")
        body.reg.nr_mode = lib.NR_REG_ALL_NIC
        handle.ctrl(lib.NETMAP_REQ_VALE_ATTACH, "vale0:nic0", body)

    def undo() -> None:
        handle.ctrl(lib.NETMAP_REQ_VALE_DETACH, "vale0:nic0", struct("nmreq_vale_detach"))

    return attempt, undo


@scenario("describe a port that does not exist yet")
def _(core: Core) -> tuple[Attempt, Attempt]:
    handle = core.open()
    return lambda: handle.port_info("vale0:a"), lambda: None


@scenario("describe a pipe that does not exist yet")
def _(core: Core) -> tuple[Attempt, Attempt]:
    handle = core.open()
    return lambda: handle.port_info("nowhere{3"), lambda: None


@scenario("a request with an option that is not known")
def _(core: Core) -> tuple[Attempt, Attempt]:
    handle, kind = core.open(), lib.NETMAP_REQ_PORT_INFO_GET
    body = struct("nmreq_port_info_get")
    return (
        lambda: handle.ctrl(kind, "", body, [Option(999, bytes(40))]),
        lambda: None,
    )


@scenario("the old NIOCREGIF")
def _(core: Core) -> tuple[Attempt, Attempt]:
    handle = core.open()

    def attempt() -> None:
        req = ffi.new("struct nmreq *", {"nr_name": b"vale0:a", "nr_version": 14})
        err = lib.nmh_legacy_regif(handle.raw, req)
        if err:
            raise OSError(err, "NIOCREGIF")

    return attempt, handle.close


def ports(core: Core) -> list[tuple[int, int, bytes]]:
    """All ports of all switches."""
    handle = core.open()

    def walk() -> Iterator[tuple[int, int, bytes]]:
        bridge = port = 0
        while True:
            body = struct("nmreq_vale_list", nr_bridge_idx=bridge, nr_port_idx=port)
            reply = handle.request(lib.NETMAP_REQ_VALE_LIST, "", body)
            if reply.error:
                assert reply.error == errno.ENOENT
                return
            bridge, port = reply.body.nr_bridge_idx, reply.body.nr_port_idx
            yield bridge, port, ffi.string(reply.header.nr_name)
            port += 1

    found = list(walk())
    handle.close()
    return found


@pytest.mark.parametrize("name", list(scenarios))
def test_each_allocation_may_fail(name: str) -> None:
    with Core(buf_num=4096) as core:
        attempt, undo = scenarios[name](core)
        before = (core.live(), lib.nmh_live_bytes(), ports(core))
        failures = 0
        for nth in range(1, 1000):
            error = None
            with core.failing(nth):
                try:
                    attempt()
                except OSError as err:
                    error = err.errno
            if not core.failed:
                break
            failures += 1
            assert error == errno.ENOMEM, f"allocation {nth}"
            assert (core.live(), lib.nmh_live_bytes(), ports(core)) == before, f"allocation {nth}"
        assert error is None
        assert failures > 0
        undo()


def test_each_allocation_may_fail_when_the_core_starts() -> None:
    lib.nmh_params_reset()
    for nth in range(1, 100):
        lib.nmh_alloc_fail(nth)
        error = lib.nmh_init()
        failed = lib.nmh_alloc_failed()
        lib.nmh_alloc_fail(0)
        if not failed:
            break
        assert error == errno.ENOMEM
        assert lib.nmh_live() == 0
    assert error == 0
    lib.nmh_fini()
    assert lib.nmh_live() == 0


def test_a_port_works_after_every_failure_of_its_binding(core: Core) -> None:
    handle, peer = core.open(), core.open("vale0:b")
    for nth in range(1, 1000):
        with core.failing(nth):
            try:
                handle.register("vale0:a")
                break
            except OSError as err:
                assert err.errno == errno.ENOMEM
    frame = ethernet(BROADCAST, mac(1))
    handle.send([frame])
    assert peer.receive() == [frame]

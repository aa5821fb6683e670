# SPDX-License-Identifier: BSD-2-Clause
"""REGISTER: what binds, what is refused, and that a refusal leaves no trace."""

from __future__ import annotations

from errno import EBUSY, EINVAL, EIO, ENXIO, EOPNOTSUPP
from typing import Any

import pytest
from ctl_state import reg, regions, switch_ports, unchanged
from harness import BROADCAST, Core, K, ethernet, ffi, lib, mac, struct

REGISTER = lib.NETMAP_REQ_REGISTER
SMALL = {"if_num": 8, "ring_num": 16, "buf_num": 2048}  # region 1, for NICs


def small_nic(core: Core, name: str = "eth0", **config: int) -> Any:
    for param, value in SMALL.items():
        core.set_param(param, value)
    return core.nic(name, **config)


def error_of(core: Core, name: str, body: Any) -> int:
    """The errno of a REGISTER on a new file, which must leave no trace."""
    handle = core.open()
    with unchanged(core):
        error = handle.request(REGISTER, name, body).error
        if error == 0:
            handle.close()
    if error != 0:
        handle.close()
    return error


def test_what_is_answered_is_what_the_port_has(core: Core) -> None:
    handle = core.open("vale0:a", tx_rings=3, rx_rings=2, tx_slots=100, rx_slots=300, extra_bufs=5)
    got = handle.reg
    assert (got.nr_tx_rings, got.nr_rx_rings) == (3, 2)
    assert (got.nr_tx_slots, got.nr_rx_slots) == (100, 300)
    assert (got.nr_host_tx_rings, got.nr_host_rx_rings) == (1, 1)
    assert got.nr_extra_bufs == 5
    assert got.nr_mem_id > 1
    assert got.nr_mode == lib.NR_REG_ALL_NIC
    assert [ring.slots for ring in handle.tx] == [100] * 3
    assert [ring.slots for ring in handle.rx] == [300] * 2
    assert ffi.string(handle.nifp.ni_name) == b"vale0:a"
    pools = handle.ctrl(lib.NETMAP_REQ_POOLS_INFO_GET, "vale0:a", struct("nmreq_pools_info"))
    assert (pools.nr_memsize, pools.nr_mem_id) == (got.nr_memsize, got.nr_mem_id)
    assert got.nr_offset < got.nr_memsize


@pytest.mark.parametrize(
    "mode", [0, lib.NR_REG_PIPE_MASTER, lib.NR_REG_PIPE_SLAVE, 9, 16, 255, 0x80000000, 0xFFFFFFFF]
)
@pytest.mark.parametrize("name", ["vale0:a", "vale0:a{1", "phantom}2", "nosuch", ""])
def test_a_mode_that_is_none_is_refused(core: Core, name: str, mode: int) -> None:
    assert error_of(core, name, reg(mode)) == EINVAL


@pytest.mark.parametrize("name", ["nosuch", "", "val", "vale", "valeX", "lo"])
@pytest.mark.parametrize("mode", [lib.NR_REG_ALL_NIC, lib.NR_REG_SW, lib.NR_REG_ONE_NIC])
def test_a_port_that_is_not_there_is_enxio(core: Core, name: str, mode: int) -> None:
    assert error_of(core, name, reg(mode)) == ENXIO


def test_an_empty_name_is_no_port_in_any_mode(core: Core) -> None:
    for mode in (1, 2, 3, 4, 7, 8):
        assert error_of(core, "", reg(mode)) == ENXIO


@pytest.mark.parametrize("mode", [lib.NR_REG_SW, lib.NR_REG_NIC_SW, lib.NR_REG_ONE_SW])
def test_a_switch_port_has_no_host_rings(core: Core, mode: int) -> None:
    assert error_of(core, "vale0:a", reg(mode)) == EINVAL


@pytest.mark.parametrize("ringid", [1, 2, 16, 65535])
def test_a_ring_that_is_not_there_is_refused(core: Core, ringid: int) -> None:
    assert error_of(core, "vale0:a", reg(lib.NR_REG_ONE_NIC, ringid=ringid)) == EINVAL


def test_rings_of_only_one_direction_cannot_be_asked_for_both_ways(core: Core) -> None:
    both = K.NR_RX_RINGS_ONLY | K.NR_TX_RINGS_ONLY
    assert error_of(core, "vale0:a", reg(flags=both)) == EINVAL


@pytest.mark.parametrize("flag", [K.NR_MONITOR_TX, K.NR_MONITOR_RX, K.NR_ZCOPY_MON])
def test_a_monitor_is_not_there_yet_and_the_port_is_not_taken_instead(
    core: Core, flag: int
) -> None:
    core.open("vale0:a")
    assert error_of(core, "vale0:a", reg(flags=flag)) == EOPNOTSUPP


@pytest.mark.parametrize("mem_id", [2, 3, 100, 65535])
@pytest.mark.parametrize("name", ["vale0:a", "nosuch", "phantom{1"])
def test_a_region_that_is_not_there_is_refused(core: Core, name: str, mem_id: int) -> None:
    assert error_of(core, name, reg(mem_id=mem_id)) == EINVAL


def test_the_same_region_can_be_asked_for_by_its_id(core: Core) -> None:
    a = core.open("vale0:a")
    b = core.open("vale0:b", mem_id=a.reg.nr_mem_id, map_it=False, tx_slots=16, rx_slots=16)
    assert b.reg.nr_mem_id == a.reg.nr_mem_id
    assert b.reg.nr_memsize == a.reg.nr_memsize
    assert b.reg.nr_offset != a.reg.nr_offset


@pytest.mark.parametrize("name", ["vale0:a", "vale0:b", "nosuch", ""])
def test_a_file_that_is_bound_stays_bound_to_its_port(core: Core, name: str) -> None:
    a, other = core.open("vale0:a"), core.open("vale0:c")
    with unchanged(core):
        reply = a.request(REGISTER, name, reg(tx_slots=77))
    assert reply.error == EBUSY
    assert reply.body.nr_tx_slots == 77
    frame = ethernet(BROADCAST, mac(1))
    a.send([frame])
    assert other.receive() == [frame]


def test_a_failed_attempt_does_not_spoil_the_file(core: Core) -> None:
    handle = core.open()
    for name, body in (
        ("nosuch", reg()),
        ("vale0:a", reg(mem_id=9)),
        ("vale0:a", reg(0)),
        ("vale0:a", reg(lib.NR_REG_ONE_NIC, ringid=7)),
    ):
        assert handle.request(REGISTER, name, body).error != 0
        assert lib.nmh_txsync(handle.raw) == ENXIO
    handle.register("vale0:a")
    handle.txsync()


@pytest.mark.parametrize("first", [0, K.NR_EXCLUSIVE])
def test_exclusive_keeps_others_off_the_same_rings(core: Core, first: int) -> None:
    core.open("vale0:a", tx_rings=2, rx_rings=2, mode=lib.NR_REG_ONE_NIC, flags=first)
    again = K.NR_EXCLUSIVE - first
    with unchanged(core):
        handle = core.open()
        reply = handle.request(REGISTER, "vale0:a", reg(lib.NR_REG_ONE_NIC, ringid=0, flags=again))
        assert reply.error == EBUSY
        assert handle.request(REGISTER, "vale0:a", reg(flags=again)).error == EBUSY
        handle.close()
    core.open("vale0:a", mode=lib.NR_REG_ONE_NIC, ringid=1, flags=K.NR_EXCLUSIVE)


def test_a_port_with_a_header_needs_a_program_that_knows_of_it(core: Core) -> None:
    a = core.open("vale0:a")
    a.ctrl(lib.NETMAP_REQ_PORT_HDR_SET, "vale0:a", struct("nmreq_port_hdr", nr_hdr_len=12))
    assert error_of(core, "vale0:a", reg()) == EIO
    b = core.open("vale0:a", flags=K.NR_ACCEPT_VNET_HDR)
    assert b.reg.nr_mem_id == a.reg.nr_mem_id
    b.close()
    a.ctrl(lib.NETMAP_REQ_PORT_HDR_SET, "vale0:a", struct("nmreq_port_hdr", nr_hdr_len=0))
    core.open("vale0:a")


def test_closing_the_last_file_takes_port_and_region_away(core: Core) -> None:
    with unchanged(core):
        a, b = core.open("vale0:a"), core.open("vale0:a")
        assert switch_ports(a) == ((0, 0, "vale0:a"),)
        a.close()
        assert switch_ports(b) == ((0, 0, "vale0:a"),)
        b.close()


def test_a_null_port_is_there_for_its_memory(core: Core) -> None:
    handle = core.open("anything", mode=lib.NR_REG_NULL, extra_bufs=3)
    assert handle.tx == [] and handle.rx == []
    assert handle.reg.nr_extra_bufs == 3
    assert handle.nifp.ni_bufs_head >= 2
    handle.txsync()
    handle.rxsync()
    sharer = core.open("vale0:a", mem_id=handle.reg.nr_mem_id, tx_slots=8, rx_slots=8)
    assert sharer.reg.nr_mem_id == handle.reg.nr_mem_id
    assert regions(sharer) == (1, handle.reg.nr_mem_id)


# ---- NICs ------------------------------------------------------------------------------


def test_a_nic_is_bound_whole_or_by_one_ring(core: Core) -> None:
    small_nic(core, tx_rings=2, rx_rings=2)
    for mode, ringid, rings in ((lib.NR_REG_ALL_NIC, 0, 2), (lib.NR_REG_ONE_NIC, 1, 1)):
        handle = core.open("eth0", mode=mode, ringid=ringid)
        assert (len(handle.tx), len(handle.rx)) == (rings, rings)
        assert handle.reg.nr_mem_id == 1
        handle.close()


def test_a_nic_lives_in_the_global_region_only(core: Core) -> None:
    small_nic(core)
    other = core.open("vale0:a")
    assert error_of(core, "eth0", reg(mem_id=other.reg.nr_mem_id)) == EINVAL
    core.open("eth0", mem_id=1)


def test_a_name_that_only_begins_like_a_switch_is_an_interface(core: Core) -> None:
    small_nic(core, "valet0")
    handle = core.open("valet0")
    assert handle.reg.nr_mem_id == 1


def test_an_interface_of_another_namespace_is_not_there(core: Core) -> None:
    small_nic(core)
    handle = core.open(ns=core.new_ns())
    assert handle.request(REGISTER, "eth0", reg()).error == ENXIO
    handle.close()


def test_switches_of_namespaces_do_not_know_each_other(core: Core) -> None:
    a, b = core.open("vale0:a"), core.open("vale0:b", ns=core.new_ns())
    a.send([ethernet(BROADCAST, mac(1))])
    assert b.receive() == []
    assert switch_ports(a) == ((0, 0, "vale0:a"),)
    assert switch_ports(b) == ((0, 0, "vale0:b"),)
    b.close()

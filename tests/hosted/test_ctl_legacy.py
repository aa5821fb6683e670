# SPDX-License-Identifier: BSD-2-Clause
"""NIOCGINFO and NIOCREGIF: the old requests run through the code of the new ones."""

from __future__ import annotations

from errno import EBUSY, EINVAL, EIO, ENOENT, ENXIO, EOPNOTSUPP, EOVERFLOW
from typing import Any

import pytest
from ctl_state import old_name, old_request, state, switch_ports, unchanged
from harness import BROADCAST, POLLIN, POLLOUT, Core, Handle, K, ethernet, ffi, lib, mac, struct

FRAME = ethernet(BROADCAST, mac(1), b"frame")
OLD_CMDS_LATER = (
    K.NETMAP_BDG_NEWIF,
    K.NETMAP_BDG_DELIF,
    K.NETMAP_BDG_POLLING_ON,
    K.NETMAP_BDG_POLLING_OFF,
)


def info(handle: Handle, req: Any) -> int:
    return int(lib.nmh_legacy_info(handle.raw, req))


def regif(handle: Handle, req: Any) -> int:
    return int(lib.nmh_legacy_regif(handle.raw, req))


def bytes_of(req: Any) -> bytes:
    return bytes(ffi.buffer(req))


def bind(core: Core, name: str, **fields: int) -> tuple[Handle, Any]:
    """An old program's way to a port, with its rings looked up."""
    handle, req = core.open(), old_request(name, **fields)
    assert regif(handle, req) == 0
    handle.reg = struct("nmreq_register", nr_offset=req.nr_offset, nr_memsize=req.nr_memsize)
    handle.find_rings()
    return handle, req


def refused(core: Core, req: Any, which: Any = regif) -> int:
    """The errno of a request that must leave no trace, nor write into the struct."""
    handle = core.open()
    before = bytes_of(req)
    with unchanged(core):
        error = int(which(handle, req))
    assert error != 0
    assert bytes_of(req) == before
    handle.close()
    return error


# ---- versions and names ------------------------------------------------------------------


@pytest.mark.parametrize("version", [0, 1, 11, 13])
@pytest.mark.parametrize("which", [info, regif])
def test_an_older_version_is_refused(core: Core, which: Any, version: int) -> None:
    assert refused(core, old_request("vale0:a", version), which) == EINVAL


@pytest.mark.parametrize("version", [14, 15, 16, 1000, 0xFFFFFFFF])
def test_any_later_version_is_taken(core: Core, version: int) -> None:
    handle = core.open()
    req = old_request("vale0:a", version)
    assert info(handle, req) == 0
    assert regif(handle, req) == 0
    assert req.nr_version == version


@pytest.mark.parametrize("which", [info, regif])
def test_a_name_without_end_is_refused(core: Core, which: Any) -> None:
    assert refused(core, old_request(b"vale0:0123456789"), which) == EINVAL


def test_the_longest_name_is_taken(core: Core) -> None:
    handle, _ = bind(core, "vale0:012345678")
    assert [name for _, _, name in switch_ports(handle)] == ["vale0:012345678"]


@pytest.mark.parametrize("cmd", [3, 8, 9, 13, 14, 77, 0xFFFF])
@pytest.mark.parametrize("which", [info, regif])
def test_an_unknown_command_is_refused(core: Core, which: Any, cmd: int) -> None:
    assert refused(core, old_request("vale0:a", cmd=cmd), which) == EINVAL


@pytest.mark.parametrize("cmd", OLD_CMDS_LATER)
def test_commands_that_are_not_carried_out_say_so(core: Core, cmd: int) -> None:
    assert refused(core, old_request("vale0:a", cmd=cmd)) == EOPNOTSUPP


@pytest.mark.parametrize(
    "cmd", [K.NETMAP_BDG_ATTACH, K.NETMAP_BDG_DETACH, K.NETMAP_BDG_VNET_HDR, *OLD_CMDS_LATER]
)
def test_the_ioctl_that_asks_takes_no_command_that_changes_something(core: Core, cmd: int) -> None:
    assert refused(core, old_request("vale0:a", cmd=cmd), info) == EINVAL


# ---- binding -----------------------------------------------------------------------------


def test_it_binds_and_tells_what_register_tells(core: Core) -> None:
    handle, req = bind(core, "vale0:a", tx_slots=100, rx_slots=200, tx_rings=2, rx_rings=3, arg3=4)
    assert (req.nr_tx_slots, req.nr_rx_slots, req.nr_tx_rings, req.nr_rx_rings) == (100, 200, 2, 3)
    assert req.nr_arg3 == 4
    assert old_name(req) == "vale0:a"
    assert (req.nr_cmd, req.nr_ringid, req.nr_flags) == (0, 0, 0)
    there = core.open().port_info("vale0:a")
    assert (req.nr_memsize, req.nr_arg2) == (there.nr_memsize, there.nr_mem_id)
    assert (len(handle.tx), len(handle.rx)) == (2, 3)
    assert handle.nifp.ni_bufs_head >= 2


def test_packets_go_between_old_and_new_programs(core: Core) -> None:
    old, _ = bind(core, "vale0:a")
    new = core.open("vale0:b")
    old.send([FRAME])
    assert new.receive() == [FRAME]
    new.send([FRAME])
    assert old.receive() == [FRAME]


@pytest.mark.parametrize(
    ("flags", "ringid", "tx", "rx"),
    [
        (lib.NR_REG_DEFAULT, 0, 3, 3),
        (lib.NR_REG_DEFAULT, 5, 3, 3),  # no HW_RING: the number means nothing
        (lib.NR_REG_DEFAULT, K.NETMAP_HW_RING | 2, 1, 1),
        (lib.NR_REG_ALL_NIC, 0, 3, 3),
        (lib.NR_REG_ONE_NIC, 1, 1, 1),
        (lib.NR_REG_ALL_NIC | K.NR_RX_RINGS_ONLY, 0, 0, 3),
        (lib.NR_REG_ALL_NIC | K.NR_TX_RINGS_ONLY, 0, 3, 0),
        (lib.NR_REG_NULL, 0, 0, 0),
    ],
)
def test_which_rings_are_bound(core: Core, flags: int, ringid: int, tx: int, rx: int) -> None:
    handle, req = bind(core, "vale0:a", flags=flags, ringid=ringid, tx_rings=3, rx_rings=3)
    assert (len(handle.tx), len(handle.rx)) == (tx, rx)
    assert (req.nr_flags, req.nr_ringid) == (flags, ringid)
    if (flags & K.NR_REG_MASK, tx) == (lib.NR_REG_ONE_NIC, 1):
        assert handle.tx[0].raw.ringid == ringid


def test_one_ring_by_the_oldest_way_is_that_ring(core: Core) -> None:
    handle, _ = bind(core, "vale0:a", ringid=K.NETMAP_HW_RING | 2, tx_rings=3, rx_rings=3)
    assert handle.tx[0].raw.ringid == handle.rx[0].raw.ringid == 2


@pytest.mark.parametrize(
    ("flags", "ringid"),
    [
        (lib.NR_REG_DEFAULT, K.NETMAP_SW_RING),
        (lib.NR_REG_DEFAULT, K.NETMAP_HW_RING | 1),
        (lib.NR_REG_SW, 0),
        (lib.NR_REG_NIC_SW, 0),
        (lib.NR_REG_ONE_SW, 0),
        (lib.NR_REG_ONE_NIC, 1),
        (9, 0),
        (15, 0),
    ],
)
def test_rings_and_modes_that_are_not_there_are_refused(
    core: Core, flags: int, ringid: int
) -> None:
    assert refused(core, old_request("vale0:a", flags=flags, ringid=ringid)) == EINVAL


@pytest.mark.parametrize(("bit", "sent"), [(0, 1), (K.NETMAP_NO_TX_POLL, 0)])
def test_no_tx_poll_in_the_ring_number(core: Core, bit: int, sent: int) -> None:
    handle, _ = bind(core, "vale0:a", ringid=bit)
    other = core.open("vale0:b")
    handle.tx[0].put(FRAME)
    handle.poll(POLLIN)
    assert len(other.receive()) == sent


@pytest.mark.parametrize(("bit", "seen"), [(0, 0), (K.NETMAP_DO_RX_POLL, 1)])
def test_do_rx_poll_in_the_ring_number(core: Core, bit: int, seen: int) -> None:
    handle, _ = bind(core, "vale0:a", ringid=bit)
    core.open("vale0:b").send([FRAME])
    handle.poll(POLLOUT)
    assert handle.rx[0].space() == seen


def test_flags_are_those_of_the_new_request(core: Core) -> None:
    bind(core, "vale0:a", flags=lib.NR_REG_ALL_NIC | K.NR_EXCLUSIVE)
    assert refused(core, old_request("vale0:a")) == EBUSY
    a = core.open("vale0:b")
    a.ctrl(lib.NETMAP_REQ_PORT_HDR_SET, "vale0:b", struct("nmreq_port_hdr", nr_hdr_len=10))
    assert refused(core, old_request("vale0:b")) == EIO
    bind(core, "vale0:b", flags=lib.NR_REG_ALL_NIC | K.NR_ACCEPT_VNET_HDR)


@pytest.mark.parametrize(
    ("name", "mode"),
    [("", mode) for mode in range(9)]
    # null ports and pipes have any name
    + [(name, mode) for name in ("nosuch", "vale") for mode in (0, 1, 2, 3, 4, 8)],
)
def test_a_port_that_is_not_there(core: Core, name: str, mode: int) -> None:
    assert refused(core, old_request(name, flags=mode)) == ENXIO


def test_a_region_by_its_id(core: Core) -> None:
    assert refused(core, old_request("vale0:a", arg2=33)) == EINVAL
    _, first = bind(core, "vale0:a")
    _, second = bind(core, "vale0:b", arg2=first.nr_arg2, tx_slots=8, rx_slots=8)
    assert second.nr_arg2 == first.nr_arg2


def test_a_bound_file_stays_bound(core: Core) -> None:
    handle, req = bind(core, "vale0:a")
    before = state(core)
    again = old_request("vale0:b")
    assert regif(handle, again) == EBUSY
    assert handle.request(lib.NETMAP_REQ_REGISTER, "vale0:b", bytes(56)).error == EBUSY
    assert state(core) == before
    handle.txsync()
    assert req.nr_memsize > 0


# ---- pipes -------------------------------------------------------------------------------


def test_pipes_of_the_old_modes_are_pipes_of_the_new_names(core: Core) -> None:
    master, _ = bind(core, "p", flags=lib.NR_REG_PIPE_MASTER, ringid=3)
    slave = core.open("p}3")
    master.send([FRAME])
    assert slave.receive() == [FRAME]
    slave.close()
    old_slave, _ = bind(core, "p", flags=lib.NR_REG_PIPE_SLAVE, ringid=3)
    master.send([FRAME])
    assert old_slave.receive() == [FRAME]
    other, _ = bind(core, "p", flags=lib.NR_REG_PIPE_SLAVE, ringid=4)
    assert other.receive() == []


def test_the_poll_bits_are_not_part_of_a_pipe_number(core: Core) -> None:
    bits = K.NETMAP_NO_TX_POLL | K.NETMAP_DO_RX_POLL
    master, _ = bind(core, "p", flags=lib.NR_REG_PIPE_MASTER, ringid=0xFFF | bits)
    slave = core.open("p}4095")
    master.send([FRAME])
    assert slave.receive() == [FRAME]


def test_a_pipe_on_the_longest_name(core: Core) -> None:
    master, _ = bind(core, "012345678901234", flags=lib.NR_REG_PIPE_MASTER, ringid=1)
    slave = core.open("012345678901234}1")
    master.send([FRAME])
    assert slave.receive() == [FRAME]


# ---- information -------------------------------------------------------------------------


def test_info_makes_no_port(core: Core) -> None:
    handle = core.open()
    req = old_request("vale0:a", tx_slots=64, rx_rings=2)
    with unchanged(core):
        assert info(handle, req) == 0
    assert (req.nr_tx_slots, req.nr_rx_slots, req.nr_tx_rings, req.nr_rx_rings) == (64, 1024, 1, 2)
    assert req.nr_memsize > 0
    assert req.nr_arg2 == 0  # the region went with the port
    assert info(handle, req) == 0  # the answer as the next question


def test_info_of_a_port_and_of_region_1(core: Core) -> None:
    handle, bound = bind(core, "vale0:a", tx_slots=32)
    req = old_request("vale0:a")
    assert info(core.open(), req) == 0
    assert (req.nr_tx_slots, req.nr_memsize, req.nr_arg2) == (32, bound.nr_memsize, bound.nr_arg2)
    empty = old_request("", arg2=0)
    assert info(handle, empty) == 0
    assert empty.nr_memsize == handle.port_info().nr_memsize
    assert refused(core, old_request("", arg2=77), info) == EINVAL
    assert refused(core, old_request("nosuch"), info) == ENXIO


# ---- what does not fit -------------------------------------------------------------------


HUGE = 2_200_000  # buffers of 2048 bytes: more than 4 GB


def test_a_region_beyond_4_gb_is_not_cut_off_but_refused(core: Core) -> None:
    core.set_param("priv_buf_num", HUGE)
    assert refused(core, old_request("vale0:a"), info) == EOVERFLOW
    assert refused(core, old_request("vale0:a")) == EOVERFLOW
    new = core.open("vale0:a", map_it=False)
    assert new.reg.nr_memsize > 1 << 32
    assert refused(core, old_request("vale0:a")) == EOVERFLOW
    new.txsync()


def test_a_file_that_was_refused_for_its_size_can_be_bound(core: Core) -> None:
    core.set_param("priv_buf_num", HUGE)
    handle = core.open()
    assert regif(handle, old_request("vale0:a")) == EOVERFLOW
    assert lib.nmh_txsync(handle.raw) == ENXIO
    core.set_param("priv_buf_num", 4098)
    assert regif(handle, old_request("vale0:a")) == 0
    assert lib.nmh_txsync(handle.raw) == 0


def test_a_listed_name_that_is_too_long_is_refused(core: Core) -> None:
    core.open("vale0:a-very-long-name-of-a-port")
    req = old_request("", cmd=K.NETMAP_BDG_LIST)
    assert refused(core, req, info) == EOVERFLOW


# ---- switches ----------------------------------------------------------------------------


@pytest.mark.parametrize("which", [info, regif])
def test_the_list_of_ports(core: Core, which: Any) -> None:
    names = ("vale0:a", "vale0:b", "vale3:c")
    handles = [core.open(name, tx_slots=8, rx_slots=8) for name in names]
    found = []
    req = old_request("", cmd=K.NETMAP_BDG_LIST)
    while which(handles[0], req) == 0:
        found.append((req.nr_arg1, req.nr_arg2, old_name(req)))
        req = old_request("", cmd=K.NETMAP_BDG_LIST, arg1=req.nr_arg1, arg2=req.nr_arg2 + 1)
    assert which(handles[0], req) == ENOENT
    assert tuple(found) == switch_ports(handles[0])
    named = old_request("vale0:b", cmd=K.NETMAP_BDG_LIST, arg1=9, arg2=9)
    assert which(handles[0], named) == 0
    assert (named.nr_arg1, named.nr_arg2, "vale0:b") in found
    assert which(handles[0], old_request("vale9:z", cmd=K.NETMAP_BDG_LIST)) == ENOENT


def test_the_header_of_a_port(core: Core) -> None:
    handle = core.open("vale0:a")
    for length in (12, 10, 0, 12):
        req = old_request("vale0:a", cmd=K.NETMAP_BDG_VNET_HDR, arg1=length)
        assert regif(handle, req) == 0
        for which in (info, regif):
            req = old_request("vale0:a", cmd=K.NETMAP_VNET_HDR_GET, arg1=77)
            assert which(handle, req) == 0
            assert req.nr_arg1 == length
    for length in (1, 11, 0xFFFF):
        assert (
            refused(core, old_request("vale0:a", cmd=K.NETMAP_BDG_VNET_HDR, arg1=length)) == EINVAL
        )
    for cmd in (K.NETMAP_BDG_VNET_HDR, K.NETMAP_VNET_HDR_GET):
        assert refused(core, old_request("vale0:q", cmd=cmd)) == ENXIO


def test_attach_and_detach(core: Core) -> None:
    for name, value in {"if_num": 8, "ring_num": 16, "buf_num": 2048}.items():
        core.set_param(name, value)
    core.nic("eth0")
    handle = core.open()
    attach = K.NETMAP_BDG_ATTACH
    for fields in ({"arg1": 2}, {"arg1": 0xFFFF}, {"ringid": 1}, {"arg2": 99}):
        assert refused(core, old_request("vale0:eth0", cmd=attach, **fields)) == EINVAL
    assert refused(core, old_request("vale0:eth1", cmd=attach)) == ENXIO
    with unchanged(core):
        assert regif(handle, old_request("vale0:eth0", cmd=attach)) == 0
        assert [name for _, _, name in switch_ports(handle)] == ["vale0:eth0"]
        assert regif(handle, old_request("vale0:eth0", cmd=attach)) == EBUSY
        assert regif(handle, old_request("vale0:eth0", cmd=K.NETMAP_BDG_DETACH)) == 0
    assert refused(core, old_request("vale0:eth0", cmd=K.NETMAP_BDG_DETACH)) == ENXIO

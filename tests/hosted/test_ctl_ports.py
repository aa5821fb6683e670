# SPDX-License-Identifier: BSD-2-Clause
"""PORT_INFO_GET, POOLS_INFO_GET, PORT_HDR_GET/SET, VALE_LIST, VALE_ATTACH, VALE_DETACH."""

from __future__ import annotations

from errno import EBUSY, EINVAL, ENOENT, ENXIO
from typing import Any

import pytest
from ctl_state import reg, switch_ports, unchanged
from harness import Core, Handle, K, ffi, lib, struct

INFO, POOLS = lib.NETMAP_REQ_PORT_INFO_GET, lib.NETMAP_REQ_POOLS_INFO_GET
HDR_GET, HDR_SET = lib.NETMAP_REQ_PORT_HDR_GET, lib.NETMAP_REQ_PORT_HDR_SET
LIST = lib.NETMAP_REQ_VALE_LIST
ATTACH, DETACH = lib.NETMAP_REQ_VALE_ATTACH, lib.NETMAP_REQ_VALE_DETACH


def counts(info: Any) -> tuple[int, ...]:
    return (info.nr_tx_rings, info.nr_rx_rings, info.nr_tx_slots, info.nr_rx_slots)


# ---- PORT_INFO_GET -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["vale0:new", "phantom{1", "phantom}1", "vale0:new{3"])
def test_a_port_is_made_for_the_question_and_dropped(core: Core, name: str) -> None:
    handle = core.open()
    with unchanged(core):
        info = handle.port_info(name)
    assert counts(info) == (1, 1, 1024, 1024)
    assert (info.nr_host_tx_rings, info.nr_host_rx_rings) == (1, 1)
    assert info.nr_memsize > 2048 * 2048
    assert info.nr_mem_id == 0  # the region is gone, and its id with it


def test_wishes_count_for_a_port_that_is_not_there(core: Core) -> None:
    info = core.open().port_info("vale0:a", tx_rings=2, rx_rings=3, tx_slots=64, rx_slots=128)
    assert counts(info) == (2, 3, 64, 128)


def test_wishes_do_not_count_for_a_port_that_is_there(core: Core) -> None:
    there = core.open("vale0:a", tx_slots=64)
    core.open("vale0:b")
    asked = there.port_info("vale0:a", tx_rings=9, tx_slots=333, mem_id=3)
    assert counts(asked) == (1, 1, 64, 1024)
    assert asked.nr_mem_id == there.reg.nr_mem_id
    assert asked.nr_memsize == there.reg.nr_memsize


def test_an_answer_can_be_asked_again(core: Core) -> None:
    """Old programs take the struct that they asked with to bind."""
    handle = core.open()
    first = handle.port_info("vale0:a")
    second = handle.ctrl(INFO, "vale0:a", first)
    assert bytes(ffi.buffer(first)) == bytes(ffi.buffer(second))


def test_a_region_that_is_not_there_is_refused_for_a_new_port(core: Core) -> None:
    handle = core.open("vale0:a")
    with unchanged(core):
        for name in ("vale0:b", "vale1:a", "p{1"):
            body = struct("nmreq_port_info_get", nr_mem_id=9)
            assert handle.request(INFO, name, body).error == EINVAL
    info = handle.port_info("vale0:b", mem_id=handle.reg.nr_mem_id)
    assert info.nr_mem_id == handle.reg.nr_mem_id


def test_it_tells_what_register_tells(core: Core) -> None:
    handle = core.open()
    info = handle.port_info("vale0:a")
    got = handle.register("vale0:a")
    assert counts(info) == counts(got)
    assert info.nr_memsize == got.nr_memsize


def test_a_port_that_nobody_can_make_is_enxio(core: Core) -> None:
    handle = core.open()
    with unchanged(core):
        for name in ("nosuch", "vale", "lo"):
            body = struct("nmreq_port_info_get", nr_tx_slots=5)
            reply = handle.request(INFO, name, body)
            assert reply.error == ENXIO
            assert bytes(ffi.buffer(reply.body)) == bytes(ffi.buffer(body))


def test_a_switch_without_a_port_is_no_name(core: Core) -> None:
    handle = core.open()
    with unchanged(core):
        for name in ("vale0:", "vale" + "x" * 40 + ":a"):
            assert handle.request(INFO, name, struct("nmreq_port_info_get")).error == EINVAL


@pytest.mark.parametrize("mem_id", [0, 1])
def test_the_empty_name_asks_for_the_size_of_a_region_alone(core: Core, mem_id: int) -> None:
    info = core.open().port_info("", mem_id=mem_id, tx_slots=7, rx_rings=3)
    assert info.nr_memsize >= 163840 * 2048
    assert info.nr_mem_id == 1
    assert (info.nr_tx_slots, info.nr_rx_rings) == (7, 3)


def test_the_empty_name_and_the_region_of_a_port(core: Core) -> None:
    a = core.open("vale0:a")
    assert a.port_info("", mem_id=a.reg.nr_mem_id).nr_memsize == a.reg.nr_memsize


@pytest.mark.parametrize("mem_id", [2, 3, 65535])
@pytest.mark.parametrize(
    ("kind", "ctype"), [(INFO, "nmreq_port_info_get"), (POOLS, "nmreq_pools_info")]
)
def test_the_empty_name_and_no_such_region(core: Core, kind: int, ctype: str, mem_id: int) -> None:
    reply = core.open().request(kind, "", struct(ctype, nr_mem_id=mem_id))
    assert reply.error == EINVAL
    assert (reply.body.nr_mem_id, reply.body.nr_memsize) == (mem_id, 0)


def test_no_port_open_and_region_1_would_have_the_size_of_the_parameters(core: Core) -> None:
    handle = core.open()
    big = handle.port_info().nr_memsize
    core.set_param("buf_num", 1000)
    assert big - handle.port_info().nr_memsize == (163840 - 1000) * 2048
    assert lib.nmh_live_page_bytes() == 0


# ---- POOLS_INFO_GET ------------------------------------------------------------------------


def pools(handle: Handle, name: str, mem_id: int = 0) -> Any:
    return handle.ctrl(POOLS, name, struct("nmreq_pools_info", nr_mem_id=mem_id))


def check_layout(info: Any) -> None:
    end = 0
    for pool in ("if", "ring", "buf"):
        offset = getattr(info, f"nr_{pool}_pool_offset")
        total = getattr(info, f"nr_{pool}_pool_objtotal")
        size = getattr(info, f"nr_{pool}_pool_objsize")
        assert offset >= end
        assert total > 0 and size > 0
        end = offset + total * size
    assert end <= info.nr_memsize


def test_the_pools_of_a_port_are_those_of_its_region(core: Core) -> None:
    a = core.open("vale0:a")
    info = pools(a, "vale0:a")
    check_layout(info)
    assert info.nr_mem_id == a.reg.nr_mem_id
    assert bytes(ffi.buffer(info)) == bytes(ffi.buffer(pools(a, "", info.nr_mem_id)))
    ring = ffi.cast("uint8_t *", a.tx[0].raw)
    start = ffi.cast("uint8_t *", a.nifp) - a.reg.nr_offset
    assert (ring - start - info.nr_ring_pool_offset) % info.nr_ring_pool_objsize == 0
    assert ring + a.tx[0].raw.buf_ofs == start + info.nr_buf_pool_offset
    assert a.tx[0].buf_size == info.nr_buf_pool_objsize


def test_the_pools_of_region_1_are_those_of_the_parameters(core: Core) -> None:
    info = pools(core.open(), "")
    check_layout(info)
    assert (info.nr_if_pool_objtotal, info.nr_if_pool_objsize) == (100, 1024)
    assert (info.nr_ring_pool_objtotal, info.nr_ring_pool_objsize) == (200, 36864)
    assert (info.nr_buf_pool_objtotal, info.nr_buf_pool_objsize) == (163840, 2048)


@pytest.mark.parametrize("name", ["vale0:a", "phantom{1", "nosuch"])
def test_pools_make_no_port(core: Core, name: str) -> None:
    handle = core.open()
    with unchanged(core):
        assert handle.request(POOLS, name, struct("nmreq_pools_info")).error == ENXIO


# ---- PORT_HDR_GET, PORT_HDR_SET --------------------------------------------------------------


def header_len(handle: Handle, name: str) -> int:
    return int(handle.ctrl(HDR_GET, name, struct("nmreq_port_hdr", nr_hdr_len=99)).nr_hdr_len)


def test_the_header_of_a_switch_port_is_0_10_or_12_bytes(core: Core) -> None:
    a = core.open("vale0:a")
    assert header_len(a, "vale0:a") == 0
    for good in (10, 12, 0, 12):
        a.ctrl(HDR_SET, "vale0:a", struct("nmreq_port_hdr", nr_hdr_len=good))
        assert header_len(a, "vale0:a") == good
    for bad in (1, 2, 9, 11, 13, 20, 64, 0x80000000, 0xFFFFFFFF):
        reply = a.request(HDR_SET, "vale0:a", struct("nmreq_port_hdr", nr_hdr_len=bad))
        assert (reply.error, reply.body.nr_hdr_len) == (EINVAL, bad)
        assert header_len(a, "vale0:a") == 12


@pytest.mark.parametrize("name", ["vale0:b", "nosuch", "phantom{1", ""])
def test_a_header_needs_a_port_that_exists(core: Core, name: str) -> None:
    handle = core.open("vale0:a")
    with unchanged(core):
        for kind in (HDR_GET, HDR_SET):
            reply = handle.request(kind, name, struct("nmreq_port_hdr", nr_hdr_len=10))
            assert (reply.error, reply.body.nr_hdr_len) == (ENXIO, 10)


def test_a_pipe_can_be_asked_for_its_header_but_has_none(core: Core) -> None:
    pipe = core.open("phantom{1")
    assert header_len(pipe, "phantom{1") == 0
    reply = pipe.request(HDR_SET, "phantom{1", struct("nmreq_port_hdr", nr_hdr_len=10))
    assert reply.error == EINVAL
    assert header_len(pipe, "phantom{1") == 0


# ---- VALE_LIST -------------------------------------------------------------------------------


def test_every_port_of_every_switch_is_listed_in_order(core: Core) -> None:
    names = ["vale0:a", "vale0:b", "vale7:x", "vale_q:z", "vale0:c"]
    handles = [core.open(name, tx_slots=8, rx_slots=8) for name in names]
    listed = switch_ports(handles[0])
    assert sorted(name for _, _, name in listed) == sorted(names)
    assert list(listed) == sorted(listed)
    by_name = {name: (bridge, port) for bridge, port, name in listed}
    for name in names:
        body = struct("nmreq_vale_list", nr_bridge_idx=50, nr_port_idx=60)
        reply = handles[0].request(LIST, name, body)
        assert reply.error == 0
        assert (reply.body.nr_bridge_idx, reply.body.nr_port_idx) == by_name[name]
        assert ffi.string(reply.header.nr_name).decode() == name


def test_a_switch_alone_is_found_by_its_name(core: Core) -> None:
    handles = [core.open(name, tx_slots=8, rx_slots=8) for name in ("vale3:a", "vale_q:z")]
    for name, bridge in (("vale3", 0), ("vale_q", 1)):
        body = struct("nmreq_vale_list", nr_bridge_idx=50, nr_port_idx=60)
        reply = handles[0].request(LIST, name, body)
        assert (reply.error, reply.body.nr_bridge_idx, reply.body.nr_port_idx) == (0, bridge, 0)
    reply = handles[0].request(LIST, "vale4", struct("nmreq_vale_list"))
    assert reply.error == ENOENT


def test_a_gap_in_the_list_is_skipped(core: Core) -> None:
    a, b, c = (core.open(f"vale0:{x}", tx_slots=8, rx_slots=8) for x in "abc")
    b.close()
    assert [name for _, _, name in switch_ports(a)] == ["vale0:a", "vale0:c"]
    assert c.raw is not None


@pytest.mark.parametrize(
    ("name", "bridge", "port"),
    [
        ("vale1:a", 0, 0),  # no such switch
        ("vale0:z", 0, 0),  # no such port
        ("eth0", 0, 0),
        ("", 0, 1),
        ("", 1, 0),
        ("", 0, 254),
        ("", 0, 0xFFFFFFFF),
        ("", 0xFFFF, 0),
    ],
)
def test_what_is_not_there_is_enoent_and_nothing_is_written(
    core: Core, name: str, bridge: int, port: int
) -> None:
    handle = core.open("vale0:a")
    body = struct("nmreq_vale_list", nr_bridge_idx=bridge, nr_port_idx=port)
    reply = handle.request(LIST, name, body)
    assert reply.error == ENOENT
    assert (reply.body.nr_bridge_idx, reply.body.nr_port_idx) == (bridge, port)
    assert ffi.string(reply.header.nr_name).decode() == name


def test_no_switch_at_all(core: Core) -> None:
    assert core.open().request(LIST, "", struct("nmreq_vale_list")).error == ENOENT


# ---- VALE_ATTACH, VALE_DETACH -----------------------------------------------------------------


def attach(mode: int = lib.NR_REG_ALL_NIC, **fields: int) -> Any:
    body = struct("nmreq_vale_attach")
    body.reg = reg(mode, **fields)[0]
    return body


@pytest.fixture
def nic_core(core: Core) -> Core:
    """A core with an interface, and a region 1 that suits tests."""
    for name, value in {"if_num": 8, "ring_num": 16, "buf_num": 2048}.items():
        core.set_param(name, value)
    core.nic("eth0")
    return core


@pytest.mark.parametrize("mode", [0, 2, 4, 5, 6, 7, 8, 9, 0xFFFFFFFF])
def test_a_nic_is_attached_with_its_nic_rings_or_all(nic_core: Core, mode: int) -> None:
    handle = nic_core.open()
    with unchanged(nic_core):
        assert handle.request(ATTACH, "vale0:eth0", attach(mode)).error == EINVAL


@pytest.mark.parametrize("ringid", [1, 0x4000, 0xFFFF])
def test_single_rings_cannot_be_attached(nic_core: Core, ringid: int) -> None:
    handle = nic_core.open()
    with unchanged(nic_core):
        assert handle.request(ATTACH, "vale0:eth0", attach(ringid=ringid)).error == EINVAL


def test_attaching_to_a_region_that_is_not_there(nic_core: Core) -> None:
    handle = nic_core.open()
    with unchanged(nic_core):
        assert handle.request(ATTACH, "vale0:eth0", attach(mem_id=44)).error == EINVAL


@pytest.mark.parametrize("kind", ["attach", "detach"])
@pytest.mark.parametrize(
    ("name", "errors"),
    [
        ("vale0:nosuch", {ENXIO}),
        ("vale0:", {EINVAL}),
        ("eth0", {EINVAL, ENXIO}),
        ("", {EINVAL, ENXIO}),
        ("phantom{1", {EINVAL, ENXIO}),
    ],
)
def test_names_that_cannot_be_attached_or_detached(
    nic_core: Core, kind: str, name: str, errors: set[int]
) -> None:
    handle = nic_core.open("vale0:a")
    request, body = (
        (ATTACH, attach()) if kind == "attach" else (DETACH, struct("nmreq_vale_detach"))
    )
    with unchanged(nic_core):
        assert handle.request(request, name, body).error in errors


def test_a_nic_comes_to_a_switch_and_goes_again(nic_core: Core) -> None:
    handle = nic_core.open()
    with unchanged(nic_core):
        index = handle.ctrl(ATTACH, "vale0:eth0", attach()).port_index
        assert (0, index, "vale0:eth0") in switch_ports(handle)
        assert handle.request(ATTACH, "vale0:eth0", attach()).error == EBUSY
        # owned by the switch: no file may bind it
        assert handle.request(lib.NETMAP_REQ_REGISTER, "eth0", reg()).error == EBUSY
        assert handle.ctrl(DETACH, "vale0:eth0", struct("nmreq_vale_detach")).port_index == index
        reply = handle.request(DETACH, "vale0:eth0", struct("nmreq_vale_detach"))
        assert reply.error == ENXIO


def test_a_nic_that_a_file_has_bound_cannot_be_attached(nic_core: Core) -> None:
    bound = nic_core.open("eth0", flags=K.NR_EXCLUSIVE)
    handle = nic_core.open()
    with unchanged(nic_core):
        assert handle.request(ATTACH, "vale0:eth0", attach()).error == EBUSY
    bound.txsync()

# SPDX-License-Identifier: BSD-2-Clause
"""Pipes: names, numbers, packets, push back, and what is dropped."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from harness import POLLIN, POLLOUT, Core, Handle, K, lib, struct

MOREFRAG: int = K.NS_MOREFRAG


def packets(count: int, first: int = 0, size: int = 20) -> list[bytes]:
    """Numbered packets."""
    return [b"packet %06d" % i + b"." * (size - 13) for i in range(first, first + count)]


def pair(core: Core, name: str = "p", **fields: int) -> tuple[Handle, Handle]:
    """Both ends of pipe 0."""
    return core.open(f"{name}{{0", **fields), core.open(f"{name}}}0")


def put(end: Handle, packet: bytes, flags: int = 0, **slot: int) -> None:
    """Queue one slot, without a sync; slot: fields to overwrite."""
    ring = end.tx[0]
    at = ring.slot(ring.head)
    ring.put(packet, flags)
    for field, value in slot.items():
        setattr(at, field, value)


def indices(*ends: Handle) -> list[int]:
    """Every buffer index in the rings of these ends."""
    rings = [ring for end in ends for ring in end.tx + end.rx]
    return [ring.slot(i).buf_idx for ring in rings for i in range(ring.slots)]


def test_what_one_end_sends_the_other_receives_in_order(core: Core) -> None:
    master, slave = pair(core)
    master.send(packets(100))
    slave.send(packets(50, 1000))
    assert slave.receive() == packets(100)
    assert master.receive() == packets(50, 1000)


def test_order_holds_over_many_rounds_of_the_rings(core: Core) -> None:
    master, slave = pair(core, tx_slots=7, rx_slots=7)
    for first in range(0, 300, 3):
        master.send(packets(3, first))
        assert slave.receive() == packets(3, first)


def test_buffers_are_exchanged_and_not_copied(core: Core) -> None:
    master, slave = pair(core)
    sent = master.tx[0].slot(0).buf_idx
    spare = slave.rx[0].slot(0).buf_idx
    master.send([b"one"])
    slave.rxsync()
    assert slave.rx[0].slot(0).buf_idx == sent
    assert master.tx[0].slot(0).buf_idx == spare
    assert slave.rx[0].slot(0).flags & K.NS_BUF_CHANGED
    assert master.tx[0].slot(0).flags & K.NS_BUF_CHANGED


def test_a_full_pipe_pushes_back_and_loses_nothing(core: Core) -> None:
    master, slave = pair(core, tx_slots=16)
    master.send(packets(15))
    assert master.tx[0].space() == 0
    with pytest.raises(BlockingIOError):
        master.send(packets(1, 15))
    slave.rxsync()
    assert slave.rx[0].take(4) == packets(4)
    slave.rxsync()
    master.txsync()
    assert master.tx[0].space() == 4
    master.send(packets(4, 15))
    assert slave.receive() == packets(15, 4)


def test_the_tx_ring_never_offers_more_than_the_reader_can_take(core: Core) -> None:
    master, slave = pair(core, tx_slots=8)
    master.send(packets(5))
    assert master.tx[0].space() == 2
    assert len(slave.receive()) == 5
    master.txsync()
    assert master.tx[0].space() == 7


def test_a_reader_gives_a_sleeping_writer_its_room_back(core: Core) -> None:
    master, slave = pair(core, tx_slots=4)
    master.send(packets(3))
    with master.sleeper(POLLOUT) as sleeper:
        assert sleeper.ready == 0
        slave.rxsync()
        assert sleeper.wakes == 0, "nothing was given back yet"
        slave.rx[0].take(1)
        slave.rxsync()
        assert sleeper.wait()
    assert master.poll(POLLOUT) == POLLOUT


def test_a_writer_wakes_a_sleeping_reader_once_per_sync(core: Core) -> None:
    master, slave = pair(core)
    with slave.sleeper(POLLIN) as sleeper:
        assert sleeper.ready == 0
        for packet in packets(10):
            put(master, packet)
        master.txsync()
        assert sleeper.wakes == 1
    assert slave.poll(POLLIN) == POLLIN


def test_numbers_that_were_asked_for_are_mirrored_at_the_other_end(core: Core) -> None:
    master = core.open("p{0", tx_rings=3, rx_rings=2, tx_slots=64, rx_slots=32)
    slave = core.open("p}0", tx_rings=9, rx_rings=9, tx_slots=9, rx_slots=9)
    assert (len(master.tx), len(master.rx)) == (3, 2)
    assert (len(slave.tx), len(slave.rx)) == (2, 3)
    assert {ring.slots for ring in master.tx + slave.rx} == {64}
    assert {ring.slots for ring in master.rx + slave.tx} == {32}
    for i in range(3):
        master.send(packets(5, 10 * i), ring=i)
    assert [slave.receive(i) for i in range(3)] == [packets(5, 10 * i) for i in range(3)]
    slave.send(packets(1), ring=1)
    assert (master.receive(0), master.receive(1)) == ([], packets(1))


@pytest.mark.parametrize(
    ("asked", "had"),
    [
        ({}, (1, 1, 1024, 1024)),
        ({"tx_rings": 65535, "rx_rings": 257, "tx_slots": 8, "rx_slots": 8}, (256, 256, 8, 8)),
        ({"tx_slots": 2**32 - 1, "rx_slots": 4097}, (1, 1, 4096, 4096)),
        ({"tx_slots": 1, "rx_slots": 1}, (1, 1, 2, 2)),
    ],
)
def test_numbers_out_of_range_are_clamped(
    core: Core, asked: dict[str, int], had: tuple[int, int, int, int]
) -> None:
    reg = core.open("p{0", **asked).reg
    assert (reg.nr_tx_rings, reg.nr_rx_rings, reg.nr_tx_slots, reg.nr_rx_slots) == had


def test_the_smallest_ring_carries_one_packet_at_a_time(core: Core) -> None:
    master, slave = pair(core, tx_slots=2)
    for i in range(9):
        assert master.tx[0].space() == 1
        master.send(packets(1, i))
        assert master.tx[0].space() == 0
        assert slave.receive() == packets(1, i)
        master.txsync()


def test_packets_of_several_slots_appear_only_whole(core: Core) -> None:
    master, slave = pair(core)
    put(master, b"a1", MOREFRAG)
    put(master, b"a2", MOREFRAG)
    master.txsync()
    assert slave.receive() == []
    put(master, b"a3")
    put(master, b"b1", MOREFRAG)
    master.txsync()
    slave.rxsync()
    ring = slave.rx[0]
    assert [bool(ring.slot(i).flags & MOREFRAG) for i in range(3)] == [True, True, False]
    assert slave.receive() == [b"a1", b"a2", b"a3"]
    put(master, b"b2")
    master.txsync()
    assert slave.receive() == [b"b1", b"b2"]


def test_a_packet_in_pieces_waits_for_room_and_passes_whole(core: Core) -> None:
    master, slave = pair(core, tx_slots=6)
    master.send(packets(3))
    put(master, b"x1", MOREFRAG)
    put(master, b"x2", MOREFRAG)
    master.txsync()
    assert master.tx[0].space() == 0
    assert slave.receive() == packets(3)
    master.txsync()
    put(master, b"x3")
    master.txsync()
    assert slave.receive() == [b"x1", b"x2", b"x3"]


@pytest.mark.parametrize("frags", [1, 2, 63, 64])
def test_packets_of_up_to_64_slots_pass(core: Core, frags: int) -> None:
    master, slave = pair(core)
    for i in range(frags):
        put(master, b"%d" % i, MOREFRAG if i < frags - 1 else 0)
    master.txsync()
    assert slave.receive() == [b"%d" % i for i in range(frags)]


@pytest.mark.parametrize("sync_each", [False, True])
@pytest.mark.parametrize("frags", [65, 66, 200, 1000])
def test_longer_packets_are_dropped_as_a_whole(core: Core, frags: int, sync_each: bool) -> None:
    master, slave = pair(core)
    for i in range(frags):
        put(master, b"%d" % i, MOREFRAG if i < frags - 1 else 0)
        if sync_each:
            master.txsync()
    master.send([b"next"])
    assert slave.receive() == [b"next"]


BAD_SLOTS: list[dict[str, int]] = [
    {"buf_idx": 0},
    {"buf_idx": 1},
    {"buf_idx": 0xFFFFFFFF},
    {"buf_idx": 0x80000000},
    {"len": 2049},
    {"len": 65535},
    {"flags": 0x10, "ptr": 0x1000},  # NS_INDIRECT
]


@pytest.mark.parametrize("bad", BAD_SLOTS, ids=str)
def test_a_bad_slot_costs_that_packet_only(core: Core, bad: dict[str, int]) -> None:
    master, slave = pair(core)
    put(master, b"before")
    put(master, b"bad", **bad)
    put(master, b"after")
    master.txsync()
    assert slave.receive() == [b"before", b"after"]
    master.txsync()
    assert master.tx[0].space() == 1023


@pytest.mark.parametrize("where", [0, 1, 2])
@pytest.mark.parametrize("bad", BAD_SLOTS, ids=str)
def test_a_bad_slot_costs_every_slot_of_its_packet(
    core: Core, bad: dict[str, int], where: int
) -> None:
    master, slave = pair(core)
    master.send([b"before"])
    for i in range(3):
        put(master, b"part", MOREFRAG if i < 2 else 0)
        if i == where:
            slot = master.tx[0].slot(master.tx[0].head - 1)
            for field, value in bad.items():
                setattr(slot, field, value | (slot.flags if field == "flags" else 0))
        master.txsync()
    master.send([b"after"])
    assert slave.receive() == [b"before", b"after"]


def test_the_first_index_beyond_the_pool_is_bad_and_the_last_one_good(core: Core) -> None:
    master, slave = pair(core)
    total = pools(core, "p{0").nr_buf_pool_objtotal
    for idx in (total, total - 1):
        put(master, b"x", buf_idx=idx)
    master.txsync()
    slave.rxsync()
    assert slave.rx[0].space() == 1
    assert slave.rx[0].slot(0).buf_idx == total - 1


def pools(core: Core, name: str) -> Any:
    """NETMAP_REQ_POOLS_INFO_GET."""
    return core.open().ctrl(lib.NETMAP_REQ_POOLS_INFO_GET, name, struct("nmreq_pools_info"))


@pytest.mark.parametrize("bad", [0, 1, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_bad_index_left_by_the_reader_never_reaches_the_sender(core: Core, bad: int) -> None:
    master, slave = pair(core)
    slave.rx[0].slot(1).buf_idx = bad
    before = indices(master)
    master.send([b"first", b"lost", b"third"])
    assert bad not in indices(master)
    assert 0 not in indices(master)
    slave.rxsync()
    ring = slave.rx[0]
    assert [ring.slot(i).len for i in range(3)] == [5, 0, 5]
    assert ring.slot(1).buf_idx == 0
    assert slave.receive() == [b"first", b"", b"third"]
    assert len(before) == len(set(indices(master)))


def test_a_bad_index_left_by_the_reader_costs_the_packet_that_meets_it(core: Core) -> None:
    master, slave = pair(core)
    slave.rx[0].slot(2).buf_idx = 7_000_000
    for i in range(4):
        put(master, b"part", MOREFRAG if i < 3 else 0)
        master.txsync()
    master.send([b"after"])
    slave.rxsync()
    ring = slave.rx[0]
    lengths = [ring.slot(i).len for i in range(ring.space())]
    assert lengths == [0, 0, 0, 5], "three slots come back empty, the fourth was never used"
    assert not any(ring.slot(i).flags & MOREFRAG for i in range(3))
    assert slave.receive()[-1] == b"after"


def test_no_buffer_is_lost_or_doubled_by_traffic(core: Core) -> None:
    master, slave = pair(core, tx_slots=32, rx_slots=16)
    before = sorted(indices(master, slave))
    for i in range(200):
        put(master, b"x", MOREFRAG if i % 3 else 0)
        if i % 7 == 0:
            put(master, b"bad", len=3000)
        master.txsync()
        slave.send([b"y"])
        slave.receive()
        master.receive()
    after = sorted(indices(master, slave))
    assert after == before
    assert len(set(after)) == len(after)


@pytest.mark.parametrize(
    "name",
    [
        *("{0", "}0", "p{", "p}", "p{ 1", "p{a b", "p{a/b", "p{a:b", "p{\u00e9"),
        *("p{0{1", "p{0}1", "p}0{1", "p{0{", "vale0:a{0{0"),
    ],
)
def test_names_that_are_no_pipe_are_refused(core: Core, name: str) -> None:
    with pytest.raises(OSError) as caught:
        core.open(name)
    assert caught.value.errno == errno.EINVAL
    assert core.param("if_curr_num") == 0


@pytest.mark.parametrize("name", ["0", "63", "4294967296", "x", "A-b_c.9", "i" * 61])
def test_numbers_and_words_name_a_pipe(core: Core, name: str) -> None:
    a, b, c = core.open("p{" + name), core.open("p}" + name), core.open("p}y")
    b.send([b"x"])
    c.send([b"y"])
    assert a.receive() == [b"x"]
    assert core.open("p{y").receive() == [b"y"]


def test_pipes_of_one_parent_are_separate(core: Core) -> None:
    ends = {(i, side): core.open(f"p{side}{i}") for i in range(3) for side in "{}"}
    for i in range(3):
        ends[i, "{"].send(packets(1, i))
    for i in range(3):
        assert ends[i, "}"].receive() == packets(1, i)
        assert ends[i, "{"].receive() == []


def test_a_parent_has_at_most_64_pipes(core: Core) -> None:
    small = {"tx_slots": 4, "rx_slots": 4}
    ends = [core.open(f"p{{{i}", **small) for i in range(64)]
    with pytest.raises(OSError) as caught:
        core.open("p{64", **small)
    assert caught.value.errno == errno.EBUSY
    core.open("p}63")
    core.open("q{0", **small)
    ends[5].close()
    core.open("p{64", **small)


def test_an_interface_that_does_not_exist_stays_unknown_beside_its_pipes(core: Core) -> None:
    pair(core, "ghost")
    with pytest.raises(OSError) as caught:
        core.open("ghost")
    assert caught.value.errno == errno.ENXIO


def test_pipes_live_in_the_region_of_a_nic(core: Core) -> None:
    core.nic("eth0")
    master, slave = pair(core, "eth0")
    assert master.reg.nr_mem_id == slave.reg.nr_mem_id == 1
    master.send(packets(3))
    assert slave.receive() == packets(3)


def test_the_pipe_of_a_new_switch_port_shares_its_region(core: Core) -> None:
    master = core.open("vale0:a{0")
    port = core.open("vale0:a")
    slave = core.open("vale0:a}0")
    assert master.reg.nr_mem_id == slave.reg.nr_mem_id == port.reg.nr_mem_id
    master.send(packets(3))
    assert slave.receive() == packets(3)


def test_the_pipe_of_a_switch_port_in_use_works_in_a_region_of_its_own(core: Core) -> None:
    port = core.open("vale0:a")
    master, slave = pair(core, "vale0:a")
    assert master.reg.nr_mem_id == slave.reg.nr_mem_id != port.reg.nr_mem_id
    master.send(packets(3))
    assert slave.receive() == packets(3)


def test_the_region_of_a_pipe_may_be_chosen_by_the_first_end(core: Core) -> None:
    port = core.open("any", mode=lib.NR_REG_NULL, tx_rings=2, rx_rings=2)
    master = core.open("p{0", mem_id=port.reg.nr_mem_id, tx_slots=64, rx_slots=64)
    assert master.reg.nr_mem_id == port.reg.nr_mem_id
    with pytest.raises(OSError) as caught:
        core.open("p}0", mem_id=1)
    assert caught.value.errno == errno.EINVAL
    slave = core.open("p}0", mem_id=port.reg.nr_mem_id)
    master.send([b"x"])
    assert slave.receive() == [b"x"]


def test_names_in_another_namespace_are_other_pipes(core: Core) -> None:
    here, there = core.open("p{0"), core.open("p}0", ns=core.new_ns())
    here.send([b"x"])
    assert there.receive() == []


def test_host_rings_of_a_pipe_cannot_be_bound(core: Core) -> None:
    for mode in (lib.NR_REG_SW, lib.NR_REG_NIC_SW, lib.NR_REG_ONE_SW):
        with pytest.raises(OSError) as caught:
            core.open("p{0", mode=mode)
        assert caught.value.errno == errno.EINVAL


def test_asking_about_a_pipe_leaves_none_behind(core: Core) -> None:
    base = core.live()
    file = core.open()
    info = file.port_info("p{0", tx_rings=2, tx_slots=100)
    assert (info.nr_tx_rings, info.nr_tx_slots, info.nr_rx_slots) == (2, 100, 1024)
    assert info.nr_memsize > 0
    file.close()
    assert core.live() == base


def test_a_default_pipe_end_is_small(core: Core) -> None:
    core.open("p{0")
    assert lib.nmh_live_page_bytes() <= 12 << 20

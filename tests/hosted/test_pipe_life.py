# SPDX-License-Identifier: BSD-2-Clause
"""Ends of pipes that come and go in any order, and memory that runs out."""

from __future__ import annotations

import errno
import itertools

import pytest
from harness import POLLOUT, Core, Handle, K, lib


def test_packets_sent_before_the_other_end_opens_are_received_by_it(core: Core) -> None:
    master = core.open("p{0")
    master.send([b"early"] * 10)
    slave = core.open("p}0")
    assert slave.rx[0].space() == 10, "they can be seen before the first sync"
    assert slave.receive() == [b"early"] * 10
    slave.send([b"answer"])
    assert master.receive() == [b"answer"]


def test_a_lone_end_is_pushed_back_when_the_pipe_is_full(core: Core) -> None:
    master = core.open("p{0", tx_slots=8)
    master.send([b"x"] * 7)
    assert master.tx[0].space() == 0
    assert len(core.open("p}0").receive()) == 7
    master.txsync()
    assert master.tx[0].space() == 7


@pytest.mark.parametrize("sides", ["{}", "}{"])
@pytest.mark.parametrize("first_to_close", [0, 1])
def test_either_end_may_close_first_and_come_back(
    core: Core, sides: str, first_to_close: int
) -> None:
    names = [f"p{side}3" for side in sides]
    ends = [core.open(name, tx_slots=8, rx_slots=16) for name in names]
    for round_ in range(3):
        ends[0].send([b"to one %d" % round_])
        ends[1].send([b"to nought %d" % round_])
        assert ends[1].receive() == [b"to one %d" % round_]
        assert ends[0].receive() == [b"to nought %d" % round_]
        goer, stayer = first_to_close, 1 - first_to_close
        ends[goer].close()
        ends[stayer].send([b"while alone"])
        assert ends[stayer].receive() == []
        ends[goer] = core.open(names[goer])
        assert ends[goer].tx[0].slots == ends[stayer].rx[0].slots
        assert ends[goer].receive() == [b"while alone"]


def test_what_a_closed_reader_left_is_dropped_and_its_room_comes_back(core: Core) -> None:
    master, slave = core.open("p{0", tx_slots=8), core.open("p}0")
    master.send([b"old"] * 7)
    slave.rxsync()
    slave.rx[0].take(2)
    with master.sleeper(POLLOUT) as sleeper:
        assert sleeper.ready == 0
        slave.close()
        assert sleeper.wait(), "the writer was not told that there is room again"
    master.txsync()
    assert master.tx[0].space() == 7
    master.send([b"new"] * 3)
    assert core.open("p}0").receive() == [b"new"] * 3


def test_what_a_writer_sent_is_received_after_it_closed(core: Core) -> None:
    master, slave = core.open("p{0"), core.open("p}0")
    master.send([b"last words"] * 3)
    master.close()
    assert slave.receive() == [b"last words"] * 3


def test_a_writer_that_comes_back_finds_only_the_room_that_is_left(core: Core) -> None:
    master, slave = core.open("p{0", tx_slots=8), core.open("p}0")
    master.send([b"a"] * 5)
    master.close()
    master = core.open("p{0")
    assert master.tx[0].space() == 2
    master.send([b"b"] * 2)
    assert slave.receive() == [b"a"] * 5 + [b"b"] * 2


def test_the_beginning_of_a_packet_dies_with_its_writer(core: Core) -> None:
    master, slave = core.open("p{0"), core.open("p}0")
    for part in (b"half", b"a packet"):
        master.tx[0].put(part, K.NS_MOREFRAG)
    master.txsync()
    master.close()
    master = core.open("p{0")
    master.send([b"whole"])
    assert slave.receive() == [b"whole"]


def test_the_rest_of_a_dropped_packet_dies_with_its_writer(core: Core) -> None:
    master, slave = core.open("p{0"), core.open("p}0")
    master.tx[0].put(b"bad", K.NS_MOREFRAG)
    master.tx[0].slot(0).buf_idx = 0
    master.txsync()
    master.close()
    master = core.open("p{0")
    master.send([b"whole"])
    assert slave.receive() == [b"whole"]


def test_a_program_that_lost_buffers_can_come_back(core: Core) -> None:
    slave = core.open("p}0")
    for round_ in range(8):
        master = core.open("p{0")
        for i in range(8):
            master.tx[0].slot(100 + i).buf_idx = 0
        master.send([b"%d" % round_])
        master.close()
    assert slave.receive() == [b"%d" % i for i in range(8)]


def test_traces_of_the_program_before_do_not_reach_the_next_one(core: Core) -> None:
    master, slave = core.open("p{0", tx_slots=8), core.open("p}0")
    master.send([b"x"] * 3)
    slave.rxsync()
    slave.rx[0].head, slave.rx[0].cur = 77, 0xFFFFFFFF
    slave.close()
    slave = core.open("p}0")
    assert slave.rx[0].head == slave.rx[0].cur == slave.rx[0].tail < 8
    master.send([b"y"])
    assert slave.receive() == [b"y"]


def test_two_files_on_one_end_share_its_rings(core: Core) -> None:
    first, second, slave = core.open("p{0"), core.open("p{0"), core.open("p}0")
    first.send([b"a"])
    second.send([b"b"])
    first.close()
    second.send([b"c"])
    assert slave.receive() == [b"a", b"b", b"c"]


def test_an_end_may_be_bound_for_sending_or_receiving_only(core: Core) -> None:
    writer = core.open("p{0", flags=K.NR_TX_RINGS_ONLY)
    reader = core.open("p}0", flags=K.NR_RX_RINGS_ONLY)
    assert (len(writer.tx), len(writer.rx)) == (1, 0)
    assert (len(reader.tx), len(reader.rx)) == (0, 1)
    writer.send([b"x"])
    assert reader.receive() == [b"x"]
    reader.close()
    writer.send([b"y"])
    assert core.open("p}0").receive() == [b"y"]


def test_rings_of_an_end_may_be_bound_one_by_one(core: Core) -> None:
    reader = core.open("p}0", tx_rings=1, rx_rings=3)
    writers = [core.open("p{0", mode=lib.NR_REG_ONE_NIC, ringid=i) for i in (2, 0, 1)]
    for i, writer in zip((2, 0, 1), writers, strict=True):
        writer.send([b"ring %d" % i])
    writers[0].close()
    assert [reader.receive(i) for i in range(3)] == [[b"ring 0"], [b"ring 1"], [b"ring 2"]]
    writers[1].send([b"more"])
    assert reader.receive(0) == [b"more"]


def test_an_exclusive_end_is_not_shared_and_leaves_the_other_end_free(core: Core) -> None:
    core.open("p{0", flags=K.NR_EXCLUSIVE)
    with pytest.raises(OSError) as caught:
        core.open("p{0")
    assert caught.value.errno == errno.EBUSY
    core.open("p}0")


ENDS = ["p{0", "p}0", "p{1", "vale0:a{0", "vale0:a", "vale0:a}0"]


@pytest.mark.parametrize("seed", range(20))
def test_ends_closed_in_any_order_leave_no_memory(core: Core, seed: int) -> None:
    orders = list(itertools.permutations(range(len(ENDS))))
    base = core.live()
    opening = orders[seed * 31 % len(orders)]
    closing = orders[seed * 97 % len(orders)]
    files = {i: core.open(ENDS[i]) for i in opening}
    for i in opening:
        files[i].send([b"x" * 60])
    for i in closing:
        files[i].close()
    assert core.live() == base
    assert lib.nmh_live_page_bytes() == 0


def open_all(core: Core, names: list[str], **fields: int) -> list[Handle]:
    """Open these, or none of them."""
    files = []
    try:
        for name in names:
            files.append(core.open(name, **fields))
    except OSError:
        for file in files:
            file.close()
        raise
    return files


@pytest.mark.parametrize(
    "names",
    [["p{0"], ["p}0", "p{0"], ["vale0:a}0", "vale0:a{0"], ["p{0", "p{1", "q}1", "p}0"]],
    ids=str,
)
def test_every_allocation_may_fail_and_nothing_is_left(core: Core, names: list[str]) -> None:
    base = core.live()
    with core.failing(0):
        files = open_all(core, names)
    total = core.allocations
    for file in files:
        file.close()
    assert core.live() == base
    assert total > 5
    for nth in range(1, total + 1):
        with core.failing(nth), pytest.raises(OSError) as caught:
            open_all(core, names)
        assert core.failed
        assert caught.value.errno == errno.ENOMEM
        assert core.live() == base, core.live_describe()
    files = open_all(core, names)
    files[0].send([b"still works"])


@pytest.mark.parametrize("mode", [lib.NR_REG_ALL_NIC, lib.NR_REG_ONE_NIC])
def test_an_end_that_cannot_open_leaves_the_other_as_it_was(core: Core, mode: int) -> None:
    master = core.open("p{0", tx_slots=16, rx_slots=16)
    master.send([b"waiting"])
    with core.failing(0):
        core.open("p}0", mode=mode).close()
    total = core.allocations
    master.send([b"again"])
    base = core.live()
    for nth in range(1, total + 1):
        with core.failing(nth), pytest.raises(OSError):
            core.open("p}0", mode=mode)
        assert core.live() == base, core.live_describe()
    assert core.open("p}0").receive() == [b"again"]


def test_a_pool_without_buffers_for_the_other_end_refuses_the_first(core: Core) -> None:
    """The reader's ring has to exist: 3 rings of 1024 slots do not fit into 2100 buffers."""
    box = core.open("box", mode=lib.NR_REG_NULL, tx_rings=4, rx_rings=4)
    hold = core.open("hold", mode=lib.NR_REG_NULL, mem_id=box.reg.nr_mem_id, extra_bufs=8192 - 2100)
    assert hold.reg.nr_extra_bufs == 8192 - 2100
    base = core.live()
    with pytest.raises(OSError) as caught:
        core.open("p{0", mem_id=box.reg.nr_mem_id)
    assert caught.value.errno == errno.ENOMEM
    assert core.live() == base
    hold.close()
    master = core.open("p{0", mem_id=box.reg.nr_mem_id)
    master.send([b"x"])


def test_a_closed_pipe_gives_every_buffer_back(core: Core) -> None:
    box = core.open("box", mode=lib.NR_REG_NULL, tx_rings=4, rx_rings=4)
    for _ in range(5):
        master = core.open("p{0", mem_id=box.reg.nr_mem_id)
        slave = core.open("p}0", mem_id=box.reg.nr_mem_id)
        master.send([b"x"] * 500)
        slave.receive()
        for end in (master, slave):
            end.close()
        whole = core.open("all", mode=lib.NR_REG_NULL, mem_id=box.reg.nr_mem_id, extra_bufs=99999)
        assert whole.reg.nr_extra_bufs == 8192
        whole.close()

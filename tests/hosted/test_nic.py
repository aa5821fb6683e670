# SPDX-License-Identifier: BSD-2-Clause
"""NICs: a driver that knows netmap_kern.h alone, used by programs and by a switch."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from harness import (
    BROADCAST,
    POLLERR,
    POLLIN,
    POLLOUT,
    Core,
    Handle,
    Nic,
    ethernet,
    lib,
    mac,
    struct,
)

PASS, COMPLETED = 0, 1  # NM_IRQ_*

DRIVERS = pytest.mark.parametrize(
    "style",
    [
        {},
        {"hwofs": 7},
        {"all_or_nothing": 1},
        {"all_or_nothing": 1, "hwofs": 63},
    ],
    ids=["per ring", "shifted", "whole", "whole and shifted"],
)


@pytest.fixture
def core() -> Iterator[Core]:  # a small region 1, so that each test starts fast
    with Core(buf_num=4096) as made:
        yield made


def attach(core: Core, name: str, mode: int = lib.NR_REG_ALL_NIC) -> int:
    """vale-ctl -a."""
    body = struct("nmreq_vale_attach")
    body.reg.nr_mode = mode
    return int(core.handles[0].ctrl(lib.NETMAP_REQ_VALE_ATTACH, name, body).port_index)


def detach(core: Core, name: str) -> None:
    """vale-ctl -d."""
    core.handles[0].ctrl(lib.NETMAP_REQ_VALE_DETACH, name, struct("nmreq_vale_detach"))


def numbered(n: int, first: int = 0, dst: int = BROADCAST, src: int = 1) -> list[bytes]:
    """Frames that can be told apart."""
    return [ethernet(dst, mac(src), i.to_bytes(4, "big")) for i in range(first, first + n)]


@DRIVERS
def test_a_program_receives_and_sends_through_a_nic(core: Core, style: dict[str, int]) -> None:
    nic = core.nic("nic0", **style)
    handle = core.open("nic0")
    for turn in range(5):  # round the ring more than once
        frames = numbered(30, 30 * turn)
        for frame in frames:
            nic.receive(frame)
        nic.rx_irq()
        assert handle.receive() == frames
        handle.send(frames)
        assert nic.sent() == frames


def test_an_interrupt_wakes_the_reader_once(core: Core) -> None:
    nic = core.nic("nic0")
    handle = core.open("nic0")
    with handle.sleeper(POLLIN) as sleeper:
        assert sleeper.ready == 0
        nic.receive(numbered(1)[0])
        assert sleeper.wakes == 0
        assert nic.rx_irq() == 1
        assert sleeper.wakes == 1
        assert handle.poll(POLLIN) == POLLIN


def test_interrupts_of_rings_that_are_not_bound_are_the_drivers(core: Core) -> None:
    nic = core.nic("nic0", rx_rings=2, tx_rings=2)
    assert nic.rx_irq(0) == 0
    core.open("nic0", mode=lib.NR_REG_ONE_NIC, ringid=1)
    assert nic.rx_irq(0) == 0
    assert nic.rx_irq(1) == 1
    assert nic.tx_irq(1) == 1
    assert nic.rx_irq(7) == 0


def test_with_no_pendintr_off_poll_sees_packets_after_the_interrupt(core: Core) -> None:
    core.set_param("no_pendintr", 0)
    nic = core.nic("nic0")
    handle = core.open("nic0")
    frame = numbered(1)[0]
    nic.receive(frame)
    assert handle.poll(POLLIN) == 0
    nic.rx_irq()
    assert handle.poll(POLLIN) == POLLIN
    assert handle.receive() == [frame]


def test_a_bad_slot_costs_its_own_packet_only(core: Core) -> None:
    nic = core.nic("nic0")
    handle = core.open("nic0")
    tx = handle.tx[0]
    frames = numbered(6)
    for frame in frames:
        tx.put(frame)
    good = [tx.slot(i).buf_idx for i in range(6)]
    tx.slot(1).buf_idx = 0
    tx.slot(2).buf_idx = 0xFFFFFFFF
    tx.slot(3).len = tx.buf_size + 1
    tx.slot(4).len = 0
    handle.txsync()
    assert nic.sent() == [frames[0], frames[5]]
    assert nic.stats.bad_slots == 4
    for i in (1, 2):
        tx.slot(i).buf_idx = good[i]


def test_fragments_are_put_together_by_the_nic(core: Core) -> None:
    nic = core.nic("nic0")
    handle = core.open("nic0")
    handle.tx[0].put(b"abc", flags=0x20)
    handle.tx[0].put(b"def")
    handle.txsync()
    assert nic.sent() == [b"abcdef"]


def test_sent_slots_come_back_when_the_hardware_is_done(core: Core) -> None:
    nic = core.nic("nic0")
    handle = core.open("nic0")
    nic.hold()
    handle.send(numbered(63))
    assert handle.tx[0].space() == 0
    with handle.sleeper(POLLOUT) as sleeper:
        assert sleeper.ready == 0
        nic.hold(False)
        nic.tx_irq()
        assert sleeper.wakes == 1
    assert handle.poll(POLLOUT) == POLLOUT
    assert handle.tx[0].space() == 63
    assert nic.sent() == numbered(63)


@DRIVERS
@pytest.mark.parametrize("at", [0, 5, 63])
def test_a_reset_keeps_what_was_received(core: Core, style: dict[str, int], at: int) -> None:
    nic = core.nic("nic0", **style)
    handle = core.open("nic0")
    frames = numbered(40)
    for frame in frames[:10]:
        nic.receive(frame)
    handle.rxsync()
    assert handle.rx[0].take(4) == frames[:4]
    nic.reset(at)
    for frame in frames[10:]:
        nic.receive(frame)
    assert handle.rx[0].take() + handle.receive() == frames[4:]
    handle.send(frames)
    nic.reset(at)
    handle.send(frames)
    assert nic.sent() == frames + frames


def test_a_reset_gives_back_slots_that_the_hardware_had(core: Core) -> None:
    nic = core.nic("nic0")
    handle = core.open("nic0")
    nic.hold()
    handle.send(numbered(63))
    nic.reset(3)
    nic.hold(False)
    handle.txsync()
    assert handle.tx[0].space() == 63
    handle.send(numbered(20, 100))
    assert nic.sent() == numbered(20, 100)


def test_binding_one_ring_leaves_the_others_to_the_system(core: Core) -> None:
    nic = core.nic("nic0", tx_rings=3, rx_rings=3)
    core.open("nic0", mode=lib.NR_REG_ONE_NIC, ringid=1)
    on = [(lib.nmh_nic_ring_on(nic.raw, tx, q)) for tx in (0, 1) for q in range(3)]
    assert on == [0, 1, 0, 0, 1, 0]


def test_two_files_on_two_rings_come_and_go(core: Core) -> None:
    nic = core.nic("nic0", tx_rings=2, rx_rings=2)
    a = core.open("nic0", mode=lib.NR_REG_ONE_NIC, ringid=0)
    b = core.open("nic0", mode=lib.NR_REG_ONE_NIC, ringid=1)
    frame = numbered(1)[0]
    nic.receive(frame, 1)
    a.close()
    assert b.receive() == [frame]
    a = core.open("nic0", mode=lib.NR_REG_ONE_NIC, ringid=0)
    nic.receive(frame, 0)
    assert a.receive() == [frame]


def test_a_driver_that_cannot_enter_netmap_mode_fails_the_binding(core: Core) -> None:
    nic = core.nic("nic0", tx_rings=2, rx_rings=2)
    handle = core.open()
    live = core.live()
    lib.nmh_nic_fail_register(nic.raw, errno.EIO)
    for mode in (lib.NR_REG_ALL_NIC, lib.NR_REG_ONE_NIC):
        with pytest.raises(OSError) as err:
            handle.register("nic0", mode=mode, extra_bufs=10)
        assert err.value.errno == errno.EIO
        assert core.live() == live
    with pytest.raises(OSError) as err:
        attach(core, "vale0:nic0")
    assert err.value.errno == errno.EIO
    assert core.live() == live
    lib.nmh_nic_fail_register(nic.raw, 0)
    first = core.open("nic0", mode=lib.NR_REG_ONE_NIC, ringid=0)
    lib.nmh_nic_fail_register(nic.raw, errno.EIO)
    bufs = free_buffers(first)
    for _ in range(3):  # beside a file that goes on
        with pytest.raises(OSError):
            handle.register("nic0", mode=lib.NR_REG_ONE_NIC, ringid=1, extra_bufs=10)
    assert free_buffers(first) == bufs
    lib.nmh_nic_fail_register(nic.raw, 0)
    handle.register("nic0", mode=lib.NR_REG_ONE_NIC, ringid=1)
    nic.receive(numbered(1)[0], 1)
    assert handle.receive() == numbered(1)


def free_buffers(beside: Handle) -> int:
    """Buffers that are left in region 1: those that one more ring can have as extra ones."""
    other = beside.core.open("nic0", mode=lib.NR_REG_ONE_NIC, ringid=0, extra_bufs=4096)
    had = int(other.reg.nr_extra_bufs)
    other.close()
    return had


def test_two_nics_joined_by_a_wire_exchange_packets(core: Core) -> None:
    left, right = core.nic("left"), core.nic("right")
    left.wire(right)
    a, b = core.open("left"), core.open("right")
    frames = numbered(50)
    a.send(frames)
    assert b.receive() == frames
    b.send(frames[:3])
    assert a.receive() == frames[:3]


# ---- the driver leaves --------------------------------------------------------------


def test_when_the_nic_leaves_files_get_eio_until_they_close(core: Core) -> None:
    nic = core.nic("nic0")
    handle = core.open("nic0")
    with handle.sleeper(POLLIN) as sleeper:
        nic.detach()
        assert sleeper.wakes > 0
    for sync in (handle.txsync, handle.rxsync):
        with pytest.raises(OSError) as err:
            sync()
        assert err.value.errno == errno.EIO
    assert handle.poll(POLLIN | POLLOUT) == POLLERR
    nic.free()  # nothing refers to the interface, though the file is open
    other = core.open()
    with pytest.raises(OSError) as err:
        other.register("nic0")
    assert err.value.errno == errno.ENXIO
    handle.tx[0].raw.head = 3  # the mapping is still there
    handle.close()


def test_a_name_can_come_back_while_the_zombie_lives(core: Core) -> None:
    nic = core.nic("nic0")
    old = core.open("nic0")
    nic.free()
    nic = core.nic("nic0")
    new = core.open("nic0")
    frame = numbered(1)[0]
    nic.receive(frame)
    assert new.receive() == [frame]
    with pytest.raises(OSError):
        old.rxsync()


def test_the_nic_leaves_under_traffic(core: Core) -> None:
    left, right = core.nic("left", irq_thread=1), core.nic("right", irq_thread=1)
    left.wire(right)
    a, b = core.open("left"), core.open("right")
    errors: list[int | None] = []

    def run(handle: Handle) -> None:
        while True:
            try:
                handle.send(numbered(8))
                handle.receive()
            except BlockingIOError:
                continue  # the NIC's own thread has not run for a while
            except OSError as err:
                errors.append(err.errno)
                return

    threads = [threading.Thread(target=run, args=(handle,)) for handle in (a, b)]
    for thread in threads:
        thread.start()
    while right.stats.received < 200:
        a.poll(POLLIN)
    left.detach()
    right.detach()
    for thread in threads:
        thread.join()
    assert errors == [errno.EIO, errno.EIO]


# ---- attached to a switch --------------------------------------------------------------


@DRIVERS
def test_a_nic_on_a_switch_forwards_both_ways(core: Core, style: dict[str, int]) -> None:
    nic = core.nic("nic0", **style)
    port = core.open("vale0:p")
    attach(core, "vale0:nic0")
    for turn in range(5):
        frames = numbered(40, 40 * turn)
        for frame in frames:
            nic.receive(frame)
        nic.rx_irq()
        assert port.receive() == frames
        port.send(frames)
        assert nic.sent() == frames
    detach(core, "vale0:nic0")
    assert nic.stats.registers == 2


def test_packets_wait_for_no_program_when_forwarded_between_two_nics(core: Core) -> None:
    core.open()
    left, right = core.nic("left"), core.nic("right")
    attach(core, "vale0:left")
    attach(core, "vale0:right")
    for turn in range(10):
        frames = numbered(20, 20 * turn)
        for frame in frames:
            left.receive(frame)
        left.rx_irq()
        assert right.sent() == frames
        assert left.sent() == []


def test_an_attached_nic_is_busy_for_files(core: Core) -> None:
    core.nic("nic0")
    core.open()
    attach(core, "vale0:nic0")
    with pytest.raises(OSError) as err:
        core.open("nic0")
    assert err.value.errno == errno.EBUSY
    with pytest.raises(OSError) as err:
        attach(core, "vale0:nic0")
    assert err.value.errno == errno.EBUSY
    with pytest.raises(OSError) as err:
        attach(core, "vale1:nic0")
    assert err.value.errno == errno.EBUSY
    detach(core, "vale0:nic0")
    core.open("nic0").close()


def test_a_bound_nic_cannot_be_attached(core: Core) -> None:
    core.nic("nic0")
    core.open("nic0")
    with pytest.raises(OSError) as err:
        attach(core, "vale0:nic0")
    assert err.value.errno == errno.EBUSY


def test_an_interrupt_during_another_threads_txsync_loses_nothing(core: Core) -> None:
    """The interrupt forwards into the ring that the interrupted sync is busy with."""
    core.open()
    left, right = core.nic("left"), core.nic("right")
    port = core.open("vale0:p")
    attach(core, "vale0:left")
    attach(core, "vale0:right")
    right.irq_in_sync(left, tx=True)
    arrived = numbered(10, 1000, src=2)
    for frame in arrived:
        left.receive(frame)
    sent = numbered(10)
    port.send(sent)  # reaches right's txsync, there the interrupt of left comes in
    assert left.stats.irqs == 1
    assert right.sent() == sent + arrived
    assert left.sent() == sent
    assert port.receive() == arrived


def test_an_interrupt_at_any_point_of_a_send_loses_and_doubles_nothing(core: Core) -> None:
    left = core.nic("left")
    port, other = core.open("vale0:p"), core.open("vale0:o")
    attach(core, "vale0:left")
    turn = came = 0
    while True:
        turn += 1
        arrived, sent = numbered(3, 10 * turn, src=2), numbered(3, 10 * turn)
        for frame in arrived:
            left.receive(frame)
        left.rx_irq_at(turn)
        port.send(sent)
        waiting = lib.nmh_irq_disarm()
        if waiting:
            left.rx_irq()
        else:
            came += 1
        assert left.sent() == sent
        assert port.receive() == arrived
        assert sorted(other.receive()) == sorted(sent + arrived)
        if waiting:
            break
    assert came > 10


def test_an_interrupt_inside_the_other_nics_txsync_loses_nothing(core: Core) -> None:
    core.open()
    left, right = core.nic("left"), core.nic("right")
    attach(core, "vale0:left")
    attach(core, "vale0:right")
    for turn in range(30):
        right.irq_in_sync(left, tx=True)
        frames = numbered(4, 10 * turn)
        for frame in frames:
            left.receive(frame)
        left.rx_irq()
        assert right.sent() == frames


def attach_and_detach(core: Core, nic: Nic) -> None:
    attach(core, f"vale0:{nic.name}")
    detach(core, f"vale0:{nic.name}")


CHANGES: dict[str, Callable[[Core, Nic], None]] = {
    "a port comes": lambda core, nic: core.open("vale0:new").close(),
    "a pipe comes": lambda core, nic: core.open("nic0{1").close(),
    "the NIC is attached and detached": attach_and_detach,
    "the NIC is bound": lambda core, nic: core.open("nic0").close(),
    "one ring of the NIC is bound": lambda core, nic: core.open(
        "nic0", mode=lib.NR_REG_ONE_NIC, ringid=1
    ).close(),
    "the link flaps": lambda core, nic: nic.reset(3),
}


@pytest.mark.parametrize("what", CHANGES)
def test_an_interrupt_at_any_point_of_a_change_does_no_harm(core: Core, what: str) -> None:
    port = core.open("vale0:p")
    nic = core.nic("nic0", tx_rings=2, rx_rings=2)
    came = at = 0
    while at == came:
        at += 1
        nic.rx_irq_at(at)
        nic.receive_if_on(numbered(1)[0])
        CHANGES[what](core, nic)
        came += not lib.nmh_irq_disarm()
    assert came > 3
    port.receive()
    attach(core, "vale0:nic0")
    nic.receive(numbered(1)[0])
    nic.rx_irq()
    assert port.receive() == numbered(1)


def test_an_interrupt_at_any_point_of_the_drivers_removal_does_no_harm(core: Core) -> None:
    port = core.open("vale0:p")
    came = at = 0
    while at == came:
        at += 1
        nic = core.nic("nic0")
        attach(core, "vale0:nic0")
        nic.receive(numbered(1, at)[0])
        nic.rx_irq_at(at)
        nic.detach()
        came += not lib.nmh_irq_disarm()
        assert port.receive() in ([], numbered(1, at))
        assert nic.rx_irq() == 0
        nic.free()
    assert came > 3


def test_a_nic_that_writes_more_than_a_buffer_holds_is_refused(core: Core) -> None:
    core.nic("nic0", rx_buf=2049)
    core.nic("nic1", rx_buf=2048)
    with pytest.raises(OSError) as err:
        core.open("nic0")
    assert err.value.errno == errno.EINVAL
    core.open("nic1")


def test_packets_that_came_before_attaching_are_forwarded(core: Core) -> None:
    nic = core.nic("nic0")
    port = core.open("vale0:p")
    attach(core, "vale0:nic0")
    detach(core, "vale0:nic0")
    attach(core, "vale0:nic0")
    frame = numbered(1)[0]
    nic.receive(frame)
    nic.rx_irq()
    assert port.receive() == [frame]


def test_a_full_nic_drops_and_goes_on_when_it_has_room(core: Core) -> None:
    nic = core.nic("nic0")
    port = core.open("vale0:p")
    attach(core, "vale0:nic0")
    nic.hold()
    port.send(numbered(200))
    nic.hold(False)
    nic.tx_irq()
    sent = nic.sent()
    assert sent == numbered(200)[: len(sent)] and len(sent) >= 62
    port.send(numbered(10, 500))
    assert nic.sent() == numbered(10, 500)


def test_a_reset_of_an_attached_nic_goes_on_forwarding(core: Core) -> None:
    nic = core.nic("nic0")
    port = core.open("vale0:p")
    attach(core, "vale0:nic0")
    for at in (0, 5, 63):
        nic.reset(at)
        frames = numbered(40)
        for frame in frames:
            nic.receive(frame)
        nic.rx_irq()
        assert port.receive() == frames
        port.send(frames)
        assert nic.sent() == frames


@pytest.mark.parametrize("rings", [1, 4, 17, 40])
def test_a_nic_with_many_rings_can_be_attached(core: Core, rings: int) -> None:
    nic = core.nic("nic0", rx_rings=rings, tx_rings=rings, rx_slots=32, tx_slots=32)
    port = core.open("vale0:p")
    attach(core, "vale0:nic0")
    for q in range(rings):
        nic.receive(numbered(1, q)[0], q)
        nic.rx_irq(q)
    assert port.receive() == numbered(rings)
    port.send(numbered(5))
    assert [p for q in range(rings) for p in nic.sent(q)] == numbered(5)


def test_an_attached_nic_leaves_with_its_driver(core: Core) -> None:
    nic = core.nic("nic0")
    port = core.open("vale0:p")
    attach(core, "vale0:nic0")
    nic.free()
    port.send(numbered(3))
    with pytest.raises(OSError) as err:
        detach(core, "vale0:nic0")
    assert err.value.errno == errno.ENXIO


def test_an_attached_nic_leaves_under_traffic(core: Core) -> None:
    port = core.open("vale0:p")
    for _ in range(5):
        left, right = core.nic("left", irq_thread=1), core.nic("right", irq_thread=1)
        left.wire(right)
        attach(core, "vale0:left")
        peer = core.open("right")
        stop = threading.Event()

        def feed(peer: Handle = peer, stop: threading.Event = stop) -> None:
            while not stop.is_set():
                peer.send(numbered(8, src=2))
                peer.receive()

        thread = threading.Thread(target=feed)
        thread.start()
        while left.stats.received < 100:
            port.send(numbered(8))
            port.receive()
        left.free()
        port.send(numbered(8))
        stop.set()
        thread.join()
        peer.close()
        right.free()


def test_a_switch_that_only_holds_a_nic_ends_with_it(core: Core) -> None:
    core.open()
    nic = core.nic("nic0")
    attach(core, "vale0:nic0")
    assert isinstance(nic, Nic)
    nic.free()
    assert lib.nmh_live_page_bytes() == 0


# ---- what a driver says of its NIC ---------------------------------------------------------------


def numbers(info: Any) -> tuple[int, int, int, int]:
    """Rings and slots of an answer."""
    return (info.nr_tx_rings, info.nr_rx_rings, info.nr_tx_slots, info.nr_rx_slots)


def test_new_numbers_hold_from_the_first_user_on(core: Core) -> None:
    nic = core.nic("nic0", tx_rings=4, rx_rings=4, tx_slots=64, rx_slots=64)
    first = core.open("nic0")
    nic.reports(2, 3, 32, 16)
    assert numbers(first.port_info("nic0")) == (4, 4, 64, 64)  # it is in use
    second = core.open("nic0")
    assert len(second.tx) == 4
    first.close()
    second.close()
    third = core.open("nic0")
    assert numbers(third.port_info("nic0")) == (2, 3, 32, 16)
    assert (len(third.tx), len(third.rx)) == (2, 3)
    for turn in range(3):
        frames = numbered(12, 12 * turn)
        for frame in frames:
            nic.receive(frame, 2)
        nic.rx_irq(2)
        assert third.receive(2) == frames
        third.send(frames, 1)
        assert nic.sent(1) == frames


def test_a_switch_learns_new_numbers_too(core: Core) -> None:
    nic = core.nic("nic0", tx_rings=2, rx_rings=2, tx_slots=64, rx_slots=64)
    nic.reports(1, 1, 16, 16)
    port = core.open("vale0:a")
    attach(core, "vale0:nic0")
    frames = numbered(10)
    port.send(frames)
    assert nic.sent() == frames


@pytest.mark.parametrize(
    "config",
    [{"tx_rings": 0}, {"rx_rings": 1025}, {"tx_slots": 1}, {"rx_slots": 32769}],
    ids=lambda config: next(iter(config)),
)
def test_a_nic_with_impossible_numbers_is_refused_with_the_possible_ones(
    core: Core, config: dict[str, int]
) -> None:
    with pytest.raises(OSError, match=r"^\[Errno 22\]"):
        core.nic("nic0", **config)
    assert any("1 to 1024 rings of 2 to 32768 are possible" in line for line in core.logged())


def test_an_interrupt_by_the_adapter_does_what_one_by_the_interface_does(core: Core) -> None:
    nic = core.nic("nic0")
    assert nic.common_irq(tx=False) == PASS
    handle = core.open("nic0")
    with handle.sleeper(POLLIN) as sleeper:
        nic.receive(numbered(1)[0])
        assert nic.common_irq(tx=False) == COMPLETED
        assert sleeper.wakes == 1
        assert nic.common_irq(tx=True) == COMPLETED
        assert sleeper.wakes == 1  # it waits for the other direction
    assert nic.common_irq(tx=False, queue=1) == PASS  # there is none
    assert handle.receive() == numbered(1)

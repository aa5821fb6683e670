# SPDX-License-Identifier: BSD-2-Clause
"""poll, the two sync ioctls, time stamps, mmap."""

from __future__ import annotations

from errno import EINVAL, EIO, ENXIO

import pytest
from harness import (
    BROADCAST,
    POLLERR,
    POLLIN,
    POLLOUT,
    Core,
    Handle,
    K,
    Ring,
    ethernet,
    lib,
    mac,
)

FRAME = ethernet(BROADCAST, mac(1), b"frame")
BOTH = POLLIN | POLLOUT


def pair(core: Core, **fields: int) -> tuple[Handle, Handle]:
    """Two ports of a switch; the fields go to the first."""
    return core.open("vale0:a", **fields), core.open("vale0:b")


def pipe(core: Core) -> tuple[Handle, Handle]:
    """Two ends of a pipe: what was not read yet keeps the sender's tail back."""
    return core.open("p{1", tx_slots=16, rx_slots=16), core.open("p}1")


def fill(ring: Ring) -> None:
    """Queue packets until no slot is left; no sync."""
    while ring.space():
        ring.put(FRAME)


def break_ring(ring: Ring, how: str) -> None:
    """What a program must not write."""
    head, tail = ring.head, ring.tail
    if how == "head behind the end":
        ring.head = ring.cur = ring.slots
    elif how == "head far away":
        ring.head = ring.cur = 0xFFFFFFFF
    elif how == "cur behind the end":
        ring.cur = ring.slots
    elif how == "cur before head":
        ring.head = ring.cur = ring.next(head, 1)
        ring.cur = head
    elif how == "cur beyond tail":
        ring.cur = ring.next(tail)
    elif how == "head beyond tail":
        ring.head = ring.cur = ring.next(tail)
    else:
        raise ValueError(how)


WAYS = (
    "head behind the end",
    "head far away",
    "cur behind the end",
    "cur before head",
    "cur beyond tail",
    "head beyond tail",
)


# ---- not bound ---------------------------------------------------------------------------


def test_a_file_without_a_port_is_in_error(core: Core) -> None:
    handle = core.open()
    for events in (0, POLLIN, POLLOUT, BOTH):
        assert handle.poll(events) == POLLERR
    assert lib.nmh_txsync(handle.raw) == ENXIO
    assert lib.nmh_rxsync(handle.raw) == ENXIO


def test_a_null_port_is_never_ready(core: Core) -> None:
    handle = core.open("x", mode=lib.NR_REG_NULL)
    assert handle.poll(BOTH) == 0
    handle.txsync()
    handle.rxsync()


# ---- readiness ---------------------------------------------------------------------------


def test_a_new_port_can_send_and_has_nothing_to_read(core: Core) -> None:
    handle = core.open("vale0:a")
    assert handle.poll(BOTH) == POLLOUT
    assert handle.poll(POLLIN) == 0
    assert handle.poll(POLLOUT) == POLLOUT
    assert handle.poll(0) == 0


def test_a_packet_makes_the_reader_ready_until_it_has_moved_on(core: Core) -> None:
    a, b = pair(core)
    a.send([FRAME])
    assert b.poll(POLLIN) == POLLIN
    assert b.poll(POLLIN) == POLLIN
    assert b.rx[0].take() == [FRAME]
    assert b.poll(POLLIN) == 0


def test_readiness_is_about_cur_and_not_head(core: Core) -> None:
    a, b = pair(core)
    a.send([FRAME, FRAME])
    b.rxsync()
    ring = b.rx[0]
    ring.cur = ring.tail  # has seen both, keeps them
    assert b.poll(POLLIN) == 0
    assert ring.space() == 2
    a.send([FRAME])
    assert b.poll(POLLIN) == POLLIN


def test_a_full_pipe_cannot_send_until_its_reader_has_read(core: Core) -> None:
    a, b = pipe(core)
    fill(a.tx[0])
    assert a.poll(POLLOUT) == 0
    assert b.poll(POLLIN) == POLLIN
    b.rx[0].take(1)
    assert a.poll(POLLOUT) == 0  # the slot is the reader's until it syncs
    b.rxsync()
    assert a.poll(POLLOUT) == POLLOUT


# ---- what a poll syncs -------------------------------------------------------------------


@pytest.mark.parametrize("events", [0, POLLIN, POLLOUT, BOTH])
def test_every_poll_flushes_what_was_queued(core: Core, events: int) -> None:
    a, b = pair(core)
    a.tx[0].put(FRAME)
    a.poll(events)
    assert b.receive() == [FRAME]


@pytest.mark.parametrize(("events", "sent"), [(0, 0), (POLLIN, 0), (POLLOUT, 1), (BOTH, 1)])
def test_with_no_tx_poll_only_pollout_flushes(core: Core, events: int, sent: int) -> None:
    a, b = pair(core, flags=K.NR_NO_TX_POLL)
    a.tx[0].put(FRAME)
    a.poll(events)
    assert len(b.receive()) == sent


@pytest.mark.parametrize(
    ("flags", "events", "seen"),
    [
        (0, 0, 0),
        (0, POLLOUT, 0),
        (0, POLLIN, 1),
        (K.NR_DO_RX_POLL, 0, 1),
        (K.NR_DO_RX_POLL, POLLOUT, 1),
        (K.NR_DO_RX_POLL, POLLIN, 1),
    ],
)
def test_rx_is_synced_with_pollin_and_always_with_do_rx_poll(
    core: Core, flags: int, events: int, seen: int
) -> None:
    a, b = core.open("vale0:a"), core.open("vale0:b", flags=flags)
    a.send([FRAME])
    got = b.poll(events)
    assert b.rx[0].space() == seen
    assert got == (events & POLLOUT) | (POLLIN if events & POLLIN else 0)


def test_a_tx_ring_with_nothing_to_send_is_not_synced_for_a_reader(core: Core) -> None:
    for name, value in {"if_num": 8, "ring_num": 16, "buf_num": 2048}.items():
        core.set_param(name, value)
    nic = core.nic("eth0")
    handle = core.open("eth0")
    before = nic.stats.txsyncs
    handle.poll(POLLIN)
    handle.poll(0)
    assert nic.stats.txsyncs == before
    handle.poll(POLLOUT)
    assert nic.stats.txsyncs == before + 1
    handle.tx[0].put(FRAME)
    handle.poll(0)
    assert nic.stats.txsyncs == before + 2
    assert nic.sent() == [FRAME]


def test_all_bound_rings_are_synced(core: Core) -> None:
    a = core.open("vale0:a", tx_rings=3, rx_rings=3)
    b = core.open("vale0:b", tx_rings=3, rx_rings=3)
    b.send([ethernet(BROADCAST, mac(2))])
    assert len(a.receive()) == 1
    for i, ring in enumerate(a.tx):
        ring.put(ethernet(mac(2), mac(1), b"%d" % i))
    a.poll(0)
    assert b.poll(POLLIN) == POLLIN
    assert [len(ring.take()) for ring in b.rx] == [1, 1, 1]


def test_only_bound_rings_are_synced(core: Core) -> None:
    core.open("vale0:b")
    a = core.open("vale0:a", tx_rings=2, rx_rings=2)
    one = core.open("vale0:a", mode=lib.NR_REG_ONE_NIC, ringid=1)
    a.tx[0].put(FRAME)
    a.tx[1].put(FRAME)
    one.txsync()
    assert a.tx[0].space() == a.tx[0].slots - 2  # still queued
    assert a.tx[1].space() == a.tx[1].slots - 1
    assert len(one.tx) == len(one.rx) == 1


def test_one_direction_only(core: Core) -> None:
    other = core.open("vale0:b")
    rx = core.open("vale0:a", flags=K.NR_RX_RINGS_ONLY)
    assert (len(rx.tx), len(rx.rx)) == (0, 1)
    other.send([FRAME])
    assert rx.poll(BOTH) == POLLIN
    rx.txsync()
    tx = core.open("vale0:c", flags=K.NR_TX_RINGS_ONLY)
    assert (len(tx.tx), len(tx.rx)) == (1, 0)
    assert tx.poll(BOTH) == POLLOUT
    tx.rxsync()


# ---- sleepers ----------------------------------------------------------------------------


def test_a_sleeper_is_woken_by_a_packet(core: Core) -> None:
    a, b = pair(core)
    with b.sleeper(POLLIN) as asleep:
        assert (asleep.ready, asleep.wakes) == (0, 0)
        a.send([FRAME] * 10)
        assert asleep.wakes == 1
    a.send([FRAME])
    assert b.poll(POLLIN) == POLLIN


def test_who_sleeps_for_the_other_direction_is_left_alone(core: Core) -> None:
    a, b = pipe(core)
    fill(b.tx[0])
    with b.sleeper(POLLOUT) as asleep:
        assert asleep.ready == 0
        a.send([FRAME])
        assert asleep.wakes == 0
        a.rxsync()
        a.rx[0].take()
        a.rxsync()
        assert asleep.wakes == 1


def test_a_file_with_one_ring_sleeps_on_that_ring(core: Core) -> None:
    a = core.open("vale0:a", tx_rings=2, rx_rings=2)
    other = core.open("vale0:b", tx_rings=2, rx_rings=2)
    other.send([ethernet(BROADCAST, mac(2))])  # so that a's packets find one port alone
    one = core.open("vale0:b", mode=lib.NR_REG_ONE_NIC, ringid=1)
    a.receive_all()
    with one.sleeper(POLLIN) as on_ring, other.sleeper(POLLIN) as on_port:
        a.send([ethernet(mac(2), mac(1))], ring=0)
        assert (on_ring.wakes, on_port.wakes) == (0, 1)
        a.send([ethernet(mac(2), mac(1))], ring=1)
        assert (on_ring.wakes, on_port.wakes) == (1, 2)


def test_what_comes_before_one_sleeps_is_found_at_once(core: Core) -> None:
    a, b = pair(core)
    a.send([FRAME])
    with b.sleeper(POLLIN) as asleep:
        assert asleep.ready == POLLIN


# ---- rings in error ----------------------------------------------------------------------


@pytest.mark.parametrize("how", WAYS)
def test_poll_reports_a_bad_tx_ring_once_and_makes_it_whole(core: Core, how: str) -> None:
    a, b = pipe(core)
    a.send([FRAME] * 3)
    break_ring(a.tx[0], how)
    assert a.poll(POLLOUT) & POLLERR
    assert a.poll(POLLOUT) == POLLOUT
    b.receive()
    a.send([FRAME])
    assert b.receive() == [FRAME]


@pytest.mark.parametrize("how", WAYS)
def test_poll_reports_a_bad_rx_ring_once_and_makes_it_whole(core: Core, how: str) -> None:
    a, b = pipe(core)
    a.send([FRAME] * 3)
    b.rxsync()
    break_ring(b.rx[0], how)
    assert b.poll(POLLIN) & POLLERR
    b.receive()
    assert b.poll(POLLIN) == 0
    a.send([FRAME])
    assert b.receive() == [FRAME]


@pytest.mark.parametrize("how", WAYS)
def test_the_ioctls_make_a_bad_ring_whole_without_an_error(core: Core, how: str) -> None:
    a, b = pipe(core)
    a.send([FRAME] * 3)
    break_ring(a.tx[0], how)
    a.txsync()
    b.rxsync()
    break_ring(b.rx[0], how)
    b.rxsync()
    b.receive()
    a.send([FRAME])
    assert b.receive() == [FRAME]


def test_one_bad_ring_does_not_hold_up_the_others(core: Core) -> None:
    a, b = core.open("vale0:a", tx_rings=2, rx_rings=1), core.open("vale0:b")
    a.tx[0].head = a.tx[0].cur = 0xFFFFFFFF
    a.tx[1].put(FRAME)
    assert a.poll(POLLOUT) == POLLOUT | POLLERR
    assert b.receive() == [FRAME]


# ---- a port that goes away ---------------------------------------------------------------


def test_a_port_that_has_left_is_an_error_until_the_file_is_closed(core: Core) -> None:
    for name, value in {"if_num": 8, "ring_num": 16, "buf_num": 2048}.items():
        core.set_param(name, value)
    nic = core.nic("eth0", tx_rings=2, rx_rings=2)
    whole, part = core.open("eth0"), core.open("eth0", mode=lib.NR_REG_ONE_NIC, ringid=1)
    none = core.open("eth0", flags=K.NR_RX_RINGS_ONLY)
    assert whole.poll(BOTH) == POLLOUT
    with whole.sleeper(POLLIN) as on_port, part.sleeper(POLLIN) as on_ring:
        nic.detach()
        assert on_port.wakes >= 1
        assert on_ring.wakes >= 1
    for handle in (whole, part, none):
        for events in (0, POLLIN, POLLOUT, BOTH):
            assert handle.poll(events) == POLLERR
        assert lib.nmh_txsync(handle.raw) == EIO
        assert lib.nmh_rxsync(handle.raw) == EIO


def test_rings_that_are_stopped_for_a_while_are_no_error_to_poll(core: Core) -> None:
    """The driver resets its rings: who polls sleeps through that and is woken after it."""
    for name, value in {"if_num": 8, "ring_num": 16, "buf_num": 2048}.items():
        core.set_param(name, value)
    nic = core.nic("eth0")
    handle = core.open("eth0")
    lib.nmh_nic_rings(nic.raw, 0)
    assert lib.nmh_txsync(handle.raw) == EIO
    assert lib.nmh_rxsync(handle.raw) == EIO
    with handle.sleeper(POLLIN) as asleep:
        assert (asleep.ready, asleep.wakes) == (0, 0)
        nic.receive(FRAME)
        lib.nmh_nic_rings(nic.raw, 1)
        assert asleep.wakes >= 1
    assert handle.poll(POLLIN) == POLLIN
    assert handle.receive() == [FRAME]


# ---- time stamps -------------------------------------------------------------------------


def stamp(handle: Handle, ring: int = 0) -> tuple[int, int]:
    ts = handle.rx[ring].raw.ts
    return ts.tv_sec, ts.tv_usec


def test_every_rx_sync_writes_the_time(core: Core) -> None:
    handle = core.open("vale0:a", tx_rings=1, rx_rings=2)
    lib.nmh_clock(5000, 123456)
    handle.rxsync()
    assert stamp(handle, 0) == stamp(handle, 1) == (5000, 123456)
    lib.nmh_clock(5001, 1)
    handle.poll(POLLOUT)
    handle.txsync()
    assert stamp(handle) == (5000, 123456)
    handle.poll(POLLIN)
    assert stamp(handle, 0) == stamp(handle, 1) == (5001, 1)


def test_tx_rings_have_no_time(core: Core) -> None:
    handle = core.open("vale0:a")
    lib.nmh_clock(5000, 1)
    handle.txsync()
    handle.poll(POLLOUT)
    assert (handle.tx[0].raw.ts.tv_sec, handle.tx[0].raw.ts.tv_usec) == (0, 0)


def test_with_no_timestamp_only_the_rings_that_ask_get_it(core: Core) -> None:
    core.set_param("no_timestamp", 1)
    handle = core.open("vale0:a", tx_rings=1, rx_rings=2)
    handle.rx[1].raw.flags = K.NR_TIMESTAMP
    lib.nmh_clock(7000, 2)
    handle.rxsync()
    handle.poll(POLLIN)
    assert stamp(handle, 0) == (0, 0)
    assert stamp(handle, 1) == (7000, 2)
    handle.rx[1].raw.flags = 0
    lib.nmh_clock(7001, 3)
    handle.rxsync()
    assert stamp(handle, 1) == (7000, 2)
    core.set_param("no_timestamp", 0)  # live
    handle.rxsync()
    assert stamp(handle, 0) == stamp(handle, 1) == (7001, 3)


# ---- mmap --------------------------------------------------------------------------------


def mmap_error(handle: Handle, offset: int, size: int) -> int:
    try:
        handle.mmap(offset, size)
    except OSError as err:
        assert err.errno is not None
        return err.errno
    return 0


def test_mmap_needs_a_bound_file(core: Core) -> None:
    handle = core.open()
    assert mmap_error(handle, 0, 4096) == ENXIO
    assert handle.request(lib.NETMAP_REQ_REGISTER, "nosuch", bytes(56)).error != 0
    assert mmap_error(handle, 0, 4096) == ENXIO


def test_mmap_shows_the_region_and_nothing_behind_it(core: Core) -> None:
    handle = core.open("vale0:a", map_it=False)
    size = handle.reg.nr_memsize
    for offset, length in ((0, size), (0, 4096), (4096, size - 4096), (size - 4096, 4096)):
        assert mmap_error(handle, offset, length) == 0
    for offset, length in (
        (0, size + 4096),
        (size, 4096),
        (size - 4096, 8192),
        (4096, size),
        (1 << 40, 4096),
        ((1 << 64) - 4096, 4096),
        ((1 << 64) - 4096, 8192),
        (4096, (1 << 64) - 4096),
    ):
        assert mmap_error(handle, offset, length) == EINVAL

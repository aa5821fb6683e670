# SPDX-License-Identifier: BSD-2-Clause
"""Rules of the switch that a program can see, one by one."""

from __future__ import annotations

import errno

import pytest
from harness import (
    BROADCAST,
    POLLERR,
    POLLIN,
    POLLOUT,
    Core,
    Handle,
    K,
    ethernet,
    ffi,
    lib,
    mac,
    struct,
)


def flood(n: int, src: int = 1, first: int = 0, size: int = 60) -> list[bytes]:
    """Broadcasts that can be told apart."""
    return [ethernet(BROADCAST, mac(src), b"%06d" % i, size) for i in range(first, first + n)]


def address(pointer: object) -> int:
    """A C pointer as a number."""
    return int(ffi.cast("uintptr_t", pointer))


def learn(station: int, handle: Handle) -> None:
    """The switch sees a station on a port; nobody else keeps the packet."""
    handle.send([ethernet(mac(0xEE), mac(station))])
    for other in handle.core.handles:
        if other.nifp is not None:
            other.receive_all()


# ---- destinations ------------------------------------------------------------------


def test_unknown_addresses_and_multicasts_go_to_everybody_else(core: Core) -> None:
    a, b, c = (core.open(f"vale0:{name}") for name in "abc")
    frames = [ethernet(mac(9), mac(1)), ethernet(0x01005E000001, mac(1)), *flood(1)]
    a.send(frames)
    assert (a.receive(), b.receive(), c.receive()) == ([], frames, frames)


def test_a_packet_to_the_senders_own_segment_is_dropped(core: Core) -> None:
    a, b = core.open("vale0:a"), core.open("vale0:b")
    learn(1, a)
    learn(2, a)
    a.send([ethernet(mac(2), mac(1))])
    assert b.receive() == a.receive() == []


def test_a_multicast_address_is_flooded_though_somebody_sent_from_it(core: Core) -> None:
    a, b, c = (core.open(f"vale0:{name}") for name in "abc")
    odd = 0x030000000001
    a.send([ethernet(BROADCAST, odd)])
    b.receive(), c.receive()
    frame = ethernet(odd, mac(2))
    b.send([frame])
    assert a.receive() == c.receive() == [frame]


def test_ns_no_learn_keeps_the_sender_unknown(core: Core) -> None:
    a, b, c = (core.open(f"vale0:{name}") for name in "abc")
    a.send(flood(1), flags=K.NS_NO_LEARN)
    b.receive(), c.receive()
    frame = ethernet(mac(1), mac(2))
    b.send([frame])
    assert a.receive() == c.receive() == [frame]


def test_a_no_learn_packet_in_the_middle_of_a_flow_does_not_stop_learning(core: Core) -> None:
    a, b, c = (core.open(f"vale0:{name}") for name in "abc")
    a.tx[0].put(flood(1)[0], K.NS_NO_LEARN)
    a.tx[0].put(flood(1)[0])
    a.txsync()
    b.receive(), c.receive()
    frame = ethernet(mac(1), mac(2))
    b.send([frame])
    assert (a.receive(), c.receive()) == ([frame], [])


def test_the_receiving_ring_is_the_senders_modulo_its_rings(core: Core) -> None:
    a = core.open("vale0:a", tx_rings=4, rx_rings=4)
    b = core.open("vale0:b", tx_rings=3, rx_rings=3)
    learn(2, b)
    for ring in range(4):
        a.send([ethernet(mac(2), mac(1), b"%d" % ring)], ring)
        a.send(flood(1, first=ring), ring)
    b.rxsync()
    got = [[frame[14:15] for frame in ring.take()] for ring in b.rx]
    assert got == [[b"0", b"0", b"0", b"0", b"3", b"0"], [b"1"], [b"2"]]


def test_switches_and_namespaces_are_apart(core: Core) -> None:
    a = core.open("vale0:a")
    other_switch = core.open("vale1:a")
    other_ns = core.open("vale0:b", ns=core.new_ns())
    a.send(flood(1))
    assert other_switch.receive() == other_ns.receive() == []


def test_a_switch_has_254_ports_and_no_more(core: Core) -> None:
    core.set_param("priv_buf_num", 64)
    small = {"tx_slots": 2, "rx_slots": 2}
    ports = [core.open(f"vale0:p{i}", **small) for i in range(254)]
    with pytest.raises(OSError) as err:
        core.open("vale0:more", **small)
    assert err.value.errno == errno.ENOMEM
    ports[0].send(flood(1))
    assert all(port.receive() == flood(1) for port in ports[1:])
    ports[7].close()
    core.open("vale0:more", **small)


def test_there_are_max_bridges_switches_and_no_more() -> None:
    with Core() as core:
        core.set_param("priv_buf_num", 64)
        for i in range(core.param("max_bridges")):
            core.open(f"vale{i}:p")
        with pytest.raises(OSError) as err:
            core.open("valex:p")
        assert err.value.errno == errno.ENOMEM
        core.open("vale3:q")


# ---- what a sync consumes --------------------------------------------------------------


def test_a_sync_consumes_everything_though_the_destination_is_full(core: Core) -> None:
    a, b = core.open("vale0:a"), core.open("vale0:b", rx_slots=100)
    a.send(flood(1000))
    assert a.tx[0].space() == a.tx[0].slots - 1
    assert b.receive() == flood(99)
    a.send(flood(5, first=2000))
    assert b.receive() == flood(5, first=2000)


def test_a_sync_consumes_everything_though_nobody_is_there(core: Core) -> None:
    a = core.open("vale0:a")
    for _ in range(3):
        a.send(flood(1023))
        assert a.tx[0].space() == 1023


@pytest.mark.parametrize("batch", [1, 7, 256])
def test_the_batch_size_changes_nothing_that_is_seen(core: Core, batch: int) -> None:
    core.set_param("bridge_batch", batch)
    a, b = core.open("vale0:a"), core.open("vale0:b")
    a.send(flood(1000))
    assert b.receive() == flood(1000)


@pytest.mark.parametrize("slots", [2, 3, 5, 1000, 4096])
def test_any_number_of_slots_works(core: Core, slots: int) -> None:
    a = core.open("vale0:a", tx_slots=slots, rx_slots=slots)
    b = core.open("vale0:b", tx_slots=slots, rx_slots=slots)
    assert a.tx[0].slots == b.rx[0].slots == slots
    for turn in range(7):
        frames = flood(slots - 1, first=turn * slots)
        a.send(frames)
        assert b.receive() == frames


@pytest.mark.parametrize(
    "size", [14, 59, 60, 63, 64, 65, 127, 128, 200, 256, 257, 1500, 2047, 2048]
)
def test_every_length_arrives_as_it_was(core: Core, size: int) -> None:
    a, b = core.open("vale0:a"), core.open("vale0:b")
    frame = (flood(1)[0][:14] + bytes(i * 7 & 0xFF for i in range(2048)))[:size]
    beside = bytes(b.rx[0].buf(1))
    a.send([frame])
    assert b.receive() == [frame]
    assert bytes(b.rx[0].buf(1)) == beside


def test_a_packet_in_a_buffer_of_another_size_is_not_cut(core: Core) -> None:
    core.set_param("priv_buf_size", 4096)
    a = core.open("vale0:a")
    core.set_param("priv_buf_size", 2048)
    b = core.open("vale0:b")
    frames = [flood(1, size=4096)[0], flood(1, size=2049)[0], flood(1, size=2048)[0]]
    a.send(frames)
    assert b.receive() == frames[2:]


# ---- bad slots ---------------------------------------------------------------------------


def test_a_bad_slot_costs_its_own_packet_only(core: Core) -> None:
    a, b = core.open("vale0:a"), core.open("vale0:b")
    tx = a.tx[0]
    frames = flood(8)
    for frame in frames:
        tx.put(frame)
    good = [tx.slot(i).buf_idx for i in range(8)]
    for i, index in ((1, 0), (2, 1), (3, 0xFFFFFFFF), (4, 4098)):
        tx.slot(i).buf_idx = index
    tx.slot(5).len = 2049
    tx.slot(6).len = 13
    a.txsync()
    assert b.receive() == [frames[0], frames[7]]
    for i in range(8):
        tx.slot(i).buf_idx = good[i]


@pytest.mark.parametrize("index", [0, 1, 0xFFFFFFFF, 4098])
def test_a_bad_buffer_in_a_receiving_slot_costs_its_own_packet_only(core: Core, index: int) -> None:
    a, b = core.open("vale0:a"), core.open("vale0:b")
    good = b.rx[0].slot(1).buf_idx
    b.rx[0].slot(1).buf_idx = index
    frames = flood(3)
    a.send(frames)
    b.rxsync()
    rx = b.rx[0]
    assert [rx.slot(i).len for i in range(3)] == [60, 0, 60]
    assert (bytes(rx.buf(0)[:60]), bytes(rx.buf(2)[:60])) == (frames[0], frames[2])
    rx.slot(1).buf_idx = good


@pytest.mark.parametrize(
    ("head", "cur"),
    [(1024, 1024), (0xFFFFFFFF, 0), (0, 0xFFFFFFFF), (5, 4), (0, 1024), (1023, 1023)],
)
def test_impossible_indices_reinitialise_the_ring(core: Core, head: int, cur: int) -> None:
    a, b = core.open("vale0:a"), core.open("vale0:b")
    a.send(flood(3))
    rx = b.rx[0]
    rx.head, rx.cur = head, cur
    b.rxsync()  # says nothing, puts it right
    assert (rx.head, rx.cur, rx.tail) == (0, 0, 3)
    rx.head, rx.cur = head, cur
    assert b.poll(POLLIN) & POLLERR
    assert b.receive() == flood(3)


def test_impossible_indices_of_a_tx_ring_send_nothing(core: Core) -> None:
    a, b = core.open("vale0:a"), core.open("vale0:b")
    for head, cur in ((1024, 1024), (5, 4), (1023, 1024)):
        a.tx[0].head, a.tx[0].cur = head, cur
        a.txsync()
        assert (a.tx[0].head, a.tx[0].cur) == (0, 0)
        a.tx[0].head, a.tx[0].cur = head, cur
        assert a.poll(POLLOUT) & POLLERR
    a.send(flood(2))
    assert b.receive() == flood(2)


def test_what_the_program_does_to_tail_changes_nothing(core: Core) -> None:
    a, b = core.open("vale0:a"), core.open("vale0:b")
    a.send(flood(3))
    b.rxsync()
    b.rx[0].raw.tail = 700
    b.rx[0].head = b.rx[0].cur = 3
    b.rxsync()
    assert b.rx[0].tail == 3
    a.send(flood(2))
    assert b.receive() == flood(2)


# ---- several slots to a packet ---------------------------------------------------------------


def put_chain(handle: Handle, fragments: list[bytes], end: bool = True) -> None:
    """A packet in several slots; without its end, when asked."""
    for i, fragment in enumerate(fragments):
        last = end and i + 1 == len(fragments)
        handle.tx[0].put(fragment, 0 if last else K.NS_MOREFRAG)


def test_fragments_arrive_together_and_counted(core: Core) -> None:
    a, b = core.open("vale0:a"), core.open("vale0:b")
    parts = [flood(1)[0], b"x" * 2048, b"y"]
    put_chain(a, parts)
    a.txsync()
    b.rxsync()
    slots = [b.rx[0].slot(i) for i in range(3)]
    assert b.rx[0].tail == 3
    assert [slot.flags for slot in slots] == [0x320, 0x320, 0x300]
    assert b.rx[0].take() == parts


@pytest.mark.parametrize(("count", "arrives"), [(64, True), (65, False), (300, False)])
def test_a_packet_has_at_most_64_fragments(core: Core, count: int, arrives: bool) -> None:
    a, b = core.open("vale0:a"), core.open("vale0:b")
    parts = [flood(1)[0]] * count
    put_chain(a, parts)
    a.tx[0].put(flood(1)[0])
    a.txsync()
    assert len(b.receive()) == (count + 1 if arrives else 1)


def test_a_packet_whose_end_is_missing_is_dropped(core: Core) -> None:
    a, b = core.open("vale0:a"), core.open("vale0:b")
    put_chain(a, [flood(1)[0], b"x"], end=False)
    a.txsync()
    assert a.tx[0].space() == 1023
    a.send(flood(1))
    assert b.receive() == flood(1)


def test_a_bad_fragment_costs_the_whole_packet_and_no_other(core: Core) -> None:
    a, b = core.open("vale0:a"), core.open("vale0:b")
    a.tx[0].put(flood(1)[0])
    put_chain(a, [flood(1)[0], b"x", b"y"])
    a.tx[0].slot(2).len = 0
    a.tx[0].put(flood(1)[0])
    a.txsync()
    assert b.receive() == flood(1) * 2


def test_only_whole_packets_go_into_a_ring_that_fills_up(core: Core) -> None:
    a, b = core.open("vale0:a"), core.open("vale0:b", rx_slots=8)
    for _ in range(3):
        put_chain(a, [flood(1)[0], b"x", b"y"])
    a.txsync()
    b.rxsync()
    assert b.rx[0].tail == 6


def test_chains_longer_than_a_batch_are_kept_whole(core: Core) -> None:
    core.set_param("bridge_batch", 4)
    a, b = core.open("vale0:a"), core.open("vale0:b")
    for _ in range(5):
        put_chain(a, [flood(1)[0]] * 7)
    a.txsync()
    b.rxsync()
    flags = [b.rx[0].slot(i).flags for i in range(b.rx[0].tail)]
    assert flags == ([0x720] * 6 + [0x700]) * 5


# ---- NS_INDIRECT -----------------------------------------------------------------------------


def test_indirect_data_is_fetched_from_the_program(core: Core) -> None:
    a, b = core.open("vale0:a"), core.open("vale0:b")
    frames = flood(3, size=1500)
    for frame in frames:
        where = core.arena.alloc(len(frame), align=1)
        core.arena.write(where, frame)
        a.tx[0].put(b"", K.NS_INDIRECT, where)
        a.tx[0].slot(a.tx[0].head - 1).len = len(frame)
    a.txsync()
    assert b.receive() == frames


def test_more_indirect_data_than_a_batch_holds_arrives_in_order(core: Core) -> None:
    a, b = core.open("vale0:a"), core.open("vale0:b")
    frames = flood(200, size=2000)
    where = core.arena.alloc(2000 * len(frames))
    for i, frame in enumerate(frames):
        core.arena.write(where + 2000 * i, frame)
        a.tx[0].put(b"", K.NS_INDIRECT, where + 2000 * i)
        a.tx[0].slot(a.tx[0].head - 1).len = 2000
    a.txsync()
    assert b.receive() == frames


def test_an_indirect_address_that_faults_costs_its_own_packet_only(core: Core) -> None:
    a, b = core.open("vale0:a"), core.open("vale0:b")
    frame = flood(1)[0]
    bad = [0, 8, 0xFFFFFFFFFFFFFFF8, core.arena.base + core.arena.size - 30]
    bad.append(core.arena.alloc(4096, align=4096))
    core.arena.fault(bad[-1])
    for where in [*bad, address(a.raw)]:
        a.tx[0].put(frame, K.NS_INDIRECT, where)
        a.tx[0].put(frame)
    a.txsync()
    assert b.receive() == [frame] * 6


def test_indirect_and_direct_fragments_mix(core: Core) -> None:
    a, b = core.open("vale0:a"), core.open("vale0:b")
    where = core.arena.alloc(64)
    core.arena.write(where, b"indirect")
    a.tx[0].put(flood(1)[0], K.NS_MOREFRAG)
    a.tx[0].put(b"12345678", K.NS_MOREFRAG | K.NS_INDIRECT, where)
    a.tx[0].put(b"end")
    a.txsync()
    assert b.receive() == [flood(1)[0], b"indirect", b"end"]


# ---- waking up --------------------------------------------------------------------------------


def test_one_wake_up_per_destination_and_sync(core: Core) -> None:
    a, b, c = (core.open(f"vale0:{name}") for name in "abc")
    with b.sleeper(POLLIN) as b_sleeper, c.sleeper(POLLIN) as c_sleeper:
        a.send(flood(200))
        assert (b_sleeper.wakes, c_sleeper.wakes) == (1, 1)
        learn(2, b)
        woken = c_sleeper.wakes
        a.send([ethernet(mac(2), mac(1))] * 100)
        assert c_sleeper.wakes == woken


def test_a_file_on_one_ring_sleeps_on_that_ring_alone(core: Core) -> None:
    a = core.open("vale0:a", tx_rings=2, rx_rings=2)
    b = core.open("vale0:b", tx_rings=2, rx_rings=2)
    one = core.open("vale0:b", mode=lib.NR_REG_ONE_NIC, ringid=1)
    learn(2, b)
    with b.sleeper(POLLIN) as whole, one.sleeper(POLLIN) as single:
        a.send([ethernet(mac(2), mac(1))], ring=0)
        assert (whole.wakes, single.wakes) == (1, 0)
        a.send([ethernet(mac(2), mac(1))], ring=1)
        assert (whole.wakes, single.wakes) == (2, 1)


def test_poll_says_what_is_ready(core: Core) -> None:
    a, b = core.open("vale0:a"), core.open("vale0:b")
    assert b.poll(POLLIN | POLLOUT) == POLLOUT
    a.send(flood(1))
    assert b.poll(POLLIN) == POLLIN
    b.rx[0].take()
    assert b.poll(POLLIN) == 0


def test_poll_sends_what_is_pending_unless_told_not_to(core: Core) -> None:
    b = core.open("vale0:b")
    for flags, events, arrives in (
        (0, POLLIN, 1),
        (K.NR_NO_TX_POLL, POLLIN, 0),
        (K.NR_NO_TX_POLL, POLLOUT, 1),
    ):
        a = core.open("vale0:a", flags=flags)
        a.tx[0].put(flood(1)[0])
        a.poll(events)
        assert len(b.receive()) == arrives
        a.close()


def test_do_rx_poll_fetches_packets_without_pollin(core: Core) -> None:
    a = core.open("vale0:a")
    for flags, tail in ((0, 0), (K.NR_DO_RX_POLL, 1)):
        b = core.open("vale0:b", flags=flags)
        a.send(flood(1))
        b.poll(POLLOUT)
        assert b.rx[0].tail == tail
        b.close()


# ---- what a program sees of its port -----------------------------------------------------------


def test_the_time_of_each_rx_sync_is_written(core: Core) -> None:
    b = core.open("vale0:b")
    core.pass_time(5)
    b.rxsync()
    assert b.rx[0].raw.ts.tv_sec == core.seconds
    core.set_param("no_timestamp", 1)
    core.pass_time(5)
    b.rxsync()
    assert b.rx[0].raw.ts.tv_sec == core.seconds - 5
    b.rx[0].raw.flags = K.NR_TIMESTAMP
    b.rxsync()
    assert b.rx[0].raw.ts.tv_sec == core.seconds


def test_the_netmap_if_lists_the_rings_that_are_bound(core: Core) -> None:
    all_rings = core.open("vale0:a", tx_rings=3, rx_rings=2)
    assert [ring.raw.dir for ring in all_rings.tx] == [1, 1, 1]
    assert [ring.raw.dir for ring in all_rings.rx] == [0, 0]
    assert [ring.raw.ringid for ring in all_rings.tx] == [0, 1, 2]
    nifp = all_rings.nifp
    assert (nifp.ni_tx_rings, nifp.ni_rx_rings) == (3, 2)
    assert (nifp.ni_host_tx_rings, nifp.ni_host_rx_rings) == (1, 1)
    assert nifp.ni_flags == K.NI_PRIV_MEM
    one = core.open("vale0:a", mode=lib.NR_REG_ONE_NIC, ringid=1)
    offsets = [bool(one.nifp.ring_ofs[i]) for i in range(7)]
    assert offsets == [False, True, False, False, False, True, False]
    tx_only = core.open("vale0:a", flags=K.NR_TX_RINGS_ONLY)
    assert (len(tx_only.tx), len(tx_only.rx)) == (3, 0)


def test_a_port_with_default_rings_takes_at_most_12_megabytes(core: Core) -> None:
    assert lib.nmh_live_page_bytes() == 0
    a = core.open("vale0:a")
    assert 0 < lib.nmh_live_page_bytes() <= 12 << 20
    a.close()
    assert lib.nmh_live_page_bytes() == 0


def test_two_ports_in_one_region_exchange_packets(core: Core) -> None:
    a = core.open("vale0:a")
    b = core.open("vale0:b", mem_id=a.reg.nr_mem_id, rx_slots=64, tx_slots=64)
    assert b.reg.nr_mem_id == a.reg.nr_mem_id
    a.send(flood(20))
    assert b.receive() == flood(20)


def test_ports_with_vnet_headers_of_one_length_exchange_packets(core: Core) -> None:
    a, b, c = (core.open(f"vale0:{name}") for name in "abc")
    for handle, name in ((a, "vale0:a"), (b, "vale0:b")):
        handle.ctrl(lib.NETMAP_REQ_PORT_HDR_SET, name, struct("nmreq_port_hdr", nr_hdr_len=12))
    frame = bytes(range(12)) + flood(1)[0]
    a.send([frame, frame[:25]])
    assert (b.receive(), c.receive()) == ([frame], [])
    b.send([bytes(12) + ethernet(mac(1), mac(2))])
    assert (len(a.receive()), c.receive()) == (1, [])


@pytest.mark.parametrize("slots", [2, 3, 4, 5, 1021])
def test_rings_keep_the_alignment_that_their_struct_has(core: Core, slots: int) -> None:
    core.set_param("priv_ring_size", 320)
    a = core.open("vale0:a", tx_rings=3, rx_rings=3, tx_slots=slots, rx_slots=slots)
    for ring in (*a.tx, *a.rx):
        assert address(ring.raw) % K.NM_CACHE_ALIGN == 0

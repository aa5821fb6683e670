# SPDX-License-Identifier: BSD-2-Clause
"""Defects of other implementations (spec, pitfalls) that must not come back, by their numbers."""

from __future__ import annotations

import errno

import pytest
from harness import BROADCAST, Core, K, ethernet, ffi, lib, mac, struct


def broadcast(src: int) -> bytes:
    """A frame to everybody."""
    return ethernet(BROADCAST, mac(src))


@pytest.mark.parametrize("value", [0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF])
def test_01_a_null_port_takes_no_size_from_a_request_unchecked(core: Core, value: int) -> None:
    handle = core.open()
    handle.register(
        "x",
        mode=lib.NR_REG_NULL,
        tx_slots=value,
        rx_slots=value,
        tx_rings=min(value, 0xFFFF),
        rx_rings=min(value, 0xFFFF),
    )
    assert 2 <= handle.reg.nr_tx_slots <= 4096
    assert 2 <= handle.reg.nr_rx_slots <= 4096
    assert handle.reg.nr_memsize < 1 << 34


def test_02_indirect_data_never_reaches_a_port_with_another_header(core: Core) -> None:
    a, b = core.open("vale0:a"), core.open("vale0:b")
    a.ctrl(lib.NETMAP_REQ_PORT_HDR_SET, "vale0:a", struct("nmreq_port_hdr", nr_hdr_len=12))
    for where in (0, 0xDEADBEEF000):
        a.tx[0].put(b"\x01" * 12 + broadcast(1), K.NS_INDIRECT, where)
    a.tx[0].put(b"\xff" * 12 + broadcast(1))
    a.txsync()
    assert b.receive() == []


def test_05_a_nic_with_more_than_16_rings_forwards_from_each(core: Core) -> None:
    nic = core.nic("nic0", rx_rings=33, tx_rings=2, rx_slots=16, tx_slots=16)
    port = core.open("vale0:p", rx_rings=16, tx_rings=16)
    body = struct("nmreq_vale_attach")
    body.reg.nr_mode = lib.NR_REG_ALL_NIC
    port.ctrl(lib.NETMAP_REQ_VALE_ATTACH, "vale0:nic0", body)
    port.send([ethernet(mac(0x77), mac(2))])
    for q in range(33):
        nic.receive(ethernet(mac(2), mac(1), b"%02d" % q), q)
        nic.rx_irq(q)
    port.rxsync()
    got = [[frame[14:16] for frame in ring.take()] for ring in port.rx]
    expected = [[b"%02d" % q for q in range(33) if q % 16 == r] for r in range(16)]
    assert got == expected


def test_12_a_nic_works_again_after_it_left_a_switch(core: Core) -> None:
    nic = core.nic("nic0")
    control = core.open()
    body = struct("nmreq_vale_attach")
    body.reg.nr_mode = lib.NR_REG_ALL_NIC
    for _ in range(3):
        control.ctrl(lib.NETMAP_REQ_VALE_ATTACH, "vale0:nic0", body)
        control.ctrl(lib.NETMAP_REQ_VALE_DETACH, "vale0:nic0", struct("nmreq_vale_detach"))
        handle = core.open("nic0")
        nic.receive(broadcast(1))
        assert handle.receive() == [broadcast(1)]
        handle.send([broadcast(2)])
        assert nic.sent() == [broadcast(2)]
        handle.close()


def test_12_a_port_that_closes_leaves_the_others_running(core: Core) -> None:
    a, b, c = (core.open(f"vale0:{name}") for name in "abc")
    b.close()
    a.send([broadcast(1)])
    assert c.receive() == [broadcast(1)]


def test_14_an_address_that_moved_away_and_back_is_learnt_again(core: Core) -> None:
    a, b, c = (core.open(f"vale0:{name}") for name in "abc")
    for owner, other in ((a, b), (b, a), (a, b), (b, a)):
        owner.send([broadcast(1)])
        other.receive(), c.receive()
        frame = ethernet(mac(1), mac(3))
        c.send([frame])
        assert (owner.receive(), other.receive()) == ([frame], [])


def test_14_an_address_is_forgotten_after_300_seconds(core: Core) -> None:
    a, b, c = (core.open(f"vale0:{name}") for name in "abc")
    frame = ethernet(mac(1), mac(2))
    a.send([broadcast(1)])
    b.receive(), c.receive()
    core.pass_time(300)
    b.send([frame])
    assert (a.receive(), c.receive()) == ([frame], [])
    core.pass_time(1)
    b.send([frame])
    assert (a.receive(), c.receive()) == ([frame], [frame])


def test_14_an_address_in_use_is_not_forgotten(core: Core) -> None:
    a, b, c = (core.open(f"vale0:{name}") for name in "abc")
    for _ in range(10):
        a.send([broadcast(1)])
        b.receive(), c.receive()
        core.pass_time(200)
    b.send([ethernet(mac(1), mac(2))])
    assert (len(a.receive()), len(c.receive())) == (1, 0)


def test_14_ageing_works_when_the_clock_wraps(core: Core) -> None:
    core.pass_time(0xFFFFFFFF - core.seconds - 10)
    a, b, c = (core.open(f"vale0:{name}") for name in "abc")
    a.send([broadcast(1)])
    b.receive(), c.receive()
    core.pass_time(100)
    b.send([ethernet(mac(1), mac(2))])
    assert (len(a.receive()), len(c.receive())) == (1, 0)


def test_14_packets_to_a_port_that_left_are_flooded_and_do_not_vanish(core: Core) -> None:
    a, b, c = (core.open(f"vale0:{name}") for name in "abc")
    a.send([broadcast(1)])
    b.receive(), c.receive()
    frame = ethernet(mac(1), mac(2))
    b.send([frame])  # the flow is known
    a.close()
    b.send([frame])
    assert c.receive() == [frame]
    new = core.open("vale0:new")  # takes the number of the port that left
    b.send([frame])
    assert (new.receive(), c.receive()) == ([frame], [frame])


def test_16_a_binding_that_fails_leaves_no_memory_behind(core: Core) -> None:
    handle = core.open()
    live = core.live()
    for name, fields in (
        ("nowhere{1", {"mem_id": 999}),
        ("nowhere{1", {"ringid": 77, "mode": lib.NR_REG_ONE_NIC}),
        ("vale0:a", {"mode": lib.NR_REG_SW}),
        ("vale0:a", {"mem_id": 999}),
        ("vale0:a{", {}),
        ("vale0:a", {"flags": K.NR_RX_RINGS_ONLY | K.NR_TX_RINGS_ONLY}),
        ("nosuch", {}),
    ):
        with pytest.raises(OSError) as err:
            handle.register(name, **fields)
        assert err.value.errno in (errno.EINVAL, errno.ENXIO), name
        assert core.live() == live, name


def test_17_open_fails_when_its_allocation_does(core: Core) -> None:
    with core.failing(1):
        assert core.try_open() is None


@pytest.mark.parametrize("name", ["val0", "val", "vale", "vale0", "valence", "vale_0", "valx:1"])
def test_19_an_interface_may_have_a_name_like_a_switch(core: Core, name: str) -> None:
    nic = core.nic(name)
    handle = core.open(name)
    nic.receive(broadcast(1))
    assert handle.receive() == [broadcast(1)]


def test_22_a_ring_number_past_the_last_is_refused(core: Core) -> None:
    core.nic("nic0", tx_rings=2, rx_rings=3)
    handle = core.open()
    for ringid in (3, 4, 0xFFFF):
        with pytest.raises(OSError) as err:
            handle.register("nic0", mode=lib.NR_REG_ONE_NIC, ringid=ringid)
        assert err.value.errno == errno.EINVAL
    handle.register("nic0", mode=lib.NR_REG_ONE_NIC, ringid=2)


def test_34_an_interrupt_that_finds_the_ring_busy_is_not_lost(core: Core) -> None:
    """The NIC's interrupt comes while its own rx ring is being synced by another thread."""
    nic = core.nic("nic0")
    port = core.open("vale0:p")
    body = struct("nmreq_vale_attach")
    body.reg.nr_mode = lib.NR_REG_ALL_NIC
    port.ctrl(lib.NETMAP_REQ_VALE_ATTACH, "vale0:nic0", body)
    at = 0
    while True:
        at += 1
        nic.receive(broadcast(1))
        nic.rx_irq_at(at)  # on this thread, inside the one that follows
        nic.receive(broadcast(2))
        nic.rx_irq()
        if lib.nmh_irq_disarm():
            break
        assert port.receive() == [broadcast(1), broadcast(2)]
    assert port.receive() == [broadcast(1), broadcast(2)]


def test_34_a_program_that_finds_its_ring_busy_gets_the_packets_all_the_same(core: Core) -> None:
    nic = core.nic("nic0")
    handle = core.open("nic0")
    nic.irq_in_sync(nic, tx=False)
    nic.receive(broadcast(1))
    assert handle.receive() == [broadcast(1)]


def test_35_binding_and_a_drivers_removal_take_locks_in_one_order(core: Core) -> None:
    """The context checker ends the process at the first lock out of order."""
    nic = core.nic("nic0")
    handle = core.open("nic0")
    pipe = core.open("nic0{1")
    nic.detach()
    with pytest.raises(OSError) as err:
        handle.rxsync()
    assert err.value.errno == errno.EIO
    pipe.rxsync()  # needs the NIC's name and memory, not the NIC
    pipe.close()
    handle.close()
    legacy = ffi.new("struct nmreq *", {"nr_name": b"nic0", "nr_version": 14})
    assert lib.nmh_legacy_regif(core.open().raw, legacy) == errno.ENXIO

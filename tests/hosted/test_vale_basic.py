# SPDX-License-Identifier: BSD-2-Clause
"""The main job, end to end: packets through a switch."""

from __future__ import annotations

from harness import BROADCAST, Core, ethernet, mac


def test_a_broadcast_reaches_every_other_port(core: Core) -> None:
    a, b, c = (core.open(f"vale0:{name}") for name in "abc")
    frame = ethernet(BROADCAST, mac(1), b"hello")
    a.send([frame])
    assert b.receive() == [frame]
    assert c.receive() == [frame]
    assert a.receive() == []


def test_a_learned_address_gets_its_packets_alone(core: Core) -> None:
    a, b, c = (core.open(f"vale0:{name}") for name in "abc")
    b.send([ethernet(BROADCAST, mac(2))])
    assert len(a.receive()) == len(c.receive()) == 1
    frames = [ethernet(mac(2), mac(1), b"%d" % i) for i in range(100)]
    a.send(frames)
    assert b.receive() == frames
    assert c.receive() == []

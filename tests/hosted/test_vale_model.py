# SPDX-License-Identifier: BSD-2-Clause
"""A switch against a model of it: learning, ageing, floods, full rings, order, fragments."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from harness import Core, Handle, K, mac
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

MAX_AGE = 300
STATIONS = 6
BROADCAST = 0xFFFFFFFFFFFF
MULTICAST = 0x010203040506
NAMES = "abcde"

Packet = tuple[bytes, ...]  # its fragments


@dataclass
class Port:
    """A port and, ring by ring, what a reader would find."""

    handle: Handle
    rings: list[deque[Packet]]
    slots: int

    def room(self, ring: int) -> int:
        return self.slots - 1 - sum(len(packet) for packet in self.rings[ring])


@dataclass
class Model:
    """The switch as the manual describes it."""

    ports: dict[str, Port] = field(default_factory=dict)
    table: dict[int, tuple[str, int]] = field(default_factory=dict)
    now: int = 0

    def destination(self, sender: str, packet: Packet, learn: bool) -> list[str]:
        head = packet[0]
        dst, src = int.from_bytes(head[:6], "big"), int.from_bytes(head[6:12], "big")
        if learn and not head[6] & 1:
            self.table[src] = (sender, self.now)
        everybody = [name for name in self.ports if name != sender]
        if head[0] & 1:
            return everybody
        port, seen = self.table.get(dst, ("", 0))
        if not port or self.now - seen > MAX_AGE:
            return everybody
        return [] if port == sender else [port]

    def send(self, sender: str, ring: int, packets: list[tuple[Packet, bool]]) -> None:
        """One sync. What does not fit ends the delivery to that ring, until the next sync."""
        full: set[tuple[str, int]] = set()
        for packet, learn in packets:
            to = self.destination(sender, packet, learn)
            flood = packet[0][0] & 1 or len(to) != 1 or not self.known(packet)
            for name in to:
                port = self.ports[name]
                at = 0 if flood else ring % len(port.rings)
                if (name, at) in full or len(packet) > port.room(at):
                    full.add((name, at))
                else:
                    port.rings[at].append(packet)

    def known(self, packet: Packet) -> bool:
        port, seen = self.table.get(int.from_bytes(packet[0][:6], "big"), ("", 0))
        return bool(port) and self.now - seen <= MAX_AGE


stations = st.integers(0, STATIONS - 1).map(mac)
sources = st.one_of(stations, stations, st.just(MULTICAST))
destinations = st.one_of(stations, stations, st.just(BROADCAST), st.just(MULTICAST))


@st.composite
def packets(draw: st.DrawFn) -> tuple[Packet, bool]:
    """A packet of one or more fragments, and whether its sender is learnt."""
    dst, src = draw(destinations), draw(sources)
    size = draw(st.sampled_from([14, 15, 60, 64, 65, 255, 256, 257, 1500, 2048]))
    body = draw(st.binary(min_size=4, max_size=4)) * 512
    first = (dst.to_bytes(6, "big") + src.to_bytes(6, "big") + b"\x08\x00" + body)[:size]
    more = draw(st.one_of(st.just(0), st.just(0), st.integers(1, 5)))
    rest = tuple(body[: draw(st.integers(1, 2048))] for _ in range(more))
    return (first, *rest), draw(st.sampled_from([True, True, True, False]))


class Switch(RuleBasedStateMachine):
    """Random lives of a switch."""

    def __init__(self) -> None:
        super().__init__()
        self.core = Core(buf_num=4096)
        self.model = Model(now=self.core.seconds)

    @initialize()
    def two_ports(self) -> None:
        self.open_port("a", 1, 1, 64)
        self.open_port("b", 2, 2, 32)

    def open_port(self, name: str, tx: int, rx: int, slots: int) -> None:
        handle = self.core.open(
            f"vale0:{name}", tx_rings=tx, rx_rings=rx, tx_slots=128, rx_slots=slots
        )
        self.model.ports[name] = Port(handle, [deque() for _ in range(rx)], slots)

    @rule(
        name=st.sampled_from(NAMES),
        tx=st.integers(1, 3),
        rx=st.integers(1, 3),
        slots=st.sampled_from([8, 33, 256]),
    )
    def open(self, name: str, tx: int, rx: int, slots: int) -> None:
        if name not in self.model.ports:
            self.open_port(name, tx, rx, slots)

    @precondition(lambda self: len(self.model.ports) > 2)
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.model.ports)))
        self.model.ports.pop(name).handle.close()
        self.model.table = {m: e for m, e in self.model.table.items() if e[0] != name}

    @rule(data=st.data(), batch=st.lists(packets(), min_size=1, max_size=20))
    def send(self, data: st.DataObject, batch: list[tuple[Packet, bool]]) -> None:
        name = data.draw(st.sampled_from(sorted(self.model.ports)))
        handle = self.model.ports[name].handle
        ring = data.draw(st.integers(0, len(handle.tx) - 1))
        tx, count = handle.tx[ring], 0
        for packet, learn in batch:
            for i, fragment in enumerate(packet):
                flags = K.NS_MOREFRAG if i + 1 < len(packet) else 0
                tx.put(fragment, flags | (0 if learn else K.NS_NO_LEARN))
                count += 1
        handle.txsync()
        assert tx.space() == tx.slots - 1
        self.model.send(name, ring, batch)

    @rule(data=st.data())
    def receive(self, data: st.DataObject) -> None:
        self.check_port(data.draw(st.sampled_from(sorted(self.model.ports))))

    @rule(seconds=st.sampled_from([1, 100, 299, 300, 301]))
    def wait(self, seconds: int) -> None:
        self.core.pass_time(seconds)
        self.model.now += seconds

    def check_port(self, name: str) -> None:
        port = self.model.ports[name]
        port.handle.rxsync()
        for ring, expected in zip(port.handle.rx, port.rings, strict=True):
            got: list[Packet] = []
            fragments: list[bytes] = []
            counts: list[int] = []
            while ring.head != ring.tail:
                slot = ring.slot(ring.head)
                fragments.append(bytes(ring.buf(ring.head)[: slot.len]))
                counts.append(slot.flags >> K.NS_PORT_SHIFT)
                if not slot.flags & K.NS_MOREFRAG:
                    assert counts == [len(fragments)] * len(fragments)
                    got.append(tuple(fragments))
                    fragments, counts = [], []
                ring.advance()
            assert not fragments, "a packet without its end"
            assert got == list(expected)
            expected.clear()
        port.handle.rxsync()

    def teardown(self) -> None:
        for name in sorted(self.model.ports):
            self.check_port(name)
        self.core.close()


def test_a_switch_behaves_as_its_model() -> None:
    run_state_machine_as_test(
        Switch,
        settings=settings(
            max_examples=40,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        ),
    )

# SPDX-License-Identifier: BSD-2-Clause
"""A pipe against a model of it: whatever the two programs do, in whatever order."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from harness import Core, Handle, K
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

MAX_FRAGS = 64
SIDES = st.integers(0, 1)
BAD = st.sampled_from(
    [{"buf_idx": 0}, {"buf_idx": 1}, {"buf_idx": 10**8}, {"len": 2049}, {"flags": K.NS_INDIRECT}]
)


@dataclass
class Half:
    """One direction: what the model knows of it."""

    slots: int
    queued: list[tuple[bytes, bool, bool]] = field(default_factory=list)  # data, more, bad
    pieces: list[bytes] = field(default_factory=list)  # moved, the packet not complete
    skipping: bool = False
    arrived: deque[bytes] = field(default_factory=deque)
    seen: int = 0  # of arrived: shown to the reader
    held: int = 0  # taken by the reader, not given back yet
    free: int = 0  # what the tx ring offers

    def room(self) -> int:
        """Slots of the rx ring that the sender may still fill."""
        return self.slots - 1 - len(self.arrived) - self.held - len(self.pieces)

    def txsync(self) -> None:
        """Move what is queued."""
        for data, more, bad in self.queued:
            if not self.skipping and not bad:
                self.pieces.append(data)
            if bad or (more and len(self.pieces) == MAX_FRAGS):
                self.skipping = True
            if self.skipping:
                self.pieces.clear()
            if not more:
                self.arrived.extend(self.pieces)
                self.pieces.clear()
                self.skipping = False
        self.queued.clear()
        self.free = self.room()

    def writer_left(self) -> None:
        """What was not complete is gone."""
        self.queued.clear()
        self.pieces.clear()
        self.skipping = False

    def reader_left(self) -> None:
        """What was not read is gone."""
        self.arrived.clear()
        self.seen = self.held = 0


class Pipe(RuleBasedStateMachine):
    """Both ends, with rings small enough to be full often."""

    def __init__(self) -> None:
        super().__init__()
        self.core = Core()
        self.ends: list[Handle | None] = [None, None]
        self.serial = 0

    @initialize(slots=st.tuples(st.integers(2, 80), st.integers(2, 80)), first=SIDES)
    def begin(self, slots: tuple[int, int], first: int) -> None:
        """halves[i]: what side i sends."""
        mine, other = slots if first == 0 else slots[::-1]
        self.ends[first] = self.core.open("p" + "{}"[first] + "0", tx_slots=mine, rx_slots=other)
        self.halves = [Half(slots[0]), Half(slots[1])]
        self.halves[first].free = slots[first] - 1

    @rule(side=SIDES, more=st.booleans(), bad=st.none() | st.none() | st.none() | BAD)
    def queue(self, side: int, more: bool, bad: dict[str, int] | None) -> None:
        """Put one slot, if the ring offers one."""
        end, half = self.ends[side], self.halves[side]
        if end is None or len(half.queued) == half.free:
            return
        self.serial += 1
        data = b"%d" % self.serial
        ring = end.tx[0]
        slot = ring.slot(ring.head)
        keep = slot.buf_idx
        ring.put(data, K.NS_MOREFRAG if more else 0)
        for name, value in (bad or {}).items():
            setattr(slot, name, value | (slot.flags if name == "flags" else 0))
        half.queued.append((data, more, bad is not None))
        if bad and "buf_idx" in bad:
            self.txsync(side)
            slot.buf_idx = keep

    @rule(side=SIDES, count=st.integers(1, 70))
    def queue_many(self, side: int, count: int) -> None:
        """Pieces of one packet, so that long ones occur."""
        for _ in range(count):
            self.queue(side, True, None)

    @rule(side=SIDES)
    def txsync(self, side: int) -> None:
        """Send."""
        end = self.ends[side]
        if end is not None:
            end.txsync()
            self.halves[side].txsync()

    @rule(side=SIDES)
    def rxsync(self, side: int) -> None:
        """Give back, and look what is there."""
        end, half = self.ends[side], self.halves[1 - side]
        if end is not None:
            end.rxsync()
            half.held = 0
            half.seen = len(half.arrived)

    @rule(side=SIDES, limit=st.integers(0, 100))
    def take(self, side: int, limit: int) -> None:
        """Read packets that were shown."""
        end, half = self.ends[side], self.halves[1 - side]
        if end is None:
            return
        count = min(limit, half.seen)
        assert end.rx[0].space() == half.seen
        assert end.rx[0].take(limit) == [half.arrived.popleft() for _ in range(count)]
        half.seen -= count
        half.held += count

    @precondition(lambda self: None not in self.ends)
    @rule(side=SIDES)
    def close(self, side: int) -> None:
        """One end goes, the other stays."""
        end = self.ends[side]
        assert end is not None
        end.close()
        self.ends[side] = None
        self.halves[side].writer_left()
        self.halves[1 - side].reader_left()

    @precondition(lambda self: None in self.ends)
    @rule()
    def reopen(self) -> None:
        """The end that is closed comes back; sizes are the pipe's."""
        side = self.ends.index(None)
        end = self.core.open("p" + "{}"[side] + "0", tx_slots=3, rx_slots=3)
        self.ends[side] = end
        mine, other = self.halves[side], self.halves[1 - side]
        mine.free = mine.room()
        other.seen = len(other.arrived)
        assert end.tx[0].slots == mine.slots
        assert end.rx[0].slots == other.slots

    @invariant()
    def tx_rings_offer_what_the_reader_can_take(self) -> None:
        """Nothing more, nothing less."""
        for side, end in enumerate(self.ends):
            if end is not None:
                half = self.halves[side]
                assert end.tx[0].space() == half.free - len(half.queued)

    @invariant()
    def no_buffer_is_in_two_places(self) -> None:
        """Nor is a reserved one anywhere."""
        rings = [ring for end in self.ends if end for ring in end.tx + end.rx]
        found = [ring.slot(i).buf_idx for ring in rings for i in range(ring.slots)]
        assert len(found) == len(set(found))
        assert min(found) >= 2

    def teardown(self) -> None:
        """Everything closed: no memory is left (checked by Core)."""
        self.core.close()


def test_a_pipe_behaves_as_its_model() -> None:
    run_state_machine_as_test(
        Pipe, settings=settings(max_examples=150, stateful_step_count=60, deadline=None)
    )

# SPDX-License-Identifier: BSD-2-Clause
"""Requests of all shapes, against what must hold for any of them."""

from __future__ import annotations

from dataclasses import dataclass
from errno import (
    EBUSY,
    EFAULT,
    EINVAL,
    EIO,
    EMSGSIZE,
    ENOENT,
    ENOMEM,
    ENXIO,
    EOPNOTSUPP,
    EOVERFLOW,
)
from typing import Any

from ctl_state import REQUESTS_WITH_BODY, REQUESTS_WITHOUT_BODY, State, state
from harness import Core, Handle, K, ffi, lib
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BODY_SIZES = {kind: ffi.sizeof(f"struct {ctype}") for kind, ctype in REQUESTS_WITH_BODY.values()}
BODY_SIZES |= dict.fromkeys(REQUESTS_WITHOUT_BODY.values(), 0)
OPTION_SIZES = {1: 96, 3: 40, 4: 32, 5: 56}
ERRORS = {
    0,
    EBUSY,
    EFAULT,
    EINVAL,
    EIO,
    EMSGSIZE,
    ENOENT,
    ENOMEM,
    ENXIO,
    EOPNOTSUPP,
}
HEADER = 88

NAMES = st.one_of(
    st.sampled_from(
        [
            b"",
            b"vale0:a",
            b"vale0:b",
            b"vale1:a",
            b"vale0:",
            b"vale",
            b"vale0:a{1",
            b"vale0:a}1",
            b"p{1",
            b"p}1",
            b"p{",
            b"p{1x",
            b"p{4294967297",
            b"vale0:eth0",
            b"eth0",
            b"lo",
            b"%s%n",
            b"v" * 64,
            b"vale0:" + b"q" * 57,
        ]
    ),
    st.binary(max_size=64),
)
WORDS = st.one_of(
    st.sampled_from([0, 0, 0, 1, 1, 2, 3, 4, 7, 8, 10, 12, 16, 17, 64, 255, 256, 1024, 4096]),
    st.integers(0, 0xFFFFFFFF),
)


@dataclass
class Opt:
    """An option in a random request."""

    kind: int
    size: int
    bad: bool
    at: int = 0


OPTIONS = st.lists(
    st.builds(
        Opt,
        st.one_of(st.integers(0, 7), st.integers(0, 0xFFFFFFFF)),
        st.one_of(st.sampled_from([0, 24, 32, 40, 4096]), st.integers(0, (1 << 64) - 1)),
        st.integers(0, 19).map(lambda n: n == 0),
    ),
    max_size=6,
)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Up to 64 bytes: small numbers in small fields, now and then anything."""
    if draw(st.integers(0, 5)) == 0:
        return draw(st.binary(min_size=64, max_size=64))
    if draw(st.booleans()):
        body = ffi.new("struct nmreq_register *")
        for field in ("tx_slots", "rx_slots"):
            setattr(body, f"nr_{field}", draw(st.integers(0, 64)))
        for field in ("tx_rings", "rx_rings", "mem_id", "ringid"):
            setattr(body, f"nr_{field}", draw(st.sampled_from([0, 0, 0, 1, 2, 3])))
        body.nr_mode = draw(st.sampled_from([1, 1, 1, 4, 7, 0, 2, 3, 5, 6, 8, 9]))
        body.nr_extra_bufs = draw(st.integers(0, 8))
        body.nr_flags = draw(
            st.sampled_from(
                [0, 0, K.NR_EXCLUSIVE, K.NR_RX_RINGS_ONLY, K.NR_ACCEPT_VNET_HDR, 0xFFFFFFFF]
            )
        )
        return bytes(ffi.buffer(body)) + bytes(8)
    words = draw(st.lists(WORDS, min_size=16, max_size=16))
    return b"".join(word.to_bytes(4, "little") for word in words)


@dataclass
class Shape:
    """One random request."""

    kind: int
    name: bytes
    body: bytes
    options: list[Opt]
    version: int
    reserved: int
    body_pointer: str
    circle: bool


SHAPES = st.builds(
    Shape,
    st.one_of(st.sampled_from(sorted(BODY_SIZES)), st.integers(0, 20), st.integers(0, 65535)),
    NAMES,
    bodies(),
    OPTIONS,
    st.sampled_from([14] * 8 + [15, 13, 16, 0]),
    st.sampled_from([0] * 9 + [1]),
    st.sampled_from(["right"] * 9 + ["wrong", "fault"]),
    st.integers(0, 19).map(lambda n: n == 0),
)


class Sent:
    """A request in the program's memory."""

    def __init__(self, core: Core, shape: Shape) -> None:
        self.core, self.shape = core, shape
        arena = core.arena
        arena.used = (64 << 10) + 4096  # the same memory each time
        self.uhdr = arena.alloc(HEADER)
        self.ubody = arena.alloc(64)
        has_body = BODY_SIZES.get(shape.kind, 8) != 0
        pointer = {
            "right": self.ubody if has_body else 0,
            "wrong": 0 if has_body else self.ubody,
            "fault": 4096,
        }[shape.body_pointer]
        arena.write(self.ubody, shape.body)
        for option in shape.options:
            option.at = arena.alloc(4200 if option.kind == 2 else 128)
        first = 0
        for i, option in enumerate(shape.options):
            following = shape.options[(i + 1) % len(shape.options)].at
            last = i == len(shape.options) - 1
            head = arena.at("struct nmreq_option", option.at)
            head.nro_next = following if not last or shape.circle else 0
            if option.bad and not last:
                head.nro_next = 0xFFFF888000000000
            head.nro_reqtype, head.nro_status, head.nro_size = option.kind, 0xAA, option.size
            first = shape.options[0].at
        arena.write(self.uhdr, bytes(HEADER))
        header = arena.at("struct nmreq_header", self.uhdr)
        header.nr_version, header.nr_reqtype = shape.version, shape.kind
        header.nr_reserved, header.nr_body, header.nr_options = shape.reserved, pointer, first
        ffi.memmove(header.nr_name, shape.name.ljust(64, b"\0"), 64)
        self.before = arena.read(self.uhdr, HEADER)

    def headers_read(self) -> list[Opt]:
        """The options that the kernel must have seen, in order, by the rules alone."""
        shape = self.shape
        known = shape.kind in BODY_SIZES
        named = 0 in shape.name.ljust(64, b"\0")
        right = (
            (shape.body_pointer != "wrong")
            if BODY_SIZES.get(shape.kind)
            else (shape.body_pointer == "right")
        )
        if shape.version not in (14, 15) or shape.reserved or not known or not named or not right:
            return []
        room, seen = 4096 - BODY_SIZES[shape.kind], []
        for option in shape.options:
            size = OPTION_SIZES.get(option.kind, 24)
            if option.kind == 2 and option.size >= 24 and option.size % 8 == 0:
                size = option.size
            if room < 24:
                break
            seen.append(option)
            room -= size
            if room < 0 or option.bad:
                break
        return seen

    def wrong(self) -> list[Opt]:
        """Those of a complete list that are wrong in themselves."""
        found = []
        kinds = [o.kind for o in self.shape.options]
        for option in self.shape.options:
            twice = option.kind < K_OPT_MAX and kinds.count(option.kind) > 1
            size = option.kind == 2 and (option.size < 24 or option.size % 8 != 0)
            if option.kind == 0 or twice or size:
                found.append(option)
        return found


K_OPT_MAX = lib.NETMAP_REQ_OPT_MAX


def check_header(sent: Sent, error: int) -> None:
    after = sent.core.arena.read(sent.uhdr, HEADER)
    if sent.shape.version not in (14, 15):
        assert error == EINVAL
        assert after[:2] == (14).to_bytes(2, "little")
        after = sent.before[:2] + after[2:]
    if error == 0 and sent.shape.kind == lib.NETMAP_REQ_VALE_LIST:
        after = after[:8] + sent.before[8:72] + after[72:]
    assert after == sent.before


def check_options(sent: Sent, error: int) -> None:
    arena = sent.core.arena
    seen = sent.headers_read()
    for option in sent.shape.options:
        status = arena.at("struct nmreq_option", option.at).nro_status
        if option not in seen:
            assert status == 0xAA
        elif error in (EMSGSIZE, EFAULT) or option not in sent.wrong():
            assert status == EOPNOTSUPP
        else:
            assert status == EINVAL
    if error == 0:
        assert seen == sent.shape.options
        assert not sent.wrong()
        assert not seen or sent.shape.kind != lib.NETMAP_REQ_REGISTER


def run(handle: Handle, sent: Sent) -> int:
    error = int(lib.nmh_ctrl(handle.raw, sent.uhdr))
    assert error in ERRORS
    check_header(sent, error)
    check_options(sent, error)
    if error != 0:
        assert sent.core.arena.read(sent.ubody, 64) == sent.shape.body
    return error


def same_but_for(before: State, after: State, error: int, shape: Shape) -> bool:
    """Only requests that change something, and have succeeded, may have changed anything."""
    may = (lib.NETMAP_REQ_REGISTER, lib.NETMAP_REQ_VALE_ATTACH, lib.NETMAP_REQ_VALE_DETACH)
    return before == after or (error == 0 and shape.kind in may)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(SHAPES, min_size=1, max_size=5))
def test_no_request_breaks_a_rule(shapes: list[Shape]) -> None:
    with Core(if_num=8, ring_num=16, buf_num=2048) as core:
        core.nic("eth0")
        core.open("vale0:a", tx_slots=8, rx_slots=8)
        for shape in shapes:
            handle = core.open()
            before = state(core)
            error = run(handle, Sent(core, shape))
            assert same_but_for(before, state(core), error, shape)
        for handle in list(core.handles):
            handle.close()


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(SHAPES, min_size=1, max_size=8))
def test_a_file_answers_each_request_whatever_came_before(shapes: list[Shape]) -> None:
    with Core(if_num=8, ring_num=16, buf_num=2048) as core:
        handle = core.open()
        bound = False
        for shape in shapes:
            error = run(handle, Sent(core, shape))
            if shape.kind == lib.NETMAP_REQ_REGISTER:
                assert not (bound and error == 0)
                bound = bound or error == 0
            assert lib.nmh_txsync(handle.raw) == (0 if bound else ENXIO)
            assert lib.nmh_rxsync(handle.raw) == (0 if bound else ENXIO)
            assert bool(handle.poll(3) & 4) is not bound


OLD_ERRORS = (ERRORS | {EOVERFLOW}) - {EFAULT, EMSGSIZE}


@st.composite
def old_requests(draw: st.DrawFn) -> Any:
    """A struct nmreq."""
    req = ffi.new("struct nmreq *")
    ffi.memmove(req.nr_name, draw(NAMES)[:16].ljust(16, b"\0"), 16)
    req.nr_version = draw(st.sampled_from([14] * 6 + [13, 15, 0xFFFFFFFF]))
    req.nr_tx_slots, req.nr_rx_slots = draw(WORDS), draw(WORDS)
    for field in ("tx_rings", "rx_rings", "ringid", "arg1", "arg2"):
        setattr(req, f"nr_{field}", draw(WORDS) & 0xFFFF)
    req.nr_cmd = draw(st.one_of(st.just(0), st.integers(0, 13), st.integers(0, 0xFFFF)))
    req.nr_arg3 = draw(st.integers(0, 20))
    req.nr_flags = draw(st.one_of(st.integers(0, 15), WORDS))
    return req


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(old_requests(), st.booleans()), min_size=1, max_size=4))
def test_no_old_request_breaks_a_rule(requests: list[tuple[Any, bool]]) -> None:
    with Core(if_num=8, ring_num=16, buf_num=2048) as core:
        core.nic("eth0")
        core.open("vale0:a", tx_slots=8, rx_slots=8)
        for sample, is_info in requests:
            req = ffi.new("struct nmreq *", sample[0])  # shrinking uses the sample again
            handle = core.open()
            before, written = state(core), bytes(ffi.buffer(req))
            call = lib.nmh_legacy_info if is_info else lib.nmh_legacy_regif
            error = int(call(handle.raw, req))
            assert error in OLD_ERRORS
            if error != 0 or is_info:
                assert state(core) == before
            if error != 0:
                assert bytes(ffi.buffer(req)) == written

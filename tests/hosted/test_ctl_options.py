# SPDX-License-Identifier: BSD-2-Clause
"""Options: the list, its bound, and the status that each gets."""

from __future__ import annotations

from errno import EINVAL, EMSGSIZE, EOPNOTSUPP

import pytest
from ctl_state import reg, unchanged
from harness import Core, Handle, Option, lib, struct, variant

REGISTER, INFO = lib.NETMAP_REQ_REGISTER, lib.NETMAP_REQ_PORT_INFO_GET
EVENTFDS = lib.NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS
# the bytes behind the header
TAILS = {
    lib.NETMAP_REQ_OPT_EXTMEM: 72,
    EVENTFDS: 16,
    lib.NETMAP_REQ_OPT_CSB: 16,
    lib.NETMAP_REQ_OPT_SYNC_KLOOP_MODE: 8,
    lib.NETMAP_REQ_OPT_OFFSETS: 32,
}
KNOWN = pytest.mark.parametrize("kind", TAILS)
BOUND = 4096


def option(kind: int) -> Option:
    tail = bytes(range(1, TAILS[kind] + 1))
    return Option(kind, tail)


def info(handle: Handle, *options: Option) -> int:
    """A request that has nothing against options."""
    return handle.request(INFO, "vale0:x", struct("nmreq_port_info_get"), options).error


@KNOWN
def test_register_fails_because_of_an_option_that_was_left_unhandled(core: Core, kind: int) -> None:
    handle = core.open()
    sent = option(kind)
    with unchanged(core):
        reply = handle.request(REGISTER, "vale0:a", reg(), [sent])
    assert reply.error == EOPNOTSUPP
    assert sent.status == EOPNOTSUPP
    assert sent.after == sent.tail
    handle.register("vale0:a")  # the file is still free


@KNOWN
def test_other_requests_go_on_without_it(core: Core, kind: int) -> None:
    sent = option(kind)
    assert info(core.open(), sent) == 0
    assert sent.status == EOPNOTSUPP
    assert sent.after == sent.tail


@pytest.mark.parametrize("kind", [6, 7, 100, 0x7FFFFFFF, 0xFFFFFFFF])
def test_an_option_from_the_future_is_not_supported_and_may_come_twice(
    core: Core, kind: int
) -> None:
    handle = core.open()
    sent = [Option(kind, b"\1\2\3\4\5\6\7\10"), Option(kind)]
    assert info(handle, *sent) == 0
    assert [o.status for o in sent] == [EOPNOTSUPP, EOPNOTSUPP]
    assert sent[0].after == sent[0].tail
    with unchanged(core):
        reply = handle.request(REGISTER, "vale0:a", reg(), sent)
    assert reply.error == EOPNOTSUPP


def test_type_zero_is_refused(core: Core) -> None:
    handle = core.open()
    sent = [option(lib.NETMAP_REQ_OPT_CSB), Option(0)]
    with unchanged(core):
        assert info(handle, *sent) == EINVAL
        assert handle.request(REGISTER, "vale0:a", reg(), sent).error == EINVAL
    assert [o.status for o in sent] == [EOPNOTSUPP, EINVAL]


@KNOWN
def test_the_same_option_twice_is_refused_in_both(core: Core, kind: int) -> None:
    handle = core.open()
    other = next(k for k in TAILS if k != kind)
    sent = [option(kind), option(other), option(kind), option(kind)]
    with unchanged(core):
        assert info(handle, *sent) == EINVAL
        assert handle.request(REGISTER, "vale0:a", reg(), sent).error == EINVAL
    assert [o.status for o in sent] == [EINVAL, EOPNOTSUPP, EINVAL, EINVAL]


def test_all_kinds_at_once_each_have_their_own_status(core: Core) -> None:
    sent = [option(kind) for kind in TAILS] + [Option(99)]
    assert info(core.open(), *sent) == 0
    assert {o.status for o in sent} == {EOPNOTSUPP}


def test_a_status_that_the_program_wrote_means_nothing(core: Core) -> None:
    """A program that sets nro_status to 0 has not handled the option."""
    arena = core.arena
    at = arena.alloc(24)
    head = arena.at("struct nmreq_option", at)
    head.nro_next, head.nro_reqtype, head.nro_status = 0, 50, 0
    handle = core.open()
    assert handle.request(REGISTER, "vale0:a", reg(), options_addr=at).error == EOPNOTSUPP
    assert head.nro_status == EOPNOTSUPP


# ---- the bound --------------------------------------------------------------------------


def eventfds(size: int) -> Option:
    """An option of any size, header included."""
    return Option(EVENTFDS, bytes(max(0, size - 24)), size=size)


@pytest.mark.parametrize(
    ("kind", "ctype", "body", "good"),
    [
        (INFO, "nmreq_port_info_get", 32, 0),
        (REGISTER, "nmreq_register", 56, EOPNOTSUPP),
    ],
)
def test_body_and_options_may_have_4096_bytes_and_no_more(
    core: Core, kind: int, ctype: str, body: int, good: int
) -> None:
    handle = core.open()
    mode = {"nr_mode": lib.NR_REG_ALL_NIC} if kind == REGISTER else {}
    for size, error in ((BOUND - body, good), (BOUND - body + 8, EMSGSIZE)):
        sent = eventfds(size)
        with unchanged(core):
            reply = handle.request(kind, "vale0:a", struct(ctype, **mode), [sent])
        assert (reply.error, sent.status) == (error, EOPNOTSUPP)


@pytest.mark.parametrize(("count", "error"), [(169, 0), (170, EMSGSIZE), (500, EMSGSIZE)])
def test_headers_alone_are_bounded_too(core: Core, count: int, error: int) -> None:
    sent = [Option(1000 + i) for i in range(count)]
    assert info(core.open(), *sent) == error
    assert {o.status for o in sent[:169]} == {EOPNOTSUPP}


def test_without_a_body_the_options_have_all_the_room(core: Core) -> None:
    handle = core.open()
    for count, error in ((170, EOPNOTSUPP), (171, EMSGSIZE)):
        sent = [Option(1000 + i) for i in range(count)]
        reply = handle.request(lib.NETMAP_REQ_CSB_ENABLE, "vale0:a", None, sent)
        assert reply.error == error


@pytest.mark.parametrize("size", [0, 8, 16, 23, 25, 28, 31, 33])
def test_a_list_of_descriptors_has_a_size_that_can_be(core: Core, size: int) -> None:
    handle = core.open()
    sent = eventfds(size)
    sent.size = size
    assert info(handle, sent) == EINVAL
    assert sent.status == EINVAL


@pytest.mark.parametrize("size", [4096, 1 << 32, (1 << 32) + 32, 1 << 63, (1 << 64) - 8])
def test_a_list_of_descriptors_is_bounded(core: Core, size: int) -> None:
    handle = core.open()
    sent = Option(EVENTFDS, bytes(16), size=size)
    with unchanged(core):
        assert info(handle, sent) == EMSGSIZE
    assert sent.status == EOPNOTSUPP


@pytest.mark.parametrize("size", [0, 1, 24, 4096, (1 << 64) - 1])
def test_the_size_of_other_options_is_known_and_not_read(core: Core, size: int) -> None:
    sent = Option(lib.NETMAP_REQ_OPT_OFFSETS, bytes(32), size=size)
    assert info(core.open(), sent) == 0
    assert sent.status == EOPNOTSUPP


@pytest.mark.parametrize("length", [1, 2, 3, 7])
@pytest.mark.parametrize("kinds", ["known", "unknown"])
def test_a_list_that_runs_in_a_circle_ends(core: Core, length: int, kinds: str) -> None:
    arena = core.arena
    at = [arena.alloc(128) for _ in range(length)]
    for i, uaddr in enumerate(at):
        head = arena.at("struct nmreq_option", uaddr)
        head.nro_next = at[(i + 1) % length]
        head.nro_reqtype = lib.NETMAP_REQ_OPT_CSB if kinds == "known" else 70 + i
        head.nro_status = 0
    handle = core.open()
    with unchanged(core):
        reply = handle.request(REGISTER, "vale0:a", reg(), options_addr=at[0])
    assert reply.error == EMSGSIZE
    for uaddr in at:
        assert arena.at("struct nmreq_option", uaddr).nro_status == EOPNOTSUPP


def test_options_at_odd_addresses_are_taken(core: Core) -> None:
    arena = core.arena
    at = arena.alloc(256) + 3
    head = arena.at("struct nmreq_option", at)
    head.nro_next, head.nro_reqtype, head.nro_status = at + 41, 90, 0
    arena.write(at + 41, bytes(24))
    arena.at("struct nmreq_option", at + 41).nro_reqtype = lib.NETMAP_REQ_OPT_CSB
    handle = core.open()
    body = struct("nmreq_port_info_get")
    assert handle.request(INFO, "vale0:a", body, options_addr=at).error == 0
    assert arena.at("struct nmreq_option", at).nro_status == EOPNOTSUPP
    assert arena.at("struct nmreq_option", at + 41).nro_status == EOPNOTSUPP


def test_options_that_overlap_each_other_and_the_body_do_no_harm(core: Core) -> None:
    arena = core.arena
    at = arena.alloc(512)
    handle = core.open()
    for shift in (0, 4, 8, 12, 16, 20):
        arena.write(at, bytes(512))
        head = arena.at("struct nmreq_option", at)
        head.nro_next, head.nro_reqtype = at + shift, lib.NETMAP_REQ_OPT_CSB
        with unchanged(core):
            reply = handle.request(INFO, "vale0:a", bytes(32), body_addr=at + 8, options_addr=at)
        assert reply.error in (0, EINVAL, EMSGSIZE, 14)


@pytest.mark.skipif(variant() != "hostile", reason="only the hostile build counts reads")
def test_every_word_of_a_request_is_read_once(core: Core) -> None:
    handle = core.open()
    sent = [option(kind) for kind in TAILS] + [Option(99, bytes(40))]
    with core.hostile():
        assert info(handle, *sent) == 0
        words = int(lib.nmh_hostile_reads())
    read = 88 + 32 + sum(24 + tail for tail in TAILS.values()) + 24
    assert words == read // 4

# SPDX-License-Identifier: BSD-2-Clause
"""The header of a request: what is refused before anything is done."""

from __future__ import annotations

from errno import EFAULT, EINVAL, EOPNOTSUPP
from typing import Any

import pytest
from ctl_state import (
    NOT_CARRIED_OUT,
    REQUESTS_WITH_BODY,
    REQUESTS_WITHOUT_BODY,
    old_request,
    reg,
    state,
    unchanged,
)
from harness import Core, K, Option, ffi, lib, struct

WITH_BODY = pytest.mark.parametrize("name", REQUESTS_WITH_BODY)
WITHOUT_BODY = pytest.mark.parametrize("name", REQUESTS_WITHOUT_BODY)
PAGE = 4096


def body_of(name: str) -> tuple[int, Any]:
    kind, ctype = REQUESTS_WITH_BODY[name]
    return kind, struct(ctype)


@pytest.mark.parametrize("version", [0, 1, 13, 16, 255, 65535])
def test_a_version_of_another_kernel_is_refused_and_ours_written_back(
    core: Core, version: int
) -> None:
    handle = core.open()
    with unchanged(core):
        reply = handle.request(lib.NETMAP_REQ_REGISTER, "vale0:a", reg(), version=version)
    assert reply.error == EINVAL
    assert reply.header.nr_version == K.NETMAP_API


@pytest.mark.parametrize("version", [14, 15])
def test_both_known_versions_work_and_stay_as_they_came(core: Core, version: int) -> None:
    reply = core.open().request(lib.NETMAP_REQ_REGISTER, "vale0:a", reg(), version=version)
    assert reply.error == 0
    assert reply.header.nr_version == version


@WITH_BODY
@pytest.mark.parametrize("reserved", [1, 0x80000000, 0xFFFFFFFF])
def test_the_reserved_field_must_be_zero(core: Core, name: str, reserved: int) -> None:
    kind, body = body_of(name)
    handle = core.open()
    with unchanged(core):
        reply = handle.request(kind, "vale0:a", body, reserved=reserved)
    assert reply.error == EINVAL
    assert reply.header.nr_reserved == reserved


@pytest.mark.parametrize("kind", [0, 16, 17, 255, 65535])
@pytest.mark.parametrize("body", [None, bytes(64)])
def test_an_unknown_type_is_refused(core: Core, kind: int, body: bytes | None) -> None:
    handle = core.open()
    with unchanged(core):
        reply = handle.request(kind, "vale0:a", body)
    assert reply.error == EINVAL
    assert reply.header.nr_reqtype == kind


@WITH_BODY
def test_a_name_without_end_is_refused(core: Core, name: str) -> None:
    kind, body = body_of(name)
    handle = core.open()
    with unchanged(core):
        assert handle.request(kind, b"vale0:" + b"a" * 58, body).error == EINVAL


def test_the_longest_name_that_ends_is_taken(core: Core) -> None:
    name = "vale0:" + "a" * (K.NETMAP_REQ_IFNAMSIZ - 1 - 6)
    handle = core.open(name)
    assert ffi.string(handle.nifp.ni_name) == name[: K.NM_IFNAMSIZ - 1].encode()


@WITH_BODY
def test_a_missing_body_is_refused(core: Core, name: str) -> None:
    kind, _ = REQUESTS_WITH_BODY[name]
    handle = core.open()
    with unchanged(core):
        assert handle.request(kind, "vale0:a").error == EINVAL


@WITHOUT_BODY
def test_a_superfluous_body_is_refused(core: Core, name: str) -> None:
    handle = core.open()
    with unchanged(core):
        reply = handle.request(REQUESTS_WITHOUT_BODY[name], "vale0:a", bytes(8))
    assert reply.error == EINVAL


@pytest.mark.parametrize("name", NOT_CARRIED_OUT)
def test_a_known_request_that_is_not_carried_out_says_so(core: Core, name: str) -> None:
    handle = core.open("vale0:a")
    with unchanged(core):
        if name in REQUESTS_WITHOUT_BODY:
            reply = handle.request(REQUESTS_WITHOUT_BODY[name], "vale0:a")
        else:
            kind, body = body_of(name)
            reply = handle.request(kind, "vale0:a", body)
    assert reply.error == EOPNOTSUPP


def test_the_header_comes_back_as_it_was_sent(core: Core) -> None:
    handle = core.open()
    for kind, name, error in (
        (lib.NETMAP_REQ_REGISTER, "vale0:a", 0),
        (lib.NETMAP_REQ_PORT_INFO_GET, "vale0:b", 0),
        (lib.NETMAP_REQ_POOLS_INFO_GET, "nosuch", 6),
        (77, "vale0:a", EINVAL),
    ):
        sent = bytes(64) if kind != lib.NETMAP_REQ_REGISTER else reg()
        reply = handle.request(kind, name, sent)
        assert reply.error == error
        assert reply.header.nr_reqtype == kind
        assert ffi.string(reply.header.nr_name).decode() == name


def test_the_body_is_left_alone_when_the_request_fails(core: Core) -> None:
    handle = core.open("vale0:a")
    wanted = reg(tx_slots=100, rx_slots=200, tx_rings=3, offset=0x1122, memsize=0x3344)
    before = bytes(ffi.buffer(wanted))
    reply = core.open().request(lib.NETMAP_REQ_REGISTER, "nosuch", wanted)
    assert reply.error != 0
    assert bytes(ffi.buffer(reply.body)) == before
    # the same with a file that is bound already
    reply = handle.request(lib.NETMAP_REQ_REGISTER, "vale0:a", wanted)
    assert reply.error != 0
    assert bytes(ffi.buffer(reply.body)) == before


# ---- pointers ------------------------------------------------------------------------


def wild_addresses(core: Core) -> list[int]:
    arena = core.arena
    return [
        0,
        8,
        arena.base - 88,
        arena.base + arena.size - 8,  # the rest lies behind the end
        arena.base + arena.size,
        0x7FFFFFFFFFFFF000,
        0xFFFF888000000000,
        0xFFFFFFFFFFFFFFF8,  # wraps around
    ]


def test_a_wild_header_address_is_a_fault(core: Core) -> None:
    handle = core.open()
    with unchanged(core):
        for address in wild_addresses(core):
            assert lib.nmh_ctrl(handle.raw, address) == EFAULT


def test_a_wild_body_address_is_a_fault(core: Core) -> None:
    handle = core.open()
    with unchanged(core):
        for address in wild_addresses(core)[1:]:
            reply = handle.request(lib.NETMAP_REQ_REGISTER, "vale0:a", reg(), body_addr=address)
            assert reply.error == EFAULT
            assert reply.header.nr_body == address


def test_a_wild_option_address_is_a_fault(core: Core) -> None:
    handle = core.open()
    with unchanged(core):
        for address in wild_addresses(core)[1:]:
            reply = handle.request(lib.NETMAP_REQ_REGISTER, "vale0:a", reg(), options_addr=address)
            assert reply.error == EFAULT


def test_a_list_that_leads_nowhere_is_a_fault_and_what_was_read_has_its_status(
    core: Core,
) -> None:
    handle = core.open()
    arena = core.arena
    first = arena.alloc(24)
    for address in wild_addresses(core)[1:]:
        option = arena.at("struct nmreq_option", first)
        option.nro_next, option.nro_reqtype, option.nro_status = address, 100, 0
        with unchanged(core):
            reply = handle.request(lib.NETMAP_REQ_REGISTER, "vale0:a", reg(), options_addr=first)
        assert reply.error == EFAULT
        assert option.nro_status == EOPNOTSUPP
        assert option.nro_next == address


@pytest.mark.parametrize("part", ["header", "body", "option", "option body"])
def test_a_part_that_runs_into_a_bad_page_is_a_fault(core: Core, part: str) -> None:
    handle = core.open()
    arena = core.arena
    edge = arena.alloc(2 * PAGE, PAGE) + PAGE
    good = arena.alloc(256)
    option = Option(lib.NETMAP_REQ_OPT_CSB, bytes(16))
    at = {
        "header": good,
        "body": good + 128,
        "option": edge - 24 if part == "option body" else good + 192,
    }
    if part in at:
        at[part] = edge - 16
    arena.write(at["body"], bytes(ffi.buffer(reg())))
    arena.write(at["header"], bytes(88))
    header = arena.at("struct nmreq_header", at["header"])
    header.nr_version, header.nr_reqtype = K.NETMAP_API, lib.NETMAP_REQ_REGISTER
    header.nr_name = b"vale0:a"
    header.nr_body, header.nr_options = at["body"], at["option"]
    arena.write(at["option"], bytes(40))
    head = arena.at("struct nmreq_option", at["option"])
    head.nro_reqtype = option.kind
    arena.fault(edge)
    with unchanged(core):
        assert lib.nmh_ctrl(handle.raw, at["header"]) == EFAULT
    arena.fault(edge, False)
    assert lib.nmh_ctrl(handle.raw, at["header"]) == EOPNOTSUPP  # only the option is wrong now


def test_a_request_right_below_the_end_of_memory_works(core: Core) -> None:
    arena = core.arena
    end = arena.base + arena.size
    uhdr, ubody = end - 88, end - 88 - 56
    arena.write(ubody, bytes(ffi.buffer(reg())))
    arena.write(uhdr, bytes(88))
    header = arena.at("struct nmreq_header", uhdr)
    header.nr_version, header.nr_reqtype = K.NETMAP_API, lib.NETMAP_REQ_REGISTER
    header.nr_name, header.nr_body = b"vale0:a", ubody
    assert lib.nmh_ctrl(core.open().raw, uhdr) == 0
    assert arena.at("struct nmreq_register", ubody).nr_tx_rings == 1


def test_every_allocation_of_a_request_can_fail(core: Core) -> None:
    """nm_os_malloc of the image, then whatever the request itself needs."""
    handle = core.open()
    before = state(core)
    failures = 0
    for nth in range(1, 100):
        with core.failing(nth):
            error = handle.request(lib.NETMAP_REQ_REGISTER, "vale0:a", reg()).error
        if not core.failed:
            assert error == 0
            break
        assert error == 12
        failures += 1
        assert state(core) == before
    assert failures >= 5
    assert lib.nmh_txsync(handle.raw) == 0


def test_every_allocation_of_an_old_request_can_fail(core: Core) -> None:
    handle = core.open()
    before = state(core)
    failures = 0
    for nth in range(1, 100):
        with core.failing(nth):
            error = lib.nmh_legacy_regif(handle.raw, old_request("vale0:a"))
        if not core.failed:
            assert error == 0
            break
        assert error == 12
        failures += 1
        assert state(core) == before
    assert failures >= 5

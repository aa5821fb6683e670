# SPDX-License-Identifier: BSD-2-Clause
"""Null ports: memory without traffic."""

from __future__ import annotations

import errno

import pytest
from harness import POLLIN, POLLOUT, Core, K, lib
from hypothesis import given
from hypothesis import strategies as st

NULL = lib.NR_REG_NULL


def test_a_null_port_has_memory_and_no_rings(core: Core) -> None:
    file = core.open("anything at all", mode=NULL)
    assert (file.tx, file.rx) == ([], [])
    assert file.nifp.ni_version == K.NETMAP_API
    assert file.nifp.ni_flags & K.NI_PRIV_MEM
    assert file.reg.nr_memsize > 0
    file.txsync()
    file.rxsync()


def test_nothing_is_ever_ready_on_a_null_port(core: Core) -> None:
    assert core.open("x", mode=NULL).poll(POLLIN | POLLOUT) == 0


@pytest.mark.parametrize("name", ["x", "vale0:a", "vale", "eth0", "p{0", "a{b", "{"])
def test_any_name_is_a_null_port_when_asked_for_one(core: Core, name: str) -> None:
    a, b = core.open(name, mode=NULL), core.open(name, mode=NULL)
    assert a.reg.nr_mem_id != b.reg.nr_mem_id, "each is a port of its own"


def test_a_null_port_is_not_found_by_its_name(core: Core) -> None:
    core.open("ghost", mode=NULL)
    with pytest.raises(OSError) as caught:
        core.open("ghost")
    assert caught.value.errno == errno.ENXIO


@pytest.mark.parametrize(
    ("asked", "had"),
    [
        ({}, (1, 1, 1024, 1024)),
        ({"tx_rings": 3, "rx_rings": 2, "tx_slots": 16, "rx_slots": 8}, (3, 2, 16, 8)),
        ({"tx_slots": 1, "rx_slots": 1}, (1, 1, 2, 2)),
        ({"tx_slots": 2**32 - 1, "rx_slots": 2**28}, (1, 1, 4096, 4096)),
        ({"tx_rings": 65535, "rx_rings": 65535, "tx_slots": 2, "rx_slots": 2}, (256, 256, 2, 2)),
    ],
)
def test_counts_are_checked(
    core: Core, asked: dict[str, int], had: tuple[int, int, int, int]
) -> None:
    reg = core.open("x", mode=NULL, **asked).reg
    assert (reg.nr_tx_rings, reg.nr_rx_rings, reg.nr_tx_slots, reg.nr_rx_slots) == had


EDGES = [0, 1, 2, 4095, 4096, 4097, 2**16, 2**28, 2**31, 2**32 - 1]
WILD = st.integers(0, 2**32 - 1) | st.sampled_from(EDGES)


@given(tx=WILD, rx=WILD, rings=st.integers(0, 8) | st.sampled_from([255, 256, 257, 65535]))
def test_no_counts_make_a_region_that_is_too_small(tx: int, rx: int, rings: int) -> None:
    with Core() as core:
        fields = {"tx_slots": tx, "rx_slots": rx, "tx_rings": rings}
        reg = core.open("x", mode=NULL, map_it=False, **fields).reg
        slots = reg.nr_tx_rings * reg.nr_tx_slots + reg.nr_rx_rings * reg.nr_rx_slots
        assert 2 <= reg.nr_tx_slots <= 4096
        assert 2 <= reg.nr_rx_slots <= 4096
        assert reg.nr_memsize > slots * (2048 + 16)


def test_a_null_port_joins_a_region_by_id(core: Core) -> None:
    first = core.open("x", mode=NULL)
    second = core.open("y", mode=NULL, mem_id=first.reg.nr_mem_id)
    assert second.reg.nr_mem_id == first.reg.nr_mem_id
    glob = core.open("z", mode=NULL, mem_id=1)
    assert glob.reg.nr_mem_id == 1
    assert glob.nifp.ni_flags == 0


def test_extra_buffers_make_the_region_grow(core: Core) -> None:
    file = core.open("x", mode=NULL, extra_bufs=10000)
    assert file.reg.nr_extra_bufs == 10000
    assert file.reg.nr_memsize > 10000 * 2048


def test_an_absurd_wish_for_extra_buffers_is_granted_within_reason(core: Core) -> None:
    file = core.open("x", mode=NULL, extra_bufs=2**32 - 1)
    assert 2**18 <= file.reg.nr_extra_bufs <= 2**18 + 4096


@pytest.mark.parametrize("fields", [{}, {"extra_bufs": 100}, {"mem_id": 1}], ids=str)
def test_every_allocation_may_fail_and_nothing_is_left(core: Core, fields: dict[str, int]) -> None:
    base = core.live()
    with core.failing(0):
        core.open("x", mode=NULL, **fields).close()
    total = core.allocations
    assert core.live() == base
    for nth in range(1, total + 1):
        with core.failing(nth), pytest.raises(OSError) as caught:
            core.open("x", mode=NULL, **fields)
        assert core.failed
        assert caught.value.errno == errno.ENOMEM
        assert core.live() == base, core.live_describe()

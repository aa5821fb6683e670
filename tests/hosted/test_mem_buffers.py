# SPDX-License-Identifier: BSD-2-Clause
"""Buffers that programs hand back: extra buffers and the indices left in slots."""

from __future__ import annotations

import pytest
from harness import Core, Handle, ffi, lib
from hypothesis import given, settings
from hypothesis import strategies as st

NULL = lib.NR_REG_NULL
COUNT = 64  # buffers that can be had in the small regions of this file


@pytest.fixture
def box(core: Core) -> Handle:
    """A port that keeps a small region alive: COUNT buffers, all of them free."""
    return make_box(core)


def make_box(core: Core) -> Handle:
    """As the fixture."""
    core.set_param("priv_buf_num", COUNT + 2)
    core.set_param("priv_buf_size", 64)
    core.set_param("priv_if_num", 8)
    return core.open("box", mode=NULL, tx_slots=2, rx_slots=2)


def take(core: Core, box: Handle, count: int) -> Handle:
    """A file with that many extra buffers."""
    return core.open("x", mode=NULL, mem_id=box.reg.nr_mem_id, extra_bufs=count)


def links(file: Handle) -> memoryview:
    """Region of a file as words."""
    base = file.mmap(0, file.reg.nr_memsize)
    return memoryview(ffi.buffer(base, file.reg.nr_memsize)).cast("I")


def word_of(file: Handle, idx: int) -> int:
    """Where in links() buffer idx keeps the number of the next."""
    bytes_before_buffers = (file.reg.nr_memsize - (COUNT + 2) * 64) // 4096 * 4096
    return int(bytes_before_buffers + idx * 64) // 4


def extra(file: Handle) -> list[int]:
    """The list of extra buffers, as a program walks it."""
    words, found, idx = links(file), [], file.nifp.ni_bufs_head
    while idx:
        found.append(idx)
        idx = words[word_of(file, idx)]
    return found


def left(core: Core, box: Handle) -> int:
    """How many buffers can be had now."""
    probe = take(core, box, 10 * COUNT)
    had = int(probe.reg.nr_extra_bufs)
    probe.close()
    return had


def test_extra_buffers_are_a_list_in_the_buffers_themselves(core: Core, box: Handle) -> None:
    file = take(core, box, 5)
    assert extra(file) == [2, 3, 4, 5, 6]
    file.close()
    assert left(core, box) == COUNT


def test_as_many_extra_buffers_as_there_are(core: Core, box: Handle) -> None:
    first = take(core, box, COUNT - 3)
    second = take(core, box, 100)
    third = take(core, box, 1)
    assert [f.reg.nr_extra_bufs for f in (first, second, third)] == [COUNT - 3, 3, 0]
    assert third.nifp.ni_bufs_head == 0
    assert not set(extra(first)) & set(extra(second))


def test_none_are_given_that_were_not_asked_for(core: Core, box: Handle) -> None:
    assert take(core, box, 0).nifp.ni_bufs_head == 0
    assert left(core, box) == COUNT


@pytest.mark.parametrize("bad", [1, COUNT + 2, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_bad_head_frees_nothing_and_harms_nothing(core: Core, box: Handle, bad: int) -> None:
    file = take(core, box, 4)
    file.nifp.ni_bufs_head = bad
    file.close()
    assert left(core, box) == COUNT - 4
    assert any("not valid" in line for line in core.logged())


def test_a_list_that_bites_its_tail_ends(core: Core, box: Handle) -> None:
    file = take(core, box, 4)
    last = extra(file)[-1]
    links(file)[word_of(file, last)] = extra(file)[1]
    file.close()
    assert left(core, box) == COUNT


def test_a_buffer_that_is_its_own_next_ends(core: Core, box: Handle) -> None:
    file = take(core, box, 1)
    idx = extra(file)[0]
    links(file)[word_of(file, idx)] = idx
    file.close()
    assert left(core, box) == COUNT


def test_a_free_buffer_in_the_list_is_not_freed_again(core: Core, box: Handle) -> None:
    file = take(core, box, 2)
    first, second = extra(file)
    free = second + 10
    links(file)[word_of(file, first)] = free
    links(file)[word_of(file, free)] = second
    file.close()
    assert left(core, box) == COUNT


def test_the_same_list_given_back_twice_is_freed_once(core: Core, box: Handle) -> None:
    one, two = take(core, box, 3), take(core, box, 3)
    two.nifp.ni_bufs_head = one.nifp.ni_bufs_head
    one.close()
    two.close()
    assert left(core, box) == COUNT - 3, "those of the second file are lost, no more"
    box.close()
    assert lib.nmh_live_page_bytes() == 0


def test_buffers_left_in_slots_are_freed_when_they_are_valid(core: Core, box: Handle) -> None:
    file = core.open("vale0:a", mem_id=box.reg.nr_mem_id, tx_slots=8, rx_slots=8)
    assert left(core, box) == COUNT - 16
    slots = [ring.slot(i) for ring in file.tx + file.rx for i in range(8)]
    slots[0].buf_idx = 0
    slots[1].buf_idx = 1
    slots[2].buf_idx = 0xFFFFFFFF
    slots[3].buf_idx = slots[4].buf_idx
    slots[5].buf_idx = COUNT + 2
    core.logged()
    file.close()
    assert left(core, box) == COUNT - 5
    assert sum("not valid" in line for line in core.logged()) == 1, "once for the ring"


def test_an_extra_buffer_may_be_exchanged_with_one_in_a_slot(core: Core, box: Handle) -> None:
    file = core.open("vale0:a", mem_id=box.reg.nr_mem_id, tx_slots=8, rx_slots=8, extra_bufs=1)
    slot, idx = file.tx[0].slot(3), file.nifp.ni_bufs_head
    file.nifp.ni_bufs_head, slot.buf_idx = slot.buf_idx, idx
    links(file)[word_of(file, file.nifp.ni_bufs_head)] = 0
    file.close()
    assert left(core, box) == COUNT


WILD = st.integers(0, COUNT + 4) | st.sampled_from([0xFFFFFFFF, 0x80000000])


@settings(deadline=None)
@given(
    heads=st.tuples(WILD, WILD),
    words=st.dictionaries(st.integers(0, COUNT + 1), WILD),
    slots=st.lists(WILD, min_size=8, max_size=8),
)
def test_whatever_programs_leave_behind_the_pool_stays_sound(
    heads: tuple[int, int], words: dict[int, int], slots: list[int]
) -> None:
    with Core() as core:
        box = make_box(core)
        files = [take(core, box, 10), take(core, box, 10)]
        rings = core.open("vale0:a", mem_id=box.reg.nr_mem_id, tx_slots=4, rx_slots=4)
        for ring, part in ((rings.tx[0], slots[:4]), (rings.rx[0], slots[4:])):
            for i, idx in enumerate(part):
                ring.slot(i).buf_idx = idx
        memory = links(files[0])
        for idx, following in words.items():
            memory[word_of(files[0], idx)] = following
        for file, head in zip(files, heads, strict=True):
            file.nifp.ni_bufs_head = head
        memory.release()
        for file in (*files, rings):
            file.close()
        probe = take(core, box, 10 * COUNT)
        had = extra(probe)
        assert len(had) == len(set(had)) == probe.reg.nr_extra_bufs <= COUNT
        assert min(had) >= 2
        assert max(had) < COUNT + 2

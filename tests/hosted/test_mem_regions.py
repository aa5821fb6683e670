# SPDX-License-Identifier: BSD-2-Clause
"""Regions: sizes, layout, ids, life, and parameters."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from harness import BROADCAST, Core, Handle, ethernet, ffi, lib, mac, struct

NULL = lib.NR_REG_NULL
PAGE = 4096
POOLS = ("if", "ring", "buf")


def pools(core: Core, name: str = "", mem_id: int = 0) -> Any:
    """NETMAP_REQ_POOLS_INFO_GET."""
    file = core.open()
    body = struct("nmreq_pools_info", nr_mem_id=mem_id)
    try:
        return file.ctrl(lib.NETMAP_REQ_POOLS_INFO_GET, name, body)
    finally:
        file.close()


def check_layout(info: Any) -> None:
    """Three pools, one behind the other, each on a page."""
    at = 0
    for pool in POOLS:
        offset = getattr(info, f"nr_{pool}_pool_offset")
        total = getattr(info, f"nr_{pool}_pool_objtotal")
        size = getattr(info, f"nr_{pool}_pool_objsize")
        assert offset == at
        assert offset % PAGE == 0
        assert size % 64 == 0
        at = (offset + total * size + PAGE - 1) // PAGE * PAGE
    assert info.nr_memsize == at


def numbers(info: Any) -> dict[str, tuple[int, int]]:
    """Objects and bytes of each pool."""
    return {
        pool: (
            getattr(info, f"nr_{pool}_pool_objtotal"),
            getattr(info, f"nr_{pool}_pool_objsize"),
        )
        for pool in POOLS
    }


def test_the_global_region_has_the_documented_sizes(core: Core) -> None:
    info = pools(core)
    check_layout(info)
    assert info.nr_mem_id == 1
    assert numbers(info) == {"if": (100, 1024), "ring": (200, 36864), "buf": (163840, 2048)}


def test_a_private_region_has_the_documented_sizes(core: Core) -> None:
    core.open("vale0:a")
    info = pools(core, "vale0:a")
    check_layout(info)
    assert numbers(info) == {"if": (2, 1024), "ring": (4, 20480), "buf": (4098, 2048)}


def test_a_private_region_grows_to_what_its_port_needs(core: Core) -> None:
    file = core.open("vale0:a", tx_rings=16, rx_rings=16, tx_slots=4096, rx_slots=4096)
    info = pools(core, "vale0:a")
    check_layout(info)
    sizes = numbers(info)
    assert sizes["ring"][0] >= 32
    assert sizes["ring"][1] >= 256 + 4096 * 16
    assert sizes["buf"][0] >= 32 * 4096 + 2
    assert sum(ring.slots for ring in file.tx + file.rx) == 32 * 4096


@pytest.mark.parametrize("asked", [64, 65, 100, 2000, 2048, 4000, 65536])
def test_object_sizes_are_rounded_up_to_cache_lines(core: Core, asked: int) -> None:
    core.set_param("buf_num", 5000)
    core.set_param("buf_size", asked)
    check_layout(pools(core))
    assert numbers(pools(core))["buf"][1] == (asked + 63) // 64 * 64
    file = core.open("x", mode=NULL, mem_id=1, extra_bufs=2)
    assert file.reg.nr_extra_bufs == 2
    assert core.param("buf_curr_size") == (asked + 63) // 64 * 64


def current(core: Core) -> dict[str, tuple[int, int]]:
    """What the read-only parameters say of region 1."""
    return {p: (core.param(f"{p}_curr_num"), core.param(f"{p}_curr_size")) for p in POOLS}


def test_parameters_take_effect_when_region_1_is_next_brought_into_use(core: Core) -> None:
    assert current(core) == dict.fromkeys(POOLS, (0, 0))
    first = core.open("x", mode=NULL, mem_id=1)
    core.set_param("buf_num", 1000)
    core.set_param("ring_size", 4096)
    second = core.open("y", mode=NULL, mem_id=1)
    assert current(core)["buf"] == (163840, 2048)
    assert first.reg.nr_memsize == second.reg.nr_memsize
    first.close()
    assert current(core)["buf"] == (163840, 2048)
    second.close()
    assert current(core) == dict.fromkeys(POOLS, (0, 0))
    third = core.open("z", mode=NULL, mem_id=1)
    assert current(core) == {"if": (100, 1024), "ring": (200, 4096), "buf": (1000, 2048)}
    assert third.reg.nr_memsize < 4 << 20


def test_private_parameters_take_effect_with_the_next_new_port(core: Core) -> None:
    before = core.open("vale0:a")
    core.set_param("priv_buf_num", 10000)
    core.set_param("priv_buf_size", 4096)
    core.set_param("priv_ring_num", 9)
    core.set_param("priv_if_num", 7)
    after = core.open("vale0:b")
    assert numbers(pools(core, "vale0:a"))["buf"] == (4098, 2048)
    assert numbers(pools(core, "vale0:b")) == {
        "if": (7, 1024),
        "ring": (9, 20480),
        "buf": (10000, 4096),
    }
    assert before.tx[0].buf_size == 2048
    assert after.tx[0].buf_size == 4096


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("buf_num", value) for value in (3, -1, 2**31)),
        *(("buf_size", value) for value in (0, 63, 65537)),
        *(("ring_size", 256), ("if_num", 0), ("ring_num", 1), ("buf_curr_num", 5)),
    ],
)
def test_impossible_parameters_are_refused_and_change_nothing(
    core: Core, name: str, value: int
) -> None:
    before = core.param(name)
    with pytest.raises(OSError):
        core.set_param(name, value)
    assert core.param(name) == before


def test_the_largest_parameters_make_an_errno_and_not_a_small_region(core: Core) -> None:
    core.set_param("buf_num", 100_000_000)
    core.set_param("buf_size", 65536)
    with pytest.raises(OSError) as caught:
        core.open("x", mode=NULL, mem_id=1)
    assert caught.value.errno in (errno.EINVAL, errno.ENOMEM)
    assert current(core) == dict.fromkeys(POOLS, (0, 0))


def test_a_region_too_small_for_a_ring_refuses_the_port(core: Core) -> None:
    core.set_param("ring_size", 4096)  # 240 slots
    with pytest.raises(OSError) as caught:
        core.open("p{0", mem_id=1, tx_slots=241, rx_slots=64)
    assert caught.value.errno == errno.ENOMEM
    core.open("p{0", mem_id=1, tx_slots=240, rx_slots=64)


def ids(core: Core, count: int) -> list[Handle]:
    """Ports with regions of their own."""
    return [core.open("x", mode=NULL, map_it=False) for _ in range(count)]


def test_private_regions_get_the_lowest_ids_that_are_free(core: Core) -> None:
    files = ids(core, 5)
    assert [f.reg.nr_mem_id for f in files] == [2, 3, 4, 5, 6]
    files[1].close()
    files[3].close()
    assert [f.reg.nr_mem_id for f in ids(core, 3)] == [3, 5, 7]


@pytest.mark.parametrize("mem_id", [2, 3, 1000, 65535])
def test_an_id_of_no_region_is_refused(core: Core, mem_id: int) -> None:
    for name, mode in (("x", NULL), ("vale0:a", lib.NR_REG_ALL_NIC), ("p{0", lib.NR_REG_ALL_NIC)):
        with pytest.raises(OSError) as caught:
            core.open(name, mode=mode, mem_id=mem_id)
        assert caught.value.errno == errno.EINVAL


def test_a_region_lives_as_long_as_a_port_in_it(core: Core) -> None:
    first = core.open("x", mode=NULL, extra_bufs=1)
    mem_id = first.reg.nr_mem_id
    second = core.open("vale0:a", mem_id=mem_id)
    first.close()
    third = core.open("vale0:b", mem_id=mem_id)
    frame = ethernet(BROADCAST, mac(1))
    second.send([frame])
    assert third.receive() == [frame]
    for file in (second, third):
        file.close()
    with pytest.raises(OSError):
        core.open("y", mode=NULL, mem_id=mem_id)


def test_no_memory_is_held_while_no_port_is_open(core: Core) -> None:
    base = core.live()
    for name, mode, mem_id in [("x", NULL, 0), ("y", NULL, 1), ("vale0:a", 1, 0), ("p{0", 1, 0)]:
        core.open(name, mode=mode, mem_id=mem_id).close()
        assert core.live() == base, core.live_describe()
        assert lib.nmh_live_page_bytes() == 0


def test_the_region_is_what_it_says_and_zeroed(core: Core) -> None:
    core.set_param("priv_buf_num", 64)
    file = core.open("x", mode=NULL, tx_slots=2, rx_slots=2)
    assert file.reg.nr_memsize == pools(core, mem_id=file.reg.nr_mem_id).nr_memsize
    base = file.mmap(0, file.reg.nr_memsize)
    info = pools(core, mem_id=file.reg.nr_mem_id)
    start = info.nr_ring_pool_offset
    assert not any(bytes(ffi.buffer(base + start, file.reg.nr_memsize - start)))


def test_buffers_of_a_ring_lie_one_after_the_other(core: Core) -> None:
    file = core.open("vale0:a", tx_rings=2, rx_rings=2)
    for ring in file.tx + file.rx:
        first = ring.slot(0).buf_idx
        assert [ring.slot(i).buf_idx for i in range(ring.slots)] == list(
            range(first, first + ring.slots)
        )


def test_a_ring_has_no_traces_of_the_one_before(core: Core) -> None:
    box = core.open("x", mode=NULL, tx_rings=4, rx_rings=4)
    for round_ in range(2):
        file = core.open("vale0:a", mem_id=box.reg.nr_mem_id)
        slots = [ring.slot(i) for ring in file.tx + file.rx for i in range(ring.slots)]
        assert not any(slot.len or slot.flags or slot.ptr for slot in slots)
        assert file.nifp.ni_bufs_head == 0
        for slot in slots:
            slot.len, slot.flags, slot.ptr = 99, round_ + 1, 77
        file.nifp.ni_spare1[0] = 1
        file.close()


def test_every_file_has_rings_and_buffers_of_its_own(core: Core) -> None:
    box = core.open("x", mode=NULL, tx_rings=4, rx_rings=4)
    files = [core.open(f"vale0:{c}", mem_id=box.reg.nr_mem_id, tx_slots=64) for c in "ab"]
    seen = [r.slot(i).buf_idx for f in files for r in f.tx + f.rx for i in range(r.slots)]
    assert len(seen) == len(set(seen)) == 2 * (64 + 1024)
    assert min(seen) >= 2


def test_asking_for_the_size_of_a_region_does_not_bring_it_into_use(core: Core) -> None:
    size = core.open().port_info("").nr_memsize
    assert size == pools(core).nr_memsize
    assert lib.nmh_live_page_bytes() == 0
    core.set_param("buf_num", 1000)
    assert core.open().port_info("").nr_memsize < size

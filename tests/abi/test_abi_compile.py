# SPDX-License-Identifier: BSD-2-Clause
"""The headers compile alone, in any order, without a warning, on every system."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest
from abi_model import (
    INCLUDE,
    INCLUDES,
    PUBLIC_HEADERS,
    Compiler,
    layout_asserts,
    load,
    number_asserts,
)

ABI = load()
PEDANTIC = ("-pedantic", "-Wshadow", "-Wconversion", "-Wcast-qual", "-O2")
C_DIALECTS = ("gnu99", "c11", "gnu11", "gnu17")
CXX_DIALECTS = ("c++11", "gnu++17", "c++20")


def write_include(folder: Path, *headers: str, suffix: str = ".c") -> Path:
    """A source that includes headers, the small library switched on."""
    source = folder / f"include{suffix}"
    lines = [f"#include <net/{h}>" for h in headers]
    source.write_text("#define NETMAP_WITH_LIBS\n" + "\n".join(lines) + "\nint unused;\n")
    return source


@pytest.mark.parametrize("header", PUBLIC_HEADERS)
@pytest.mark.parametrize("dialect", C_DIALECTS)
def test_a_header_alone_is_clean_c(
    header: str, dialect: str, gcc: Compiler, tmp_path: Path
) -> None:
    source = write_include(tmp_path, header)
    feature = ["-D_DEFAULT_SOURCE"] if dialect.startswith("c") else []
    gcc.check(f"-std={dialect}", *feature, *PEDANTIC, "-I", INCLUDE, "-fsyntax-only", source)


@pytest.mark.parametrize("header", PUBLIC_HEADERS)
@pytest.mark.parametrize("dialect", CXX_DIALECTS)
def test_a_header_alone_is_clean_cplusplus(
    header: str, dialect: str, gxx: Compiler, tmp_path: Path
) -> None:
    source = write_include(tmp_path, header, suffix=".cc")
    gxx.check(f"-std={dialect}", *PEDANTIC, "-I", INCLUDE, "-fsyntax-only", source)


def test_the_headers_may_come_in_any_order_and_twice(gcc: Compiler, tmp_path: Path) -> None:
    for order in permutations(PUBLIC_HEADERS):
        gcc.check("-I", INCLUDE, "-fsyntax-only", write_include(tmp_path, *order, *order))


@pytest.mark.parametrize("before", ["net/if.h", "linux/if.h"])
def test_the_headers_go_with_the_systems_interface_headers(
    before: str, gcc: Compiler, tmp_path: Path
) -> None:
    source = tmp_path / "mixed.c"
    source.write_text(
        f"#include <sys/socket.h>\n#include <{before}>\n#include <net/netmap_user.h>\n"
        '_Static_assert(NM_IFNAMSIZ == IFNAMSIZ, "the legacy name is as long as IFNAMSIZ");\n'
    )
    gcc.check("-I", INCLUDE, "-fsyntax-only", source)


def test_aarch64_has_the_same_layout_and_values(
    zig: Callable[[str], Compiler], tmp_path: Path
) -> None:
    source = tmp_path / "aarch64.c"
    asserts = layout_asserts(ABI.structs) + number_asserts(ABI.numbers)
    source.write_text(INCLUDES + "\n".join(asserts) + "\n")
    zig("aarch64-linux-gnu").check("-I", INCLUDE, "-c", source, "-o", tmp_path / "out.o")


# Holding no long, no pointer and no 64-bit number, these are alike on every machine.
PLAIN = ("nmreq", "nm_ifreq", "nmreq_vale_detach", "nmreq_vale_list", "nmreq_port_hdr",
         "nmreq_vale_newif", "nmreq_vale_polling", "nmreq_sync_kloop_start", "nm_csb_atok",
         "nm_csb_ktoa", "netmap_slot")  # fmt: skip
# These depend on the width of long (time stamp, ring offsets).
LONG = ("netmap_ring", "netmap_if")


def test_a_32_bit_arm_program_differs_only_in_ring_and_interface(
    zig: Callable[[str], Compiler], tmp_path: Path
) -> None:
    source = tmp_path / "arm.c"
    same = tuple(s for s in ABI.structs if s.name not in LONG)
    asserts = layout_asserts(same) + number_asserts(ABI.numbers)
    source.write_text(INCLUDES + "\n".join(asserts) + "\n")
    zig("arm-linux-gnueabihf").check("-I", INCLUDE, "-c", source, "-o", tmp_path / "out.o")


def test_a_32_bit_x86_program_has_the_same_legacy_interface(
    zig: Callable[[str], Compiler], tmp_path: Path
) -> None:
    source = tmp_path / "x86.c"
    same = tuple(s for s in ABI.structs if s.name in PLAIN)
    legacy = {k: v for k, v in ABI.numbers.items() if k != "NIOCCTRL"}
    source.write_text(
        INCLUDES + "\n".join(layout_asserts(same) + number_asserts(legacy)) + "\n"
        '_Static_assert(sizeof(struct netmap_ring) == 256, "slots start at the same place");\n'
    )
    zig("x86-linux-gnu").check("-I", INCLUDE, "-c", source, "-o", tmp_path / "out.o")


WINDOWS_CODES = {
    "NETMAP_SETSOCKOPT": 0x9C402230,
    "NETMAP_GETSOCKOPT": 0x9C402234,
    "NIOCGINFO": 0x9C402244,
    "NIOCREGIF": 0x9C402248,
    "NIOCTXSYNC": 0x9C402250,
    "NIOCRXSYNC": 0x9C402254,
    "NIOCCONFIG": 0x9C402258,
    "NIOCCTRL": 0x9C40225C,
    "NETMAP_MMAP": 0x9C402282,
    "NETMAP_POLL": 0x9C402288,
}


def test_windows_has_its_device_codes_and_the_same_requests(
    zig: Callable[[str], Compiler], tmp_path: Path
) -> None:
    source = tmp_path / "windows.c"
    with_ifname = ("nmreq", "nm_ifreq", "netmap_if")
    same = tuple(s for s in ABI.structs if s.name not in with_ifname)
    numbers = {k: v for k, v in ABI.numbers.items() if not k.startswith("NIOC")} | WINDOWS_CODES
    source.write_text(
        "#define NETMAP_WITH_LIBS\n#include <net/netmap_user.h>\n"
        + INCLUDES
        + "\n".join(layout_asserts(same) + number_asserts(numbers))
        + '\n_Static_assert(sizeof(((struct nmreq *)0)->nr_name) == 44, "IFNAMSIZ");\n'
        '_Static_assert(sizeof(((struct netmap_ring *)0)->ts) == 16, "64-bit time stamp");\n'
        '_Static_assert(sizeof(POLL_REQUEST_DATA) == 12, "three ints");\n'
    )
    zig("x86_64-windows-gnu").check("-I", INCLUDE, "-c", source, "-o", tmp_path / "out.o")

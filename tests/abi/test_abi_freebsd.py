# SPDX-License-Identifier: BSD-2-Clause
"""A second witness: FreeBSD's own headers, as the package ziglang carries them, agree with ours.

They are only compiled, never read or copied.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from abi_model import INCLUDE, INCLUDES, Compiler, layout_asserts, load, number_asserts

ABI = load()
TARGET = "x86_64-freebsd.15.0-none"
# _IO() of FreeBSD marks a request without data by a bit that Linux leaves clear.
VOID_BIT = {"NIOCTXSYNC": 0x20006994, "NIOCRXSYNC": 0x20006995}


def asserts() -> str:
    numbers = {**ABI.numbers, **VOID_BIT}
    return INCLUDES + "\n".join(layout_asserts(ABI.structs) + number_asserts(numbers)) + "\n"


@pytest.mark.parametrize("ours", [True, False], ids=["our headers", "FreeBSD's headers"])
def test_the_table_describes(ours: bool, zig: Callable[[str], Compiler], tmp_path: Path) -> None:
    source = tmp_path / "freebsd.c"
    source.write_text(asserts())
    include: list[str | Path] = ["-I", INCLUDE] if ours else []
    zig(TARGET).check(*include, "-c", source, "-o", tmp_path / "out.o")


def test_an_assertion_about_a_wrong_size_fails_on_freebsds_headers(
    zig: Callable[[str], Compiler], tmp_path: Path
) -> None:
    source = tmp_path / "wrong.c"
    source.write_text(INCLUDES + '_Static_assert(sizeof(struct netmap_slot) == 12, "witness");\n')
    done = zig(TARGET).run("-c", source, "-o", tmp_path / "out.o")
    assert done.returncode != 0
    assert "witness" in done.stderr


@pytest.mark.parametrize("kernel", [False, True], ids=["program", "kernel"])
def test_our_headers_compile_on_freebsd_for_a(
    kernel: bool, zig: Callable[[str], Compiler], tmp_path: Path
) -> None:
    source = tmp_path / "use.c"
    headers = ["sys/param.h", "net/netmap.h", "net/netmap_virt.h"]
    if not kernel:
        headers.append("net/netmap_user.h")
    source.write_text(
        "#define NETMAP_WITH_LIBS\n" + "\n".join(f"#include <{h}>" for h in headers) + "\n"
    )
    flags = ["-D_KERNEL", "-ffreestanding"] if kernel else []
    zig(TARGET).check(*flags, "-I", INCLUDE, "-c", source, "-o", tmp_path / "out.o")

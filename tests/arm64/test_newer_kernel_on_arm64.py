# SPDX-License-Identifier: BSD-2-Clause
"""The module on a newer arm64 kernel: from 6.3 on they patch the words before each function."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from netmap_build import matrix, suites
from netmap_build.matrix import Built

pytestmark = [pytest.mark.smoke, pytest.mark.timeout(900)]

SUITE = "bookworm-backports"
MISSING = "the archive of this suite does not answer: "
WORD = 8  # bytes that are patched at once


@pytest.fixture(scope="module")
def built() -> Built:
    """The module for that suite's kernel; skips where the suite cannot be had."""
    if "NETMAP_BUILD_DIR" not in os.environ:
        pytest.skip("NETMAP_BUILD_DIR is not set: type ./sconsw test-arm64")
    top, folder, env = matrix.from_environment()
    try:
        return matrix.build(
            top,
            folder,
            SUITE,
            arch="aarch64",
            jobs=os.cpu_count() or 1,
            may_install=env.get("NETMAP_MAY_INSTALL") == "1",
        )
    except suites.SuiteMissing as missing:
        pytest.skip(MISSING + missing.message)


def functions(module: Path) -> dict[str, int]:
    """The address of each function in its section."""
    with module.open("rb") as stream:
        table = ELFFile(stream).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        return {
            symbol.name: symbol["st_value"]
            for symbol in table.iter_symbols()
            if symbol["st_info"]["type"] == "STT_FUNC"
        }


def test_the_module_builds_for_a_newer_kernel_without_a_warning(built: Built) -> None:
    assert built.complaints == []
    assert "CC [M]" in built.said


def test_every_function_lies_where_its_words_can_be_patched(built: Built) -> None:
    found = functions(built.module)
    assert "nm_kr_enter_slow" in found
    assert [name for name, address in found.items() if address % WORD] == []


def test_the_newer_kernel_boots_and_packets_pass(built: Built) -> None:
    top, folder, env = matrix.from_environment()
    booted = matrix.boot(built, top, folder, env, Path(sys.executable))
    assert booted.passed, f"{built.kernel.version}: {booted.first_error}\n{booted.said}"

# SPDX-License-Identifier: BSD-2-Clause
"""What the cross build made: everything is for AArch64 and offers what the x86-64 build offers.

The smoke tests of tests/vm run beside these, in an emulated machine that boots the same files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerSymSection
from netmap_build.vm import Target
from netmap_build.vm.modules import version_magic
from netmap_build.vm.target import from_environment

pytestmark = pytest.mark.smoke

LIB = Path(os.environ.get("NETMAP_LIB_DIR", "."))
BIN = Path(os.environ.get("NETMAP_BIN_DIR", "."))
NATIVE_LIB = Path(os.environ.get("NETMAP_NATIVE_LIB_DIR", "."))
SHARED = "libnetmap.so.0"


@pytest.fixture(scope="module")
def target() -> Target:
    found = from_environment()
    if found is None:
        pytest.skip("NETMAP_VM_CONFIG is not set: type ./sconsw test-arm64")
    return found


def machine(path: Path) -> str:
    with path.open("rb") as stream:
        return str(ELFFile(stream)["e_machine"])


def exported(library: Path) -> set[str]:
    """The symbols that a shared library offers, each with its version."""
    with library.open("rb") as stream:
        elf = ELFFile(stream)
        definitions = elf.get_section_by_name(".gnu.version_d")
        versions = elf.get_section_by_name(".gnu.version")
        assert isinstance(definitions, GNUVerDefSection)
        assert isinstance(versions, GNUVerSymSection)
        found: set[str] = set()
        symbols = elf.get_section_by_name(".dynsym")
        for number, symbol in enumerate(symbols.iter_symbols()):
            index = versions.get_symbol(number)["ndx"]
            if symbol["st_shndx"] == "SHN_UNDEF" or not isinstance(index, int):
                continue
            _, names = definitions.get_version(index & 0x7FFF)
            found.add(f"{symbol.name}@{next(iter(names)).name}")
        return found


def static_members(library: Path) -> Iterator[bytes]:
    """The objects in an ar archive."""
    data = library.read_bytes()
    assert data[:8] == b"!<arch>\n"
    at = 8
    while at < len(data):
        name, size = data[at : at + 16], int(data[at + 48 : at + 58])
        if not name.startswith((b"/ ", b"// ")):
            yield data[at + 60 : at + 60 + size]
        at += 60 + size + size % 2


def test_the_module_is_for_the_kernel_that_boots(target: Target) -> None:
    assert target.arch == "aarch64"
    assert target.netmap_ko is not None
    assert machine(target.netmap_ko) == "EM_AARCH64"
    assert version_magic(target.netmap_ko.read_bytes()) == target.kernel_version
    assert target.kernel_version.endswith("arm64")


def test_the_shared_library_is_for_aarch64_and_has_its_name() -> None:
    assert machine(LIB / SHARED) == "EM_AARCH64"
    with (LIB / SHARED).open("rb") as stream:
        dynamic = ELFFile(stream).get_section_by_name(".dynamic")
        assert isinstance(dynamic, DynamicSection)
        assert [tag.soname for tag in dynamic.iter_tags("DT_SONAME")] == [SHARED]


def test_the_static_library_holds_objects_for_aarch64_only() -> None:
    machines = [
        int.from_bytes(member[18:20], "little") for member in static_members(LIB / "libnetmap.a")
    ]
    assert len(machines) > 3
    assert set(machines) == {183}


def test_every_program_is_for_aarch64() -> None:
    programs = sorted(path.name for path in BIN.iterdir())
    assert "pkt-gen" in programs
    assert {machine(BIN / name) for name in programs} == {"EM_AARCH64"}


def test_the_library_offers_the_same_symbols_as_the_one_for_this_machine() -> None:
    symbols = exported(LIB / SHARED)
    assert any(name.startswith("nmport_open@") for name in symbols)
    assert symbols == exported(NATIVE_LIB / SHARED)

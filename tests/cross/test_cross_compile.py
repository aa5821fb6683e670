# SPDX-License-Identifier: BSD-2-Clause
"""The core compiles, to objects, in the kernels of FreeBSD and Windows too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from cross_compilers import (
    RELEASES,
    TOP,
    compile_file,
    core_files,
    freebsd_command,
    windows_command,
)


@pytest.fixture(scope="session")
def mingw() -> list[str]:
    """mingw-w64 with the flags of a driver."""
    command = windows_command()
    if command is None:
        pytest.skip("mingw-w64 is not installed: apt-get install gcc-mingw-w64-x86-64")
    return command


def vector_registers(obj: Path) -> list[str]:
    """Instructions that touch floating-point or vector registers."""
    listing = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", str(obj)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [
        line.strip()
        for line in listing.splitlines()
        if "%xmm" in line or "%st" in line.split("#")[0]
    ]


@pytest.mark.parametrize("source", core_files())
@pytest.mark.parametrize("major", RELEASES)
def test_the_core_compiles_in_a_freebsd_kernel(major: int, source: str, tmp_path: Path) -> None:
    obj = tmp_path / "out.o"
    assert compile_file(freebsd_command(RELEASES[major]), TOP / source, obj) == ""
    assert vector_registers(obj) == [], "a kernel must not touch these registers"


@pytest.mark.parametrize("source", core_files())
def test_the_core_compiles_in_a_windows_driver(
    source: str, mingw: list[str], tmp_path: Path
) -> None:
    assert compile_file(mingw, TOP / source, tmp_path / "out.o") == ""


USES_EVERYTHING = """
#include "ctl/ctl.h"
#include "vale/vale.h"
int f(struct netmap_kring *kring);
int f(struct netmap_kring *kring) { return %s; }
"""


@pytest.mark.parametrize("system", ["FreeBSD 15", "FreeBSD 14", "Windows"])
def test_a_warning_would_be_an_error(
    system: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The tests above can fail, and fail for what is wrong in the file."""
    if system == "Windows":
        command = request.getfixturevalue("mingw")
    else:
        command = freebsd_command(RELEASES[int(system.split()[1])])
    good, bad = tmp_path / "good.c", tmp_path / "bad.c"
    good.write_text(USES_EVERYTHING % "kring->ring == NULL")
    bad.write_text(USES_EVERYTHING % "(int)kring->ring_id < kring->nkr_num_slots")
    assert compile_file(command, good, tmp_path / "good.o") == ""
    assert "sign-compare" in compile_file(command, bad, tmp_path / "bad.o")


def test_no_file_of_the_core_names_a_system() -> None:
    """Only os.h chooses a system, by the header it includes; netmap.h is the programs' too."""
    systems = ("__linux__", "__FreeBSD__", "_WIN32", "__KERNEL__", "NETMAP_HOSTED")
    allowed = {TOP / "common" / "os.h"} | set((TOP / "common" / "include" / "net").iterdir())
    found = [
        f"{path.relative_to(TOP)}: {name}"
        for path in sorted((TOP / "common").rglob("*.[ch]"))
        if path not in allowed
        for name in systems
        if name in path.read_text()
    ]
    assert found == []

# SPDX-License-Identifier: BSD-2-Clause
"""The C tests: the library on a pretended device, and the packets of pkt-gen."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from ctests import HERE, LIBRARY, PKT_GEN, ROOT, SANITIZERS, build, names_in, run_one, sources

LIBRARY_TESTS = HERE / "libnetmap_tests.c"
PACKET_TESTS = HERE / "packet_tests.c"
PACKET_PARTS = ("packet", "range", "sequence", "pace", "stats", "rtt")


@pytest.fixture(scope="session")
def library_tests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = [LIBRARY_TESTS, HERE / "fake_netmap.c", *sources(LIBRARY)]
    return build(tmp_path_factory.mktemp("c") / "library", files, *SANITIZERS)


@pytest.fixture(scope="session")
def packet_tests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = [PACKET_TESTS, *(PKT_GEN / f"{name}.c" for name in PACKET_PARTS)]
    return build(tmp_path_factory.mktemp("c") / "packet", files, *SANITIZERS)


@pytest.mark.parametrize("name", names_in(LIBRARY_TESTS))
def test_libnetmap(name: str, library_tests: Path) -> None:
    run_one(library_tests, name)


@pytest.mark.parametrize("name", names_in(PACKET_TESTS))
def test_packet(name: str, packet_tests: Path) -> None:
    run_one(packet_tests, name)


@pytest.mark.parametrize("source", [LIBRARY_TESTS, PACKET_TESTS], ids=lambda p: p.stem)
def test_no_test_function_is_left_out_of_its_list(source: Path) -> None:
    functions = re.findall(r"^static void\n(\w+)\(void\)", source.read_text(), re.MULTILINE)
    assert [f for f in functions if f != "use_context"] == names_in(source)


def test_the_library_exports_exactly_what_its_header_declares(tmp_path: Path) -> None:
    header = re.sub(r"/\*.*?\*/", "", (LIBRARY / "libnetmap.h").read_text(), flags=re.DOTALL)
    declared = set(re.findall(r"\b(nm(?:port|req|ctx)_\w+)\(", header)) - {"nmreq_foreach_option"}
    assert len(declared) > 35
    library = build(
        tmp_path / "libnetmap.so.0", sources(LIBRARY), "-shared", "-fPIC",
        f"-Wl,--version-script={LIBRARY / 'libnetmap.map'}", "-Wl,--no-undefined-version",
        "-Wl,-z,defs",
    )  # fmt: skip
    listed = subprocess.run(
        ["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True
    ).stdout
    exported = re.findall(r" T (\w+)@@(\w+)$", listed, re.MULTILINE)
    assert {name for name, _ in exported} == declared
    assert {version for _, version in exported} == {"LIBNETMAP_0"}


def test_the_header_of_the_library_is_clean_cplusplus(tmp_path: Path) -> None:
    source = tmp_path / "use.cc"
    source.write_text(
        '#include "libnetmap.h"\nint main() { return nmport_open("x") == nullptr; }\n'
    )
    done = subprocess.run(
        ["g++", "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", f"-I{LIBRARY}",
         f"-I{ROOT / 'common' / 'include'}", source],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr

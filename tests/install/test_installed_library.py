# SPDX-License-Identifier: BSD-2-Clause
"""Programs compiled against the installed library, as other projects do it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from staged import Staged

PROGRAM = """\
#include <libnetmap.h>
#include <stdio.h>

int main(void)
{
\tstruct nmport_d *d = nmport_prepare("vale0:port{3/x");

\tif (d == NULL || NETMAP_API != 14)
\t\treturn 1;
\tprintf("%s %u\\n", d->hdr.nr_name, (unsigned int)d->reg.nr_mode);
\tnmport_close(d);
\treturn 0;
}
"""
# With the functions that live in the header.
OLDER = """\
#define NETMAP_WITH_LIBS
#include <net/netmap_user.h>

int main(void)
{
\treturn nm_open("bad:name", NULL, 0, NULL) != NULL;
}
"""


def compiler(tmp_path: Path, source: str, flags: list[str]) -> Path:
    file = tmp_path / "program.c"
    file.write_text(source)
    program = tmp_path / "program"
    command = [os.environ.get("CC", "gcc"), "-Wall", "-Wextra", "-Werror", str(file)]
    subprocess.run([*command, *flags, "-o", str(program)], check=True)
    return program


def run(program: Path, **env: str) -> str:
    done = subprocess.run(
        [program], env={**os.environ, **env}, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def needed(program: Path) -> list[str]:
    """The libraries that a program asks the loader for."""
    with program.open("rb") as file:
        dynamic = ELFFile(file).get_section_by_name(".dynamic")
        if dynamic is None:
            return []
        return [tag.needed for tag in dynamic.iter_tags() if tag.entry.d_tag == "DT_NEEDED"]


def test_a_program_with_the_shared_library(installed: Staged, tmp_path: Path) -> None:
    program = compiler(tmp_path, PROGRAM, installed.pkg_config("--cflags", "--libs"))
    assert "libnetmap.so.0" in needed(program)
    assert run(program, LD_LIBRARY_PATH=str(installed.prefix / "lib")) == "vale0:port{3 1\n"


def test_a_program_with_the_static_library(installed: Staged, tmp_path: Path) -> None:
    flags = installed.pkg_config("--static", "--cflags", "--libs")
    program = compiler(tmp_path, PROGRAM, ["-static", *flags])
    assert needed(program) == []
    assert run(program) == "vale0:port{3 1\n"


def test_a_prefix_that_was_moved_needs_no_other_file(installed: Staged, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    installed.prefix.rename(moved)
    try:
        folder = str(moved / "lib/pkgconfig")
        words = ["pkg-config", "--define-prefix", "--cflags", "--libs", "libnetmap"]
        flags = subprocess.run(
            words,
            env={**os.environ, "PKG_CONFIG_LIBDIR": folder},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout.split()
        program = compiler(tmp_path, PROGRAM, flags)
        assert run(program, LD_LIBRARY_PATH=str(moved / "lib")) == "vale0:port{3 1\n"
    finally:
        moved.rename(installed.prefix)


def test_a_program_with_the_functions_of_the_header(installed: Staged, tmp_path: Path) -> None:
    program = compiler(tmp_path, OLDER, installed.pkg_config("--cflags"))
    assert run(program) == ""


def test_pkg_config_tells_the_projects_version(installed: Staged) -> None:
    assert installed.pkg_config("--modversion") == [installed.built.version]


def declared(header: Path) -> set[str]:
    """The functions that libnetmap.h declares."""
    text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.DOTALL)
    text = re.sub(r"^#define.*(\\\n.*)*", "", text, flags=re.MULTILINE)
    return set(re.findall(r"\b(nm(?:port|req|ctx)_\w+)\s*\(", text))


def test_every_public_function_has_its_version_and_nothing_else_is_seen(
    installed: Staged,
) -> None:
    with installed.library.open("rb") as file:
        elf = ELFFile(file)
        symbols = elf.get_section_by_name(".dynsym")
        numbers = elf.get_section_by_name(".gnu.version")
        versions = elf.get_section_by_name(".gnu.version_d")
        assert None not in (symbols, numbers, versions)
        names = {
            version.entry.vd_ndx: next(iter(auxiliary)).name
            for version, auxiliary in versions.iter_versions()
        }
        seen = {}
        for index, symbol in enumerate(symbols.iter_symbols()):
            if symbol.name and symbol.entry.st_shndx != "SHN_UNDEF":
                number = numbers.get_symbol(index).entry.ndx
                seen[symbol.name] = names[number & 0x7FFF if isinstance(number, int) else 1]
    seen.pop("LIBNETMAP_0", None)
    assert set(seen.values()) == {"LIBNETMAP_0"}
    assert set(seen) == declared(installed.prefix / "include/libnetmap.h")


@pytest.mark.parametrize("name", ["libnetmap.so", "libnetmap.so.0"])
def test_links_lead_to_the_library_that_says_its_own_name(installed: Staged, name: str) -> None:
    with (installed.prefix / "lib" / name).open("rb") as file:
        dynamic = ELFFile(file).get_section_by_name(".dynamic")
        sonames = [tag.soname for tag in dynamic.iter_tags() if tag.entry.d_tag == "DT_SONAME"]
    assert sonames == ["libnetmap.so.0"]

# SPDX-License-Identifier: BSD-2-Clause
"""The headers have the sizes, offsets, types and values of the interface's table."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from abi_model import (
    INCLUDE,
    INCLUDES,
    Compiler,
    Member,
    Struct,
    load,
    printing_program,
    type_assert,
)

ABI = load()
CONST_FIELDS = [(s, m) for s in ABI.structs for m in s.members if m.type.startswith("const")]


@pytest.fixture(scope="session")
def printed(gcc: Compiler, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a compiled program says about the headers."""
    folder = tmp_path_factory.mktemp("abi")
    (folder / "numbers.c").write_text(printing_program(ABI))
    gcc.check("-I", INCLUDE, folder / "numbers.c", "-o", folder / "numbers")
    out = subprocess.run([folder / "numbers"], capture_output=True, text=True, check=True).stdout
    return dict(line.split(" ", 1) for line in out.splitlines())


@pytest.mark.parametrize("struct", ABI.structs, ids=lambda s: s.name)
def test_a_struct_has_its_size_and_its_fields_where_the_table_says(
    struct: Struct, printed: dict[str, str]
) -> None:
    wanted = {struct.name: str(struct.size)}
    for m in struct.members:
        wanted[f"{struct.name}.{m.name}@"] = str(m.offset)
        if m.size:
            wanted[f"{struct.name}.{m.name}#"] = str(m.size)
    assert {key: printed[key] for key in wanted} == wanted


@pytest.mark.parametrize("struct", ABI.structs, ids=lambda s: s.name)
def test_the_fields_of_a_struct_have_their_types(
    struct: Struct, gcc: Compiler, tmp_path: Path
) -> None:
    named = [m for m in struct.members if m.type != "struct []"]
    source = tmp_path / "types.c"
    source.write_text(INCLUDES + "\n".join(type_assert(struct, m) for m in named) + "\n")
    gcc.check("-fsyntax-only", "-I", INCLUDE, source)


def test_every_constant_has_its_value(printed: dict[str, str]) -> None:
    wanted = {k: str(v) for k, v in ABI.numbers.items()} | ABI.strings
    assert {key: printed[key] for key in wanted} == wanted


@pytest.mark.parametrize(("struct", "member"), CONST_FIELDS, ids=lambda x: x.name)
def test_a_program_cannot_write_a_field_of_the_kernel(
    struct: Struct, member: Member, gcc: Compiler, tmp_path: Path
) -> None:
    index = "[0]" if member.type.endswith("[]") else ""
    source = tmp_path / "write.c"
    source.write_text(
        INCLUDES + f"void f(struct {struct.name} *p);\n"
        f"void f(struct {struct.name} *p) {{ p->{member.name}{index} = 0; }}\n"
    )
    done = gcc.run("-fsyntax-only", "-I", INCLUDE, source)
    assert done.returncode != 0
    assert "read-only" in done.stderr


def test_eventfd_pairs_hold_the_programs_descriptor_first(gcc: Compiler, tmp_path: Path) -> None:
    source = tmp_path / "eventfds.c"
    source.write_text(
        INCLUDES + "#define E ((struct nmreq_opt_sync_kloop_eventfds *)0)->eventfds[0]\n"
        '_Static_assert(sizeof(E) == 8, "");\n'
        '_Static_assert(sizeof(E.ioeventfd) == 4 && sizeof(E.irqfd) == 4, "");\n'
        "_Static_assert(offsetof(struct nmreq_opt_sync_kloop_eventfds, eventfds[0].irqfd) == 28,"
        ' "");\n'
    )
    gcc.check("-fsyntax-only", "-I", INCLUDE, source)

# SPDX-License-Identifier: BSD-2-Clause
"""The table of the interface (netmap-abi.json) and the C programs made from it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
INCLUDE = ROOT / "common" / "include"
PUBLIC_HEADERS = ("netmap.h", "netmap_legacy.h", "netmap_user.h", "netmap_virt.h")


@dataclass(frozen=True)
class Member:
    """One field of a struct; size 0 is an array of run-time length."""

    name: str
    type: str
    offset: int
    size: int


@dataclass(frozen=True)
class Struct:
    name: str
    size: int
    members: tuple[Member, ...]


@dataclass(frozen=True)
class Abi:
    structs: tuple[Struct, ...]
    numbers: dict[str, int]
    strings: dict[str, str]


def load() -> Abi:
    """Read the table that stands beside this file."""
    table = json.loads((HERE / "netmap-abi.json").read_text())
    structs = tuple(
        Struct(name, s["size"], tuple(Member(**m) for m in s["members"]))
        for name, s in table["structs"].items()
    )
    values = {**table["enums"], **table["macros"]}
    return Abi(
        structs,
        {k: v for k, v in values.items() if isinstance(v, int)},
        {k: v for k, v in values.items() if isinstance(v, str)},
    )


INCLUDES = """\
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#if !defined(_WIN32)
#include <sys/ioctl.h>
#include <sys/time.h>
#include <net/if.h>
#endif
#include <net/netmap.h>
#include <net/netmap_virt.h>
"""


def layout_asserts(structs: tuple[Struct, ...]) -> list[str]:
    """Static assertions of the size of each struct and the offset of each field."""
    lines = []
    for s in structs:
        lines.append(f'_Static_assert(sizeof(struct {s.name}) == {s.size}, "size of {s.name}");')
        lines += [
            f"_Static_assert(offsetof(struct {s.name}, {m.name}) == {m.offset}, "
            f'"offset of {s.name}.{m.name}");'
            for m in s.members
        ]
    return lines


def number_asserts(numbers: dict[str, int]) -> list[str]:
    """Static assertions of the value of each constant."""
    return [f'_Static_assert({k} == {v}, "value of {k}");' for k, v in numbers.items()]


def type_assert(struct: Struct, member: Member) -> str:
    """A static assertion that a field has its type, const included."""
    wanted = member.type.replace("const const", "const")
    array = re.fullmatch(r"(.*?)(\[\d*\])", wanted)
    pointer = f"{array[1]} (*){array[2]}" if array else f"{wanted} *"
    return (
        "_Static_assert(__builtin_types_compatible_p("
        f"__typeof__(&((struct {struct.name} *)0)->{member.name}), {pointer}), "
        f'"type of {struct.name}.{member.name}");'
    )


def printing_program(abi: Abi) -> str:
    """A program that prints every size, offset and value as a line "key value"."""
    out = []
    for s in abi.structs:
        out.append(f'\tprintf("{s.name} %zu\\n", sizeof(struct {s.name}));')
        for m in s.members:
            key = f"{s.name}.{m.name}"
            out.append(f'\tprintf("{key}@ %zu\\n", offsetof(struct {s.name}, {m.name}));')
            if m.size:
                size = f"sizeof(((struct {s.name} *)0)->{m.name})"
                out.append(f'\tprintf("{key}# %zu\\n", {size});')
    out += [f'\tprintf("{k} %lld\\n", (long long){k});' for k in abi.numbers]
    out += [f'\tprintf("{k} %s\\n", {k});' for k in abi.strings]
    return INCLUDES + "int main(void)\n{\n" + "\n".join(out) + "\n\treturn 0;\n}\n"


def find_zig() -> Path | None:
    """The compiler of the package ziglang: the one NETMAP_ZIG names, else an installed one."""
    named = os.environ.get("NETMAP_ZIG")
    if named:
        return Path(named)
    spec = find_spec("ziglang")
    if spec and spec.submodule_search_locations:
        zig = Path(spec.submodule_search_locations[0]) / "zig"
        if zig.exists():
            return zig
    return None


@dataclass(frozen=True)
class Compiler:
    """A way to run one compiler; every call gives the warnings that the project builds with."""

    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, "-Wall", "-Wextra", "-Werror", *map(str, arguments)],
            capture_output=True,
            text=True,
            env={**os.environ, **dict(self.environment)},
            check=False,
        )

    def check(self, *arguments: str | Path) -> None:
        """Compile; on failure show what the compiler said."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"{' '.join(map(str, done.args))}\n{done.stderr}"


def host_compiler(name: str) -> Compiler | None:
    """gcc, g++, clang ... as installed here."""
    return Compiler((name,)) if shutil.which(name) else None


def zig_compiler(zig: Path, target: str, cache: Path, language: str = "cc") -> Compiler:
    """zig as a cross compiler; its cache must not land in the home directory."""
    return Compiler(
        (str(zig), language, "-target", target),
        (("ZIG_GLOBAL_CACHE_DIR", str(cache)), ("ZIG_LOCAL_CACHE_DIR", str(cache))),
    )

# SPDX-License-Identifier: BSD-2-Clause
"""The hosted core: which files and flags make common/ an ordinary shared library for the tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDERS = ("common", "tests/hosted")
INCLUDES = ("tests/hosted", "common", "common/include")


@dataclass(frozen=True)
class Variant:
    """One way to build the core."""

    name: str
    flags: tuple[str, ...] = ()
    defines: tuple[str, ...] = ()


VARIANTS = (
    Variant("plain"),
    Variant("asan", ("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined")),
    Variant("tsan", ("-fsanitize=thread",)),
    Variant("hostile", (), ("NM_HOSTILE",)),
)


def sources(top: Path) -> list[str]:
    """The C files of the core and of its hosted port, relative to the checkout, sorted."""
    found = list((top / "common").rglob("*.c")) + list((top / "tests/hosted").glob("*.c"))
    return sorted(path.relative_to(top).as_posix() for path in found)

# SPDX-License-Identifier: BSD-2-Clause
"""Which programs to build: a folder with C files is a program of that name."""

from __future__ import annotations

from pathlib import Path

from .errors import BuildError
from .options import closest


def known(folder: Path) -> list[str]:
    return sorted({path.parent.name for path in folder.glob("*/*.c")})


def chosen(folder: Path, asked: tuple[str, ...], none: bool) -> list[str]:
    """apps= and no-apps applied to the folders that are there."""
    if none:
        return []
    names = known(folder)
    for name in asked:
        if name not in names:
            like = closest(name, names)
            raise BuildError(
                f"there is no program {name}" + (f"; the closest is {like}" if like else ""),
                "type: ./sconsw show-apps",
            )
    return [name for name in names if name in asked or not asked]

# SPDX-License-Identifier: BSD-2-Clause
"""kernel-sources=: whole kernel source trees, which drivers of the kernel are taken from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .errors import BuildError

WHOLE = ("Kconfig", "MAINTAINERS", "drivers/net/ethernet", "net/core")  # headers lack these


@dataclass(frozen=True)
class Sources:
    """A kernel source tree."""

    folder: Path
    version: str  # such as 6.12.5

    @property
    def series(self) -> str:
        return series_of(self.version)


def series_of(version: str) -> str:
    """6.12 for 6.12.5 and for 6.12.117+deb13-cloud-amd64."""
    found = re.match(r"(\d+\.\d+)", version)
    return found.group(1) if found else version


def read(folder: Path) -> Sources:
    """Check that a folder is a whole kernel source tree and say of which version."""
    if not folder.is_dir():
        raise BuildError(
            f"kernel-sources={folder} is no folder",
            "type: ls to find it, or ./sconsw reset to forget it",
        )
    missing = [name for name in WHOLE if not (folder / name).exists()]
    try:
        text = (folder / "Makefile").read_text()
    except OSError:
        text = ""
    fields = dict(re.findall(r"^(VERSION|PATCHLEVEL|SUBLEVEL)\s*=\s*(\d+)", text, re.MULTILINE))
    if missing or len(fields) < 3:
        lacking = missing[0] if missing else "a Makefile with VERSION, PATCHLEVEL and SUBLEVEL"
        raise BuildError(
            f"kernel-sources={folder} is no whole kernel source tree: it has no {lacking}",
            "unpack linux-6.x.tar.xz and name that folder; headers go to kernel-dir=",
        )
    return Sources(folder, f"{fields['VERSION']}.{fields['PATCHLEVEL']}.{fields['SUBLEVEL']}")


def fitting(trees: Iterable[Sources], release: str) -> Sources:
    """The tree of a kernel's series; refused with both versions where there is none."""
    trees = list(trees)
    for tree in trees:
        if tree.series == series_of(release):
            return tree
    given = ", ".join(f"{tree.version} ({tree.folder})" for tree in trees)
    raise BuildError(
        f"kernel-sources= holds {given}, but the kernel to build for is {release}",
        f"name a tree of {series_of(release)}, or choose the kernel by kernel-dir= or kernel=",
    )

# SPDX-License-Identifier: BSD-2-Clause
"""The staged tree: what kbuild compiles, and later what the DKMS package ships.

It is a copy of common/, linux/ and VERSION, with linux/Kbuild and linux/Makefile at its top. Only
files whose content changed are written again, so that make rebuilds no more than it must.
"""

from __future__ import annotations

import json
from pathlib import Path

ROOMS = ("common", "linux")
AT_TOP = ("Kbuild", "Makefile")
EXTRA = ("VERSION",)
SUFFIXES = (".c", ".h", ".S", ".sh", ".mk", ".awk")
NAMES = ("Kbuild", "Makefile")
MANIFEST = ".staged"


def sources(top: Path) -> list[str]:
    """Paths of what is staged, relative to the checkout, sorted."""
    found: list[str] = []
    for room in ROOMS:
        for path in (top / room).rglob("*"):
            if (path.suffix in SUFFIXES or path.name in NAMES) and path.is_file():
                found.append(path.relative_to(top).as_posix())
    return sorted([*found, *(name for name in EXTRA if (top / name).exists())])


def layout(files: list[str]) -> dict[str, str]:
    """Staged name to source name."""
    staged = {name: name for name in files}
    for name in AT_TOP:
        if f"linux/{name}" in staged:
            del staged[f"linux/{name}"]
            staged[name] = f"linux/{name}"
    return staged


def sync(top: Path, stage: Path, files: list[str]) -> list[str]:
    """Bring the stage in line with the sources; returns the staged names that changed."""
    wanted = layout(files)
    changed: list[str] = []
    for name, source in sorted(wanted.items()):
        content = (top / source).read_bytes()
        target = stage / name
        if not target.exists() or target.read_bytes() != content:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            changed.append(name)
        mode = (top / source).stat().st_mode & 0o777 | 0o200
        if target.stat().st_mode & 0o777 != mode:
            target.chmod(mode)
    manifest = stage / MANIFEST
    for name in previously(manifest):
        if name not in wanted:
            # kbuild's list of objects may have lost this one; its object must not linger
            for old in (stage / name, (stage / name).with_suffix(".o")):
                old.unlink(missing_ok=True)
            changed.append(name)
    stage.mkdir(parents=True, exist_ok=True)
    manifest.write_text(json.dumps(sorted(wanted)))
    return changed


def previously(manifest: Path) -> list[str]:
    """The names staged last time."""
    try:
        names = json.loads(manifest.read_text())
    except (OSError, ValueError):
        return []
    return [str(name) for name in names]

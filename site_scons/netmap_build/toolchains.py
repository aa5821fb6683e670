# SPDX-License-Identifier: BSD-2-Clause
"""Pinned cross compilers, fetched on first need and unpacked into the build cache.

`python -m netmap_build.toolchains VERSION` prints the compiler's path, fetching it if needed.
"""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

from . import cache, network, space, venvs, wheels
from .errors import BuildError, report, say

TOP = Path(__file__).resolve().parents[2]
LOCK = "toolchains.lock"
ROOM = 550_000_000  # bytes that a wheel and what it unpacks to take


def block(lock_text: str, version: str) -> str:
    """The lines of one version in the lock."""
    match = re.search(
        rf"^ziglang=={re.escape(version)} \\\n(?:    --hash=\S+(?: \\)?\n)+",
        lock_text,
        re.MULTILINE,
    )
    if match is None:
        known = ", ".join(versions(lock_text))
        raise BuildError(f"{LOCK} pins no ziglang {version}", f"type one of: {known}")
    return match.group(0)


def versions(lock_text: str) -> list[str]:
    """The versions that the lock pins, oldest first."""
    return re.findall(r"^ziglang==(\S+)", lock_text, re.MULTILINE)


def folder_of(version: str) -> Path:
    return cache.root() / "toolchains" / f"ziglang-{version}"


def cached_zig(version: str) -> Path | None:
    """The compiler if it was fetched before; never asks the network."""
    program = folder_of(version) / "ziglang" / "zig"
    return program if program.exists() else None


def zig(version: str, top: Path = TOP) -> Path:
    """Path of the zig program of this version (`zig cc -target ...` compiles C)."""
    found = cached_zig(version)
    if found:
        return found
    wanted = block((top / LOCK).read_text(), version)
    final = folder_of(version)
    with cache.locked(final.with_name(f"{final.name}.lock")):
        if not cached_zig(version):
            fetch(version, wanted, final, top)
    return final / "ziglang" / "zig"


def fetch(version: str, wanted: str, final: Path, top: Path) -> None:
    """Download the wheel, its hash checked by pip, and unpack it."""
    network.need(f"fetching ziglang {version}")
    say(f"netmap: fetching ziglang {version}: 100 MB")
    space.need(f"ziglang {version}", final, ROOM)
    unpacking = space.explained(f"ziglang {version}", final)
    with unpacking, cache.new_folder(final) as scratch:
        requirement = scratch / "requirement.txt"
        requirement.write_text(wanted)
        wheels.pip_download(
            requirement, venvs.interpreter(), scratch, f"downloading ziglang {version}"
        )
        [wheel] = scratch.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(scratch)
        (scratch / "ziglang" / "zig").chmod(0o755)
        wheel.unlink()


def main(args: list[str]) -> int:
    try:
        for version in args or versions((TOP / LOCK).read_text()):
            print(zig(version))
    except BuildError as error:
        report(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a build costs: processor and wall seconds of a cold build, of nothing to do, of one change.

    python3 bench/build_times.py [word for sconsw ...]

Works in a copy of the checkout, so that the real build folder stays as it is. Downloads and the
Python environment are made ready before the clock starts.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOUCHED = "common/vale"

# Processor seconds: what we want to stay under, and what the older build needs.
ROWS = {
    "cold build, no drivers": (30.0, 87.0),
    "nothing to do": (1.5, 0.9),
    "one C file changed": (3.0, 2.7),
}


def copy_checkout(top: Path, into: Path) -> None:
    """All files that git knows or would know, as they are now."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=top, check=True, capture_output=True).stdout
    for name in sorted(set(listing.decode().split("\0")) - {""}):
        source = top / name
        if source.is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, into / name)


def timed(words: list[str], folder: Path) -> tuple[float, float]:
    """Processor seconds (user and system, of all processes) and wall seconds of one sconsw."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(["./sconsw", *words], cwd=folder, capture_output=True, text=True)
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    if done.returncode != 0:
        sys.exit(f"./sconsw {' '.join(words)} failed:\n{(done.stdout + done.stderr)[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, ended - began


def touch(folder: Path) -> str:
    """Change one C file of the core so that its object must be made again; returns its name."""
    path = sorted((folder / TOUCHED).glob("*.c"))[0]
    path.write_text(path.read_text() + "\n/* touched */\n")
    return str(path.relative_to(folder))


def main(words: list[str]) -> int:
    """Measure and print the table."""
    top = Path(__file__).resolve().parents[1]
    with tempfile.TemporaryDirectory(prefix="netmap-build-") as name:
        folder = Path(name)
        copy_checkout(top, folder)
        timed(["fetch", *words], folder)
        timed(words, folder)  # whatever the first build fetches by itself
        timed(["clean"], folder)
        figures = [timed(words, folder), timed(words, folder)]
        changed = touch(folder)
        figures.append(timed(words, folder))
    print(f"{'processor seconds':<26}{'ours':>7}{'target':>8}{'existing':>10}{'wall':>8}")
    for (what, (target, existing)), (cpu, wall) in zip(ROWS.items(), figures, strict=True):
        late = "  above target" if cpu > target else ""
        print(f"{what:<26}{cpu:>7.1f}{target:>8.1f}{existing:>10.1f}{wall:>8.1f}{late}")
    print(f"changed: {changed}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

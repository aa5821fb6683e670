# SPDX-License-Identifier: BSD-2-Clause
"""Building the C parts of these tests, with the sanitizers, from the sources of the project."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LIBRARY = ROOT / "libnetmap"
PKT_GEN = ROOT / "apps" / "pkt-gen"
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
INCLUDES = tuple(f"-I{path}" for path in (ROOT / "common" / "include", LIBRARY, PKT_GEN, HERE))


def sources(folder: Path) -> list[Path]:
    """The C files of a folder."""
    return sorted(folder.glob("*.c"))


def build(output: Path, files: list[Path], *flags: str) -> Path:
    """Compile and link; a warning is a failure."""
    command = [
        os.environ.get("CC", "gcc"), "-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Wshadow",
        "-Werror", *flags, *INCLUDES, *map(str, files), "-o", str(output), "-lpthread",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return output


def names_in(source: Path) -> list[str]:
    """The tests that a C file lists."""
    return re.findall(r"^\tTEST\((\w+)\),$", source.read_text(), re.MULTILINE)


def run_one(program: Path, name: str) -> None:
    """Run one C test in a process of its own."""
    done = subprocess.run([program, name], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

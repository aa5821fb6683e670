# SPDX-License-Identifier: BSD-2-Clause
"""Our own programs that run inside the guest: where their sources are and how they are built."""

from __future__ import annotations

from pathlib import Path

from .programs import compile_program
from .target import Target


def guest_program(target: Target) -> Path:
    """Compile tests/vm/guest into one program, nmguest, whose first argument picks the test."""
    folder = target.root / "tests" / "vm" / "guest"
    return compile_program(
        sorted(folder.glob("*.c")), target.work_dir / "nmguest", [target.include_dir], target.cc
    )


def bench_program(target: Target) -> Path:
    """Compile bench/nmbench.c."""
    return compile_program(
        [target.root / "bench" / "nmbench.c"],
        target.work_dir / "nmbench",
        [target.include_dir, target.root / "tests" / "vm" / "guest"],
        target.cc,
    )

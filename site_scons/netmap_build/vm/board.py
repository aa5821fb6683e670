# SPDX-License-Identifier: BSD-2-Clause
"""The machine that QEMU makes for each architecture: program, processor, and the two serial lines.

The first line is the kernel's console, the second carries the results and nothing else.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from ..errors import BuildError

ICOUNT = ("-accel", "tcg", "-icount", "shift=0,sleep=off")


@dataclass(frozen=True)
class Board:
    """What differs between architectures on QEMU's command line and in the guest."""

    qemu: str
    package: str  # that brings QEMU for it
    console: str  # devices as the guest's kernel calls them
    results: str
    machine: tuple[str, ...]
    processor: str  # when emulated
    counted_processor: str = ""  # under the instruction counter; empty: not done
    results_on_pci: bool = False

    def serial_lines(self, console: Path, results: Path) -> tuple[str, ...]:
        """Both lines, each into a file here."""
        first = ("-serial", f"file:{console}")
        if not self.results_on_pci:
            return (*first, "-serial", f"file:{results}")
        backend = f"file,id=results,path={str(results).replace(',', ',,')}"
        return (*first, "-chardev", backend, "-device", "pci-serial,chardev=results")


BOARDS = {
    "x86_64": Board(
        qemu="qemu-system-x86_64",
        package="qemu-system-x86",
        console="ttyS0",
        results="ttyS1",
        machine=(),
        processor="max",
        # String instructions count each iteration; without these two the kernel copies by words.
        counted_processor="max,erms=off,fsrm=off",
    ),
    # One UART is all the board has. The processor has the atomic instructions of ARMv8.1 and no
    # pointer authentication, which costs an emulator half of its speed.
    "aarch64": Board(
        qemu="qemu-system-aarch64",
        package="qemu-system-arm",
        console="ttyAMA0",
        results="ttyS0",
        machine=("-M", "virt,gic-version=max"),
        processor="neoverse-n1",
        results_on_pci=True,
    ),
}


def of(arch: str) -> Board:
    """The board of an architecture; BuildError where there is none."""
    if arch not in BOARDS:
        raise BuildError(
            f"no machine of architecture {arch} can be booted; those known: {', '.join(BOARDS)}",
            "type: ./sconsw help option=arch",
        )
    return BOARDS[arch]


def find_qemu(arch: str) -> str:
    """The path of QEMU's system emulator for that architecture."""
    board = of(arch)
    found = shutil.which(board.qemu)
    if found is None:
        raise BuildError(
            f"no {board.qemu} here",
            f"type: sudo apt-get install --no-install-recommends {board.package}",
        )
    return found

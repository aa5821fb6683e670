# SPDX-License-Identifier: BSD-2-Clause
"""The packet path at the full speed of this machine: the core as a program, without a kernel.

Instructions hide cache misses and locks; this does not. It has no system calls in it, so it says
how two versions of the path compare on one quiet machine, nothing about a program's rate.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ..errors import BuildError

WHAT = {
    "vale-60": "VALE, 60 bytes, batches of 256",
    "vale-1500": "VALE, 1500 bytes, batches of 256",
    "vale-60-batch-1": "VALE, 60 bytes, one at a time",
    "pipe-60": "pipe, 60 bytes, batches of 256",
    "vale-60-threads-4": "VALE, 60 bytes, four threads to one port",
    "wake-up-p99": "wake-up from poll, 99th percentile",
}


def measure(root: Path, rounds: int = 6) -> dict[str, float]:
    """Nanoseconds by case, the best of some rounds; BuildError when it cannot be built or run."""
    builder = [sys.executable, str(root / "tests/hosted/build_core.py"), "bench", "--programs"]
    lines = _output(builder).split()
    program = next((line for line in lines if Path(line).name == "bench_hosted"), None)
    if program is None:
        raise BuildError("the hosted benchmark was not built", "type: ./sconsw test-hosted")
    rows = [line.split() for line in _output([program, "-r", str(rounds)]).splitlines()]
    return {row[0]: float(row[1]) for row in rows if len(row) >= 2}


def table(figures: dict[str, float]) -> str:
    """The figures for people."""
    lines = [f"{'nanoseconds on this machine, core alone':<47}{'ours':>7}"]
    lines += [f"{what:<47}{figures[name]:>7.1f}" for name, what in WHAT.items() if name in figures]
    return "\n".join(lines)


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(
            f"{command[0]} failed: {done.stderr.strip()}", "type: ./sconsw test-hosted"
        )
    return done.stdout

# SPDX-License-Identifier: BSD-2-Clause
"""Threads: order, counts and wake-ups under load, plainly and under ThreadSanitizer."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

import build_core
import pytest

pytestmark = pytest.mark.programs

SCENARIOS = (
    "vale-lossless",
    "vale-overload",
    "ring-to-ring",
    "pipe",
    "come-and-go",
    "shared-file",
    "nics",
    "nic-leaves",
)


@cache
def program(variant: str) -> Path:
    """stress, built as a variant."""
    return build_core.build_programs(variant, "stress")["stress"]


def run(variant: str, *args: str) -> subprocess.CompletedProcess[str]:
    """The program with arguments."""
    env = os.environ | {"TSAN_OPTIONS": "halt_on_error=1", "ASAN_OPTIONS": "detect_leaks=0"}
    return subprocess.run(
        [str(program(variant)), *args],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env=env,
    )


def test_every_scenario_of_the_program_is_run() -> None:
    assert tuple(run("plain").stdout.split()) == SCENARIOS


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize(
    ("variant", "packets"), [("plain", 200000), ("tsan", 30000), ("asan", 30000)]
)
def test_threads_lose_double_and_reorder_nothing(variant: str, packets: int, scenario: str) -> None:
    done = run(variant, scenario, str(packets))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("variant", ["bench"])
def test_the_benchmark_prints_a_line_per_case(variant: str) -> None:
    bench = build_core.build_programs(variant, "bench_hosted")["bench_hosted"]
    command = [str(bench), "-r", "1", "vale-60", "pipe-60"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=240)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == ["vale-60", "pipe-60"]
    assert all(float(line[1]) > 0 for line in lines)

# SPDX-License-Identifier: BSD-2-Clause
"""Both ends of a pipe in threads of their own, coming and going beside traffic."""

from __future__ import annotations

import subprocess

import build_core
import pytest

pytestmark = pytest.mark.programs


@pytest.mark.parametrize(
    ("variant", "packets"),
    [("plain", 20000), ("tsan", 3000), pytest.param("tsan", 100000, marks=pytest.mark.slow)],
)
def test_ends_that_come_and_go_keep_order_and_whole_packets(variant: str, packets: int) -> None:
    program = build_core.build_programs(variant, "pipe_churn")["pipe_churn"]
    done = subprocess.run(
        [str(program), str(packets)], capture_output=True, text=True, check=False, timeout=280
    )
    assert (done.returncode, done.stderr) == (0, "")

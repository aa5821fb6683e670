# SPDX-License-Identifier: BSD-2-Clause
"""On CI a skip that nobody allowed is a failure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
SAMPLE = """\
import pytest

def test_one():
    pytest.skip("because of this and that")

@pytest.mark.skipif(True, reason="because of that")
def test_two():
    pass

@pytest.mark.xfail(strict=True)
def test_three():
    assert False
"""


def run(tmp_path: Path, allowed: str, ci: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "conftest.py").write_bytes((TESTS / "conftest.py").read_bytes())
    (tmp_path / "allowed-skips.txt").write_text(allowed)
    (tmp_path / "test_sample.py").write_text(SAMPLE)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "CI": ci},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("allowed", "ci", "code", "closing"),
    [
        ("", "true", 1, "1 failed, 1 xfailed, 1 error"),
        ("because of this", "true", 1, "1 skipped, 1 xfailed, 1 error"),
        ("# a comment\nbecause of that\nbecause of this\n", "true", 0, "2 skipped, 1 xfailed"),
        ("", "false", 0, "2 skipped, 1 xfailed"),
    ],
)
def test_a_skip_on_ci_is_a_failure_unless_its_reason_is_listed(
    tmp_path: Path, allowed: str, ci: str, code: int, closing: str
) -> None:
    done = run(tmp_path, allowed, ci)
    assert closing in done.stdout
    assert done.returncode == code

# SPDX-License-Identifier: BSD-2-Clause
"""The Python tools' own verdict on the build and the tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
PYTHON = ["sconsw", "site_scons", "tests"]


@pytest.mark.parametrize(
    "arguments",
    [["ruff", "check", *PYTHON], ["mypy", "--no-color"]],
    ids=["ruff", "mypy --strict"],
)
def test_the_python_is_clean_for(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=TOP,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout

# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures of the hosted layer."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import Core


@pytest.fixture
def core() -> Iterator[Core]:
    """The core, initialised; the test fails when it leaves memory behind."""
    with Core() as made:
        yield made

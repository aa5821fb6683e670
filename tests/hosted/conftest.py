# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures of the hosted layer."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import Core, check, lib

# 1 or 2: the program of every test overwrites what the core has read (hostile build)
HOSTILE = int(os.environ.get("NM_HOSTILE", "0"))


@pytest.fixture(autouse=HOSTILE != 0)
def hostile() -> Iterator[None]:
    """Hostility for the whole test."""
    check(lib.nmh_hostile(HOSTILE))
    yield
    lib.nmh_hostile(0)


@pytest.fixture
def core() -> Iterator[Core]:
    """The core, initialised; the test fails when it leaves memory behind."""
    with Core() as made:
        yield made

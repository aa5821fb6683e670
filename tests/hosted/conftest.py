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

# Here the core reads a slot, makes no use of what it read, and lawfully reads and checks it
# anew: after a bad packet a pipe looks again at the reader's slot, and a switch leaves a packet
# to the next batch when its indirect data does not fit. The result is then not as without.
READS_ANEW = (
    "test_a_bad_slot_costs_that_packet_only",
    "test_the_first_index_beyond_the_pool_is_bad_and_the_last_one_good",
    "test_a_pipe_behaves_as_its_model",
    "test_more_indirect_data_than_a_batch_holds_arrives_in_order",
)


@pytest.fixture(autouse=HOSTILE != 0)
def hostile(request: pytest.FixtureRequest) -> Iterator[None]:
    """Hostility for the whole test."""
    honest = request.node.name.startswith(READS_ANEW)
    check(lib.nmh_hostile(0 if honest else HOSTILE))
    yield
    lib.nmh_hostile(0)


@pytest.fixture
def core() -> Iterator[Core]:
    """The core, initialised; the test fails when it leaves memory behind."""
    with Core() as made:
        yield made

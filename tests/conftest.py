# SPDX-License-Identifier: BSD-2-Clause
"""Rules for every layer: on CI a skip that is not on the list is a failure."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ALLOWED = Path(__file__).with_name("allowed-skips.txt")


def allowed_skips() -> list[str]:
    """Reasons a test may be skipped for on CI, one a line; a line is the start of a reason."""
    lines = ALLOWED.read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    """Turn a skip that nobody allowed into a failure."""
    report = yield
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else ""
        reason = reason.removeprefix("Skipped: ")
        if not reason.startswith(tuple(allowed_skips())):
            report.outcome = "failed"
            report.longrepr = f"skipped on CI, and not in {ALLOWED.name}: {reason}"
    return report

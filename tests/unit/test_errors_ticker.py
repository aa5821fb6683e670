# SPDX-License-Identifier: BSD-2-Clause
"""The line that changes in place."""

from __future__ import annotations

import io

import pytest
from netmap_build.ticker import Ticker


class Terminal(io.StringIO):
    """A stream that somebody watches."""

    def isatty(self) -> bool:
        return True


def screen(text: str) -> str:
    """What a terminal shows of one line after all carriage returns."""
    cells: list[str] = []
    for part in text.split("\r"):
        cells[: len(part)] = part
    return "".join(cells).rstrip()


def test_the_latest_words_replace_the_ones_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    out = Terminal()
    with Ticker(out) as ticker:
        ticker.show("unpacking a package with a long name")
        assert screen(out.getvalue()) == "        unpacking a package w"
        ticker.show("done")
        assert screen(out.getvalue()) == "        done"
    assert screen(out.getvalue()) == ""


def test_nothing_is_shown_where_nobody_watches() -> None:
    out = io.StringIO()
    with Ticker(out) as ticker:
        ticker.show("a word")
    assert out.getvalue() == ""

# SPDX-License-Identifier: BSD-2-Clause
"""A sign of life: one line that changes in place while something long goes on."""

from __future__ import annotations

import shutil
import sys
from types import TracebackType
from typing import TextIO


class Ticker:
    """Shows the latest words on a terminal and takes them away in the end; silent elsewhere."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout
        self.watched = self.stream.isatty()
        self.shown = 0

    def __enter__(self) -> Ticker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.show("")

    def show(self, text: str) -> None:
        """Replace what is shown."""
        if not self.watched or (not text and not self.shown):
            return
        room = shutil.get_terminal_size().columns - 1
        line = f"        {text.strip()}"[:room] if text else ""
        self.stream.write(f"\r{line.ljust(self.shown)}\r{line}")
        self.stream.flush()
        self.shown = len(line)

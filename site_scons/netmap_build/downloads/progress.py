# SPDX-License-Identifier: BSD-2-Clause
"""How downloads are shown: bars on a terminal, lines elsewhere, nothing when all is cached."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

from ..errors import say

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Report:
    """What happens to downloads, told from several threads; this one keeps quiet."""

    def line(self, text: str) -> None:
        """Something that a person should know."""

    def begin(self, name: str, size: int) -> None:
        """A download starts; size is 0 where it is not known."""

    def moved(self, name: str, done: int, total: int) -> None:
        """So many bytes are there."""

    def end(self, name: str) -> None:
        """The download is over, for good or ill."""

    def close(self) -> None:
        """All are over."""


class Lines(Report):
    """One line a download, for logs."""

    def line(self, text: str) -> None:
        say(f"netmap: {text}")

    def begin(self, name: str, size: int) -> None:
        known = f": {size / 1e6:.1f} MB" if size else ""
        self.line(f"fetching {name}{known}")


class Bars(Report):
    """A bar for each download in work."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.progress: Progress | None = None
        self.tasks: dict[str, TaskID] = {}

    def begin(self, name: str, size: int) -> None:
        from rich import progress

        with self.lock:
            if self.progress is None:
                self.progress = progress.Progress(
                    progress.TextColumn("{task.description}", markup=False),
                    progress.BarColumn(),
                    progress.DownloadColumn(),
                    progress.TransferSpeedColumn(),
                    transient=True,
                )
                self.progress.start()
            self.tasks[name] = self.progress.add_task(f"netmap: {name}", total=size or None)

    def line(self, text: str) -> None:
        with self.lock:
            if self.progress is None:
                say(f"netmap: {text}")
            else:
                self.progress.console.print(
                    f"netmap: {text}", markup=False, highlight=False, soft_wrap=True
                )

    def moved(self, name: str, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress.update(self.tasks[name], completed=done, total=total or None)

    def end(self, name: str) -> None:
        with self.lock:
            if self.progress is not None:
                self.progress.remove_task(self.tasks.pop(name))

    def close(self) -> None:
        with self.lock:
            if self.progress is not None:
                self.progress.stop()
                self.progress = None


def suitable() -> Report:
    """Bars if a person watches."""
    return Bars() if sys.stdout.isatty() else Lines()

# SPDX-License-Identifier: BSD-2-Clause
"""How a run ends that went wrong: one error in our words, at the very end, and no other noise.

Errors of nodes are noted while the others still run; SCons's own closing words are held back and
serve only where nothing of ours was said.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TextIO

from . import cache, interrupts
from .errors import FAILED, INTERRUPTED, BuildError, from_os_error, report, report_interrupted, say

ROOM = 4 << 20  # a disk with less free bytes is why a compiler failed
_noted: list[BuildError] = []
_farewell: list[str] = []
_worked: list[bool] = []


def on_success(text: str) -> None:
    """The last line of a run that did something and went well."""
    _farewell[:] = [text]


def worked() -> None:
    """Note that this run did something."""
    _worked[:] = [True]


def note(error: BuildError | OSError, top: Path) -> None:
    """Keep an error for the end of the run."""
    if isinstance(error, OSError):
        error = from_os_error(error, top, cache.root())
    _noted.append(error)


class Quiet:
    """Standard error without SCons's closing words, which are kept."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.held: list[str] = []

    def write(self, text: str) -> int:
        if text.startswith(("scons: ***", "scons: Build interrupted")):
            self.held.append(text.removeprefix("scons: *** ").strip())
            return len(text)
        return self.stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def full_disk(top: Path) -> BuildError | None:
    """An error where a disk that the build writes to has no room left."""
    for folder in (top, Path(os.environ.get("TMPDIR", "/tmp"))):
        if folder.is_dir() and shutil.disk_usage(folder).free < ROOM:
            return from_os_error(OSError(28, "No space left on device", str(folder)), top)
    return None


def explained(failures: Iterable[Any], held: list[str], top: Path) -> BuildError | None:
    """The error to close with; failures are SCons's, of which only plain attributes are read."""
    if _noted:
        return _noted[0]
    for failure in failures:
        exception = (failure.exc_info or (None, None, None))[1]
        if isinstance(exception, OSError):
            return from_os_error(exception, top, cache.root())
        node = failure.node[0] if isinstance(failure.node, list) else failure.node
        full = full_disk(top)
        if full:
            return full
        command = bool(failure.command) and not callable(failure.command)
        made = f"{node} could not be made" if os.sep in str(node) else f"{node} did not succeed"
        return BuildError(
            f"{made}; why stands above" if command or not exception else f"{made}: {exception}",
            f"type: ./sconsw verbose=1 {node}",
        )
    if held:
        return BuildError(held[-1].removesuffix("Stop.").strip(), "type: ./sconsw -h")
    return None


def close(failures: Callable[[], Iterable[Any]], quiet: Quiet, top: Path) -> None:
    """Called when Python exits: say what went wrong and leave with the exit code that says so."""
    if interrupts.HAPPENED.is_set():
        report_interrupted()
        leave(INTERRUPTED)
    error = explained(failures(), quiet.held, top)
    if error:
        report(error, quiet.stream)
        leave(FAILED)
    if _worked and _farewell:
        say(_farewell[0])


def leave(code: int) -> None:
    """End at once: an exit code cannot be changed any more in another way."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

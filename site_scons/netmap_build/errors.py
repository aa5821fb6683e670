# SPDX-License-Identifier: BSD-2-Clause
"""How the build talks to a person when it cannot go on."""

from __future__ import annotations

import sys
from typing import TextIO


class BuildError(Exception):
    """What failed and why, and the next thing to type."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def report(error: BuildError, stream: TextIO | None = None) -> None:
    """Print an error the way every part of the build prints it."""
    out = stream or sys.stderr
    out.write(f"netmap: {error.message}\n")
    if error.hint:
        out.write(f"        {error.hint}\n")
    out.flush()


def say(line: str) -> None:
    """One line of progress, visible at once even when stdout is a pipe."""
    print(line, flush=True)

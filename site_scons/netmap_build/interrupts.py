# SPDX-License-Identifier: BSD-2-Clause
"""Ctrl-C reaches only SCons's main thread: it tells here what the others must end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

HAPPENED = threading.Event()
_stops: list[Callable[[], None]] = []


def interrupt() -> None:
    """Note the interruption and stop what is under way."""
    HAPPENED.set()
    for stop in list(_stops):
        stop()


@contextmanager
def stopped_by(stop: Callable[[], None]) -> Iterator[None]:
    """While this lasts, Ctrl-C calls stop; at once if it was pressed before."""
    _stops.append(stop)
    try:
        if HAPPENED.is_set():
            stop()
        yield
    finally:
        _stops.remove(stop)

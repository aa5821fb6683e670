# SPDX-License-Identifier: BSD-2-Clause
"""Several downloads at once: what is cached, what is missing, who fetches it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from .. import interrupts, network, space
from ..errors import BuildError
from .item import Download
from .mirrors import bring
from .progress import Report, suitable
from .store import Store
from .transfer import Patience

WORKERS = 4


class Run:
    """The workers, what they found and what went wrong."""

    def __init__(
        self, items: Iterable[Download], store: Store, patience: Patience, report: Report
    ) -> None:
        self.store = store
        self.patience = patience
        self.report = report
        self.found: dict[str, Path] = {}
        self.failed: dict[str, BaseException] = {}
        self.over = threading.Semaphore(0)  # one for each worker that ended
        self.stopped = False
        self.workers: list[threading.Thread] = []
        self.ahead: queue.SimpleQueue[Download] = queue.SimpleQueue()
        for item in items:
            self.ahead.put(item)

    def one(self, item: Download) -> Path:
        """Fetch an item, unless another process did while we waited for it."""
        with space.explained(item.name, self.store.root), self.store.locked(item):
            there = self.store.find(item)
            if there is not None:
                return there
            if self.store.discard(item):
                self.report.line(f"the cached {item.name} is damaged: fetching it again")
            self.report.begin(item.name, item.size)
            try:
                return bring(item, self.store, self.patience, self.report)
            finally:
                self.report.end(item.name)

    def work(self) -> None:
        """Take items until none is left; a failure of one stops no other."""
        while not self.stopped:
            try:
                item = self.ahead.get_nowait()
            except queue.Empty:
                break
            try:
                self.found[item.name] = self.one(item)
            except BaseException as error:
                self.failed[item.name] = error
        self.over.release()

    def stop(self) -> None:
        """Wait for nobody any more."""
        self.stopped = True
        self.over.release(len(self.workers))

    def all(self, workers: int) -> None:
        """Daemon threads: an interrupt ends the process without waiting for a slow server."""
        self.workers = [
            threading.Thread(target=self.work, daemon=True, name=f"download-{number}")
            for number in range(workers)
        ]
        with interrupts.stopped_by(self.stop):
            for worker in self.workers:
                worker.start()
            for _ in self.workers:
                self.over.acquire()
        if self.stopped:
            raise BuildError(
                "the downloads were interrupted; what was received is kept",
                "type the same again to go on",
            )


def told(failed: Sequence[BaseException]) -> BuildError:
    """One error for all failures; a mistake of the program itself comes first."""
    for error in failed:
        if not isinstance(error, BuildError):
            raise error
    errors = [error for error in failed if isinstance(error, BuildError)]
    hints = list(dict.fromkeys(error.hint for error in errors if error.hint))
    return BuildError(
        "\nnetmap: ".join(error.message for error in errors), "\n        ".join(hints)
    )


def cached(items: Iterable[Download], store: Store) -> dict[str, Path]:
    """Those of the items that the cache holds, verified."""
    found = {item.name: store.find(item) for item in items}
    return {name: path for name, path in found.items() if path is not None}


def fetch(
    items: Iterable[Download],
    *,
    cache_root: Path,
    offline: bool = False,
    workers: int = WORKERS,
    report: Report | None = None,
    patience: Patience | None = None,
) -> dict[str, Path]:
    """Every item's file in the cache, by the item's name; downloads what is missing.

    offline forbids that, as offline=1 on the command line does.
    """
    wanted = list(items)
    if len({item.name for item in wanted}) != len(wanted):
        raise ValueError("two downloads have one name")
    store = Store(cache_root / "downloads")
    found = cached(wanted, store)
    missing = [item for item in wanted if item.name not in found]
    if not missing:
        return found
    if offline or network.offline():
        names = ", ".join(item.name for item in missing)
        raise BuildError(f"offline, and not in the cache: {names}", "type: ./sconsw fetch")
    run = Run(missing, store, patience or Patience(), report or suitable())
    try:
        run.all(min(workers, len(missing)))
    finally:
        run.report.close()
    if run.failed:
        raise told([run.failed[item.name] for item in missing if item.name in run.failed])
    return found | run.found

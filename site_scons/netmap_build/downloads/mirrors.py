# SPDX-License-Identifier: BSD-2-Clause
"""One download from the first mirror that has it, verified."""

from __future__ import annotations

from pathlib import Path

from .. import space
from ..errors import BuildError
from .item import Download, shown
from .partial import Partial
from .progress import Report
from .store import Store, sha256_of
from .transfer import FailedError, Patience, Transfer
from .tree_hash import tree_sha256

HINT = "check the network (https_proxy names a proxy), then type the same again"


def verify(item: Download, partial: Partial, resumed: bool) -> None:
    """Compare the hash; a file that has another one is removed."""
    try:
        found = sha256_of(partial.path) if item.sha256 else tree_sha256(partial.path)
        reason = f"expected {item.kind} {item.digest}, found {found}"
    except BuildError as error:
        found, reason = "", error.message
    if found != item.digest:
        partial.discard()
        # what was there before may be at fault: once more, from nothing
        raise FailedError(reason, passing=resumed)


def from_mirror(
    item: Download, url: str, partial: Partial, patience: Patience, report: Report
) -> None:
    """Bring the partial file to its end; a cut transfer goes on as long as it gains ground."""

    def moved(done: int, total: int) -> None:
        report.moved(item.name, done, total)

    transfer = Transfer(item.name, url, partial, item.size, item.limit, patience, moved)
    for _ in range(patience.resumptions):
        before = partial.size if partial.resumable(url) else 0
        try:
            transfer.run()
        except FailedError as error:
            if not error.passing or partial.size <= before or not partial.resumable(url):
                raise
            continue
        verify(item, partial, resumed=before > 0)
        return
    raise FailedError(f"the transfer was cut {patience.resumptions} times")


def bring(item: Download, store: Store, patience: Patience, report: Report) -> Path:
    """Fetch an item into the store; the caller holds its lock."""
    partial = Partial(store.partial(item))
    space.need(item.name, store.root, item.size - partial.size)
    reasons: dict[str, str] = {}
    alive = list(item.urls)
    for turn in range(patience.rounds):
        asked: list[float] = []
        for url in list(alive):
            try:
                with space.explained(item.name, store.root):
                    from_mirror(item, url, partial, patience, report)
                path = store.add(item, partial.path, sha256_of(partial.path))
                partial.discard()
                return path
            except FailedError as error:
                reasons[url] = error.reason
                report.line(f"{item.name}: {shown(url)}: {error.reason}")
                asked.append(error.after)
                if not error.passing:
                    alive.remove(url)
                    asked.pop()
        if not alive or turn + 1 == patience.rounds:
            break
        patience.wait(min(patience.longest, max(patience.pause * 2**turn, min(asked))))
    tried = "".join(f"\n        {shown(url)}: {reason}" for url, reason in reasons.items())
    raise BuildError(f"{item.name} could not be fetched:{tried}", HINT)

# SPDX-License-Identifier: BSD-2-Clause
"""fetch() in a process of its own, for callers that do not see Ctrl-C.

SCons takes the signal for itself and waits for the actions in work; a terminal sends it to every
process in the foreground, so a child ends at once and keeps what it has received.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from ..errors import BuildError
from .item import Download
from .plan import WORKERS, cached, fetch, offline_error
from .store import Store

INTERRUPTED = 130
PACKAGE = Path(__file__).resolve().parents[2]


def fetch_apart(
    items: Iterable[Download], *, cache_root: Path, offline: bool = False, workers: int = WORKERS
) -> dict[str, Path]:
    """What fetch() does; no process is started when everything is cached, or offline."""
    wanted = list(items)
    store = Store(cache_root / "downloads")
    found = cached(wanted, store)
    missing = [item for item in wanted if item.name not in found]
    if not missing:
        return found
    if offline:
        raise offline_error(missing)
    order = {
        "items": [asdict(item) for item in missing],
        "cache_root": str(cache_root),
        "workers": workers,
    }
    paths = run_child(order)
    return found | {name: Path(path) for name, path in paths.items()}


def run_child(order: dict[str, object]) -> dict[str, str]:
    """Start the child, and hear what became of it on a pipe; its lines go to our own output."""
    heard, told = os.pipe()
    env = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    words = [sys.executable, "-m", str(__package__), str(told)]
    try:
        child = subprocess.Popen(words, stdin=subprocess.PIPE, env=env, pass_fds=(told,), text=True)
    except BaseException:
        os.close(heard)
        raise
    finally:
        os.close(told)
    with os.fdopen(heard) as answers:
        child.communicate(json.dumps(order))
        text = answers.read()
    if child.returncode == INTERRUPTED or child.returncode < 0:
        raise BuildError(
            "the download was interrupted; what was received is kept",
            "type the same again to go on",
        )
    if not text:
        raise BuildError(
            f"the process that downloads ended with {child.returncode}", "its own words are above"
        )
    answer = json.loads(text)
    if "error" in answer:
        raise BuildError(answer["error"], answer["hint"])
    return dict(answer["paths"])


def main(told: int, text: str) -> int:
    """The child: `python -m netmap_build.downloads`, with the order on its standard input."""
    order = json.loads(text)
    items = [Download(**{**raw, "urls": tuple(raw["urls"])}) for raw in order["items"]]
    try:
        paths = fetch(items, cache_root=Path(order["cache_root"]), workers=int(order["workers"]))
        answer: dict[str, object] = {"paths": {name: str(path) for name, path in paths.items()}}
    except BuildError as error:
        answer = {"error": error.message, "hint": error.hint}
    except KeyboardInterrupt:
        return INTERRUPTED
    with os.fdopen(told, "w") as out:
        json.dump(answer, out)
    return 0

# SPDX-License-Identifier: BSD-2-Clause
"""offline=1: who would go to the network asks here first.

An environment variable carries the option, so that programs which the build starts obey it too.
"""

from __future__ import annotations

import os

from .errors import BuildError

VARIABLE = "NETMAP_OFFLINE"


def offline() -> bool:
    return os.environ.get(VARIABLE, "") not in ("", "0")


def set_offline(wanted: bool) -> None:
    """Carry the option into everything that this process starts."""
    if wanted:
        os.environ[VARIABLE] = "1"


def need(what: str) -> None:
    """Refuse what (the subject of a sentence) when offline; call it before a download."""
    if offline():
        raise BuildError(
            f"{what} needs the network, and offline=1 forbids it", "type: ./sconsw fetch"
        )

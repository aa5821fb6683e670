# SPDX-License-Identifier: BSD-2-Clause
"""What an install put into a root: files by their hashes, and the folders it had to make.

The manifest is written before the first file, naming what is there and what will be, and again
after the last, so that an install that was cut short can be removed like any other.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field

from .errors import BuildError
from .rooted import Root

PATH = "/var/lib/netmap/installed.json"
FORMAT = 1
MODULE = re.compile(r"^(?P<base>.*)/lib/modules/(?P<release>[^/]+)/")


@dataclass
class Manifest:
    """Paths inside the root; each file may be any one of some contents (rooted.Root.content)."""

    version: str = ""
    complete: bool = True
    files: dict[str, list[str]] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)

    def is_ours(self, path: str, content: str) -> bool:
        """True for a file as an install left it."""
        return content in self.files.get(path, [])


def load(root: Root) -> Manifest | None:
    """The manifest of a root, or None where nothing is installed."""
    place = root.place(PATH)
    try:
        raw = json.loads(place.read_text())
        if raw.pop("format") != FORMAT:
            raise ValueError("another format")
        return Manifest(**raw)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise BuildError(
            f"{place} does not say what is installed ({error})",
            f"type: rm {place} and remove what the older install left by hand",
        ) from None


def save(root: Root, manifest: Manifest) -> None:
    text = json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1, sort_keys=True)
    root.write(PATH, text.encode() + b"\n", 0o644)


def module_of(path: str) -> tuple[str, str] | None:
    """The folder above lib/modules and the kernel, for a path that belongs to a kernel."""
    match = MODULE.match(path)
    return (match["base"], match["release"]) if match else None

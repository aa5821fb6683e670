# SPDX-License-Identifier: BSD-2-Clause
"""One pinned download: a name, the hash that it must have, and where it may come from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..errors import BuildError

SCHEMES = ("http", "https", "file")
LARGEST = 4 << 30  # bytes accepted where the pin gives no size
HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Download:
    """Pinned by sha256 (the file's bytes) or tree_sha256 (what the archive unpacks to)."""

    name: str
    urls: tuple[str, ...]  # mirrors, in the order they are tried
    sha256: str = ""
    tree_sha256: str = ""
    size: int = 0  # bytes; 0 where it is not known

    def __post_init__(self) -> None:
        if bool(self.sha256) == bool(self.tree_sha256):
            raise self.wrong("needs a sha256 or a tree-sha256, and not both")
        if not HASH.fullmatch(self.digest):
            raise self.wrong(f"is pinned by {self.digest!r}, which is no SHA-256")
        if not self.urls:
            raise self.wrong("has no URL")
        for url in self.urls:
            if urlsplit(url).scheme not in SCHEMES:
                raise self.wrong(f"has the URL {url}, which is none of {', '.join(SCHEMES)}")

    def wrong(self, why: str) -> BuildError:
        return BuildError(f"the download {self.name} {why}", "correct the place that pins it")

    @property
    def kind(self) -> str:
        return "sha256" if self.sha256 else "tree-sha256"

    @property
    def digest(self) -> str:
        return self.sha256 or self.tree_sha256

    @property
    def limit(self) -> int:
        """More bytes than this are not accepted."""
        return self.size or LARGEST


def shown(url: str) -> str:
    """A URL without the password that it may hold."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

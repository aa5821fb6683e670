# SPDX-License-Identifier: BSD-2-Clause
"""Write a cpio archive in the "newc" format, the one that the kernel unpacks as its initramfs.

The same entries always give the same bytes: names are sorted, owners and times are zero and
inode numbers count up. Device nodes are plain data here, so no root is needed to make them.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass, field

_MAGIC = b"070701"
_TRAILER = "TRAILER!!!"


@dataclass(frozen=True)
class Entry:
    """One member: its full mode (type and permission bits), contents, and device number."""

    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


@dataclass
class Archive:
    """Members by their path inside the archive, without a leading slash."""

    entries: dict[str, Entry] = field(default_factory=dict)

    def add_file(self, path: str, data: bytes, executable: bool = False) -> None:
        """Add a regular file and the folders above it; a second file of that name replaces it."""
        mode = stat.S_IFREG | (0o755 if executable else 0o644)
        self._add(path, Entry(mode, data))

    def add_link(self, path: str, target: str) -> None:
        """Add a symbolic link that points at target."""
        self._add(path, Entry(stat.S_IFLNK | 0o777, target.encode()))

    def add_folder(self, path: str) -> None:
        """Add a folder and the folders above it."""
        self._add(path, Entry(stat.S_IFDIR | 0o755))

    def add_character_device(self, path: str, major: int, minor: int) -> None:
        """Add a character device node that only root may open."""
        self._add(path, Entry(stat.S_IFCHR | 0o600, device=(major, minor)))

    def _add(self, path: str, entry: Entry) -> None:
        name = path.strip("/")
        if not name or any(part in ("", ".", "..") for part in name.split("/")):
            raise ValueError(f"not a path inside an archive: {path!r}")
        parent = name.rpartition("/")[0]
        if parent and parent not in self.entries:
            self.add_folder(parent)
        self.entries[name] = entry

    def to_bytes(self) -> bytes:
        """The whole archive. A folder sorts before what is in it, as the kernel requires."""
        parts: list[bytes] = []
        for number, name in enumerate(sorted(self.entries), start=1):
            parts.append(_member(number, name, self.entries[name]))
        parts.append(_member(0, _TRAILER, Entry(0)))
        return b"".join(parts)


def _member(inode: int, name: str, entry: Entry) -> bytes:
    raw_name = name.encode() + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    fields = (
        inode,
        entry.mode,
        0,  # uid
        0,  # gid
        links,
        0,  # mtime
        len(entry.data),
        0,  # device that holds the archive: major, minor
        0,
        entry.device[0],
        entry.device[1],
        len(raw_name),
        0,  # checksum, unused in this variant
    )
    header = _MAGIC + b"".join(b"%08X" % value for value in fields)
    return _padded(header + raw_name) + _padded(entry.data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)

# SPDX-License-Identifier: BSD-2-Clause
"""What was received so far of one download, with what it takes to go on safely.

Beside the bytes lies a note: the URL that they came from, the validator the server gave (a strong
ETag, else Last-Modified) and the whole size. Without a validator nobody can tell whether the file
is still the same one, so such bytes are not continued.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Note:
    """Where a partial file came from."""

    url: str
    validator: str
    total: int  # 0 where the server did not say


class Partial:
    """A partial file; the caller holds the lock of its download."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.note_path = path.with_name(f"{path.name}.json")

    @property
    def size(self) -> int:
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def note(self) -> Note | None:
        """The note, if it is whole and there are bytes that it speaks of."""
        try:
            raw = json.loads(self.note_path.read_text())
            note = Note(str(raw["url"]), str(raw["validator"]), int(raw["total"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return note if self.size else None

    def resumable(self, url: str) -> Note | None:
        """The note if the bytes came from this URL and may be continued."""
        note = self.note()
        return note if note and note.url == url and note.validator else None

    def begin(self, note: Note) -> None:
        """Start again from nothing."""
        self.discard()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = {"url": note.url, "validator": note.validator, "total": note.total}
        self.note_path.write_text(json.dumps(text))
        self.path.touch()  # a server may send nothing at all

    def append(self, data: bytes) -> None:
        """Add bytes, all of them, past every buffer of this process."""
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(handle, rest) :]
        finally:
            os.close(handle)

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self.note_path.unlink(missing_ok=True)

# SPDX-License-Identifier: BSD-2-Clause
"""Reading tar (plain, gzip, xz, bzip2) and zip as one stream of entries.

Nothing is judged here but the format: damaged archives, and kinds of entries that sources do not
have. `members` opens by the first bytes, because a file of the cache has no suffix.
"""

from __future__ import annotations

import bz2
import calendar
import gzip
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from ..errors import BuildError

FILE, FOLDER, LINK, HARD = "file", "folder", "link", "hard link"
PIECE = 1 << 18  # bytes read at once
LONGEST_HEADER = 1 << 16  # bytes; a tar header may ask for gigabytes
HEADERS = 4096  # bytes of headers and padding granted to an entry
DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    ValueError,
    OverflowError,
)


@dataclass(frozen=True)
class Limits:
    """What an archive may grow to: a small one can hold more than any disk."""

    size: int = 8 << 30  # bytes
    entries: int = 500_000


@dataclass(frozen=True)
class Entry:
    """One entry as the archive names it; target is where a link leads."""

    path: str
    kind: str
    size: int = 0
    executable: bool = False
    target: str = ""
    modified: float = 0.0


Member = tuple[Entry, IO[bytes] | None]


def refused(archive: Path, why: str) -> BuildError:
    """The error for an archive that is not unpacked."""
    return BuildError(
        f"the archive {archive.name} is refused: {why}",
        "nothing was unpacked; take the archive from a source that you trust",
    )


class Forward:
    """A decompressed stream that tarfile reads: forward only, and never more than a bound."""

    def __init__(self, stream: IO[bytes], archive: Path, limits: Limits) -> None:
        self.stream = stream
        self.archive = archive
        self.bound = limits.size + limits.entries * HEADERS
        self.position = 0
        self.last = b""
        self.header = -1  # bytes read of the header in work; negative: content is read

    def tell(self) -> int:
        return self.position

    def read(self, size: int) -> bytes:
        if self.header >= 0:
            self.header += size
            if size < 0 or self.header > LONGEST_HEADER:
                raise refused(self.archive, f"it has a header of more than {LONGEST_HEADER} bytes")
        self.last = self.stream.read(size)
        self.position += len(self.last)
        if self.position > self.bound:
            raise refused(self.archive, f"it unpacks to more than {self.bound} bytes")
        return self.last

    def seek(self, position: int) -> int:
        if position < 0:  # Python 3.10 asks that of an archive without entries
            raise refused(self.archive, "nothing is in it")
        if position < self.position:
            raise refused(self.archive, "an entry has a negative size")
        counted, self.header = self.header, -1
        while self.position < position:
            if not self.read(min(PIECE, position - self.position)):
                break
        self.header = counted
        return self.position

    @contextmanager
    def reading_header(self) -> Iterator[None]:
        self.header = 0
        yield
        self.header = -1


def decompressed(archive: Path, first: bytes) -> IO[bytes]:
    """The tar stream inside a file, by what its first bytes say."""
    if first.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.open(archive))
    if first.startswith(b"\xfd7zXZ\0"):
        return lzma.open(archive)
    if first.startswith(b"BZh"):
        return bz2.open(archive)
    return archive.open("rb")


def tar_entry(archive: Path, info: tarfile.TarInfo) -> Entry:
    """A tar header as an entry."""
    if info.issparse():
        raise refused(archive, f"{info.name!r} is a sparse file")
    if info.isreg():
        executable = bool(info.mode & stat.S_IXUSR)
        return Entry(info.name, FILE, info.size, executable, "", float(info.mtime))
    for kind, fits in ((FOLDER, info.isdir()), (LINK, info.issym()), (HARD, info.islnk())):
        if fits:
            return Entry(info.name, kind, target=info.linkname)
    kinds = {tarfile.CHRTYPE: "a device", tarfile.BLKTYPE: "a device", tarfile.FIFOTYPE: "a pipe"}
    raise refused(archive, f"{info.name!r} is {kinds.get(info.type, 'of an unknown kind')}")


def tar_members(archive: Path, first: bytes, limits: Limits) -> Iterator[Member]:
    with decompressed(archive, first) as stream:
        forward = Forward(stream, archive, limits)
        with forward.reading_header():
            tar = tarfile.TarFile(
                fileobj=forward,  # type: ignore[arg-type]
                encoding="utf-8",
                errors="surrogateescape",
            )
        while True:
            with forward.reading_header():
                info = tar.next()
            if info is None:
                break
            tar.members = []  # type: ignore[attr-defined]  # it would keep every header
            yield tar_entry(archive, info), tar.extractfile(info) if info.isreg() else None
        # tarfile takes a damaged header for the end: the end is a block of zeros, or no more bytes
        if forward.last.strip(b"\0"):
            raise refused(archive, "it is damaged: a header in its middle makes no sense")


def zip_entry(archive: Path, info: zipfile.ZipInfo) -> Entry:
    """A zip directory entry; a link's target is its content."""
    name = info.filename
    if not info.flag_bits & 0x800 and not name.isascii():
        raise refused(archive, f"the name {name!r} is in an unknown encoding")
    if info.flag_bits & 0x1:
        raise refused(archive, f"{name!r} is encrypted")
    mode = info.external_attr >> 16 if info.create_system == 3 else 0
    year, month, day, *clock = info.date_time
    date = (year, max(month, 1), max(day, 1))  # many a zip has no date
    modified = float(calendar.timegm((*date, *clock)))
    if info.is_dir() and stat.S_IFMT(mode) in (0, stat.S_IFDIR):
        return Entry(name, FOLDER)
    if stat.S_IFMT(mode) in (0, stat.S_IFREG) and not info.is_dir():
        return Entry(name, FILE, info.file_size, bool(mode & stat.S_IXUSR), "", modified)
    if stat.S_ISLNK(mode):
        return Entry(name, LINK, info.file_size)
    raise refused(archive, f"{name!r} is no file, folder or link")


def zip_members(archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as whole:
        for info in whole.infolist():
            entry = zip_entry(archive, info)
            if entry.kind == FOLDER:
                yield entry, None
                continue
            with whole.open(info) as content:
                if entry.kind == LINK:
                    target = content.read(4097).decode("utf-8", "surrogateescape")
                    yield Entry(entry.path, LINK, target=target), None
                else:
                    yield entry, content


@contextmanager
def sound(archive: Path) -> Iterator[None]:
    """Whatever the decoders raise over damaged bytes becomes one error."""
    try:
        yield
    except DAMAGED as error:
        raise refused(archive, f"it is damaged ({error or type(error).__name__})") from None
    except OSError as error:
        if error.errno is None:  # how bz2 says that its data is wrong
            raise refused(archive, f"it is damaged ({error})") from None
        raise


def copy(archive: Path, content: IO[bytes] | None) -> Iterator[bytes]:
    """A member's content in pieces."""
    with sound(archive):
        while content is not None and (piece := content.read(PIECE)):
            yield piece


def members(archive: Path, limits: Limits) -> Iterator[Member]:
    """Each entry, with its content if it is a file: read it before the next one."""
    with archive.open("rb") as handle:
        first = handle.read(8)
    with sound(archive):
        if first.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            yield from zip_members(archive)
        else:
            yield from tar_members(archive, first, limits)

# SPDX-License-Identifier: BSD-2-Clause
"""Downloads and archives on a disk that is full, or that may not be written."""

from __future__ import annotations

import errno
import io
import os
import tarfile
from pathlib import Path

import pytest
from local_mirror import Handler, Mirror, Route, file
from netmap_build import cache, space
from netmap_build.downloads import Download, fetch, unpack
from netmap_build.downloads.partial import Partial
from netmap_build.errors import BuildError
from test_downloads import BODY, Desk, item, sha256

BIG = os.urandom(1 << 20) * 2  # twice the small disk


def chunked(body: bytes) -> Route:
    """An answer that does not say how much is to come."""

    def answer(handler: Handler) -> None:
        handler.head(200, ETag='"one"')
        try:
            handler.wfile.write(body)
        except OSError:
            return

    return answer


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    return Desk(tmp_path / "cache")


def full(*_: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_that_fills_up_is_said_once_and_gets_its_bytes_back(
    mirror: Mirror, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.routes |= {"/f": file(BODY), "/g": file(BODY)}
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(BuildError) as caught:
        desk(item(mirror.url("/f"), mirror.url("/g")))
    monkeypatch.undo()
    assert caught.value.message == f"no space left for driver.tar.gz in {desk.root}/downloads"
    assert "type: NETMAP_BUILD_CACHE=" in caught.value.hint
    assert desk.leftovers() == []
    assert len(mirror.asked) == 1  # another mirror would not make room


def test_a_device_without_space_is_no_success() -> None:
    with pytest.raises(OSError, match="No space left"):
        Partial(Path("/dev/full")).append(b"x")


def test_what_cannot_fit_is_not_asked_for(mirror: Mirror, desk: Desk) -> None:
    wanted = Download("huge.tar", (mirror.url("/f"),), sha256="0" * 64, size=1 << 60)
    with pytest.raises(BuildError, match=r"no space left for huge.tar .* it takes 115\d+\.\d MB"):
        desk(wanted)
    assert mirror.asked == []


def test_what_the_server_announces_is_checked_too(
    mirror: Mirror, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.routes["/f"] = file(BODY)
    monkeypatch.setattr(space, "free", lambda folder: len(BODY) - 1)
    with pytest.raises(BuildError, match=r"it takes 0\.3 MB, 0\.3 MB are free"):
        desk(item(mirror.url("/f")))
    assert desk.leftovers() == []


def test_a_small_disk_is_left_as_empty_as_it_was(
    mirror: Mirror, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cache.VARIABLE, str(small_disk))
    mirror.routes["/f"] = chunked(BIG)
    wanted = Download("big", (mirror.url("/f"),), sha256=sha256(BIG))
    with pytest.raises(BuildError) as caught:
        fetch([wanted], cache_root=small_disk)
    assert caught.value.message == f"no space left for big in {small_disk}/downloads"
    assert sum(path.stat().st_size for path in small_disk.rglob("*") if path.is_file()) == 0


def test_an_archive_too_big_for_the_disk_leaves_nothing(small_disk: Path, tmp_path: Path) -> None:
    archive = tmp_path / "big.tar"
    with tarfile.open(archive, "w") as tar:
        for number in range(4):
            info = tarfile.TarInfo(f"d/{number}")
            info.size = 1 << 19
            tar.addfile(info, io.BytesIO(bytes(info.size)))
    with pytest.raises(BuildError, match=r"no space left for unpacking big\.tar in "):
        unpack(archive, small_disk / "tree")
    assert list(small_disk.iterdir()) == []


def test_a_cache_that_cannot_be_made_is_two_lines(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BuildError) as caught:
        fetch([item(mirror.url("/f"))], cache_root=tmp_path / "file/cache")
    assert "not a directory" in caught.value.message.lower()
    assert caught.value.hint

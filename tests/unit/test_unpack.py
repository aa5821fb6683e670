# SPDX-License-Identifier: BSD-2-Clause
"""Unpacking: what sources need, and every way out of the folder that is refused."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import os
import stat
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from netmap_build import cache
from netmap_build.downloads import Limits, tree_sha256, unpack, unpacking
from netmap_build.errors import BuildError


def part(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    """A tar header, a plain file if nothing else is said, and its content."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    info.mode = 0o644
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def folder(name: str) -> tuple[tarfile.TarInfo, bytes]:
    return part(name, type=tarfile.DIRTYPE, mode=0o777)


def link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return part(name, type=tarfile.SYMTYPE, linkname=target)


def hard(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return part(name, type=tarfile.LNKTYPE, linkname=target)


Parts = Sequence[tuple[tarfile.TarInfo, bytes]]
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "tar": lambda data: data,
    "gz": gzip.compress,
    "xz": lzma.compress,
    "bz2": bz2.compress,
}


def tar(path: Path, parts: Parts, packer: str = "gz", form: int = tarfile.PAX_FORMAT) -> Path:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=form, errors="surrogateescape") as out:
        for info, content in parts:
            out.addfile(info, io.BytesIO(content))
    path.write_bytes(PACKERS[packer](data.getvalue()))
    return path


def zipped(path: Path, parts: Sequence[tuple[str, int, bytes]]) -> Path:
    """Names with a Unix mode and content."""
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        warnings.simplefilter("ignore")  # of names that are there twice
        for name, mode, content in parts:
            info = zipfile.ZipInfo(name, (2026, 1, 2, 3, 4, 6))
            info.create_system = 3
            info.external_attr = mode << 16
            out.writestr(info, content)
    return path


SOURCE: Parts = [
    folder("ixgbe-1.2"),
    part("ixgbe-1.2/Makefile", b"all:\n", mtime=1_600_000_000),
    part("ixgbe-1.2/src/main.c", b"int x;\n" * 9000),
    part("ixgbe-1.2/configure", b"#!/bin/sh\n", mode=0o4777),
    link("ixgbe-1.2/src/Kbuild", "../Makefile"),
    hard("ixgbe-1.2/src/copy.c", "ixgbe-1.2/src/main.c"),
]


def content_of(root: Path) -> dict[str, str]:
    """Each name with its mode, and content or target."""
    found = {}
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_dir():
            found[name] = f"{stat.S_IMODE(path.stat().st_mode):o}/"
        else:
            found[name] = f"{stat.S_IMODE(path.stat().st_mode):o} {len(path.read_bytes())}"
    return found


UNPACKED = {
    "Makefile": "644 5",
    "configure": "755 10",
    "src": "755/",
    "src/main.c": "644 63000",
    "src/copy.c": "644 63000",
    "src/Kbuild": "-> ../Makefile",
}


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_a_source_archive_unpacks_whatever_packed_it(
    tmp_path: Path, packer: str, form: int
) -> None:
    archive = tar(tmp_path / "nameless", SOURCE, packer, form)
    into = tmp_path / "new/tree"
    assert unpack(archive, into, strip=1) == into
    assert content_of(into) == UNPACKED
    assert (into / "src/Kbuild").read_text() == "all:\n"
    assert (into / "Makefile").stat().st_mtime == 1_600_000_000
    assert [path.name for path in into.parent.iterdir()] == ["tree"]


def test_modes_do_not_depend_on_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        unpack(tar(tmp_path / "a", SOURCE), tmp_path / "tree", strip=1)
    finally:
        os.umask(before)
    assert content_of(tmp_path / "tree") == UNPACKED


def test_a_hard_link_becomes_a_file_of_its_own(tmp_path: Path) -> None:
    unpack(tar(tmp_path / "a", SOURCE), tmp_path / "tree", strip=1)
    (tmp_path / "tree/src/copy.c").write_text("other")
    assert (tmp_path / "tree/src/main.c").read_bytes() == b"int x;\n" * 9000


def test_long_names_and_large_files_unpack(tmp_path: Path) -> None:
    long = "/".join(["drivers-of-many-vendors"] * 20) + "/file.c"
    body = os.urandom(700_000)
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        parts = [part(long, body), link("s", long), part("späße.txt", b"1")]
        unpack(tar(tmp_path / "a", parts, "gz", form), tmp_path / "tree")
        assert (tmp_path / "tree/s").read_bytes() == body
        assert (tmp_path / "tree/späße.txt").read_bytes() == b"1"


def test_a_zip_unpacks(tmp_path: Path) -> None:
    archive = zipped(
        tmp_path / "nameless",
        [
            ("top/", 0o40777, b""),
            ("top/run", 0o106777, b"#!"),
            ("top/späße", 0o100600, b"x" * 1000),
            ("top/l", 0o120777, "späße".encode()),
            ("top/dos.txt", 0, b"1"),
        ],
    )
    unpack(archive, tmp_path / "tree", strip=1)
    assert content_of(tmp_path / "tree") == {
        "run": "755 2",
        "späße": "644 1000",
        "l": "-> späße",
        "dos.txt": "644 1",
    }


def test_a_zip_without_dates_unpacks(tmp_path: Path) -> None:
    data = bytearray(zipped(tmp_path / "a", [("f", 0o100644, b"1")]).read_bytes())
    for signature, offset in ((b"PK\x03\x04", 10), (b"PK\x01\x02", 12)):
        start = data.index(signature) + offset
        data[start : start + 4] = bytes(4)
    (tmp_path / "a").write_bytes(data)
    unpack(tmp_path / "a", tmp_path / "tree")
    assert (tmp_path / "tree/f").read_bytes() == b"1"


def test_the_new_tree_replaces_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/old").touch()
    unpack(tar(tmp_path / "a", SOURCE), tmp_path / "tree", strip=1)
    assert content_of(tmp_path / "tree") == UNPACKED


def test_stripping_leaves_out_what_lies_above(tmp_path: Path) -> None:
    archive = tar(tmp_path / "a", [part("README"), part("a/b/c"), part("a/d")])
    unpack(archive, tmp_path / "tree", strip=2)
    assert content_of(tmp_path / "tree") == {"c": "644 0"}


OUTSIDE = r"the link .* leads outside"
REFUSED: dict[str, tuple[Parts, str]] = {
    "a name with ..": ([part("a/../../x")], "leads upwards"),
    "a folder named ..": ([folder("..")], "leads upwards"),
    "an absolute name": ([part("/etc/x")], "is absolute"),
    "an absolute folder": ([folder("/x")], "is absolute"),
    "an absolute link": ([link("l", "/etc/passwd")], "leads to '/etc/passwd'"),
    "a link to nothing": ([link("l", "")], "leads to ''"),
    "a link upwards": ([link("l", "..")], OUTSIDE),
    "a link that leads outside": ([folder("d"), link("d/l", "../../x")], OUTSIDE),
    "a link that comes back": ([link("d/l", "../../here/x")], OUTSIDE),
    "links that add up": ([link("a/b/c", "../.."), link("m", "a/b/c/../x")], OUTSIDE),
    "links that add up later": ([link("m", "a/b/c/../x"), link("a/b/c", "../..")], OUTSIDE),
    "links in a circle": ([link("a", "b"), link("b", "a")], "round in circles"),
    "a file through a link": ([link("d", "e"), part("d/f")], "behind 'd', which is a link"),
    "a link under files": ([part("d/f"), link("d", "e")], "'d' is there twice"),
    "a folder through a link": ([folder("e"), link("d", "e"), folder("d/f")], "behind 'd'"),
    "a link through a link": ([link("d", "e"), link("d/f", "g")], "behind 'd'"),
    "a file below a file": ([part("d"), part("d/f")], "behind 'd', which is a file"),
    "a link written over": ([link("l", "f"), part("l", b"1")], "as a link and as a file"),
    "a file twice": ([part("f"), part("./f")], "as a file and as a file"),
    "a folder and a file": ([folder("f"), part("f")], "as a folder and as a file"),
    "a hard link outside": ([hard("h", "../../etc/passwd")], "leads upwards"),
    "an absolute hard link": ([hard("h", "/etc/passwd")], "is absolute"),
    "a hard link to nothing": ([hard("h", "x")], "hard link to 'x', no file before it"),
    "a hard link forwards": ([hard("h", "x"), part("x")], "no file before it"),
    "a hard link to a link": ([link("l", "f"), part("f"), hard("h", "l")], "no file before it"),
    "a hard link through a link": (
        [folder("e"), part("e/f"), link("d", "e"), hard("h", "d/f")],
        "no file before it",
    ),
    "a character device": ([part("null", type=tarfile.CHRTYPE)], "is a device"),
    "a block device": ([part("sda", type=tarfile.BLKTYPE)], "is a device"),
    "a pipe": ([part("p", type=tarfile.FIFOTYPE)], "is a pipe"),
    "an unknown kind": ([part("x", type=b"Z")], "of an unknown kind"),
    "a control character": ([part("a\nb")], "control characters"),
    "an escape in a target": ([link("l", "\x1b[2J")], "control characters"),
    "a name that is not UTF-8": ([part("a\udcff")], "is not UTF-8"),
    "a target that is not UTF-8": ([link("l", "a\udcff")], "not UTF-8"),
    "a part too long": ([part("a" * 256)], "too long"),
    "a path too long": ([part("/".join(["a"] * 3000))], "too long"),
    "nothing": ([], "nothing is in it|damaged"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_an_archive_is_refused_that_has(what: str, tmp_path: Path) -> None:
    parts, why = REFUSED[what]
    inner = tmp_path / "deep/er"
    archive = tar(tmp_path / "bad.tar", [part("fine", b"1"), *parts] if parts else [])
    with pytest.raises(BuildError, match=rf"^the archive bad\.tar is refused: .*({why})"):
        unpack(archive, inner / "tree")
    assert list(inner.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.tar", "deep"]
    with pytest.raises(BuildError, match=why):
        tree_sha256(archive)


def test_a_link_inside_before_stripping_and_outside_after_is_refused(tmp_path: Path) -> None:
    archive = tar(tmp_path / "a", [part("top/f"), link("top/l", "../top/f")])
    unpack(archive, tmp_path / "whole")
    assert (tmp_path / "whole/top/l").resolve() == tmp_path / "whole/top/f"
    with pytest.raises(BuildError, match=OUTSIDE):
        unpack(archive, tmp_path / "tree", strip=1)


def test_a_hard_link_to_what_was_stripped_is_refused(tmp_path: Path) -> None:
    archive = tar(tmp_path / "a", [part("f"), hard("top/h", "f")])
    with pytest.raises(BuildError, match="no file before it"):
        unpack(archive, tmp_path / "tree", strip=1)


def test_stripping_everything_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="nothing is left after stripping"):
        unpack(tar(tmp_path / "a", SOURCE), tmp_path / "tree", strip=9)


ZIPS: dict[str, tuple[list[tuple[str, int, bytes]], str]] = {
    "a name with ..": ([("../x", 0o100644, b"")], "leads upwards"),
    "an absolute name": ([("/x", 0o100644, b"")], "is absolute"),
    "a link that leads outside": ([("l", 0o120777, b"../x")], OUTSIDE),
    "a file through a link": ([("d", 0o120777, b"e"), ("d/f", 0o100644, b"")], "behind 'd'"),
    "a file twice": ([("f", 0o100644, b"1"), ("f", 0o100644, b"2")], "there twice"),
    "a pipe": ([("p", 0o010644, b"")], "no file, folder or link"),
    "a device": ([("p", 0o020644, b"")], "no file, folder or link"),
    "a file named as a folder": ([("d/", 0o100644, b"")], "no file, folder or link"),
    "an endless target": ([("l", 0o120777, b"a/" * 4000)], "leads to"),
}


@pytest.mark.parametrize("what", ZIPS)
def test_a_zip_is_refused_that_has(what: str, tmp_path: Path) -> None:
    parts, why = ZIPS[what]
    archive = zipped(tmp_path / "bad.zip", [("fine", 0o100644, b"1"), *parts])
    with pytest.raises(BuildError, match=rf"^the archive bad\.zip is refused: .*{why}"):
        unpack(archive, tmp_path / "tree")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.zip"]


@pytest.mark.parametrize(
    ("flag", "why"), [(0x1, "is encrypted"), (0x0, "unknown encoding"), (0x800, "damaged")]
)
def test_a_zip_with_a_name_or_content_that_cannot_be_read_is_refused(
    tmp_path: Path, flag: int, why: str
) -> None:
    data = bytearray(zipped(tmp_path / "bad.zip", [("abc", 0o100644, b"1")]).read_bytes())
    for signature, flags, name in ((b"PK\x03\x04", 6, 30), (b"PK\x01\x02", 8, 46)):
        start = data.index(signature)
        struct.pack_into("<H", data, start + flags, flag)
        if flag != 1:
            data[start + name] = 0xFF
    (tmp_path / "bad.zip").write_bytes(data)
    with pytest.raises(BuildError, match=why):
        unpack(tmp_path / "bad.zip", tmp_path / "tree")


@pytest.mark.parametrize("packer", PACKERS)
def test_a_bomb_of_bytes_is_stopped_early(tmp_path: Path, packer: str) -> None:
    archive = tar(tmp_path / "bomb", [part(f"f{n}", bytes(1 << 20)) for n in range(4)], packer)
    with pytest.raises(BuildError, match="unpacks to more than 3000000 bytes"):
        unpack(archive, tmp_path / "tree", limits=Limits(size=3_000_000))
    assert [path.name for path in tmp_path.iterdir()] == ["bomb"]


def test_a_bomb_of_a_zip_is_stopped(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "bomb", [(f"f{n}", 0o100644, bytes(1 << 20)) for n in range(4)])
    with pytest.raises(BuildError, match="unpacks to more than 3000000 bytes"):
        unpack(archive, tmp_path / "tree", limits=Limits(size=3_000_000))


def test_a_bomb_of_entries_is_stopped(tmp_path: Path) -> None:
    archive = tar(tmp_path / "bomb", [folder(f"d{n}") for n in range(20)])
    with pytest.raises(BuildError, match="more than 19 entries"):
        unpack(archive, tmp_path / "tree", limits=Limits(entries=19))
    unpack(archive, tmp_path / "tree", limits=Limits(entries=20))


def test_a_bomb_of_hard_links_is_stopped(tmp_path: Path) -> None:
    """Each becomes a copy, so each counts."""
    parts = [part("f", bytes(1000)), *[hard(f"h{n}", "f") for n in range(10)]]
    with pytest.raises(BuildError, match="unpacks to more than 5000 bytes"):
        unpack(tar(tmp_path / "bomb", parts), tmp_path / "tree", limits=Limits(size=5000))


def test_a_claimed_size_is_judged_before_anything_is_read(tmp_path: Path) -> None:
    """An exabyte is announced; its header alone is there."""
    info, _ = part("f")
    info.size = 1 << 60
    header = info.tobuf(tarfile.GNU_FORMAT)
    (tmp_path / "bomb").write_bytes(gzip.compress(header + bytes(1024)))
    with pytest.raises(BuildError, match="unpacks to more than"):
        unpack(tmp_path / "bomb", tmp_path / "tree")


def test_a_header_that_wants_the_memory_is_refused(tmp_path: Path) -> None:
    info, _ = part("f", type=tarfile.XHDTYPE)
    info.size = 1 << 33
    (tmp_path / "bomb").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20))
    with pytest.raises(BuildError, match="has a header of more than"):
        unpack(tmp_path / "bomb", tmp_path / "tree")


def test_a_negative_size_is_refused(tmp_path: Path) -> None:
    info, _ = part("f")
    info.size = -512
    (tmp_path / "bad").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    with pytest.raises(BuildError, match=r"refused"):
        unpack(tmp_path / "bad", tmp_path / "tree")


def test_a_sparse_file_is_refused(tmp_path: Path) -> None:
    sparse = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "99"}
    info, _ = part("f", b"1\n0\n1\n", pax_headers=sparse)
    archive = tar(tmp_path / "bad", [(info, b"1\n0\n1\n")])
    with pytest.raises(BuildError, match=r"is a sparse file"):
        unpack(archive, tmp_path / "tree")


@pytest.mark.parametrize("packer", PACKERS)
def test_a_truncated_archive_is_refused(tmp_path: Path, packer: str) -> None:
    whole = tar(tmp_path / "a", [part(f"f{n}", os.urandom(3000)) for n in range(20)], packer)
    data = whole.read_bytes()
    for size in (0, 1, 7, 100, len(data) // 2 + 1):
        (tmp_path / "bad").write_bytes(data[:size])
        with pytest.raises(
            BuildError, match=r"^the archive bad is refused: (it is damaged|nothing)"
        ):
            unpack(tmp_path / "bad", tmp_path / "tree")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "bad"]


def test_a_damaged_header_in_the_middle_is_no_end(tmp_path: Path) -> None:
    data = bytearray(tar(tmp_path / "a", [part("f"), part("g"), part("h")], "tar").read_bytes())
    data[512] ^= 1
    (tmp_path / "bad").write_bytes(data)
    with pytest.raises(BuildError, match="a header in its middle"):
        unpack(tmp_path / "bad", tmp_path / "tree")


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page").write_text("<html>not found</html>" * 100)
    with pytest.raises(BuildError, match="the archive page is refused: it is damaged"):
        unpack(tmp_path / "page", tmp_path / "tree")


def test_an_interrupt_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(unpacking, "duplicate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        unpack(tar(tmp_path / "a", SOURCE), tmp_path / "tree")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_cache_that_may_not_be_written_says_how_to_move_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(path: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    monkeypatch.setattr(unpacking, "make_folder", read_only)
    with pytest.raises(
        BuildError, match=r"the build cache cannot be written .* read-only"
    ) as caught:
        unpack(tar(tmp_path / "a", SOURCE), tmp_path / "tree")
    assert cache.VARIABLE in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["a"]

# SPDX-License-Identifier: BSD-2-Clause
"""tree-sha256: equal for one tree however it is packed, different for any other tree."""

from __future__ import annotations

import hashlib
import io
import os
import random
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from local_mirror import Mirror, file
from netmap_build.downloads import Download, tree_sha256, unpack
from netmap_build.errors import BuildError
from test_downloads import Desk
from test_unpack import PACKERS, folder, hard, link, part, tar, zipped


@dataclass(frozen=True)
class Leaf:
    """A file or, with a target, a link."""

    content: bytes = b""
    executable: bool = False
    target: str = ""


Leaves = Mapping[str, Leaf]
TREE: Leaves = {
    "top/Makefile": Leaf(b"all:\n"),
    "top/run": Leaf(b"#!/bin/sh\n", True),
    "top/src/späße.c": Leaf(b"int x;\n"),
    "top/src/link": Leaf(target="../run"),
}
# By hand, with sha256sum and printf; the definition is at the top of tree_hash.py.
KNOWN = "67f8dbd96e582f4c2b6a4ef7f738a1b29dc52911ae2df6c009b83c8dedb0906c"


def packed(path: Path, leaves: Leaves, packer: str = "gz", seed: int = 0) -> Path:
    """An archive whose order, times, owners and folders depend on the seed."""
    chance = random.Random(seed)
    names = list(leaves)
    chance.shuffle(names)
    parts = [folder(name.rpartition("/")[0]) for name in names if "/" in name][:seed]
    for name in names:
        leaf = leaves[name]
        noise = {"mtime": chance.randrange(1 << 30), "uid": seed, "uname": f"u{seed}"}
        if leaf.target:
            info, content = link(name, leaf.target)
        else:
            mode = 0o755 if leaf.executable else 0o644
            info, content = part(name, leaf.content, mode=mode & ~chance.choice([0, 0o22, 0o55]))
        for field, value in noise.items():
            setattr(info, field, value)
        parts.append((info, content))
    return tar(path, parts, packer)


def as_zip(path: Path, leaves: Leaves) -> Path:
    parts = []
    for name, leaf in leaves.items():
        mode = 0o120777 if leaf.target else 0o100755 if leaf.executable else 0o100644
        parts.append((name, mode, leaf.target.encode() or leaf.content))
    return zipped(path, parts)


def by_hand(leaves: Leaves) -> str:
    """The definition once more, spelled another way."""
    text = b"netmap-tree-1\n"
    for name in sorted(name.encode() for name in leaves):
        leaf = leaves[name.decode()]
        kind = b"l" if leaf.target else b"x" if leaf.executable else b"f"
        content = leaf.target.encode() if leaf.target else leaf.content
        text += b"%b %b %b\0" % (kind, hashlib.sha256(content).hexdigest().encode(), name)
    return hashlib.sha256(text).hexdigest()


def test_the_hash_of_a_known_tree_stays(tmp_path: Path) -> None:
    assert tree_sha256(packed(tmp_path / "a", TREE)) == KNOWN == by_hand(TREE)


@pytest.mark.parametrize("packer", PACKERS)
def test_packing_it_another_way_keeps_the_hash(tmp_path: Path, packer: str) -> None:
    assert tree_sha256(packed(tmp_path / "a", TREE, packer, seed=7)) == KNOWN


def test_a_zip_and_the_unpacked_folder_have_the_same_hash(tmp_path: Path) -> None:
    archive = as_zip(tmp_path / "a", TREE)
    assert tree_sha256(archive) == KNOWN
    tree = unpack(archive, tmp_path / "tree")
    assert tree_sha256(tree) == KNOWN
    (tree / "empty").mkdir()
    assert tree_sha256(tree) == KNOWN


def test_stripping_takes_the_top_folder_out_of_the_hash(tmp_path: Path) -> None:
    archive = packed(tmp_path / "a", TREE)
    tree = unpack(archive, tmp_path / "tree", strip=1)
    assert tree_sha256(tree) == tree_sha256(archive, strip=1) != KNOWN


def test_a_hard_link_counts_as_its_file(tmp_path: Path) -> None:
    first = tar(tmp_path / "a", [part("f", b"1", mode=0o755), hard("g", "f")])
    second = tar(tmp_path / "b", [part(name, b"1", mode=0o755) for name in "fg"])
    assert tree_sha256(first) == tree_sha256(second)


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("top/Makefile", Leaf(b"alL:\n")),
        ("top/Makefile", Leaf(b"all:\n", True)),
        ("top/Makefile", Leaf(b"all:\n\0")),
        ("top/run", Leaf(b"#!/bin/sh\n", False)),
        ("top/src/link", Leaf(target="../Makefile")),
        ("top/src/link", Leaf(b"../run")),
        ("top/new", Leaf()),
    ],
)
def test_any_change_shows(tmp_path: Path, name: str, changed: Leaf) -> None:
    assert tree_sha256(packed(tmp_path / "a", {**TREE, name: changed})) != KNOWN


def test_a_name_that_changes_or_vanishes_shows(tmp_path: Path) -> None:
    less = {name: leaf for name, leaf in TREE.items() if name != "top/run"}
    assert tree_sha256(packed(tmp_path / "a", less)) != KNOWN
    assert tree_sha256(packed(tmp_path / "a", {**less, "top/Run": TREE["top/run"]})) != KNOWN


def test_a_pipe_in_a_folder_has_no_hash(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p")
    with pytest.raises(BuildError, match="is no file, folder or link"):
        tree_sha256(tmp_path)


words = st.text("abcé .-", min_size=1, max_size=4).filter(lambda w: w.strip(" .") != "")
paths = st.lists(words, min_size=1, max_size=3).map("/".join)
files = st.builds(Leaf, st.binary(max_size=40), st.booleans())
links = st.builds(Leaf, target=words)


def apart(names: set[str]) -> bool:
    """No name is a folder of another one."""
    return not any(other.startswith(f"{name}/") for name in names for other in names)


trees = st.dictionaries(paths, files | links, min_size=1, max_size=6).filter(
    lambda tree: apart(set(tree))
)
bounded = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@bounded
@given(tree=trees, seed=st.integers(0, 9), packer=st.sampled_from(["tar", "gz", "bz2"]))
def test_every_packing_of_a_tree_has_the_hash_of_the_definition(
    tmp_path: Path, tree: Leaves, seed: int, packer: str
) -> None:
    archive = packed(tmp_path / "a", tree, packer, seed)
    try:
        found = tree_sha256(archive)
    except BuildError as error:
        assert "circles" in error.message  # names and targets at random may do that
        return
    assert found == by_hand(tree) == tree_sha256(as_zip(tmp_path / "z", tree))
    assert tree_sha256(unpack(archive, tmp_path / "tree")) == found


@bounded
@given(tree=trees, data=st.data())
def test_every_change_of_a_leaf_changes_the_hash(
    tmp_path: Path, tree: Leaves, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(tree)))
    leaf = data.draw(files.filter(lambda leaf: leaf != tree[name]))
    plain = {**{name: Leaf(one.content) for name, one in tree.items()}, name: tree[name]}
    if tree[name].target in {part for path in tree for part in path.split("/")}:
        return  # it may lead to itself
    before = tree_sha256(packed(tmp_path / "a", plain))
    assert tree_sha256(packed(tmp_path / "b", {**plain, name: leaf})) != before


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "cache")


def by_tree(*urls: str) -> Download:
    return Download("driver.tar", urls, tree_sha256=KNOWN)


@pytest.mark.parametrize("packer", ["gz", "xz"])
def test_a_download_pinned_by_its_tree_may_be_packed_anyhow(
    mirror: Mirror, desk: Desk, tmp_path: Path, packer: str
) -> None:
    archive = packed(tmp_path / "a", TREE, packer)
    mirror.routes["/a"] = file(archive.read_bytes())
    for _ in range(2):
        [path] = desk(by_tree(mirror.url("/a")))
        assert path.read_bytes() == archive.read_bytes()
    assert mirror.hits("/a") == 1
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert path == desk.store.file(sha256)
    assert desk.store.index(KNOWN).read_text() == sha256 + "\n"


def test_another_tree_or_no_archive_at_all_is_refused(
    mirror: Mirror, desk: Desk, tmp_path: Path
) -> None:
    other = packed(tmp_path / "other", {**TREE, "top/run": Leaf(b"rm -r\n", True)})
    escape = tar(tmp_path / "escape", [part("../x")])
    good = packed(tmp_path / "good", TREE)
    mirror.routes |= {
        "/other": file(other.read_bytes()),
        "/escape": file(escape.read_bytes()),
        "/page": file(b"<html>"),
        "/good": file(good.read_bytes()),
    }
    desk(by_tree(*[mirror.url(path) for path in mirror.routes]))
    assert f"expected tree-sha256 {KNOWN}, found {tree_sha256(other)}" in desk.told.lines[0]
    assert "leads upwards" in desk.told.lines[1]
    assert "is damaged" in desk.told.lines[2]
    assert len(desk.told.lines) == 3
    assert [kept.path.name for kept in desk.store.kept()] == [
        hashlib.sha256(good.read_bytes()).hexdigest()
    ]


@pytest.mark.parametrize("index", ["", "../../x", "0" * 64])
def test_a_damaged_index_is_fetched_again(
    mirror: Mirror, desk: Desk, tmp_path: Path, index: str
) -> None:
    mirror.routes["/a"] = file(packed(tmp_path / "a", TREE).read_bytes())
    [path] = desk(by_tree(mirror.url("/a")))
    desk.store.index(KNOWN).write_text(index)
    assert desk(by_tree(mirror.url("/a"))) == [path]
    assert mirror.hits("/a") == 2


def test_pruning_an_archive_forgets_its_tree(mirror: Mirror, desk: Desk, tmp_path: Path) -> None:
    mirror.routes["/a"] = file(packed(tmp_path / "a", TREE).read_bytes())
    [path] = desk(by_tree(mirror.url("/a")))
    os.utime(path, (0, 0))
    desk.store.prune(days=1)
    assert not desk.store.index(KNOWN).exists()
    with pytest.raises(BuildError, match="offline"):
        desk(by_tree(mirror.url("/a")), offline=True)


def test_an_archive_of_tarfile_itself_has_the_hash(tmp_path: Path) -> None:
    """Not our own helper: the folder as any tar program would pack it."""
    tree = unpack(packed(tmp_path / "a", TREE), tmp_path / "tree")
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:xz") as out:
        out.add(tree / "top", "./top")
    (tmp_path / "b").write_bytes(data.getvalue())
    assert tree_sha256(tmp_path / "b") == KNOWN

# SPDX-License-Identifier: BSD-2-Clause
"""Writing under another root."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from netmap_build.rooted import Loop, Root


@pytest.fixture
def root(tmp_path: Path) -> Root:
    folder = tmp_path / "root"
    folder.mkdir()
    return Root(folder)


def test_a_relative_link_of_the_tree_is_followed(root: Root) -> None:
    (root.folder / "usr/lib").mkdir(parents=True)
    (root.folder / "lib").symlink_to("usr/lib")
    assert root.place("/lib/modules/x") == root.folder / "usr/lib/modules/x"


def test_an_absolute_link_means_the_trees_own_folder(root: Root) -> None:
    (root.folder / "lib").symlink_to("/usr/lib")
    assert root.place("/lib/modules/x") == root.folder / "usr/lib/modules/x"


def test_no_link_leads_out_of_the_root(root: Root) -> None:
    (root.folder / "lib").symlink_to("../../../../etc")
    assert root.place("/lib/passwd") == root.folder / "etc/passwd"


def test_the_last_part_of_a_path_is_not_followed(root: Root) -> None:
    (root.folder / "tool").symlink_to("/bin/sh")
    assert root.place("/tool") == root.folder / "tool"
    assert root.content("/tool") == "link /bin/sh"


def test_links_in_a_circle_are_an_error(root: Root) -> None:
    (root.folder / "a").symlink_to("b")
    (root.folder / "b").symlink_to("a")
    with pytest.raises(Loop):
        root.place("/a/x")


def test_missing_folders_are_named_outermost_first_where_links_lead(root: Root) -> None:
    (root.folder / "lib").symlink_to("usr/lib")
    assert root.missing_folders("/lib/modules/x") == ["/usr", "/usr/lib", "/usr/lib/modules"]
    (root.folder / "usr/lib").mkdir(parents=True)
    assert root.missing_folders("/lib/modules/x") == ["/usr/lib/modules"]


def test_a_written_file_has_its_mode_whatever_the_umask(root: Root) -> None:
    before = os.umask(0o077)
    try:
        root.make_folder("/bin")
        root.write("/bin/tool", b"new", 0o755)
        root.write("/file", b"new", 0o644)
    finally:
        os.umask(before)
    modes = [(root.folder / name).stat().st_mode & 0o777 for name in ("bin", "bin/tool", "file")]
    assert modes == [0o755, 0o755, 0o644]


def test_a_file_that_cannot_be_finished_leaves_the_old_one_and_nothing_else(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    root.write("/file", b"old", 0o644)

    def full(_: int) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        root.write("/file", b"new", 0o644)
    assert [path.name for path in root.folder.iterdir()] == ["file"]
    assert (root.folder / "file").read_bytes() == b"old"


def test_a_link_replaces_a_file_and_a_file_a_link(root: Root) -> None:
    root.write("/name", b"data", 0o644)
    root.link("/name", "elsewhere")
    assert root.content("/name") == "link elsewhere"
    root.write("/name", b"data", 0o644)
    assert not (root.folder / "name").is_symlink()
    assert (root.folder / "name").read_bytes() == b"data"


def test_a_full_folder_is_not_removed(root: Root) -> None:
    (root.folder / "a/b").mkdir(parents=True)
    assert not root.remove_empty("/a")
    assert root.remove_empty("/a/b")
    assert root.remove_empty("/a")

# SPDX-License-Identifier: BSD-2-Clause
"""The build cache."""

from __future__ import annotations

from pathlib import Path

import pytest
from netmap_build import cache


def test_the_cache_lies_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "mine"))
    assert cache.root() == tmp_path / "mine"
    monkeypatch.delenv(cache.VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.root() == tmp_path / "xdg/netmap-build"


def test_a_folder_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    final = tmp_path / "a/b"
    with pytest.raises(RuntimeError), cache.new_folder(final) as scratch:
        (scratch / "half").touch()
        raise RuntimeError
    assert list(final.parent.iterdir()) == []
    with cache.new_folder(final) as scratch:
        (scratch / "whole").touch()
        assert not final.exists()
    assert [path.name for path in final.iterdir()] == ["whole"]
    assert [path.name for path in final.parent.iterdir()] == ["b"]


def test_equal_content_keeps_the_time_stamp(tmp_path: Path) -> None:
    file = tmp_path / "f"
    assert cache.write_if_changed(file, "a")
    before = file.stat().st_mtime_ns
    assert not cache.write_if_changed(file, "a")
    assert file.stat().st_mtime_ns == before
    assert cache.write_if_changed(file, "b")
    assert file.read_text() == "b"

# SPDX-License-Identifier: BSD-2-Clause
"""Which programs are built."""

from __future__ import annotations

from pathlib import Path

import pytest
from netmap_build import programs
from netmap_build.errors import BuildError


@pytest.fixture
def apps(tmp_path: Path) -> Path:
    for name in ("pkt-gen", "bridge"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.c").touch()
    (tmp_path / "notes").mkdir()
    return tmp_path


def test_a_folder_with_c_files_is_a_program(apps: Path) -> None:
    assert programs.chosen(apps, (), False) == ["bridge", "pkt-gen"]


def test_apps_picks_and_no_apps_leaves_none(apps: Path) -> None:
    assert programs.chosen(apps, ("pkt-gen",), False) == ["pkt-gen"]
    assert programs.chosen(apps, ("pkt-gen",), True) == []


def test_an_unknown_program_is_refused_with_the_closest_name(apps: Path) -> None:
    with pytest.raises(BuildError, match="there is no program pktgen; the closest is pkt-gen"):
        programs.chosen(apps, ("pktgen",), False)

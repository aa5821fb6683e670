# SPDX-License-Identifier: BSD-2-Clause
"""The staged tree."""

from __future__ import annotations

from pathlib import Path

import pytest
from netmap_build import staging


@pytest.fixture
def top(tmp_path: Path) -> Path:
    for name in (
        "common/mem/mem.c",
        "common/include/net/netmap.h",
        "linux/main.c",
        "linux/Kbuild",
        "linux/Makefile",
        "linux/compat/a.h",
        "linux/probes/run.sh",
        "linux/SConscript",
        "linux/notes.md",
        "VERSION",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return tmp_path


def staged(stage: Path) -> set[str]:
    return {
        path.relative_to(stage).as_posix()
        for path in stage.rglob("*")
        if path.is_file() and path.name != staging.MANIFEST
    }


def test_the_stage_holds_the_sources_with_kbuilds_files_at_its_top(top: Path) -> None:
    stage = top / "stage"
    staging.sync(top, stage, staging.sources(top))
    assert staged(stage) == {
        "Kbuild",
        "Makefile",
        "common/mem/mem.c",
        "common/include/net/netmap.h",
        "linux/main.c",
        "linux/compat/a.h",
        "linux/probes/run.sh",
        "VERSION",
    }
    assert (stage / "Kbuild").read_text() == "linux/Kbuild"


def test_only_what_changed_is_written_again(top: Path) -> None:
    stage = top / "stage"
    staging.sync(top, stage, staging.sources(top))
    before = (stage / "linux/main.c").stat().st_mtime_ns
    (top / "common/mem/mem.c").write_text("new")
    assert staging.sync(top, stage, staging.sources(top)) == ["common/mem/mem.c"]
    assert (stage / "common/mem/mem.c").read_text() == "new"
    assert (stage / "linux/main.c").stat().st_mtime_ns == before


def test_a_source_that_went_away_leaves_the_stage_with_its_object(top: Path) -> None:
    stage = top / "stage"
    staging.sync(top, stage, staging.sources(top))
    (stage / "common/mem/mem.o").write_text("object")
    (top / "common/mem/mem.c").unlink()
    staging.sync(top, stage, staging.sources(top))
    assert not (stage / "common/mem/mem.c").exists()
    assert not (stage / "common/mem/mem.o").exists()


def test_what_kbuild_made_stays(top: Path) -> None:
    stage = top / "stage"
    staging.sync(top, stage, staging.sources(top))
    (stage / "linux/main.o").write_text("object")
    staging.sync(top, stage, staging.sources(top))
    assert (stage / "linux/main.o").exists()


def test_programs_keep_their_mode(top: Path) -> None:
    (top / "linux/probes/run.sh").chmod(0o755)
    staging.sync(top, top / "stage", staging.sources(top))
    assert (top / "stage/linux/probes/run.sh").stat().st_mode & 0o111

# SPDX-License-Identifier: BSD-2-Clause
"""A core built without some of its parts: those are refused, the others work."""

from __future__ import annotations

import errno
import os
import re
import subprocess
from pathlib import Path

import build_core
import pytest

pytestmark = pytest.mark.programs

REPO = build_core.REPO
KBUILD = (REPO / "linux/Kbuild").read_text()
PARTS = ("vale", "pipe", "null")


def files_of(part: str) -> set[Path]:
    """What Kbuild leaves out with a part."""
    match = re.search(rf"^netmap-of-{part} := (.*)$", KBUILD, re.MULTILINE)
    assert match is not None
    patterns = match[1].replace("%", "*").split()
    found = {path for pattern in patterns for path in REPO.glob(pattern)}
    assert found
    return found


def answers(folder: Path, left_out: tuple[str, ...]) -> dict[str, int]:
    """What open_names prints, built without these parts."""
    gone = {path for part in left_out for path in files_of(part)}
    core = [path for path in sorted((REPO / "common").rglob("*.c")) if path not in gone]
    port = [build_core.HERE / name for name in build_core.PORT_SOURCES]
    program = folder / "open_names"
    includes = (build_core.HERE, REPO / "common", REPO / "common/include")
    command = [
        *[os.environ.get("CC", "gcc"), *build_core.COMMON_FLAGS, *build_core.WARNINGS, "-Werror"],
        *["-O0", *(f"-DNM_WITHOUT_{part.upper()}" for part in left_out)],
        *(f"-I{path}" for path in includes),
        *map(str, [*core, *port, build_core.HERE / "left_out/open_names.c"]),
        *["-o", str(program)],
    ]
    subprocess.run(command, check=True)
    other = "x{other" if "vale" in left_out else "vale0:other"
    done = subprocess.run([str(program), other], stdout=subprocess.PIPE, text=True, check=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    return {name: int(number) for name, number in lines}


def test_kbuild_knows_the_same_parts() -> None:
    assert f"netmap-parts := {' '.join(PARTS)}\n" in KBUILD
    assert re.findall(r"^netmap-of-(\w+) :=", KBUILD, re.MULTILINE) == list(PARTS)


def test_without_the_switch_its_ports_and_requests_are_refused_and_pipes_work(
    tmp_path: Path,
) -> None:
    assert answers(tmp_path, ("vale",)) == {
        "vale": errno.ENXIO,
        "pipe": 0,
        "null": 0,
        "list": errno.EOPNOTSUPP,
        "attach": errno.EOPNOTSUPP,
        "header": errno.EINVAL,
    }


def test_without_pipes_and_null_ports_the_switch_works(tmp_path: Path) -> None:
    assert answers(tmp_path, ("pipe", "null")) == {
        "vale": 0,
        "pipe": errno.ENXIO,
        "null": errno.ENXIO,
        "list": 0,
        "attach": errno.EINVAL,  # the switch has read the body, which is all zeros
        "header": 0,
    }

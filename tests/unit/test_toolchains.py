# SPDX-License-Identifier: BSD-2-Clause
"""Pinned cross compilers."""

from __future__ import annotations

from pathlib import Path

import pytest
from netmap_build import toolchains
from netmap_build.errors import BuildError

LOCK = (Path(__file__).resolve().parents[2] / toolchains.LOCK).read_text()


def test_both_freebsd_generations_are_pinned() -> None:
    assert toolchains.versions(LOCK) == ["0.15.2", "0.17.1"]


@pytest.mark.parametrize("version", ["0.15.2", "0.17.1"])
def test_a_block_holds_one_version_with_its_hashes(version: str) -> None:
    lines = toolchains.block(LOCK, version).splitlines()
    assert lines[0] == f"ziglang=={version} \\"
    assert len(lines) > 2
    assert all(line.strip().startswith("--hash=sha256:") for line in lines[1:])


def test_a_version_that_is_not_pinned_is_refused_with_those_that_are() -> None:
    with pytest.raises(BuildError) as caught:
        toolchains.block(LOCK, "0.1.0")
    assert caught.value.hint == "type one of: 0.15.2, 0.17.1"


def test_a_cached_compiler_is_used_without_asking_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETMAP_BUILD_CACHE", str(tmp_path))
    assert toolchains.cached_zig("0.17.1") is None
    program = tmp_path / "toolchains/ziglang-0.17.1/ziglang/zig"
    program.parent.mkdir(parents=True)
    program.touch()
    assert toolchains.zig("0.17.1") == program

# SPDX-License-Identifier: BSD-2-Clause
"""kernel-sources= and kernel-version=: what fits and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from netmap_build import kernel_source, kernels
from netmap_build.errors import BuildError


def tree(folder: Path, version: str = "6.12.5", built: bool = False) -> Path:
    """A kernel source tree as far as it is looked at."""
    first, second, third = version.split(".")
    for name in ("drivers/net/ethernet", "net/core", "include/generated", "include/config"):
        (folder / name).mkdir(parents=True)
    for name in ("Kconfig", "MAINTAINERS"):
        (folder / name).write_text("")
    (folder / "Makefile").write_text(
        f"VERSION = {first}\nPATCHLEVEL = {second}\nSUBLEVEL = {third}\nEXTRAVERSION =\n"
    )
    if built:
        (folder / "include/generated/autoconf.h").write_text("")
        (folder / "include/config/kernel.release").write_text(f"{version}\n")
        (folder / "Module.symvers").write_text("")
    return folder


def headers(folder: Path, version: str) -> Path:
    (folder / "include/generated").mkdir(parents=True)
    (folder / "include/config").mkdir()
    (folder / "Makefile").write_text("")
    (folder / "include/generated/autoconf.h").write_text("")
    (folder / "include/config/kernel.release").write_text(f"{version}\n")
    return folder


@pytest.fixture(autouse=True)
def nothing_cached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NETMAP_BUILD_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def machine(tmp_path: Path) -> kernels.Machine:
    headers(tmp_path / "root/lib/modules/6.12.9-1/build", "6.12.9-1")
    return kernels.Machine(tmp_path / "root", "6.1.0-none")


def test_the_series_of_the_sources_is_shown(tmp_path: Path, machine: kernels.Machine) -> None:
    sources = tree(tmp_path / "linux")
    choice = kernels.choose("", "6.12.9-1", machine, sources=[str(sources)])
    assert choice.line() == (
        f"kernel 6.12.9-1: asked for by kernel=; sources of 6.12.5 in {sources}"
    )
    assert choice.kernel is not None
    fitting = kernels.check_wishes(choice, choice.kernel)
    assert fitting is not None
    assert fitting.folder == sources


def test_of_several_trees_the_one_of_the_series_is_taken(tmp_path: Path) -> None:
    trees = [kernel_source.read(tree(tmp_path / v, v)) for v in ("6.1.4", "6.12.5")]
    assert kernel_source.fitting(trees, "6.12.117+deb13-cloud-amd64").version == "6.12.5"
    assert kernel_source.fitting(trees, "6.1.0-56-cloud-amd64").version == "6.1.4"


def test_sources_of_another_series_are_refused_with_both_versions(
    tmp_path: Path, machine: kernels.Machine
) -> None:
    sources = tree(tmp_path / "linux", "6.1.4")
    with pytest.raises(BuildError) as caught:
        kernels.choose("", "6.12.9-1", machine, sources=[str(sources)])
    assert "6.1.4" in caught.value.message
    assert "6.12.9-1" in caught.value.message
    assert caught.value.hint.startswith("name a tree of 6.12")


@pytest.mark.parametrize("missing", ["Kconfig", "MAINTAINERS", "Makefile"])
def test_what_is_no_whole_source_tree_is_refused(tmp_path: Path, missing: str) -> None:
    sources = tree(tmp_path / "linux")
    (sources / missing).unlink()
    with pytest.raises(BuildError, match=f"no whole kernel source tree: it has no .*{missing}"):
        kernel_source.read(sources)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="is no folder"):
        kernel_source.read(tmp_path / "linux")


def test_a_built_tree_is_the_kernel_where_nothing_else_names_one(
    tmp_path: Path, machine: kernels.Machine
) -> None:
    sources = str(tree(tmp_path / "linux", built=True))
    alone = kernels.choose("", "", machine, sources=[sources])
    assert alone.kernel is not None
    assert alone.kernel.headers_dir == Path(sources)
    named = kernels.choose("", "6.12.9-1", machine, sources=[sources])
    assert named.kernel is not None
    assert named.kernel.version == "6.12.9-1"


def test_kernel_version_alone_names_an_installed_kernel(machine: kernels.Machine) -> None:
    choice = kernels.choose("", "", machine, version="6.12.9-1")
    assert choice.kernel is not None
    assert choice.kernel.version == "6.12.9-1"


def test_kernel_version_refuses_headers_of_another_release(tmp_path: Path) -> None:
    folder = headers(tmp_path / "headers", "6.1.0-9-amd64")
    assert kernels.choose(str(folder), "", version="6.1.0-9-amd64").kernel is not None
    with pytest.raises(BuildError) as caught:
        kernels.choose(str(folder), "", version="6.1.0-8-amd64")
    assert caught.value.message == (
        f"kernel-version=6.1.0-8-amd64 is wanted, but {folder} is for 6.1.0-9-amd64"
    )

# SPDX-License-Identifier: BSD-2-Clause
"""Debian's kernel packages outside / ."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from netmap_build import debian_kernel, kernels, suites
from netmap_build.apt import Package, PrivateApt
from netmap_build.errors import BuildError

VERSION = "6.1.0-56-cloud-amd64"


def unpacked(root: Path) -> Path:
    """The shape of the unpacked packages."""
    flavour = root / f"usr/src/linux-headers-{VERSION}"
    common = root / "usr/src/linux-headers-6.1.0-56-common"
    modules = root / f"lib/modules/{VERSION}"
    for folder in (flavour, common, modules):
        folder.mkdir(parents=True)
    (flavour / "Makefile").write_text("include /usr/src/linux-headers-6.1.0-56-common/Makefile\n")
    (common / "Makefile").write_text("all:\n\t@echo $(dir $(lastword $(MAKEFILE_LIST)))\n")
    (modules / "build").symlink_to(f"/usr/src/linux-headers-{VERSION}")
    (modules / "source").symlink_to("/usr/src/linux-headers-6.1.0-56-common")
    return root


def test_links_point_inside_the_tree_after_relocation(tmp_path: Path) -> None:
    root = unpacked(tmp_path)
    debian_kernel.relocate(root)
    for name in ("build", "source"):
        link = root / f"lib/modules/{VERSION}" / name
        assert not link.readlink().is_absolute()
        assert link.resolve().is_relative_to(root)


def test_the_tree_still_works_after_it_was_moved(tmp_path: Path) -> None:
    root = unpacked(tmp_path / "first")
    debian_kernel.relocate(root)
    moved = root.rename(tmp_path / "second")
    headers = moved / f"usr/src/linux-headers-{VERSION}"
    said = subprocess.run(
        ["make", "-s", "-C", str(headers)], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    assert (headers / said.strip()).resolve() == moved / "usr/src/linux-headers-6.1.0-56-common"


def test_relocating_twice_changes_nothing(tmp_path: Path) -> None:
    root = unpacked(tmp_path)
    debian_kernel.relocate(root)
    makefile = root / f"usr/src/linux-headers-{VERSION}/Makefile"
    before = makefile.read_text()
    debian_kernel.relocate(root)
    assert makefile.read_text() == before
    assert "/usr/src" not in before


def test_a_module_reads_nothing_of_the_machines_own_kernels(tmp_path: Path) -> None:
    kernel = kernels.fetched("")
    if kernel is None:
        pytest.skip("no kernel in the build cache: ./sconsw fetch")
    (tmp_path / "Kbuild").write_text("obj-m := tiny.o\n")
    (tmp_path / "tiny.c").write_text(
        '#include <linux/module.h>\n#include <linux/netdevice.h>\nMODULE_LICENSE("GPL");\n'
    )
    subprocess.run(
        ["make", "-C", str(kernel.headers_dir), f"M={tmp_path}", "tiny.o"],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    root = debian_kernel.current()
    assert root is not None
    words = (tmp_path / ".tiny.o.cmd").read_text().split()
    named = [Path(os.path.normpath(word)) for word in words if word.startswith("/")]
    kernels_files = [path for path in named if "linux-headers" in str(path)]
    assert kernels_files
    assert [path for path in kernels_files if not path.is_relative_to(root)] == []
    assert [path for path in named if path.is_relative_to("/usr/src")] == []


class FakeApt(PrivateApt):
    """Delivers real .deb files made here."""

    def __init__(self, root: Path, broken: bool = False) -> None:
        self.root = root
        self.broken = broken
        self.downloads = 0

    def download(self, packages: list[Package], folder: Path) -> list[Path]:
        self.downloads += 1
        if self.broken:
            raise BuildError("no network")
        tree = unpacked(self.root / "tree")
        (tree / "DEBIAN").mkdir()
        (tree / "DEBIAN/control").write_text(
            "Package: linux-headers\nVersion: 1\nArchitecture: all\n"
            "Maintainer: a <a@b.c>\nDescription: d\n"
        )
        subprocess.run(
            ["dpkg-deb", "-b", str(tree), str(folder / "a.deb")],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return [folder / "a.deb"]


def test_a_version_is_downloaded_once_and_becomes_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETMAP_BUILD_CACHE", str(tmp_path / "cache"))
    apt = FakeApt(tmp_path)
    packages = [Package("linux-headers", "6.1.9-1", 10)]
    assert debian_kernel.current() is None
    debian_kernel.place(apt, packages, "6.1.9-1")
    debian_kernel.place(apt, packages, "6.1.9-1")
    assert apt.downloads == 1
    current = debian_kernel.current()
    assert current is not None
    assert current.name == "6.1.9-1"
    assert debian_kernel.version_in(current) == VERSION


def test_a_failed_download_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETMAP_BUILD_CACHE", str(tmp_path / "cache"))
    with pytest.raises(BuildError):
        debian_kernel.place(FakeApt(tmp_path, broken=True), [Package("p", "1", 1)], "1")
    assert list(debian_kernel.store().iterdir()) == []


def test_where_there_is_no_debian_the_distributions_command_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(suites, "os_release", lambda: {"ID": "fedora"})
    monkeypatch.setattr("shutil.which", lambda tool: "/usr/bin/dnf" if tool == "dnf" else None)
    with pytest.raises(BuildError) as caught:
        debian_kernel.fetch()
    assert "dnf install kernel-devel" in caught.value.hint

# SPDX-License-Identifier: BSD-2-Clause
"""Debian's kernel packages outside / ."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

import pytest
from netmap_build import debian_kernel, kernels, network, space, suites
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


def test_a_makefile_that_names_its_output_folder_is_relocated_too(tmp_path: Path) -> None:
    root = unpacked(tmp_path / "first")
    makefile = root / f"usr/src/linux-headers-{VERSION}/Makefile"
    makefile.write_text(
        f"KBUILD_OUTPUT=/usr/src/linux-headers-{VERSION}\nall:\n\t@echo $(KBUILD_OUTPUT)\n"
    )
    debian_kernel.relocate(root)
    moved = root.rename(tmp_path / "second")
    headers = moved / f"usr/src/linux-headers-{VERSION}"
    said = subprocess.run(
        ["make", "-s", "-C", str(headers)], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    assert said.strip() == str(headers)


def test_the_image_is_found_in_boot_and_beside_the_modules(tmp_path: Path) -> None:
    assert debian_kernel.image_of(tmp_path, VERSION) is None
    newer = tmp_path / f"usr/lib/modules/{VERSION}/vmlinuz"
    newer.parent.mkdir(parents=True)
    newer.touch()
    assert debian_kernel.image_of(tmp_path, VERSION) == newer
    older = tmp_path / f"boot/vmlinuz-{VERSION}"
    older.parent.mkdir()
    older.touch()
    assert debian_kernel.image_of(tmp_path, VERSION) == older


ENTRY = suites.Source("https://mirror.example/debian", ("bookworm",), " /k.gpg")


@pytest.fixture
def bookworm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETMAP_BUILD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(
        suites,
        "os_release",
        lambda root=Path("/"): {"ID": "debian", "VERSION_CODENAME": "bookworm"},
    )
    monkeypatch.setattr(suites, "system_sources", lambda: [ENTRY])
    monkeypatch.setattr("shutil.which", lambda name, path=None: f"/usr/bin/{name}")


@pytest.mark.usefixtures("bookworm")
def test_each_suite_and_architecture_has_an_apt_and_a_store_of_its_own() -> None:
    other = "aarch64" if platform.machine() == "x86_64" else "x86_64"
    pairs = [("", ""), ("sid", ""), ("", other), ("sid", other)]
    assert len({debian_kernel.private_apt(*pair).root for pair in pairs}) == 4
    assert len({debian_kernel.store(*pair) for pair in pairs}) == 4
    assert debian_kernel.store("bookworm") == debian_kernel.store()
    foreign = debian_kernel.private_apt("sid", other)
    assert foreign.foreign == {"aarch64": "arm64", "x86_64": "amd64"}[other]
    assert debian_kernel.private_apt("sid", platform.machine()).foreign == ""


@pytest.mark.usefixtures("bookworm")
def test_backports_are_preferred_only_where_they_are_asked_for() -> None:
    apt = debian_kernel.private_apt("trixie-backports", "")
    assert apt.release == "trixie-backports"
    assert "Suites: trixie trixie-backports" in apt.sources
    assert debian_kernel.private_apt("trixie", "").release == ""


@pytest.mark.usefixtures("bookworm")
def test_the_tools_of_a_foreign_kernel_run_here(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = {
        "linux-headers-cloud-arm64:arm64": Package(
            "linux-headers-cloud-arm64", "1", 1, ("linux-headers-6", "linux-kbuild-6"), "arm64"
        ),
        "linux-headers-6": Package("linux-headers-6", "1", 1, (), "all"),
        "linux-kbuild-6": Package("linux-kbuild-6", "1", 1, (), "amd64"),
        "linux-kbuild-6:arm64": Package("linux-kbuild-6", "1", 1, (), "arm64"),
    }
    apt = PrivateApt(Path("/nowhere"), "Types: deb", foreign="arm64")
    monkeypatch.setattr(apt, "show", archive.get)
    found = apt.closure(
        ["linux-headers-cloud-arm64"], debian_kernel.KERNEL_PACKAGES, debian_kernel.TOOL_PACKAGES
    )
    assert [package.spec for package in found] == [
        "linux-headers-6=1",
        "linux-headers-cloud-arm64:arm64=1",
        "linux-kbuild-6:amd64=1",
    ]


@pytest.mark.usefixtures("bookworm")
def test_an_archive_that_does_not_answer_is_one_line_of_a_kind_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(network.VARIABLE, raising=False)
    said = "W: Failed to fetch https://mirror.example/sid  Could not resolve\nW: more\n"
    monkeypatch.setattr(PrivateApt, "update", lambda self: said)
    monkeypatch.setattr(PrivateApt, "show", lambda self, name: None)
    with pytest.raises(suites.SuiteMissing) as caught:
        debian_kernel.fetch("sid", "x86_64")
    assert caught.value.message == (
        "apt has no linux-headers-cloud-amd64 of sid: "
        "W: Failed to fetch https://mirror.example/sid  Could not resolve"
    )


@pytest.mark.usefixtures("bookworm")
def test_a_system_whose_sources_name_no_debian_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(network.VARIABLE, raising=False)
    monkeypatch.setattr(suites, "system_sources", lambda: [])
    with pytest.raises(suites.SuiteMissing, match="name no Debian archive to take sid from"):
        debian_kernel.fetch("sid")


@pytest.mark.usefixtures("bookworm")
def test_offline_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(network.VARIABLE, "1")
    with pytest.raises(BuildError, match="fetching the cloud-amd64 kernel of sid needs the netw"):
        debian_kernel.fetch("sid", "x86_64")


@pytest.mark.usefixtures("bookworm")
def test_a_disk_without_room_is_said_before_the_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "free", lambda folder: 1000)
    apt = FakeApt(tmp_path)
    with pytest.raises(BuildError, match="no space left for the kernel packages"):
        debian_kernel.place(apt, [Package("p", "1", 10_000_000)], "1")
    assert apt.downloads == 0

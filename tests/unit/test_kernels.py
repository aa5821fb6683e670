# SPDX-License-Identifier: BSD-2-Clause
"""The choice of kernel, on machines made of files."""

from __future__ import annotations

from pathlib import Path

import pytest
from netmap_build import debian_kernel, kernels
from netmap_build.errors import BuildError


def add_headers(folder: Path, version: str) -> Path:
    """Headers as small as the choice can tell."""
    (folder / "include/generated").mkdir(parents=True)
    (folder / "include/config").mkdir()
    (folder / "Makefile").write_text("")
    (folder / "include/generated/autoconf.h").write_text("")
    (folder / "include/config/kernel.release").write_text(f"{version}\n")
    return folder


def installed(root: Path, *versions: str) -> kernels.Machine:
    for version in versions:
        add_headers(root / "lib/modules" / version / "build", version)
    return kernels.Machine(root, "6.1.0-9-amd64")


@pytest.fixture(autouse=True)
def nothing_cached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NETMAP_BUILD_CACHE", str(tmp_path / "cache"))


def test_kernel_dir_goes_before_everything(tmp_path: Path) -> None:
    machine = installed(tmp_path, "6.1.0-9-amd64")
    folder = add_headers(tmp_path / "mine", "6.12.1")
    choice = kernels.choose(str(folder), "6.1.0-9-amd64", machine)
    assert choice.kernel is not None
    assert (choice.kernel.version, choice.kernel.headers_dir) == ("6.12.1", folder)
    assert choice.line() == "kernel 6.12.1: asked for by kernel-dir="


def test_two_kernel_dirs_of_one_version_build_in_two_folders(tmp_path: Path) -> None:
    names = {
        kernels.choose(str(add_headers(tmp_path / name, "6.12.1")), "").name for name in ("a", "b")
    }
    assert len(names) == 2


def test_kernel_names_an_installed_one(tmp_path: Path) -> None:
    machine = installed(tmp_path, "6.1.0-9-amd64", "6.2.0")
    choice = kernels.choose("", "6.2.0", machine)
    assert choice.kernel is not None
    assert choice.kernel.version == "6.2.0"


def test_a_kernel_that_is_not_installed_is_refused_with_those_that_are(tmp_path: Path) -> None:
    machine = installed(tmp_path, "6.2.0")
    with pytest.raises(BuildError, match=r"kernel=6\.3\.0 has no headers .* installed: 6\.2\.0"):
        kernels.choose("", "6.3.0", machine)


def test_the_running_kernel_is_the_first_guess(tmp_path: Path) -> None:
    machine = installed(tmp_path, "6.1.0-9-amd64", "6.12.0")
    choice = kernels.choose("", "", machine)
    assert choice.line() == "kernel 6.1.0-9-amd64: the running kernel"


def test_the_newest_installed_is_the_second_guess(tmp_path: Path) -> None:
    machine = installed(tmp_path, "6.9.0-1-amd64", "6.10.0-1-amd64")
    choice = kernels.choose("", "", machine)
    assert choice.kernel is not None
    assert choice.kernel.version == "6.10.0-1-amd64"
    assert "the newest installed" in choice.why


def test_the_embedded_default_comes_last_and_is_not_fetched_by_choosing(tmp_path: Path) -> None:
    choice = kernels.choose("", "", kernels.Machine(tmp_path, "6.1.0"))
    assert choice.kernel is None
    assert choice.name == "default"
    assert not (tmp_path / "cache").exists()


def test_the_embedded_default_can_be_asked_for(tmp_path: Path) -> None:
    machine = installed(tmp_path, "6.1.0-9-amd64")
    assert kernels.choose("", "default", machine).name == "default"


def test_a_fetched_default_is_found_with_its_image_and_modules() -> None:
    version = "6.1.0-56-cloud-amd64"
    root = debian_kernel.store() / "6.1.9-1"
    add_headers(root / f"usr/src/linux-headers-{version}", version)
    (root / f"lib/modules/{version}/kernel").mkdir(parents=True)
    (root / f"lib/modules/{version}/build").symlink_to("../../..")
    (root / "boot").mkdir()
    (root / f"boot/vmlinuz-{version}").write_text("")
    (debian_kernel.store() / "current").symlink_to("6.1.9-1")
    kernel = kernels.for_vm()
    assert kernel.version == version
    assert kernel.image == root / f"boot/vmlinuz-{version}"
    assert kernel.modules_dir == root / f"lib/modules/{version}"
    assert kernels.release_of(kernel.headers_dir) == version


def test_a_source_tree_that_was_never_prepared_is_refused_with_the_command(tmp_path: Path) -> None:
    (tmp_path / "Kconfig").write_text("")
    (tmp_path / "Makefile").write_text("")
    with pytest.raises(BuildError) as caught:
        kernels.choose(str(tmp_path), "")
    assert caught.value.hint == f"type: make -C {tmp_path} -j2 defconfig all"


def test_a_tree_that_was_prepared_and_never_built_is_refused_with_the_command(
    tmp_path: Path,
) -> None:
    folder = add_headers(tmp_path / "linux", "6.12.1")
    choice = kernels.choose(str(folder), "")
    assert choice.kernel is not None
    with pytest.raises(BuildError, match=r"it has no Module\.symvers") as caught:
        kernels.check_symbols(choice.kernel)
    assert caught.value.hint.startswith(f"type: make -C {folder} -j2 all")
    (folder / "Module.symvers").write_text("")
    kernels.check_symbols(choice.kernel)


def test_a_folder_that_is_no_kernel_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="holds no kernel headers"):
        kernels.choose(str(tmp_path), "")
    with pytest.raises(BuildError, match="is no folder"):
        kernels.choose(str(tmp_path / "missing"), "")


def test_versions_compare_as_numbers() -> None:
    versions = ["6.10.0", "6.9.9", "5.15.0-100", "5.15.0-99", "6.10.0-rc1"]
    assert sorted(versions, key=kernels.version_key) == [
        "5.15.0-99",
        "5.15.0-100",
        "6.9.9",
        "6.10.0",
        "6.10.0-rc1",
    ]


@pytest.mark.parametrize("name", kernels.FINGERPRINTED)
def test_a_change_of_any_fingerprinted_file_changes_the_fingerprint(
    tmp_path: Path, name: str
) -> None:
    folder = add_headers(tmp_path / "k", "6.1.0")
    before = kernels.fingerprint(folder)
    assert kernels.fingerprint(folder) == before
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("something new")
    assert kernels.fingerprint(folder) != before


def test_the_same_tree_in_another_place_has_the_same_fingerprint(tmp_path: Path) -> None:
    first = add_headers(tmp_path / "a", "6.1.0")
    second = add_headers(tmp_path / "b", "6.1.0")
    assert kernels.fingerprint(first) == kernels.fingerprint(second)


def test_a_kernel_built_by_clang_asks_for_llvm(tmp_path: Path) -> None:
    folder = add_headers(tmp_path / "k", "6.1.0")
    assert kernels.compiler_of(folder) == ("gcc", False)
    (folder / "include/config/auto.conf").write_text("CONFIG_CC_IS_CLANG=y\n")
    assert kernels.compiler_of(folder) == ("clang", True)


def test_debians_headers_name_their_compiler(tmp_path: Path) -> None:
    folder = add_headers(tmp_path / "k", "6.1.0")
    (folder / ".kernelvariables").write_text(
        "CC = $(if $(DEBIAN_KERNEL_USE_CCACHE),$(CCACHE)) $(CROSS_COMPILE)gcc-12\n"
    )
    assert kernels.compiler_of(folder) == ("gcc-12", False)

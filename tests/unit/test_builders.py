# SPDX-License-Identifier: BSD-2-Clause
"""Where a module is built, and by which compiler."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest
from netmap_build import builders, kernels, suites
from netmap_build.errors import BuildError


def kernel(suite: str, folder: Path = Path("/headers")) -> kernels.Kernel:
    return kernels.Kernel("6.1.0", folder, None, None, "", suite=suite)


@pytest.fixture
def bookworm(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine is Debian 12 with gcc-12; its archive has gcc-11, too."""
    monkeypatch.setattr(suites, "own", lambda: "bookworm")
    monkeypatch.setattr(kernels, "compiler_version", lambda name: "gcc" if name == "gcc-12" else "")
    monkeypatch.setattr(builders, "packaged", lambda name: name in ("gcc-11", "gcc-12"))


@pytest.mark.parametrize(
    ("suite", "compiler", "here"),
    [
        ("", "gcc", True),
        ("bookworm", "gcc-12", True),
        ("bookworm-backports", "gcc-12", True),
        ("bullseye", "gcc-10", False),
        ("bullseye", "gcc-11", True),
        ("trixie", "gcc-14", False),
        ("trixie", "gcc-12", False),
        ("sid", "gcc-16", False),
    ],
)
def test_a_kernel_is_built_here_where_its_tools_and_compiler_run(
    bookworm: None, suite: str, compiler: str, here: bool
) -> None:
    builder = builders.choose(kernel(suite), compiler)
    assert (builder.suite == "") == here
    if not here:
        assert builder.suite == suite
        assert builder.packages == ("make", "dwarves", compiler)


def test_backports_are_built_in_the_suite_they_are_for(bookworm: None) -> None:
    assert builders.choose(kernel("trixie-backports"), "gcc-14").suite == "trixie"


def test_a_system_of_no_known_suite_builds_suites_in_containers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(suites, "own", lambda: "unknown")
    assert builders.choose(kernel("bookworm"), "gcc-12").suite == "bookworm"


def test_a_cross_compiler_comes_under_its_packages_name(bookworm: None) -> None:
    builder = builders.choose(kernel("trixie"), "aarch64-linux-gnu-gcc-14")
    assert builder.packages[-1] == "gcc-14-aarch64-linux-gnu"


def test_the_image_of_a_suite_that_moves_on_is_as_new_as_the_kernel(
    bookworm: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "fetched_at", lambda kernel: 1234.5)
    assert builders.choose(kernel("sid"), "gcc-16").since == 1234
    assert builders.choose(kernel("trixie"), "gcc-14").since == 0


def test_the_builder_survives_kernel_json() -> None:
    builder = builders.Builder("sid", ("make", "gcc-16"), 77)
    assert builders.from_facts(builder.facts()) == builder


def test_output_of_a_command_here_can_be_caught() -> None:
    heard: list[str] = []
    code, _ = builders.run(
        builders.Builder(), ["sh", "-c", "echo a; echo b >&2; exit 4"], on_output=heard.append
    )
    assert (code, heard) == (4, ["a\n", "b\n"])


def configured(folder: Path, *lines: str) -> Path:
    (folder / "include/config").mkdir(parents=True)
    (folder / "include/config/auto.conf").write_text("\n".join(lines) + "\n")
    return folder


def programs(folder: Path, *names: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    for name in names:
        (folder / name).write_text("")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_the_gcc_of_the_kernels_own_version_is_taken_if_it_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = configured(tmp_path / "k", "CONFIG_GCC_VERSION=130200")
    programs(tmp_path / "bin", "gcc", "gcc-13", monkeypatch=monkeypatch)
    compiler, llvm = kernels.compiler_of(folder)
    assert (compiler, llvm) == ("gcc-13", False)
    assert kernels.compiler_words(folder, compiler, llvm) == ["CC=gcc-13"]
    (tmp_path / "bin/gcc-13").unlink()
    compiler, llvm = kernels.compiler_of(folder)
    assert compiler == "gcc"
    assert kernels.compiler_words(folder, compiler, llvm) == []


def test_what_debians_headers_name_is_not_named_again(tmp_path: Path) -> None:
    folder = configured(tmp_path / "k", "CONFIG_GCC_VERSION=120200")
    (folder / ".kernelvariables").write_text("CC = $(CROSS_COMPILE)gcc-12\n")
    assert kernels.compiler_of(folder) == ("gcc-12", False)
    assert kernels.compiler_words(folder, "gcc-12", False) == []
    other = "aarch64" if platform.machine() == "x86_64" else "x86_64"
    assert kernels.compiler_of(folder, other)[0] == f"{other}-linux-gnu-gcc-12"


def test_a_kernel_of_clang_gets_llvm(tmp_path: Path) -> None:
    folder = configured(tmp_path / "k", "CONFIG_CC_IS_CLANG=y")
    assert kernels.compiler_words(folder, *kernels.compiler_of(folder)) == ["LLVM=1"]


def test_a_compiler_older_than_the_kernels_is_refused_with_the_one_to_install(
    tmp_path: Path,
) -> None:
    folder = configured(tmp_path / "k", "CONFIG_GCC_VERSION=140200")
    with pytest.raises(BuildError) as caught:
        kernels.check_compiler(kernel("", folder), "gcc (Debian 12.2.0-14) 12.2.0")
    assert caught.value.message == (
        "kernel 6.1.0 was built by gcc 14, and gcc 12 does not know all of its options"
    )
    assert "gcc-14" in caught.value.hint
    assert "kernel-opts=CC=" in caught.value.hint
    assert "\n" not in caught.value.hint


@pytest.mark.parametrize("version", ["gcc (Debian 14.2.0-19) 14.2.0", "gcc (GCC) 15.1.0", ""])
def test_the_same_compiler_or_a_newer_one_will_do(tmp_path: Path, version: str) -> None:
    folder = configured(tmp_path / "k", "CONFIG_GCC_VERSION=140200")
    kernels.check_compiler(kernel("", folder), version)


def test_headers_of_another_architecture_are_refused_with_the_option(tmp_path: Path) -> None:
    folder = configured(tmp_path / "k", "CONFIG_ARM64=y")
    (folder / "include/generated").mkdir()
    (folder / "include/generated/autoconf.h").write_text("")
    (folder / "Makefile").write_text("")
    assert kernels.choose(str(folder), "", arch="aarch64").arch == "aarch64"
    with pytest.raises(BuildError, match="is a kernel for aarch64, the build is for x86_64") as e:
        kernels.choose(str(folder), "", arch="x86_64")
    assert e.value.hint == f"type: ./sconsw arch=aarch64 kernel-dir={folder}"

# SPDX-License-Identifier: BSD-2-Clause
"""Architectures: names, compilers, what a cross build needs, and where it goes."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest
from netmap_build import arch, debs, kernels, needs, options, session
from netmap_build.errors import BuildError


@pytest.fixture(params=["x86_64", "aarch64"])
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> arch.Arch:
    """This machine, as if it were of each architecture."""
    monkeypatch.setattr(platform, "machine", lambda: request.param)
    return arch.chosen(str(request.param))


def other_than(machine: arch.Arch) -> arch.Arch:
    (found,) = set(arch.ALL) - {machine}
    return found


@pytest.mark.parametrize(
    ("word", "name"),
    [
        *[("x86_64", "x86_64"), ("amd64", "x86_64"), ("AMD64", "x86_64")],
        *[("aarch64", "aarch64"), ("arm64", "aarch64"), ("ARM64", "aarch64")],
    ],
)
def test_every_usual_name_of_an_architecture_is_known(word: str, name: str) -> None:
    line = options.parse([f"arch={word}"], Path())
    assert line.given == {"arch": name}


@pytest.mark.parametrize("word", ["riscv64", "arm", "x86", "i386"])
def test_another_architecture_is_refused_with_those_possible(word: str) -> None:
    with pytest.raises(BuildError, match=f"arch={word} is not possible; possible: x86_64, aarch64"):
        options.parse([f"arch={word}"], Path())


def test_nothing_typed_means_this_machine(machine: arch.Arch) -> None:
    assert arch.chosen("") == machine
    assert arch.default_compiler(machine) == "gcc"
    assert arch.archiver(machine) == ("ar", "ranlib")
    assert machine.make_words(machine) == ()


def test_a_machine_that_is_not_known_says_which_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "s390x")
    with pytest.raises(BuildError, match="this machine is s390x"):
        arch.host()


def test_the_cross_tools_are_those_of_the_target() -> None:
    assert arch.AARCH64.compiler == "aarch64-linux-gnu-gcc"
    assert arch.AARCH64.make_words(arch.X86_64) == (
        "ARCH=arm64",
        "CROSS_COMPILE=aarch64-linux-gnu-",
        "DEB_BUILD_ARCH=amd64",
        "DEB_HOST_ARCH=arm64",
        "DEB_HOST_GNU_TYPE=aarch64-linux-gnu",
    )
    assert arch.X86_64.make_words(arch.AARCH64) == (
        "ARCH=x86_64",
        "CROSS_COMPILE=x86_64-linux-gnu-",
        "DEB_BUILD_ARCH=arm64",
        "DEB_HOST_ARCH=amd64",
        "DEB_HOST_GNU_TYPE=x86_64-linux-gnu",
    )


def test_the_other_architecture_is_built_with_its_own_tools(machine: arch.Arch) -> None:
    target = other_than(machine)
    assert arch.default_compiler(target) == f"{target.gnu}-gcc"
    assert arch.archiver(target) == (f"{target.gnu}-ar", f"{target.gnu}-ranlib")


def compiler(folder: Path, machine: str) -> str:
    """A program that says it compiles for that machine."""
    path = folder / f"cc-{machine}"
    path.write_text(f'#!/bin/sh\n[ "$1" = -dumpmachine ] && echo {machine}\n')
    path.chmod(0o755)
    return str(path)


def test_a_compiler_for_another_architecture_is_refused(tmp_path: Path) -> None:
    cc = compiler(tmp_path, "x86_64-pc-linux-gnu")
    arch.check_compiler(cc, arch.X86_64)
    with pytest.raises(BuildError, match="builds for x86_64-pc-linux-gnu, not for arch=aarch64"):
        arch.check_compiler(cc, arch.AARCH64)


def test_gcc_of_this_machine_is_refused_for_the_other(machine: arch.Arch, tmp_path: Path) -> None:
    cc = compiler(tmp_path, machine.gnu)
    target = other_than(machine)
    with pytest.raises(BuildError) as caught:
        arch.check_compiler(cc, target)
    assert caught.value.hint.startswith(f"type: ./sconsw arch={target.name} cc={target.gnu}-gcc")


def test_a_compiler_may_be_given_with_its_options(tmp_path: Path) -> None:
    cc = compiler(tmp_path, "aarch64-linux-gnu")
    arch.check_compiler(f"{cc} -dumpmachine", arch.AARCH64)


def test_a_compiler_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="is no program here"):
        arch.check_compiler(str(tmp_path / "cc"), arch.X86_64)


def test_the_usual_compiler_may_be_installed_later(
    machine: arch.Arch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    arch.check_compiler("gcc", machine)
    arch.check_compiler(arch.default_compiler(other_than(machine)), other_than(machine))


def run_with(arch: str = "", cc: str = "") -> session.Session:
    return session.Session(Path("/top"), options.Options(arch=arch, cc=cc), "1", "")


def test_each_architecture_is_built_in_folders_of_its_own(machine: arch.Arch) -> None:
    target = other_than(machine)
    here, there = run_with(), run_with(arch=target.name)
    assert here.user_build == Path(f"/top/build/linux-{machine.name}")
    assert there.user_build == Path(f"/top/build/linux-{target.name}")
    choice = kernels.Choice("default", None, "", target.name)
    assert there.kernel_build(choice) == Path(f"/top/build/linux-{target.name}-default")
    assert there.first_line().startswith(f"netmap 1 for linux {target.name}")


def test_a_compiler_of_ones_own_wins_and_builds_elsewhere(machine: arch.Arch) -> None:
    given = run_with(arch=machine.name, cc="clang")
    assert given.cc == "clang"
    assert given.user_build.name.startswith(f"linux-{machine.name}-")


def test_the_build_beside_it_for_another_architecture_has_the_usual_compiler(
    machine: arch.Arch,
) -> None:
    target = other_than(machine)
    assert run_with(cc="clang").for_arch(target.name).cc == target.compiler


@pytest.mark.parametrize("name", ["lib", "apps"])
def test_library_and_programs_need_compiler_and_libc_of_the_target(name: str) -> None:
    host = arch.host()
    target = other_than(host)
    packages = [need.package for need in needs.wanted_by(name, target.name)]
    assert packages == [target.package, target.libc]
    assert needs.wanted_by(name, host.name) == needs.wanted_by(name)


def test_a_machine_of_the_other_architecture_needs_its_emulator_and_no_busybox_of_ours() -> None:
    wanted = needs.wanted_by("try", other_than(arch.host()).name)
    assert needs.EMULATOR[other_than(arch.host()).name] in wanted
    assert needs.EMULATOR[arch.host().name] not in wanted
    assert needs.BUSYBOX not in wanted


def test_test_all_asks_for_the_cross_compiler_before_it_builds() -> None:
    wanted = needs.of(["test-all"])
    assert all(need in wanted for need in needs.CROSS["aarch64"])
    assert not any(need in needs.of(["test"]) for need in needs.CROSS["aarch64"])


def test_tests_of_this_machine_need_the_same_whatever_arch_says() -> None:
    target = other_than(arch.host()).name
    assert needs.wanted_by("test-hosted", target) == needs.wanted_by("test-hosted")


def test_a_busybox_that_was_fetched_is_found_without_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETMAP_BUILD_CACHE", str(tmp_path))
    monkeypatch.setenv("NETMAP_OFFLINE", "1")
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(BuildError, match="fetching busybox-static for arm64 needs the network"):
        debs.busybox("aarch64")
    folder = debs.folder_of("busybox-static", "aarch64") / "usr/bin"
    folder.mkdir(parents=True)
    (folder / "busybox").touch()
    assert debs.busybox("aarch64") == folder / "busybox"


def test_where_there_is_no_apt_a_foreign_busybox_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETMAP_BUILD_CACHE", str(tmp_path))
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(BuildError, match="comes through apt, which this machine has not"):
        debs.busybox("aarch64")

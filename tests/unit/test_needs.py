# SPDX-License-Identifier: BSD-2-Clause
"""The table of what targets need."""

from __future__ import annotations

from pathlib import Path

import pytest
from netmap_build import needs, system_packages, targets
from netmap_build.errors import BuildError

TABLE = {name: need for name, need in vars(needs).items() if isinstance(need, needs.Need)}
NOT_FOR_A_BUILD = ("qemu", "mingw", "wine", "docker", "podman", "mmdebstrap", "clang", "aarch64")


def test_every_target_with_needs_is_advertised() -> None:
    assert set(needs.BY_TARGET) | set(needs.IMPLIED) - {""} <= set(targets.names())


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("manager", [m.name for m in system_packages.MANAGERS])
def test_every_need_has_a_package_for_every_manager_or_says_why_not(
    name: str, manager: str
) -> None:
    need = TABLE[name]
    excuses = [text for text in need.lacking if text.startswith(f"{manager}: ")]
    assert bool(need.name_for(manager)) != bool(excuses)


@pytest.mark.parametrize("asked", [[], ["all"], ["module"], ["lib"], ["apps"]], ids=str)
def test_a_plain_build_needs_no_emulator_no_engine_and_no_cross_compiler(asked: list[str]) -> None:
    packages = [need.package for need in needs.of(asked)]
    assert packages
    assert not any(word in name for name in packages for word in NOT_FOR_A_BUILD)


def test_a_target_that_builds_first_needs_what_the_build_needs() -> None:
    assert set(needs.of([])) < set(needs.of(["try"]))
    assert set(needs.of(["try"])) < set(needs.of(["test"]))


def test_a_missing_file_is_seen(tmp_path: Path) -> None:
    need = needs.Need("libx", files=("usr/lib/*/libx.so",))
    assert needs.missing([need, need], tmp_path) == [need]
    (tmp_path / "usr/lib/arch").mkdir(parents=True)
    (tmp_path / "usr/lib/arch/libx.so").touch()
    assert needs.missing([need], tmp_path) == []


def test_a_missing_program_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    need = needs.Need("p", program="a-program-of-nobody")
    assert needs.missing([need]) == [need]
    (tmp_path / "a-program-of-nobody").write_text("")
    (tmp_path / "a-program-of-nobody").chmod(0o755)
    assert needs.missing([need]) == []


@pytest.mark.parametrize(
    ("manager", "name"),
    [("apt", "g++"), ("dnf", "gcc-c++"), ("zypper", "gcc-c++"), ("pacman", "gcc")],
)
def test_packages_are_named_as_the_system_names_them(
    manager: str, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (found,) = [m for m in system_packages.MANAGERS if m.name == manager]
    monkeypatch.setattr(system_packages, "manager", lambda: found)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(system_packages, "search_path", lambda: str(tmp_path))
    assert needs.packages([needs.GXX]) == [name]


def test_an_ordinary_user_is_told_once_what_building_and_trying_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        needs, "missing", lambda wanted, root=Path("/"): list(dict.fromkeys(wanted))
    )
    monkeypatch.setattr(system_packages, "manager", lambda: system_packages.APT)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(BuildError) as caught:
        needs.ensure_all([], may_install=True)
    packages = {need.package for need in [needs.VENV, *needs.of(["try"])]}
    assert (
        set(caught.value.hint.partition("--no-install-recommends ")[2].strip("'").split())
        == packages
    )
    assert "qemu-system-x86" in caught.value.message.partition("; ./sconsw try: ")[2]
    assert "gcc" in caught.value.message.partition(";")[0].split()

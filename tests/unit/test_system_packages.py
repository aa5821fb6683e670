# SPDX-License-Identifier: BSD-2-Clause
"""Package managers: small programs on PATH stand for the real ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from netmap_build import network, system_packages
from netmap_build.errors import BuildError

ANNOUNCED = {
    "apt-get": "0 upgraded, 1 newly installed.\nNeed to get 34.5 MB/36 MB of archives.\n",
    "dnf": "Install  2 Packages\n\nTotal download size: 34.5 MB\nOperation aborted.\n",
    "zypper": "Overall download size: 34.5 MB. Already cached: 0 B.\n",
    "pacman": "34000000\n500000\n",
}
SIMULATION = {
    "apt-get": "--assume-no",
    "dnf": "--assumeno",
    "zypper": "--dry-run",
    "pacman": "--print",
}
BY_PROGRAM = {m.program: m for m in system_packages.MANAGERS}


@dataclass(frozen=True)
class Fake:
    """A system with one package manager that notes how it was called."""

    program: str
    log: Path

    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


def fake(program: str, folder: Path, code: int = 0, says: str = "") -> Fake:
    log = folder / f"{program}.log"
    (folder / program).write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> {log}\n'
        f"case \"$*\" in *{SIMULATION[program]}*) printf '{ANNOUNCED[program]}'; exit 1;; esac\n"
        f"echo '{says}'\nexit {code}\n"
    )
    (folder / program).chmod(0o755)
    return Fake(program, log)


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH, and root's rights."""
    monkeypatch.setattr(system_packages, "search_path", lambda: f"{tmp_path}:/bin")
    monkeypatch.setattr(
        "shutil.which",
        lambda name, path="": str(tmp_path / name) if (tmp_path / name).exists() else None,
    )
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.delenv(network.VARIABLE, raising=False)
    return tmp_path


@pytest.fixture(params=BY_PROGRAM)
def system(request: pytest.FixtureRequest, alone: Path) -> Fake:
    return fake(request.param, alone)


def test_root_sees_names_and_size_before_the_installation(
    system: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    system_packages.install(["one", "two"], "try", may_install=True)
    assert capsys.readouterr().out == (
        "netmap: try needs one two: installing, 34.5 MB to download\n"
    )
    asked, told = system.calls()
    assert SIMULATION[system.program] in asked
    assert SIMULATION[system.program] not in told
    assert told.endswith("one two")
    assert "-y" in told.split() or "--noconfirm" in told.split()


@pytest.mark.parametrize(("user", "may_install"), [(1000, True), (0, False)])
def test_others_and_no_install_get_the_command_to_type(
    system: Fake, user: int, may_install: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: user)
    with pytest.raises(BuildError, match="try needs: b a") as caught:
        system_packages.install(["b", "a"], "try", may_install=may_install)
    assert BY_PROGRAM[system.program].to_type(["b", "a"]) in caught.value.hint
    assert caught.value.hint.startswith("type: ")
    assert ("su -c" in caught.value.hint) == (user != 0)
    assert system.calls() == []


def test_offline_nothing_is_installed(system: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(network.VARIABLE, "1")
    with pytest.raises(BuildError, match="offline=1 forbids it") as caught:
        system_packages.install(["one"], "try", may_install=True)
    assert caught.value.hint == "type: ./sconsw fetch"
    assert system.calls() == []


def test_a_failed_installation_is_tried_with_fresh_lists_and_then_explained(alone: Path) -> None:
    apt = fake("apt-get", alone, 100, "E: Unable to locate package one")
    with pytest.raises(BuildError) as caught:
        system_packages.install(["one"], "try", may_install=True)
    assert caught.value.message == (
        "apt-get could not install one: E: Unable to locate package one"
    )
    assert [words.split()[0] for words in apt.calls()] == [
        "install",
        "install",
        "update",
        "install",
    ]


def test_a_full_disk_is_named(alone: Path) -> None:
    fake("dnf", alone, 1, "Error: x: No space left on device")
    with pytest.raises(BuildError, match="No space left on device"):
        system_packages.install(["one"], "try", may_install=True)


def test_sudo_is_named_where_it_is_installed(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake("dnf", alone)
    (alone / "sudo").touch()
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert system_packages.command_to_type(["a"]) == (
        "type: sudo dnf install --setopt=install_weak_deps=False a"
    )


def test_a_system_without_a_known_manager_is_told_the_names(alone: Path) -> None:
    with pytest.raises(BuildError, match="needs what Debian packages as: make"):
        system_packages.install(["make"], "module", may_install=True)


@pytest.mark.parametrize(
    ("release", "program"),
    [
        ('ID=fedora\nNAME="Fedora"\n', "dnf"),
        ('ID="opensuse-leap"\nID_LIKE="suse opensuse"\n', "zypper"),
        ("ID=manjaro\nID_LIKE=arch\n", "pacman"),
        ("ID=ubuntu\nID_LIKE=debian\n", "apt-get"),
        ("ID=rocky\nID_LIKE='rhel centos fedora'\n", "dnf"),
    ],
)
def test_the_manager_is_the_systems_own_where_several_are_installed(
    release: str, program: str, alone: Path
) -> None:
    for name in BY_PROGRAM:
        fake(name, alone)
    (alone / "etc").mkdir()
    (alone / "etc/os-release").write_text(release)
    found = system_packages.manager(alone)
    assert found is not None
    assert found.program == program


@pytest.mark.parametrize(
    ("program", "text"),
    [
        ("dnf", "Total size of inbound packages is 36 MiB. Need to download 34.5 MB.\n"),
        ("zypper", "Package download size:    34.5 MB\n"),
    ],
)
def test_newer_words_for_the_size_are_read_too(program: str, text: str) -> None:
    assert BY_PROGRAM[program].size(text) == "34.5 MB"

# SPDX-License-Identifier: BSD-2-Clause
"""System packages: what is needed, and how it is got or asked for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from netmap_build import needs, system_packages, targets
from netmap_build.errors import BuildError

SIMULATION = """\
The following NEW packages will be installed:
  qemu-system-x86
0 upgraded, 1 newly installed, 0 to remove and 3 not upgraded.
Need to get 34.5 MB of archives.
After this operation, 100 MB of additional disk space will be used.
"""


def test_every_target_with_needs_is_advertised() -> None:
    assert set(needs.BY_TARGET) <= set(targets.names())


@pytest.mark.parametrize("target", ["module", "lib", "apps"])
def test_a_plain_build_needs_no_emulator_and_no_cross_compiler(target: str) -> None:
    packages = {need.package for need in needs.BY_TARGET[target]}
    assert not any(w in p for p in packages for w in ("qemu", "mingw", "wine", "docker", "clang"))


def test_a_missing_file_is_seen(tmp_path: Path) -> None:
    need = needs.Need("libx", files=("usr/lib/*/libx.so",))
    assert needs.packages([need, need], tmp_path) == ["libx"]
    (tmp_path / "usr/lib/arch").mkdir(parents=True)
    (tmp_path / "usr/lib/arch/libx.so").touch()
    assert needs.packages([need], tmp_path) == []


def test_a_missing_program_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    need = needs.Need("p", program="a-program-of-nobody")
    assert needs.packages([need]) == ["p"]
    (tmp_path / "a-program-of-nobody").write_text("")
    (tmp_path / "a-program-of-nobody").chmod(0o755)
    assert needs.packages([need]) == []


@pytest.fixture
def apt(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """An apt that only notes its arguments."""
    calls: list[list[str]] = []

    def run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
        calls.append(arguments)
        return subprocess.CompletedProcess(arguments, 0, stdout=SIMULATION)

    monkeypatch.setattr(system_packages, "apt", run)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    return calls


def test_root_sees_names_and_size_before_the_installation(
    apt: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    system_packages.install(["qemu-system-x86"], "test-vm", may_install=True)
    assert capsys.readouterr().out == (
        "netmap: test-vm needs qemu-system-x86: installing, 34.5 MB to download\n"
    )
    assert [words[:2] for words in apt] == [["install", "--assume-no"], ["install", "-y"]]


@pytest.mark.parametrize(("user", "may_install"), [(1000, True), (0, False)])
def test_others_and_no_install_get_one_line_to_type(
    apt: list[list[str]], monkeypatch: pytest.MonkeyPatch, user: int, may_install: bool
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: user)
    with pytest.raises(BuildError) as caught:
        system_packages.install(["b", "a"], "test-vm", may_install=may_install)
    assert caught.value.hint == "type: sudo apt-get install --no-install-recommends b a"
    assert apt == []


def test_a_system_without_apt_is_told_the_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(BuildError, match="needs what Debian packages as: make"):
        system_packages.install(["make"], "module", may_install=True)

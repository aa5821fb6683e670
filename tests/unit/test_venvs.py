# SPDX-License-Identifier: BSD-2-Clause
"""Virtual environments and the wrapper around them."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from netmap_build import system_packages, venvs, wrapper
from netmap_build.errors import BuildError

TOP = Path(__file__).resolve().parents[2]
VENV = venvs.Venv(".venv", "requirements.lock", (3, 10))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "requirements.lock").write_text("")
    return tmp_path


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Environments are only folders here; the list tells how often one was made."""
    calls: list[Path] = []

    def make(folder: Path, lock: Path, base: Path) -> None:
        (folder / "bin").mkdir(parents=True, exist_ok=True)
        (folder / "bin/python").touch()
        calls.append(folder)

    monkeypatch.setattr(venvs, "make", make)
    return calls


def test_an_environment_is_made_once(checkout: Path, made: list[Path]) -> None:
    for _ in range(3):
        assert venvs.ensure(checkout, VENV) == checkout / ".venv/bin/python"
    assert made == [checkout / ".venv"]


def test_a_changed_lock_makes_it_again(checkout: Path, made: list[Path]) -> None:
    venvs.ensure(checkout, VENV)
    (checkout / "requirements.lock").write_text("scons==1\n")
    venvs.ensure(checkout, VENV)
    assert len(made) == 2


def test_another_interpreter_makes_it_again(
    checkout: Path, made: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    venvs.ensure(checkout, VENV)
    monkeypatch.setattr(venvs, "interpreter", lambda: Path("/usr/bin/python3.99"))
    venvs.ensure(checkout, VENV)
    assert len(made) == 2


def test_a_checkout_that_moved_makes_it_again(checkout: Path, made: list[Path]) -> None:
    venvs.ensure(checkout, VENV)
    moved = checkout.parent / "moved"
    checkout.rename(moved)
    venvs.ensure(moved, VENV)
    assert made == [checkout / ".venv", moved / ".venv"]


def test_an_environment_whose_python_vanished_is_made_again(
    checkout: Path, made: list[Path]
) -> None:
    venvs.ensure(checkout, VENV).unlink()
    venvs.ensure(checkout, VENV)
    assert len(made) == 2


def test_two_at_once_make_it_once(checkout: Path, made: list[Path]) -> None:
    threads = [threading.Thread(target=venvs.ensure, args=(checkout, VENV)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_an_old_python_is_refused_in_one_line(checkout: Path) -> None:
    with pytest.raises(BuildError, match=r"\.venv needs Python 9\.0 or newer"):
        venvs.ensure(checkout, venvs.Venv(".venv", "requirements.lock", (9, 0)))


def test_a_failed_install_leaves_no_environment_behind(checkout: Path) -> None:
    lock = checkout / "requirements.lock"
    folder = checkout / ".venv"
    folder.mkdir()
    (folder / "half").touch()
    with pytest.raises(BuildError):
        venvs.make(folder, lock, Path("/bin/false"))
    assert not folder.exists()


def test_without_the_venv_module_the_package_is_asked_for(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def install(packages: list[str], purpose: str, *, may_install: bool) -> None:
        asked.append(packages)
        raise BuildError("no", "type: sudo apt-get install python3-venv")

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(system_packages, "install", install)
    with pytest.raises(BuildError):
        venvs.ensure(checkout, VENV)
    assert asked == [["python3-venv"]]


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-test.lock", "toolchains.lock"])
def test_locks_pin_hashes_and_name_no_index(name: str) -> None:
    lines = [line for line in (TOP / name).read_text().splitlines() if not line.startswith("#")]
    pins = [line for line in lines if not line.startswith(" ")]
    assert pins
    for index, line in enumerate(lines):
        if not line.startswith(" "):
            assert "==" in line
            assert lines[index + 1].startswith("    --hash=sha256:")
    assert not any(word in " ".join(lines) for word in ("index-url", "find-links", "://"))


def test_the_build_environment_holds_only_what_the_build_needs() -> None:
    pins = {
        line.partition("==")[0]
        for line in (TOP / "requirements.lock").read_text().splitlines()
        if "==" in line and not line.startswith((" ", "#"))
    }
    tests_alone = [
        line for line in (TOP / "requirements-test.in").read_text().split() if line[0] != "-"
    ]
    assert pins >= set((TOP / "requirements.in").read_text().split())
    assert pins.isdisjoint({*tests_alone, "requirements.in"})


def test_a_checkout_path_with_a_space_is_refused_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "my netmap"
    folder.mkdir()
    with pytest.raises(BuildError, match="has a space in it") as caught:
        wrapper.check_checkout(folder)
    assert "\n" not in caught.value.message


def test_the_wrapper_refuses_a_path_with_a_space_before_anything_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "my netmap"
    (folder / "site_scons").mkdir(parents=True)
    (folder / "sconsw").write_bytes((TOP / "sconsw").read_bytes())
    (folder / "site_scons/netmap_build").symlink_to(TOP / "site_scons/netmap_build")
    done = subprocess.run(
        [sys.executable, str(folder / "sconsw")],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env={"PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 2
    assert not (folder / ".venv").exists()


def test_scons_starts_as_a_module() -> None:
    command = wrapper.scons_command(Path("/v/bin/python"), ["lib", "cc=clang"])
    assert command == ["/v/bin/python", "-m", "SCons", "-Q", "lib", "cc=clang"]


@pytest.mark.parametrize(
    ("args", "allowed"),
    [
        ([], True),
        (["no-install=1"], False),
        (["--no-install"], False),
        (["--no-install=1"], False),
        (["no-install=0"], True),
    ],
)
def test_the_wrapper_obeys_no_install(args: list[str], allowed: bool) -> None:
    assert wrapper.installing_allowed(args) is allowed

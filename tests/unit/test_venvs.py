# SPDX-License-Identifier: BSD-2-Clause
"""Virtual environments and the wrapper around them."""

from __future__ import annotations

import hashlib
import os
import threading
import zipfile
from pathlib import Path

import pytest
from netmap_build import network, system_packages, venvs, wheels
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
    monkeypatch.setattr(system_packages, "manager", lambda: system_packages.APT)
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


def test_wheels_come_from_the_cache_where_an_earlier_checkout_left_them(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = checkout / "requirements.lock"
    monkeypatch.setenv("NETMAP_BUILD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(wheels, "run", lambda command, what, on_line=None: None)
    first = wheels.collect(lock, Path("python"))
    monkeypatch.setenv(network.VARIABLE, "1")
    assert wheels.collect(lock, Path("python")) == first
    lock.write_text("# another")
    with pytest.raises(BuildError, match="offline=1 forbids it"):
        wheels.collect(lock, Path("python"))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("OSError: [Errno 28] No space left on device", "no space is left on a disk"),
        ("ERROR: No matching distribution found for x==1", "pip does not reach its package index"),
        ("WARNING: Retrying after connection broken", "pip does not reach its package index"),
        ("SSLError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate", "is not trusted here"),
        ("error: [Errno 13] Permission denied: '/x'", "Permission denied: '/x'"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "DO NOT MATCH THE HASHES"),
        ("", "it said nothing"),
    ],
)
def test_a_failure_of_pip_is_one_line_and_one_thing_to_type(said: str, told: str) -> None:
    error = wheels.explained("installing", ["Collecting x", said] if said else [])
    assert told in error.message
    assert "\n" not in error.message
    assert error.hint.startswith("type: ")


def test_the_users_python_and_pip_variables_do_not_reach_pip(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "VIRTUAL_ENV"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("PIP_USER", "1")
    env = wheels.clean_environment()
    assert "/nowhere" not in env.values()
    assert env["PIP_USER"] == "0"


def wheel(folder: Path, files: dict[str, str]) -> Path:
    """A wheel with these files, and a lock that pins it."""
    (folder / "wheels").mkdir()
    path = folder / "wheels/thing-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "lock").write_text(f"thing==1 \\\n    --hash=sha256:{digest}\n")
    return path


def test_a_wheel_is_unpacked_with_its_programs(tmp_path: Path) -> None:
    wheel(
        tmp_path,
        {
            "thing/__init__.py": "x = 1\n",
            "thing-1.data/scripts/thing": "#!/bin/sh\n",
            "thing-1.data/purelib/other.py": "y = 2\n",
            "../outside": "",
        },
    )
    site, programs = tmp_path / "a/site", tmp_path / "a/bin"
    wheels.unpack(tmp_path / "lock", tmp_path / "wheels", site, programs)
    assert (site / "thing/__init__.py").read_text() == "x = 1\n"
    assert (site / "other.py").exists()
    assert os.access(programs / "thing", os.X_OK)
    assert not (tmp_path / "a/outside").exists()


def test_a_wheel_that_changed_in_the_cache_is_refused(tmp_path: Path) -> None:
    path = wheel(tmp_path, {"thing.py": ""})
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(BuildError, match="is not what lock pins") as caught:
        wheels.unpack(tmp_path / "lock", tmp_path / "wheels", tmp_path / "s", tmp_path / "b")
    assert caught.value.hint.startswith("type: rm -r ")
    assert not (tmp_path / "s").exists()

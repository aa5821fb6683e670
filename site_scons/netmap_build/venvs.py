# SPDX-License-Identifier: BSD-2-Clause
"""Virtual environments made from hash-locked files, remade when anything they rest on changes.

A stamp inside the environment names the lock's content, the interpreter and the path. While it
matches, nothing is done; a build never waits for the test environment, which is made when a
test target first asks for it.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from . import cache, needs, space, system_packages, wheels
from .errors import BuildError, say

STAMP = "netmap-stamp"


@dataclass(frozen=True)
class Venv:
    """One environment: its folder, the lock it is made from, the oldest Python it runs on."""

    folder: str
    lock: str
    oldest: tuple[int, int]


BUILD = Venv(".venv", "requirements.lock", (3, 10))
TEST = Venv(".venv-test", "requirements-test.lock", (3, 11))


def interpreter() -> Path:
    """The real interpreter under this process, also when it runs inside a venv."""
    return Path(os.path.realpath(sys.executable))


def identity(lock_text: bytes, base: Path, version: str, folder: Path) -> str:
    """What an environment rests on, as one word."""
    digest = hashlib.sha256(lock_text)
    for part in (str(base), version, str(folder)):
        digest.update(b"\0" + part.encode())
    return digest.hexdigest()


def python_of(folder: Path) -> Path:
    return folder / "bin" / "python"


def is_current(folder: Path, wanted: str) -> bool:
    """True when the environment is complete and rests on what is wanted now."""
    try:
        return (folder / STAMP).read_text() == wanted and python_of(folder).exists()
    except OSError:
        return False


def ensure(top: Path, venv: Venv, *, may_install: bool = True) -> Path:
    """Return the environment's python, making the environment first if it is not current."""
    folder = top / venv.folder
    lock = top / venv.lock
    base = interpreter()
    wanted = identity(lock.read_bytes(), base, sys.version, folder)
    if is_current(folder, wanted):
        return python_of(folder)
    if sys.version_info < venv.oldest:
        raise BuildError(
            f"{venv.folder} needs Python {venv.oldest[0]}.{venv.oldest[1]} or newer, "
            f"this is {sys.version_info[0]}.{sys.version_info[1]}",
            "type: python3.11 ./sconsw (or any newer one)",
        )
    with cache.locked(top / "build" / f"{venv.folder.lstrip('.')}.lock", f"makes {venv.folder}"):
        if not is_current(folder, wanted):
            need_venv_module(may_install)
            make(folder, lock, base)
            (folder / STAMP).write_text(wanted)
    return python_of(folder)


def need_venv_module(may_install: bool) -> None:
    """Debian splits venv and pip out of python3; get them or say how."""
    if needs.VENV.is_met():
        return
    name = needs.VENV.name_for(system_packages.manager_name())
    system_packages.install([name], "the build's .venv", may_install=may_install)
    importlib.invalidate_caches()


def make(folder: Path, lock: Path, base: Path) -> None:
    """Make the environment from nothing; leave nothing behind on failure."""
    wheels.ready(lock)
    say(f"netmap: making {folder.name} from {lock.name}")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        there = wheels.collect(lock, base)
        wheels.run([str(base), "-m", "venv", "--without-pip", str(folder)], "python3 -m venv")
        (site,) = folder.glob("lib/python3*/site-packages")
        wheels.unpack(lock, there, site, folder / "bin")
    except BaseException as error:
        full = space.free(folder) < space.LITTLE  # venv does not say that this is why
        shutil.rmtree(folder, ignore_errors=True)
        if full and isinstance(error, (BuildError, OSError)):
            raise space.shortage(folder.name, folder.parent) from None
        raise

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
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from platform import machine

from . import cache, needs, network, space, system_packages
from .errors import BuildError, say
from .ticker import Ticker

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
    if not wheels_of(lock).is_dir():
        network.need(f"downloading the Python packages of {lock.name}")
        cache.check_writable()
    say(f"netmap: making {folder.name} from {lock.name}")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        run([str(base), "-m", "venv", str(folder)], "python3 -m venv")
        wheels = collect(lock, python_of(folder))
        run(
            [
                *pip(python_of(folder), "install", lock),
                *["--no-index", "--find-links", str(wheels), "--no-deps"],
            ],
            f"installing the packages of {lock.name}",
        )
    except BaseException as error:
        full = space.free(folder) < space.LITTLE  # venv does not pass on what its pip says of it
        shutil.rmtree(folder, ignore_errors=True)
        if full and isinstance(error, BuildError):
            raise space.shortage(folder.name, folder.parent) from None
        raise


def pip(python: Path, word: str, lock: Path) -> list[str]:
    """The start of a pip command that takes wheels by their hashes only."""
    return [
        *[str(python), "-m", "pip", word, "-r", str(lock), "--require-hashes"],
        *["--only-binary", ":all:", "--disable-pip-version-check", "--progress-bar", "off"],
    ]


def wheels_of(lock: Path) -> Path:
    """Where the wheels of a lock lie in the build cache, for this Python on this machine."""
    word = hashlib.sha256(lock.read_bytes() + sys.version.encode() + machine().encode())
    return cache.root() / "wheels" / f"{lock.stem}-{word.hexdigest()[:16]}"


def collect(lock: Path, python: Path) -> Path:
    """The wheels of a lock, downloaded once for all checkouts."""
    final = wheels_of(lock)
    if not final.is_dir():
        with cache.locked(cache.root() / "wheels.lock", "downloads Python packages"):
            if not final.is_dir():
                network.need(f"downloading the Python packages of {lock.name}")
                with cache.new_folder(final) as scratch:
                    download(lock, python, scratch)
    return final


def download(lock: Path, python: Path, into: Path) -> None:
    """pip download, counting aloud where somebody watches."""
    total = len(re.findall(r"^\S+==", lock.read_text(), re.MULTILINE))
    say(f"netmap: downloading up to {total} Python packages named in {lock.name}")
    found: list[str] = []
    with Ticker() as ticker:

        def count(line: str) -> None:
            if line.startswith("Collecting "):
                found.append(line.split()[1])
                ticker.show(f"{len(found)} of {total}: {found[-1]}")

        run(
            [*pip(python, "download", lock), "--no-deps", "-d", str(into)],
            f"downloading the packages of {lock.name}",
            count,
        )


def clean_environment() -> dict[str, str]:
    """The user's, but for what would send Python or pip elsewhere."""
    dropped = ("PYTHON", "VIRTUAL_ENV", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT")
    env = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
    return {**env, "PIP_USER": "0", "PIP_NO_INPUT": "1"}


def run(command: list[str], what: str, on_line: Callable[[str], None] | None = None) -> None:
    """Run quietly; on failure say why in one line."""
    lines: list[str] = []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=clean_environment(),
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                lines.append(line.strip())
                if on_line:
                    on_line(line)
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise explained(what, lines)


def explained(what: str, lines: list[str]) -> BuildError:
    """Why pip or venv failed, by its own words."""
    text = "\n".join(lines)
    if "No space left on device" in text:
        return BuildError(
            f"{what} failed: no space is left on a disk",
            f"type: df -h . {cache.root().parent} {tempfile.gettempdir()} and make room",
        )
    if re.search(r"Permission denied|Read-only file system", text):
        why = next(line for line in reversed(lines) if re.search("denied|Read-only", line))
        return BuildError(f"{what} failed: {why}", "type: ls -ld . and use a checkout of your own")
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return BuildError(
            f"{what} failed: the certificate of pip's package index is not trusted here",
            "type: date; pip config list, and mend the clock or name the right cert there",
        )
    if re.search(r"connection|resolve|timed out|No matching distribution|Max retries", text, re.I):
        return BuildError(
            f"{what} failed: pip does not reach its package index",
            "type: pip config list, mend the index or the network there, then the same again",
        )
    marked = [line for line in lines if line.startswith("ERROR")] or lines or ["it said nothing"]
    return BuildError(f"{what} failed: {marked[-1]}", "type: rm -rf .venv, then the same again")

# SPDX-License-Identifier: BSD-2-Clause
"""Wheels: downloaded by pip once for all checkouts, checked by their hashes, unpacked into venvs.

pip lives in an environment of its own in the build cache, made when something must be downloaded.
An environment made of wheels that are there takes a second, and neither pip nor a network.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from platform import machine

from . import cache, network, space
from .errors import BuildError, say
from .ticker import Ticker


def this_python() -> str:
    """Names the interpreter and machine that wheels are for."""
    return hashlib.sha256(f"{sys.version} {machine()}".encode()).hexdigest()[:16]


def folder_of(lock: Path) -> Path:
    """Where the wheels of a lock lie in the build cache, for this Python on this machine."""
    word = hashlib.sha256(lock.read_bytes() + this_python().encode())
    return cache.root() / "wheels" / f"{lock.stem}-{word.hexdigest()[:16]}"


def ready(lock: Path) -> None:
    """Refuse now what would be refused after work that would be lost."""
    if not folder_of(lock).is_dir():
        network.need(f"downloading the Python packages of {lock.name}")
        cache.check_writable()


@contextmanager
def full_disk_told(folder: Path) -> Iterator[None]:
    """venv does not pass on what its pip says of a disk: look while the disk is full."""
    try:
        yield
    except BuildError:
        if space.free(folder) < space.LITTLE:
            raise space.shortage("the Python packages", cache.root()) from None
        raise


def collect(lock: Path, base: Path) -> Path:
    """The wheels of a lock, downloaded once for all checkouts; base is the interpreter."""
    final = folder_of(lock)
    if not final.is_dir():
        ready(lock)
        with cache.locked(cache.root() / "wheels.lock", "downloads Python packages"):
            if not final.is_dir():
                with cache.new_folder(final) as scratch, full_disk_told(scratch):
                    download(lock, base, scratch)
    return final


def pip(base: Path) -> list[str]:
    """The command of a pip that works whatever this system has; made in the cache when missing."""
    final = cache.root() / "pip" / this_python()
    with cache.locked(cache.root() / "pip.lock", "makes an environment for pip"):
        if not (final / "bin/python").exists():
            say("netmap: making an environment for pip")
            with cache.new_folder(final) as scratch, full_disk_told(scratch):
                run([str(base), "-m", "venv", str(scratch)], "python3 -m venv")
    return [str(final / "bin/python"), "-m", "pip", "--disable-pip-version-check"]


def download(lock: Path, base: Path, into: Path) -> None:
    """pip download, counting aloud where somebody watches."""
    total = len(re.findall(r"^\S+==", lock.read_text(), re.MULTILINE))
    say(f"netmap: downloading up to {total} Python packages named in {lock.name}")
    found: list[str] = []
    with Ticker() as ticker:

        def count(line: str) -> None:
            if line.startswith("Collecting "):
                found.append(line.split()[1])
                ticker.show(f"{len(found)} of {total}: {found[-1]}")

        pip_download(lock, base, into, f"downloading the packages of {lock.name}", count)


def pip_download(
    lock: Path, base: Path, into: Path, what: str, on_line: Callable[[str], None] | None = None
) -> None:
    """Wheels alone, none that a lock does not pin, their hashes checked."""
    words = ["download", "--no-deps", "-d", str(into), "-r", str(lock), "--require-hashes"]
    words += ["--only-binary", ":all:", "--progress-bar", "off"]
    run([*pip(base), *words], what, on_line)


def unpack(lock: Path, wheels: Path, site: Path, programs: Path) -> None:
    """Unpack all wheels of a folder: packages into site, their programs beside python.

    Each is checked against the lock again: the cache may have changed since the download.
    """
    pinned = set(re.findall(r"--hash=sha256:(\w+)", lock.read_text()))
    for wheel in sorted(wheels.glob("*.whl")):
        if hashlib.sha256(wheel.read_bytes()).hexdigest() not in pinned:
            raise BuildError(
                f"{wheel} is not what {lock.name} pins; it changed after it was downloaded",
                f"type: rm -r {wheels}, then the same again",
            )
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.infolist():
                place(archive, member, site, programs)


def place(archive: zipfile.ZipFile, member: zipfile.ZipInfo, site: Path, programs: Path) -> None:
    """One file of a wheel; NAME.data/ holds what does not simply go into site."""
    parts = PurePosixPath(member.filename).parts
    if member.is_dir() or ".." in parts or parts[0] == "/":
        return
    target = site.joinpath(*parts)
    if parts[0].endswith(".data"):
        target = {"purelib": site, "platlib": site, "scripts": programs}.get(parts[1], site)
        target = target.joinpath(
            *parts[2:] if parts[1] in ("purelib", "platlib", "scripts") else parts
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(archive.read(member))
    if programs in target.parents:
        target.chmod(0o755)


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

# SPDX-License-Identifier: BSD-2-Clause
"""Clean systems in containers: the engine, and this machine's ways to its archives."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from netmap_build import containers, venvs, wheels
from netmap_build.containers import Mount
from netmap_build.engine import Engine

TOP = Path(__file__).resolve().parents[2]
# How apt reaches and checks its archives.
SYSTEM = tuple(
    Path(name)
    for name in (
        "/etc/apt",
        "/usr/share/keyrings",
        "/etc/ssl/certs",
        "/usr/local/share/ca-certificates",
    )
)


def pip_settings() -> dict[str, str]:
    """What pip is told here, by files or variables, as variables; nothing of it is written down."""
    listing = subprocess.run(
        [*wheels.pip(venvs.interpreter()), "config", "list"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    found: dict[str, str] = {}
    for name, value in re.findall(r"^(?:global|install|:env:)\.([\w-]+)='(.*)'$", listing, re.M):
        found[f"PIP_{name.upper().replace('-', '_')}"] = value
    return found


def named_paths(settings: dict[str, str]) -> list[Path]:
    """Folders and files of this machine that settings of pip point to.

    The pages of an index in files name files beside the index.
    """
    words = [word for value in settings.values() for word in value.split()]
    paths = [Path(word) for word in words if word.startswith("/")]
    paths += [Path(word.removeprefix("file://")).parent for word in words if "file:///" in word]
    return [path for path in paths if path.exists()]


def aside(settings: dict[str, str], system: list[Path]) -> dict[str, str]:
    """The settings with system files named where they are mounted, which no package changes."""
    return {
        name: f"/host{value}" if any(folder in Path(value).parents for folder in system) else value
        for name, value in settings.items()
    }


@dataclass(frozen=True)
class Ways:
    """How this machine reaches its archives, for a container to do the same."""

    mounts: list[Mount]
    variables: dict[str, str]
    copy: str  # a shell script; packages of the container may change these files


@pytest.fixture(scope="session")
def engine() -> Engine:
    return containers.engine(os.environ.get("NETMAP_MAY_INSTALL", "1") == "1")


@pytest.fixture(scope="session")
def ways() -> Ways:
    """The system's files are copied into a container, what pip needs besides is mounted."""
    settings = pip_settings()
    system = [path for path in SYSTEM if path.exists()]
    beside = [
        path
        for path in dict.fromkeys(named_paths(settings))
        if not any(folder in path.parents for folder in system)
    ]
    mounts = [Mount(path, Path(f"/host{path}")) for path in system]
    mounts += [containers.same(path) for path in beside]
    copy = "".join(f"mkdir -p {path} && cp -a /host{path}/. {path}/\n" for path in system)
    return Ways(mounts, aside(settings, system), "rm -f /etc/apt/sources.list.d/*\n" + copy)


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """The files under version control, as they are now: what a clone would bring."""
    folder = tmp_path / "netmap"
    listing = subprocess.run(
        ["git", "-c", f"safe.directory={TOP}", "-C", str(TOP), "ls-files", "-z"],
        stdout=subprocess.PIPE,
        check=True,
    ).stdout.decode()
    for name in listing.split("\0"):
        source = TOP / name
        if name and (source.is_file() or source.is_symlink()):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / name, follow_symlinks=False)
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)

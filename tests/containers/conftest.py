# SPDX-License-Identifier: BSD-2-Clause
"""Clean systems in containers: the engine, and this machine's ways to its archives."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from netmap_build import containers
from netmap_build.containers import Mount
from netmap_build.engine import Engine

TOP = Path(__file__).resolve().parents[2]


def pip_settings() -> dict[str, str]:
    """What pip is told here, by files or variables, as variables; nothing of it is written down."""
    listing = subprocess.run(
        ["python3", "-m", "pip", "config", "list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    ).stdout
    found: dict[str, str] = {}
    for name, value in re.findall(r"^(?:global|install|:env:)\.([\w-]+)='(.*)'$", listing, re.M):
        found[f"PIP_{name.upper().replace('-', '_')}"] = value
    return found


def named_paths(settings: dict[str, str]) -> list[Path]:
    """Folders and files of this machine that settings of pip point to."""
    words = [word.removeprefix("file://") for value in settings.values() for word in value.split()]
    return [Path(word) for word in words if word.startswith("/") and Path(word).exists()]


def apt_files() -> list[Path]:
    """How apt reaches and checks its archives."""
    files = [Path("/etc/apt"), Path("/usr/share/keyrings"), Path("/etc/ssl/certs")]
    return [path for path in files if path.exists()]


@pytest.fixture(scope="session")
def engine() -> Engine:
    return containers.engine(os.environ.get("NETMAP_MAY_INSTALL", "1") == "1")


@pytest.fixture(scope="session")
def ways() -> tuple[list[Mount], dict[str, str]]:
    """Mounts and variables by which a container reaches the archives that this machine uses."""
    settings = pip_settings()
    paths = dict.fromkeys([*apt_files(), *named_paths(settings)])
    return [containers.same(path) for path in paths], settings


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

# SPDX-License-Identifier: BSD-2-Clause
"""Packages of the system: named with their size first, then installed by root or asked for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading

from .errors import BuildError, say

APT_OPTIONS = ["--no-install-recommends"]
ALONE = threading.Lock()  # two nodes may find the same thing missing


def apt_environment() -> dict[str, str]:
    """English output, no questions."""
    return {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}


def command_to_type(packages: list[str]) -> str:
    """The line a person types to get these packages."""
    return f"type: sudo apt-get install {' '.join([*APT_OPTIONS, *packages])}"


def apt(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["apt-get", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=apt_environment(),
        check=False,
    )


def size_from(simulation: str) -> str | None:
    """The download size apt announced, or None where it could not resolve the packages."""
    match = re.search(r"Need to get ([^\n]*?) of archives", simulation)
    return match.group(1).split("/")[0] if match else None


def install(packages: list[str], purpose: str, *, may_install: bool) -> None:
    """Install packages with apt when root; otherwise refuse with the line to type."""
    names = " ".join(packages)
    if shutil.which("apt-get") is None:
        raise BuildError(
            f"{purpose} needs what Debian packages as: {names}",
            "install these with the package manager of this system, then type the same again",
        )
    if not may_install or os.geteuid() != 0:
        raise BuildError(f"{purpose} needs: {names}", command_to_type(packages))
    with ALONE:
        get(packages, purpose)


def get(packages: list[str], purpose: str) -> None:
    """As root: say what comes and how large it is, then install it."""
    simulation = ["install", "--assume-no", *APT_OPTIONS, *packages]
    size = size_from(apt(simulation).stdout)
    if size is None:
        apt(["update", "-q"])
        size = size_from(apt(simulation).stdout)
    names = " ".join(packages)
    say(f"netmap: {purpose} needs {names}: installing, {size or 'unknown size'} to download")
    done = apt(["install", "-y", "-q", *APT_OPTIONS, *packages])
    if done.returncode:
        # The lists may be older than the mirror: once more with fresh ones.
        apt(["update", "-q"])
        done = apt(["install", "-y", "-q", *APT_OPTIONS, *packages])
    if done.returncode:
        said = "\n        ".join(done.stdout.strip().splitlines()[-4:])
        raise BuildError(f"apt-get install failed:\n        {said}", command_to_type(packages))

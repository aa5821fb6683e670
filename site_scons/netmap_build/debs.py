# SPDX-License-Identifier: BSD-2-Clause
"""Single packages of the distribution, unpacked into the build cache: nothing is installed.

They may be of another architecture than this machine's; apt checks them like any other package.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from . import arch as architectures
from . import cache, debian_kernel, network, space
from .apt import telling
from .errors import BuildError, say

OF_THIS_MACHINE = re.compile(r"(?!)")  # no package is wanted of this machine's architecture


def folder_of(name: str, arch: str) -> Path:
    return cache.root() / "debs" / f"{name}-{architectures.chosen(arch).debian}"


def unpacked(name: str, arch: str) -> Path | None:
    """The folder of a package that was fetched before; never asks the network."""
    folder = folder_of(name, arch)
    return folder if folder.is_dir() else None


def fetch(name: str, arch: str) -> Path:
    """The unpacked package, fetched through the system's own apt sources on first need."""
    found = unpacked(name, arch)
    if found:
        return found
    debian = architectures.chosen(arch).debian
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise BuildError(
            f"{name} for {debian} comes through apt, which this machine has not",
            "type: ./sconsw on a Debian machine, or without arch=",
        )
    network.need(f"fetching {name} for {debian}")
    with cache.locked(cache.root() / "kernels.lock"):  # apt's folder is shared with the kernels
        return unpacked(name, arch) or download(name, arch)


def download(name: str, arch: str) -> Path:
    """Look the package up, download it, unpack it."""
    apt = debian_kernel.private_apt("", arch)
    said = apt.update()
    package = apt.show_for(name, OF_THIS_MACHINE)
    debian = architectures.chosen(arch).debian
    if package is None or package.arch != debian:
        raise BuildError(
            f"apt has no {name} for {debian}: {telling(said)}",
            "type: apt-cache policy " + name,
        )
    say(f"netmap: fetching {name} for {debian}: {package.size / 1e6:.1f} MB")
    folder = folder_of(name, arch)
    with space.explained(name, folder), cache.new_folder(folder) as scratch:
        debs = scratch / "debs"
        debs.mkdir()
        debian_kernel.unpack(apt.download([package], debs), scratch)
        shutil.rmtree(debs)
    return folder


def busybox(arch: str) -> Path:
    """A busybox for that architecture that needs no library."""
    folder = fetch("busybox-static", arch)
    for place in ("bin/busybox", "usr/bin/busybox"):
        if (folder / place).is_file():
            return folder / place
    raise BuildError(f"no busybox in {folder}", f"type: rm -r {folder}, then the same again")

# SPDX-License-Identifier: BSD-2-Clause
"""Debian's kernel packages, unpacked into the build cache so that they work from there.

The packages expect to lie in / : a Makefile includes its common part by an absolute name and
lib/modules/*/build is an absolute link. Both are made relative, so that nothing of the machine's
own /usr/src leaks in.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from . import cache
from .apt import Package, PrivateApt
from .errors import BuildError, say

KERNEL_PACKAGES = re.compile(r"linux-(headers|image|kbuild)-")
CURRENT = "current"
FLAVOURS = {"x86_64": "cloud-amd64", "aarch64": "cloud-arm64"}


def os_release(root: Path = Path("/")) -> dict[str, str]:
    """The fields of /etc/os-release."""
    try:
        text = (root / "etc/os-release").read_text()
    except OSError:
        return {}
    return {k: v.strip('"') for k, v in re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE)}


def other_systems_hint() -> str:
    """Where there is no Debian archive: what this distribution calls its headers."""
    for tool, command in (
        ("dnf", "dnf install kernel-devel"),
        ("zypper", "zypper install kernel-default-devel"),
        ("pacman", "pacman -S linux-headers"),
        ("apt-get", "apt-get install linux-headers-generic"),
    ):
        if shutil.which(tool):
            return f"type: sudo {command}, or ./sconsw kernel-dir=/path/to/kernel/headers"
    return "type: ./sconsw kernel-dir=/path/to/kernel/headers"


def store() -> Path:
    """Where the kernels of this distribution and machine lie in the cache."""
    suite = os_release().get("VERSION_CODENAME", "unknown")
    return cache.root() / "kernels" / f"debian-{suite}-{platform.machine()}"


def relocate(root: Path) -> None:
    """Make an unpacked tree independent of where it lies."""
    for makefile in root.glob("usr/src/linux-headers-*/Makefile"):
        text = makefile.read_text()
        fixed = re.sub(
            r"^include /usr/src/(\S+)$",
            r"include $(dir $(lastword $(MAKEFILE_LIST)))../\1",
            text,
            flags=re.MULTILINE,
        )
        if fixed != text:
            makefile.write_text(fixed)
    for link in [*root.glob("lib/modules/*/*"), *root.glob("usr/lib/modules/*/*")]:
        if link.is_symlink() and link.readlink().is_absolute():
            target = root / str(link.readlink()).lstrip("/")
            link.unlink()
            link.symlink_to(os.path.relpath(target, link.parent))


def unpack(debs: list[Path], root: Path) -> None:
    """dpkg-deb -x for each, then relocate."""
    for deb in debs:
        done = subprocess.run(
            ["dpkg-deb", "-x", str(deb), str(root)],
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BuildError(
                f"{deb.name} did not unpack: {done.stderr.strip()}", "check with: df -h ~/.cache"
            )
    relocate(root)


def version_in(root: Path) -> str:
    """The release name of the kernel whose headers an unpacked tree holds."""
    names = sorted(path.parent.name for path in root.glob("lib/modules/*/build"))
    names += sorted(path.parent.name for path in root.glob("usr/lib/modules/*/build"))
    if not names:
        raise BuildError(
            f"no kernel headers were unpacked in {root}", "type: rm -r it, then the same again"
        )
    return names[-1]


def modules_dir(root: Path, version: str) -> Path | None:
    for lib in ("lib/modules", "usr/lib/modules"):
        if (root / lib / version / "kernel").is_dir():
            return root / lib / version
    return None


def current() -> Path | None:
    """The unpacked tree fetched last, or None; never asks the network."""
    link = store() / CURRENT
    return link.resolve() if (link / "usr/src").is_dir() else None


def fetch() -> Path:
    """Fetch headers and image of the distribution's current cloud kernel, once a version."""
    flavour = FLAVOURS.get(platform.machine())
    if os_release().get("ID") != "debian" or flavour is None or not shutil.which("apt-get"):
        raise BuildError(
            "this machine has no kernel headers, and the fallback is known only for Debian "
            "on x86_64 and aarch64",
            other_systems_hint(),
        )
    with cache.locked(cache.root() / "kernels.lock"):
        return fetch_flavour(flavour)


def fetch_flavour(flavour: str) -> Path:
    """Look up the packages, then download and unpack what is not there yet."""
    say("netmap: looking up the distribution's cloud kernel with apt")
    apt = PrivateApt(cache.root() / "apt")
    said = apt.update()
    start = [f"linux-headers-{flavour}", f"linux-image-{flavour}"]
    packages = [p for p in apt.closure(start, KERNEL_PACKAGES) if p.name not in start]
    headers = [p for p in packages if p.name.endswith(f"-{flavour}") and "headers" in p.name]
    images = [p for p in packages if p.name.endswith(f"-{flavour}") and "image" in p.name]
    if not headers or not images:
        last = (said.strip().splitlines() or ["no source has it"])[-1]
        raise BuildError(
            f"apt knows no {start[0]}: {last}",
            "type: ./sconsw kernel-dir=/path/to/kernel/headers, or mend the apt sources",
        )
    return place(apt, packages, headers[0].version)


def place(apt: PrivateApt, packages: list[Package], version: str) -> Path:
    """Download and unpack one version, and make it the current one."""
    final = store() / version
    if not final.is_dir():
        size = sum(package.size for package in packages) / 1e6
        names = ", ".join(package.name for package in packages)
        say(f"netmap: fetching {names}: {size:.0f} MB")
        with cache.new_folder(final) as scratch:
            debs = scratch / "debs"
            debs.mkdir()
            unpack(apt.download(packages, debs), scratch)
            shutil.rmtree(debs)
            depmod(modules_dir(scratch, version_in(scratch)))
    link = store() / f".{CURRENT}.{os.getpid()}"
    link.symlink_to(version)
    link.replace(store() / CURRENT)
    return final


def depmod(modules: Path | None) -> None:
    """Write modules.dep where kmod is there; the packages leave that to their install script."""
    tool = shutil.which("depmod", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if tool is None or modules is None:
        return
    base = modules.parent.parent.parent
    subprocess.run([tool, "-b", str(base), modules.name], stderr=subprocess.DEVNULL, check=False)

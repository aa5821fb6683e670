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

from . import cache, network, space, suites
from .apt import Package, PrivateApt, telling
from .arch import chosen, host
from .errors import BuildError, say

KERNEL_PACKAGES = re.compile(r"linux-(headers|image|kbuild|binary|modules|base)-")
TOOL_PACKAGES = re.compile(r"linux-kbuild-")  # programs that run on the building machine
CURRENT = "current"
UNPACKED = 6  # times the size of the packages, with room to spare


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


def store(suite: str = "", arch: str = "") -> Path:
    """Where the kernels of a suite and machine lie in the cache; by default this system's own."""
    name = f"debian-{suite or suites.own()}-{arch or platform.machine()}"
    return cache.root() / "kernels" / name


def relocated(before: str, path: str) -> str:
    """A line of a Makefile that names something below /usr/src, made relative to the Makefile."""
    here = "$(dir $(lastword $(MAKEFILE_LIST)))"
    if before == "include ":
        return f"include {here}../{path}"
    return f"KBUILD_OUTPUT := $(abspath {here}../{path})"


def relocate(root: Path) -> None:
    """Make an unpacked tree independent of where it lies."""
    for makefile in root.glob("usr/src/linux-headers-*/Makefile"):
        text = makefile.read_text()
        fixed = re.sub(
            r"^(include |KBUILD_OUTPUT *:?= *)/usr/src/(\S+)$",
            lambda found: relocated(found.group(1), found.group(2)),
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
            if space.is_said(done.stderr):
                raise space.shortage(f"unpacking {deb.name}", root)
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise BuildError(
                f"{deb.name} did not unpack: {last}", "type: ./sconsw fetch, to fetch it again"
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


def image_of(root: Path, version: str) -> Path | None:
    """The kernel that boots, where the package put it."""
    for path in (root / "boot" / f"vmlinuz-{version}", root / f"usr/lib/modules/{version}/vmlinuz"):
        if path.exists():
            return path
    return None


def current(suite: str = "", arch: str = "") -> Path | None:
    """The unpacked tree fetched last, or None; never asks the network."""
    link = store(suite, arch) / CURRENT
    return link.resolve() if (link / "usr/src").is_dir() else None


def fetch(suite: str = "", arch: str = "") -> Path:
    """Fetch headers and image of a suite's current cloud kernel, once a version.

    Without a suite the distribution's own; arch is x86_64 or aarch64, by default this machine's.
    Of another architecture the tools of kbuild are still this machine's.
    """
    flavour = f"cloud-{chosen(arch).debian}"
    if not shutil.which("apt-get") or (not suite and suites.os_release().get("ID") != "debian"):
        what = f"kernel=debian:{suite}" if suite else "the fallback kernel"
        raise BuildError(
            f"{what} comes through apt on Debian, which this machine has not",
            other_systems_hint(),
        )
    network.need(f"fetching the {flavour} kernel of {suite or suites.own()}")
    with cache.locked(cache.root() / "kernels.lock"):
        return fetch_flavour(flavour, suite, arch)


def private_apt(suite: str, arch: str) -> PrivateApt:
    """apt for one suite and architecture, with the system's mirrors and keys."""
    name = suite or suites.own()
    machine = chosen(arch)
    foreign = "" if machine == host() else machine.debian
    root = cache.root() / "apt" / f"{name}-{machine.debian}"
    known = name in suites.names()
    sources = suites.sources(name, suites.system_sources()) if known else ""
    if suite and not sources:
        raise suites.SuiteMissing(
            f"the apt sources of this system name no Debian archive to take {suite} from",
            "type: grep -r debian /etc/apt/sources.list*",
        )
    release = name if known and suites.named(name).base != name else ""
    return PrivateApt(root, sources, release, foreign)


def fetch_flavour(flavour: str, suite: str, arch: str) -> Path:
    """Look up the packages, then download and unpack what is not there yet."""
    say(f"netmap: looking up the {flavour} kernel of {suite or suites.own()} with apt")
    apt = private_apt(suite, arch)
    said = apt.update()
    start = [f"linux-headers-{flavour}", f"linux-image-{flavour}"]
    found = apt.closure(start, KERNEL_PACKAGES, TOOL_PACKAGES)
    packages = [p for p in found if p.name not in start]
    headers = [p for p in packages if p.name.endswith(f"-{flavour}") and "headers" in p.name]
    images = [p for p in packages if p.name.endswith(f"-{flavour}") and "image" in p.name]
    if not headers or not images:
        raise suites.SuiteMissing(
            f"apt has no {start[0]} of {suite or suites.own()}: {telling(said)}",
            "type: ./sconsw kernel-dir=/path/to/kernel/headers, or mend the apt sources",
        )
    final = place(apt, packages, headers[0].version, suite, arch)
    apt.forget()
    return final


def place(
    apt: PrivateApt, packages: list[Package], version: str, suite: str = "", arch: str = ""
) -> Path:
    """Download and unpack one version, and make it the current one."""
    final = store(suite, arch) / version
    if not final.is_dir():
        size = sum(package.size for package in packages) / 1e6
        names = ", ".join(package.name for package in packages)
        space.need("the kernel packages", final, int(size * UNPACKED * 1e6))
        say(f"netmap: fetching {names}: {size:.0f} MB")
        with space.explained("the kernel packages", final), cache.new_folder(final) as scratch:
            debs = scratch / "debs"
            debs.mkdir()
            unpack(apt.download(packages, debs), scratch)
            shutil.rmtree(debs)
            depmod(modules_dir(scratch, version_in(scratch)))
    link = store(suite, arch) / f".{CURRENT}.{os.getpid()}"
    link.symlink_to(version)
    link.replace(store(suite, arch) / CURRENT)
    return final


def depmod(modules: Path | None) -> None:
    """Write modules.dep where kmod is there; the packages leave that to their install script."""
    tool = shutil.which("depmod", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if tool is None or modules is None:
        return
    base = modules.parent.parent.parent
    subprocess.run([tool, "-b", str(base), modules.name], stderr=subprocess.DEVNULL, check=False)

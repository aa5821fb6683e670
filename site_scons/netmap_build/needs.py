# SPDX-License-Identifier: BSD-2-Clause
"""What each target needs from the system, and getting it before the target starts."""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from . import system_packages
from .errors import BuildError


@dataclass(frozen=True)
class Need:
    """A thing of the system: how to see that it is there, and the package that brings it.

    A column that is empty must be explained in `lacking`, as "manager: reason".
    """

    package: str  # Debian's name
    program: str = ""
    files: tuple[str, ...] = ()  # any one of these patterns
    check: Callable[[], bool] | None = None
    dnf: str = ""
    zypper: str = ""
    pacman: str = ""
    lacking: tuple[str, ...] = ()

    def is_met(self, root: Path = Path("/")) -> bool:
        if self.check:
            return self.check()
        if self.program:
            path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
            return shutil.which(self.program, path=path) is not None
        return any(any(root.glob(pattern)) for pattern in self.files)

    def name_for(self, manager: str) -> str:
        """The package's name there; Debian's name where the manager is not known."""
        if manager in ("", "apt"):
            return self.package
        return str(getattr(self, manager))


def has_venv() -> bool:
    """Debian splits venv and pip out of python3."""
    return bool(importlib.util.find_spec("ensurepip") and importlib.util.find_spec("venv"))


VENV = Need("python3-venv", check=has_venv, dnf="python3", zypper="python3", pacman="python")
GCC = Need("gcc", program="gcc", dnf="gcc", zypper="gcc", pacman="gcc")
GXX = Need("g++", program="g++", dnf="gcc-c++", zypper="gcc-c++", pacman="gcc")
LIBC = Need(
    "libc6-dev",
    files=("usr/include/stdio.h", "usr/include/*/stdio.h"),
    dnf="glibc-devel",
    zypper="glibc-devel",
    pacman="glibc",
)
MAKE = Need("make", program="make", dnf="make", zypper="make", pacman="make")
LIBELF = Need(  # objtool of the kernel headers is linked with it
    "libelf1",
    files=(
        "usr/lib/*/libelf.so.1",
        "usr/lib64/libelf.so.1",
        "lib/*/libelf.so.1",
        "usr/lib/libelf.so.1",
    ),
    dnf="elfutils-libelf",
    zypper="libelf1",
    pacman="libelf",
)
QEMU = Need(
    "qemu-system-x86",
    program="qemu-system-x86_64",
    dnf="qemu-system-x86-core",
    zypper="qemu-x86",
    pacman="qemu-system-x86",
)
QEMU_ARM = Need(
    "qemu-system-arm",
    program="qemu-system-aarch64",
    dnf="qemu-system-aarch64-core",
    zypper="qemu-arm",
    pacman="qemu-system-aarch64",
)
BUSYBOX = Need(
    "busybox-static",
    files=(
        "bin/busybox",
        "usr/bin/busybox",
        "sbin/busybox",
        "usr/sbin/busybox",
        "usr/bin/busybox-static",
    ),
    dnf="busybox",
    zypper="busybox-static",
    pacman="busybox",
)
KMOD = Need("kmod", program="depmod", dnf="kmod", zypper="kmod", pacman="kmod")
PKG_CONFIG = Need(
    "pkg-config",
    program="pkg-config",
    dnf="pkgconf-pkg-config",
    zypper="pkg-config",
    pacman="pkgconf",
)
MINGW = Need(
    "gcc-mingw-w64-x86-64",
    program="x86_64-w64-mingw32-gcc",
    dnf="mingw64-gcc",
    zypper="mingw64-cross-gcc",
    pacman="mingw-w64-gcc",
)
MANDOC = Need("mandoc", program="mandoc", dnf="mandoc", zypper="mandoc", pacman="mandoc")
CLANG = Need("clang", program="clang", dnf="clang", zypper="clang", pacman="clang")
FUZZER = Need(  # libFuzzer and the sanitizers of clang
    "libclang-rt-dev",
    files=(
        "usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a",
        "usr/lib/clang/*/lib/*/libclang_rt.fuzzer*.a",
        "usr/lib64/clang/*/lib/*/libclang_rt.fuzzer*.a",
    ),
    dnf="compiler-rt",
    zypper="clang",
    pacman="compiler-rt",
)
DOCKER = Need("docker.io", program="dockerd", dnf="moby-engine", zypper="docker", pacman="docker")
MMDEBSTRAP = Need(  # of use only where apt's own sources name a Debian archive
    "mmdebstrap",
    program="mmdebstrap",
    lacking=(
        "dnf: it takes Debian's mirrors from the apt configuration, which dnf systems have not",
        "zypper: it takes Debian's mirrors from the apt configuration",
        "pacman: it takes Debian's mirrors from the apt configuration",
    ),
)

OTHERWISE = "its cross compiler goes by another name; give it with cc="
ALONE = "its cross compiler comes without a C library; give one that has it with cc="
GCC_ARM = Need(
    "gcc-aarch64-linux-gnu",
    program="aarch64-linux-gnu-gcc",
    dnf="gcc-aarch64-linux-gnu",
    pacman="aarch64-linux-gnu-gcc",
    lacking=(f"zypper: {OTHERWISE}",),
)
LIBC_ARM = Need(
    "libc6-dev-arm64-cross",
    files=("usr/aarch64-linux-gnu/include/stdio.h", "usr/aarch64-linux-gnu/usr/include/stdio.h"),
    pacman="aarch64-linux-gnu-glibc",
    lacking=(f"dnf: {ALONE}", f"zypper: {OTHERWISE}"),
)
GCC_X86 = Need(
    "gcc-x86-64-linux-gnu",
    program="x86_64-linux-gnu-gcc",
    dnf="gcc-x86_64-linux-gnu",
    lacking=(f"zypper: {OTHERWISE}", f"pacman: {OTHERWISE}"),
)
LIBC_X86 = Need(
    "libc6-dev-amd64-cross",
    files=("usr/x86_64-linux-gnu/include/stdio.h",),
    lacking=(f"dnf: {ALONE}", f"zypper: {OTHERWISE}", f"pacman: {OTHERWISE}"),
)

# Compiler, C library and emulator by the architecture built for, on a machine of another one.
CROSS = {"aarch64": (GCC_ARM, LIBC_ARM), "x86_64": (GCC_X86, LIBC_X86)}
EMULATOR = {"aarch64": QEMU_ARM, "x86_64": QEMU}

PYTHON = (VENV,)
USER = (GCC, LIBC)
KERNEL = (GCC, MAKE, LIBELF)
VM = (EMULATOR.get(platform.machine(), QEMU), BUSYBOX, KMOD)

BY_TARGET: dict[str, tuple[Need, ...]] = {
    "module": KERNEL,
    "lib": USER,
    "apps": USER,
    "test-unit": (*KERNEL, LIBC),  # small checkouts are built
    "test-hosted": USER,
    "test-abi": (*USER, GXX),
    "test-cross": (*USER, MINGW),
    "test-libnetmap": (*USER, GXX, MANDOC),
    "test-install": (*KERNEL, LIBC, KMOD, PKG_CONFIG),
    "test-vm": VM,
    "test-kernels": (*KERNEL, *VM),
    "matrix": (*KERNEL, *VM),
    "test-arm64": (*CROSS["aarch64"], MAKE, LIBELF, QEMU_ARM, KMOD),
    "try": VM,
    "bench": VM,
    "fuzz": (*USER, CLANG, FUZZER),
}

# Layers of `test`; those of test-all that want more ask for it themselves.
TESTS = ("test-unit", "test-hosted", "test-libnetmap", "test-abi", "test-cross", "test-vm")
# What arch= changes; the other targets are of this machine whatever it says.
FOLLOW_ARCH = ("module", "lib", "apps", "install", "test-vm", "try")
# Targets that stand for others, or build others first.
BUILD = ("module", "lib", "apps")
IMPLIED: dict[str, tuple[str, ...]] = {
    "": BUILD,
    "all": BUILD,
    "test": (*BUILD, *TESTS),
    "test-all": (*BUILD, *TESTS, "test-arm64"),  # what it compiles, before any layer
    "test-arm64": ("lib",),
    "install": BUILD,
    "test-install": BUILD,
    "test-vm": BUILD,
    "try": BUILD,
    "bench": BUILD,
}


def wanted_by(target: str, arch: str = "") -> list[Need]:
    """What one target needs for an architecture; nothing means this machine's.

    A guest of another architecture gets a busybox of its own, which the build fetches.
    """
    rows = list(BY_TARGET.get(target, ()))
    if not arch or arch == platform.machine() or target not in FOLLOW_ARCH:
        return rows
    gcc, libc = CROSS[arch]
    other = {GCC: gcc, LIBC: libc, VM[0]: EMULATOR[arch]}
    return [other.get(need, need) for need in rows if need != BUSYBOX]


def of(targets: Iterable[str], arch: str = "") -> list[Need]:
    """Everything that these targets need, each once; no target means all."""
    names: list[str] = []
    for target in list(targets) or [""]:
        names += [target, *IMPLIED.get(target, ())]
    found: list[Need] = []
    for name in names:
        found += [need for need in wanted_by(name, arch) if need not in found]
    return found


def missing(wanted: Iterable[Need], root: Path = Path("/")) -> list[Need]:
    """The needs that are not met, each once."""
    return [need for need in dict.fromkeys(wanted) if not need.is_met(root)]


def packages(wanted: Iterable[Need]) -> list[str]:
    """The packages that are missing, each once, under the names of this system."""
    absent = missing(wanted)
    manager = system_packages.manager_name() if absent else ""
    return sorted({need.name_for(manager) or need.package for need in absent})


def ensure(target: str, arch: str = "", *, may_install: bool) -> None:
    """Make sure that a target has what it needs, or say what to type."""
    absent = packages(wanted_by(target, arch))
    if absent:
        purpose = target if not arch or arch == platform.machine() else f"{target} arch={arch}"
        system_packages.install(absent, purpose, may_install=may_install)


def ensure_all(targets: list[str], arch: str = "", *, may_install: bool) -> None:
    """The same for a whole command line, before anything is made.

    An ordinary user, who must ask somebody, is told at once what building and trying needs.
    """
    absent = packages([*PYTHON, *of(targets, arch)])
    if not absent:
        return
    words = " ".join(["./sconsw", *targets])
    if may_install and os.geteuid() == 0:
        system_packages.install(absent, words, may_install=True)
        importlib.invalidate_caches()
        return
    more = [name for name in packages(of(["try"], arch)) if name not in absent]
    also = f"; ./sconsw try: {' '.join(more)}" if more else ""
    raise BuildError(
        f"{words} needs: {' '.join(absent)}{also}",
        system_packages.command_to_type([*absent, *more]),
    )

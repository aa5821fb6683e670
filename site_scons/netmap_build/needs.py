# SPDX-License-Identifier: BSD-2-Clause
"""What each target needs from the system, and getting it before the target starts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from . import system_packages


@dataclass(frozen=True)
class Need:
    """A thing of the system: how to see that it is there, and the package that brings it."""

    package: str
    program: str = ""
    files: tuple[str, ...] = ()  # any one of these patterns

    def is_met(self, root: Path = Path("/")) -> bool:
        if self.program:
            path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
            return shutil.which(self.program, path=path) is not None
        return any(any(root.glob(pattern)) for pattern in self.files)


GCC = Need("gcc", program="gcc")
GXX = Need("g++", program="g++")
LIBC = Need("libc6-dev", files=("usr/include/stdio.h", "usr/include/*/stdio.h"))
MAKE = Need("make", program="make")
LIBELF = Need(  # objtool of the kernel headers is linked with it
    "libelf1", files=("usr/lib/*/libelf.so.1", "usr/lib64/libelf.so.1", "lib/*/libelf.so.1")
)
QEMU = Need("qemu-system-x86", program="qemu-system-x86_64")
BUSYBOX = Need("busybox-static", files=("bin/busybox", "usr/bin/busybox"))
KMOD = Need("kmod", program="depmod")
MINGW = Need("gcc-mingw-w64-x86-64", program="x86_64-w64-mingw32-gcc")

USER = (GCC, LIBC)
KERNEL = (GCC, MAKE, LIBELF)
VM = (QEMU, BUSYBOX, KMOD)

BY_TARGET: dict[str, tuple[Need, ...]] = {
    "module": KERNEL,
    "lib": USER,
    "apps": USER,
    "test-unit": (GCC,),
    "test-hosted": USER,
    "test-abi": (*USER, GXX),
    "test-cross": (*USER, MINGW),
    "test-libnetmap": (*USER, GXX),
    "test-vm": VM,
    "try": VM,
    "bench": VM,
}


def packages(needs: Iterable[Need], root: Path = Path("/")) -> list[str]:
    """The packages that are missing, each once."""
    return sorted({need.package for need in needs if not need.is_met(root)})


def ensure(target: str, *, may_install: bool) -> None:
    """Make sure that a target has what it needs, or say what to type."""
    missing = packages(BY_TARGET.get(target, ()))
    if missing:
        system_packages.install(missing, target, may_install=may_install)

# SPDX-License-Identifier: BSD-2-Clause
"""How the core is compiled for the kernels of other systems: compilers and flags."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from netmap_build import toolchains

TOP = Path(__file__).resolve().parents[2]
COMMON = TOP / "common"
WARNINGS = ("-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror")
INCLUDES = (f"-I{COMMON}", f"-I{COMMON / 'include'}")


@dataclass(frozen=True)
class Release:
    """A release of FreeBSD: the compiler that carries its headers, the oldest kernel meant."""

    major: int
    ziglang: str
    variable: str  # names the compiler where the build has found it
    version: int


RELEASES = {
    15: Release(15, "0.17.1", "NETMAP_ZIG", 1500068),
    14: Release(14, "0.15.2", "NETMAP_ZIG_FREEBSD14", 1400097),
}

FREEBSD_FLAGS = (
    *("-mcpu=x86_64-mmx-sse-sse2-x87+soft_float", "-O2", "-std=gnu17", "-ffreestanding"),
    *("-D_KERNEL", "-DKLD_MODULE", "-DINET", "-DVIMAGE", "-U__FreeBSD_version"),
    *("-nostdinc", "-include", "opt_global.h", "-fno-strict-aliasing", "-fno-common", "-fwrapv"),
    *("-fno-omit-frame-pointer", "-mno-omit-leaf-frame-pointer", "-mcmodel=kernel"),
    *("-mno-red-zone", "-mno-mmx", "-mno-sse", "-msoft-float", "-fno-pic", "-fno-pie"),
    *("-fno-asynchronous-unwind-tables", "-fno-stack-protector", "-fno-sanitize=undefined"),
)
WINDOWS_FLAGS = (
    *("-O2", "-std=gnu11", "-ffreestanding", "-mno-red-zone", "-fno-stack-protector"),
    "-D_WIN32_WINNT=0x0A00",
)


def core_files() -> list[str]:
    """Every C file of the core, relative to the checkout."""
    return sorted(path.relative_to(TOP).as_posix() for path in COMMON.rglob("*.c"))


def zig(release: Release) -> Path:
    """The compiler; fetched into the build cache on first need."""
    named = os.environ.get(release.variable)
    return Path(named) if named else toolchains.zig(release.ziglang)


def freebsd_command(release: Release) -> list[str]:
    """The compiler and its flags."""
    compiler = zig(release)
    headers = compiler.parent / "lib" / "libc" / "include"
    return [
        *(str(compiler), "cc", "-target", f"x86_64-freebsd.{release.major}.0-none"),
        *(*FREEBSD_FLAGS, f"-D__FreeBSD_version={release.version}"),
        *(*WARNINGS, *INCLUDES, f"-I{TOP / 'freebsd'}", f"-I{TOP / 'freebsd' / 'opt'}"),
        *("-isystem", str(headers / "x86_64-freebsd-none")),
        *("-isystem", str(headers / "generic-freebsd")),
    ]


def windows_command() -> list[str] | None:
    """The compiler and its flags; None when it is not installed."""
    compiler = shutil.which("x86_64-w64-mingw32-gcc")
    if compiler is None:
        return None
    return [compiler, *WINDOWS_FLAGS, *WARNINGS, *INCLUDES, f"-I{TOP / 'windows'}"]


def compile_file(command: list[str], source: Path, out: Path) -> str:
    """What the compiler has to say; nothing when the object was made."""
    env = dict(os.environ, ZIG_GLOBAL_CACHE_DIR=str(out.parent / "zig-cache"))
    done = subprocess.run(
        [*command, "-c", str(source), "-o", str(out)],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout if done.returncode or not out.exists() else ""

# SPDX-License-Identifier: BSD-2-Clause
"""Processor architectures: what each is called by whom, and the compiler that builds for it."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
from dataclasses import dataclass

from .errors import BuildError


@dataclass(frozen=True)
class Arch:
    """One architecture under all of its names."""

    name: str  # as uname says it, and as the build folders are called
    debian: str  # dpkg and apt
    gnu: str  # the prefix of its cross tools, and their folder under /usr
    kernel: str  # kbuild's ARCH=
    elf: int  # e_machine
    libc: str  # the package with the headers and objects of libc for cross-building

    @property
    def compiler(self) -> str:
        """The cross compiler's program."""
        return f"{self.gnu}-gcc"

    @property
    def package(self) -> str:
        """The package that brings it."""
        return f"gcc-{self.gnu.replace('_', '-')}"

    def make_words(self, host: Arch) -> tuple[str, ...]:
        """What kbuild must be told to build a module for this architecture on another.

        The DEB_ words are for Debian's headers, which look up their compiler by them.
        """
        if self == host:
            return ()
        return (
            f"ARCH={self.kernel}",
            f"CROSS_COMPILE={self.gnu}-",
            f"DEB_BUILD_ARCH={host.debian}",
            f"DEB_HOST_ARCH={self.debian}",
            f"DEB_HOST_GNU_TYPE={self.gnu}",
        )


X86_64 = Arch("x86_64", "amd64", "x86_64-linux-gnu", "x86_64", 62, "libc6-dev-amd64-cross")
AARCH64 = Arch("aarch64", "arm64", "aarch64-linux-gnu", "arm64", 183, "libc6-dev-arm64-cross")
ALL = (X86_64, AARCH64)


def find(word: str) -> Arch | None:
    """The architecture of that name, whoever uses it so."""
    return next((arch for arch in ALL if word.lower() in (arch.name, arch.debian)), None)


def host() -> Arch:
    """This machine's; BuildError where it is none of those known."""
    found = find(platform.machine())
    if found is None:
        names = ", ".join(arch.name for arch in ALL)
        raise BuildError(
            f"this machine is {platform.machine()}; netmap is built on {names} so far",
            f"type: ./sconsw on a machine of one of these, with arch={ALL[0].name} there",
        )
    return found


def chosen(word: str) -> Arch:
    """What arch= asks for; nothing means this machine's."""
    if not word:
        return host()
    found = find(word)
    if found is None:
        raise BuildError(
            f"arch={word} is not possible; possible: {', '.join(arch.name for arch in ALL)}",
            "type: ./sconsw help option=arch",
        )
    return found


def default_compiler(target: Arch) -> str:
    """gcc, or the cross compiler where the target is not this machine's architecture."""
    return "gcc" if target == host() else target.compiler


def machine_of(cc: str) -> str:
    """What the compiler says it builds for; empty where it is not installed or does not say."""
    words = shlex.split(cc)
    if not words or shutil.which(words[0]) is None:
        return ""
    env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"}
    done = subprocess.run(
        [*words, "-dumpmachine"], capture_output=True, text=True, env=env, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def archiver(target: Arch) -> tuple[str, str]:
    """ar and ranlib: those of one architecture write no index for another's objects."""
    prefix = "" if target == host() else f"{target.gnu}-"
    return f"{prefix}ar", f"{prefix}ranlib"


def check_compiler(cc: str, target: Arch) -> None:
    """Refuse a compiler that builds for another architecture, or is not there.

    The usual ones may be missing: they are installed when they are needed.
    """
    if cc == default_compiler(target):
        return
    words = shlex.split(cc)
    if not words or shutil.which(words[0]) is None:
        raise BuildError(
            f"cc={cc} is no program here",
            f"type: ./sconsw cc={default_compiler(target)}, or its whole path",
        )
    machine = machine_of(cc)
    if machine and find(machine.partition("-")[0]) != target:
        usual = default_compiler(target)
        raise BuildError(
            f"cc={cc} builds for {machine}, not for arch={target.name}",
            f"type: ./sconsw arch={target.name} cc={usual}, or name another one",
        )

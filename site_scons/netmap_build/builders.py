# SPDX-License-Identifier: BSD-2-Clause
"""Where a module is compiled: on this machine, or in a container of the kernel's own suite.

kbuild's tools come with the headers and want the libc of their suite, and a module wants the
compiler that built its kernel. What this machine cannot offer, a container does: the headers and
the staged sources are mounted there under their own names.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import containers, kernels, suites, system_packages

TOOLS = ("make", "dwarves")  # kbuild itself, and pahole where the headers bring vmlinux


@dataclass(frozen=True)
class Builder:
    """This machine where suite is empty, else a container of that suite with these packages."""

    suite: str = ""
    packages: tuple[str, ...] = ()
    since: int = 0  # an image made before this time is too old

    def facts(self) -> dict[str, Any]:
        """As kernel.json keeps it."""
        return {"suite": self.suite, "packages": list(self.packages), "since": self.since}


def from_facts(facts: Mapping[str, Any]) -> Builder:
    """What facts() gave."""
    return Builder(str(facts["suite"]), tuple(facts["packages"]), int(facts["since"]))


def packaged(package: str) -> bool:
    """True where this system's apt could install a package."""
    if shutil.which("apt-cache") is None:
        return False
    done = subprocess.run(
        ["apt-cache", "show", "--no-all-versions", package],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    return "Package: " in done.stdout


def suits_this_machine(kernel: kernels.Kernel, compiler: str) -> bool:
    """True where the kernel's tools run here and its compiler is here or can come."""
    if not kernel.suite or kernel.suite not in suites.names():
        return True
    own, base = suites.own(), suites.named(kernel.suite).base
    if base == own:
        return True
    order = suites.names()
    if own not in order or order.index(base) > order.index(own):
        return False
    return bool(kernels.compiler_version(compiler)) or packaged(kernels.compiler_package(compiler))


def choose(kernel: kernels.Kernel, compiler: str) -> Builder:
    """Where to build for a kernel."""
    if suits_this_machine(kernel, compiler):
        return Builder()
    base = suites.named(suites.named(kernel.suite).base)
    packages = (*TOOLS, kernels.compiler_package(compiler))
    # kbuild's tools may want a newer libc than a suite that moves on had when the image was made
    since = 0 if base.security else int(kernels.fetched_at(kernel))
    return Builder(base.name, packages, since)


def compiler_version(builder: Builder, compiler: str, llvm: bool, may_install: bool) -> str:
    """What the compiler says of itself, brought where it is missing."""
    if builder.suite:
        code, said = run(
            builder, [compiler, "--version"], may_install=may_install, on_output=lambda _: None
        )
        return said.partition("\n")[0] if code == 0 else ""
    version = kernels.compiler_version(compiler)
    if not version:
        wanted = ["clang", "lld", "llvm"] if llvm else [kernels.compiler_package(compiler)]
        system_packages.install(wanted, "this kernel's modules", may_install=may_install)
        version = kernels.compiler_version(compiler)
    return version


def run(
    builder: Builder,
    command: Sequence[str],
    *,
    may_install: bool = True,
    writable: Sequence[Path] = (),
    readable: Sequence[Path] = (),
    on_output: Callable[[str], None] | None = None,
) -> tuple[int, str]:
    """Run a command there: its exit code, and what it said if it ran in a container.

    What it says goes to standard output, or to on_output.
    """
    if not builder.suite:
        return run_here(command, on_output), ""
    engine = containers.engine(may_install)
    image = containers.image(
        engine,
        builder.suite,
        builder.packages,
        may_install=may_install,
        older_than=builder.since,
    )
    mounts = [containers.same(path, True) for path in writable]
    mounts += [containers.same(path) for path in readable]
    return containers.run(engine, image, command, mounts=mounts, on_output=on_output)


def run_here(command: Sequence[str], on_output: Callable[[str], None] | None) -> int:
    """A command on this machine, in an environment of the least."""
    env = {
        "PATH": system_packages.search_path(),
        "HOME": os.environ.get("HOME", "/"),
        "LC_ALL": "C",
    }
    if on_output is None:
        return subprocess.run(command, env=env, check=False).returncode
    with subprocess.Popen(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            on_output(line)
    return process.returncode

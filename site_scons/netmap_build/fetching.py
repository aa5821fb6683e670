# SPDX-License-Identifier: BSD-2-Clause
"""The fetch target: everything that building and testing would otherwise download on first need."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from . import builders, debs, kernels, needs, network, system_packages, toolchains, venvs, wheels
from .errors import say


def everything(top: Path, choice: kernels.Choice, may_install: bool) -> None:
    """System packages, kernels (refreshed) with their compilers, Python packages, cross tools."""
    network.need("fetch")
    packages(choice.arch, may_install)
    kernel = kernels.fetch_default()
    say(f"netmap: kernel {kernel.version} is in the cache")
    if choice.suite or not kernels.is_native(choice.arch):
        kernel = kernels.fetch(choice.suite, choice.arch)
        if not kernels.is_native(choice.arch):
            debs.busybox(choice.arch)
        say(f"netmap: kernel {kernel.version} for {kernel.arch} is in the cache")
        if not kernels.is_native(choice.arch):
            debs.busybox(choice.arch)
    elif choice.kernel and choice.name != kernels.DEFAULT:
        kernel = choice.kernel
    compiler, llvm = kernels.compiler_of(kernel.headers_dir, kernel.arch)
    builder = builders.choose(kernel, compiler)
    builders.compiler_version(builder, compiler, llvm, may_install)
    python(top, may_install)
    for version in toolchains.versions((top / toolchains.LOCK).read_text()):
        toolchains.zig(version, top)
    say("netmap: all is here; ./sconsw offline=1 and ./sconsw test offline=1 need no network now")


def packages(arch: str, may_install: bool) -> None:
    """Root gets what every test needs, too; others are told, and stop only if nothing can build."""
    if os.geteuid() == 0 and may_install:
        targets = ("all", "test", "try", "bench")
        missing = needs.packages([*needs.of(targets), *needs.of(targets, arch)])
        if missing:
            system_packages.install(missing, "building and testing", may_install=True)
        return
    needs.ensure_all([], arch, may_install=may_install)
    missing = needs.packages(needs.of(["test"]))
    if missing:
        hint = system_packages.command_to_type(missing)
        say(f"netmap: note: `./sconsw test` would need {' '.join(missing)}; {hint}")


def python(top: Path, may_install: bool) -> None:
    """Both environments, and the wheels that environments of checkouts to come are made of."""
    wheels.collect(top / venvs.BUILD.lock, venvs.interpreter())
    if sys.version_info < venvs.TEST.oldest:
        oldest = ".".join(str(number) for number in venvs.TEST.oldest)
        say(f"netmap: note: the tests want Python {oldest}; what they need is not fetched")
        return
    venvs.ensure(top, venvs.TEST, may_install=may_install)
    wheels.collect(top / venvs.TEST.lock, venvs.interpreter())

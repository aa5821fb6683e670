# SPDX-License-Identifier: BSD-2-Clause
"""The fetch target: everything that building and testing would otherwise download on first need."""

from __future__ import annotations

import platform
from pathlib import Path

from . import debs, kernels, needs, system_packages, toolchains, venvs
from .errors import say


def everything(top: Path, may_install: bool, arch: str = "") -> None:
    """System packages, the kernel (refreshed), the test environment, the cross compilers."""
    missing = needs.packages(need for group in needs.BY_TARGET.values() for need in group)
    if missing:
        system_packages.install(missing, "building and testing", may_install=may_install)
    kernel = kernels.fetch_default()
    say(f"netmap: kernel {kernel.version} is in the cache")
    if arch and arch != platform.machine():
        kernel = kernels.fetch("", arch)
        debs.busybox(arch)
        say(f"netmap: kernel {kernel.version} for {arch} is in the cache")
    venvs.ensure(top, venvs.TEST, may_install=may_install)
    for version in toolchains.versions((top / toolchains.LOCK).read_text()):
        toolchains.zig(version, top)

# SPDX-License-Identifier: BSD-2-Clause
"""The module on the kernels of Debian's suites: one of each series, from 5.10 to the newest."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from netmap_build import debian_kernel, matrix, suites
from netmap_build.matrix import Built

SUITES = [suite.name for suite in suites.TABLE if suite.in_test_all]
# The vm layer boots the kernel of this system's own suite, with all of its tests.
BOOTED = [name for name in SUITES if name != suites.own()]
MISSING = "the archive of this suite does not answer: "


@pytest.fixture(scope="module")
def build() -> Callable[[str], Built]:
    """Builds the module for a suite once; a suite that cannot be had skips the test."""
    if "NETMAP_BUILD_DIR" not in os.environ:
        pytest.skip("NETMAP_BUILD_DIR is not set: type ./sconsw test-kernels")
    done: dict[str, Built] = {}
    top, folder, env = matrix.from_environment()
    may_install = env.get("NETMAP_MAY_INSTALL") == "1"

    def built(suite: str) -> Built:
        if suite not in done:
            try:
                done[suite] = matrix.build(
                    top, folder, suite, jobs=os.cpu_count() or 1, may_install=may_install
                )
            except suites.SuiteMissing as missing:
                pytest.skip(MISSING + missing.message)
        return done[suite]

    return built


@pytest.mark.timeout(900)
@pytest.mark.parametrize("suite", SUITES)
def test_the_module_builds_without_a_warning(build: Callable[[str], Built], suite: str) -> None:
    built = build(suite)
    assert built.complaints == []
    assert "CC [M]" in built.said  # it really was compiled
    assert f"vermagic={built.kernel.version} ".encode() in built.module.read_bytes()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("suite", SUITES)
def test_nothing_of_this_machines_own_kernels_is_read(
    build: Callable[[str], Built], suite: str
) -> None:
    built = build(suite)
    words = [word for file in built.out.rglob(".*.o.cmd") for word in file.read_text().split()]
    named = {os.path.normpath(word) for word in words if word.startswith("/")}
    cache_of_it = str(debian_kernel.store(suite))
    assert any(name.startswith(cache_of_it) for name in named)
    assert [name for name in named if name.startswith(("/usr/src/", "/lib/modules/"))] == []


@pytest.mark.timeout(900)
@pytest.mark.parametrize("suite", BOOTED)
def test_the_kernel_boots_and_packets_pass(build: Callable[[str], Built], suite: str) -> None:
    built = build(suite)
    top, folder, env = matrix.from_environment()
    booted = matrix.boot(built, top, folder, env, Path(sys.executable))
    assert booted.passed, f"{built.kernel.version}: {booted.first_error}\n{booted.said}"

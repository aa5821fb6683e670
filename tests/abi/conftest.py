# SPDX-License-Identifier: BSD-2-Clause
"""Compilers for the tests of the public headers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from abi_model import Compiler, find_zig, host_compiler, zig_compiler


@pytest.fixture(scope="session")
def gcc() -> Compiler:
    """The C compiler of this machine."""
    compiler = host_compiler("gcc")
    if compiler is None:
        pytest.skip("gcc is not installed: apt-get install gcc")
    return compiler


@pytest.fixture(scope="session")
def gxx() -> Compiler:
    """The C++ compiler of this machine."""
    compiler = host_compiler("g++")
    if compiler is None:
        pytest.skip("g++ is not installed: apt-get install g++")
    return compiler


@pytest.fixture(scope="session")
def zig(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Compiler]:
    """Cross compilers by target name, from the PyPI package ziglang."""
    found = find_zig()
    if found is None:
        pytest.skip("ziglang is not here: ./sconsw fetch os=freebsd, or set NETMAP_ZIG")
    binary: Path = found
    cache = tmp_path_factory.mktemp("zig-cache")
    return lambda target: zig_compiler(binary, target, cache)

# SPDX-License-Identifier: BSD-2-Clause
"""One install of the real build for all tests that only look at it."""

from __future__ import annotations

import pytest
import staged
from netmap_build.vm import Target
from netmap_build.vm.target import from_environment
from staged import Staged


@pytest.fixture(scope="session")
def target() -> Target:
    """The build under test."""
    found = from_environment()
    if found is None:
        pytest.skip("NETMAP_VM_CONFIG is not set: type ./sconsw test-install")
    return found


@pytest.fixture(scope="session")
def installed(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Staged:
    """The default places, in a root with the kernel that the module is for."""
    root = tmp_path_factory.mktemp("installed")
    staged.put_kernel(root, target)
    return staged.stage(root, target)

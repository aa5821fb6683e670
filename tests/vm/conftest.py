# SPDX-License-Identifier: BSD-2-Clause
"""One boot for all VM tests that were chosen.

A test that runs in the guest names its script: `@pytest.mark.guest("nmguest many vale1 64")`, and
takes the fixture `step`, which is what that script said. The first such test boots a machine that
runs the scripts of all chosen tests, in their order; the others only read their part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from netmap_build.vm import Hardware, Step, StepResult, Target, Vm, VmResult
from netmap_build.vm.guests import guest_program
from netmap_build.vm.target import from_environment

_BOOT_SECONDS = 90
# The kernel checks red zones and poison of every slab object, freed ones included.
_CHECKS = "slub_debug=FZP"
_NOT_SET = "NETMAP_VM_CONFIG is not set: type ./sconsw test-vm"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "guest(script, timeout=60): what the guest runs for this test"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that unload the module come after all others of the same boot."""
    items.sort(key=lambda item: item.path == Path(__file__).with_name("test_module.py"))


@dataclass(frozen=True)
class Guest:
    """The arguments of the mark."""

    script: str
    timeout: int = 60


def step_name(item: pytest.Item) -> str:
    """The test's own name, in the letters a step may have."""
    return re.sub(r"[^A-Za-z0-9_.:+-]+", ".", item.name).strip(".")


def guest_of(item: pytest.Item) -> Guest | None:
    mark = item.get_closest_marker("guest")
    return None if mark is None else Guest(*mark.args, **mark.kwargs)


@pytest.fixture(scope="session")
def target() -> Target:
    """The build under test."""
    found = from_environment()
    if found is None:
        pytest.skip(_NOT_SET)
    return found


@pytest.fixture(scope="session")
def booted(request: pytest.FixtureRequest, target: Target) -> VmResult:
    """The one boot: loads netmap.ko, then runs the script of each chosen test."""
    chosen = [(step_name(item), guest_of(item)) for item in request.session.items]
    steps = [Step("load", "insmod /lib/netmap.ko && ls -l /dev/netmap")]
    steps += [Step(name, guest.script, guest.timeout) for name, guest in chosen if guest]
    programs = [guest_program(target)]
    if target.bin_dir is not None:
        programs += sorted(path for path in target.bin_dir.glob("*") if path.is_file())
    vm = Vm(target, programs=tuple(programs), hardware=Hardware(kernel_options=_CHECKS))
    limit = _BOOT_SECONDS + sum(step.timeout for step in steps)
    result = vm.run(steps, timeout=limit, name="test")
    if not result.step("load").ok:
        pytest.fail(f"{result.step('load').describe()}\n{result.describe_end()}", pytrace=False)
    return result


@pytest.fixture
def step(request: pytest.FixtureRequest, booted: VmResult) -> StepResult:
    """What this test's script did; the test fails here unless it ended with 0."""
    result = booted.step(step_name(request.node))
    if not result.ok:
        text = [result.describe(), booted.describe_end(), *booted.problems]
        text.append(f"console and results: {booted.folder}")
        pytest.fail("\n".join(line for line in text if line), pytrace=False)
    return result


@pytest.fixture
def scratch_target(tmp_path: Path) -> Target:
    """A target whose paths lead nowhere, for what needs no machine."""
    return Target(
        kernel_image=tmp_path / "vmlinuz",
        modules_dir=tmp_path / "modules",
        kernel_version="1.2.3",
        work_dir=tmp_path / "work",
        root=tmp_path,
    )

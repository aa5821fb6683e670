# SPDX-License-Identifier: BSD-2-Clause
"""Loading, unloading, and the memory that ports take and give back.

These come last in the boot (see conftest.py), because they unload the module.
"""

from __future__ import annotations

import os

import pytest
from netmap_build.vm import StepResult, VmResult

pytestmark = pytest.mark.timeout(1500)

_SHORT = os.environ.get("CI", "") != ""
_ROUNDS = 10 if _SHORT else 200
_PORT_ROUNDS = 100 if _SHORT else 400


@pytest.mark.smoke
@pytest.mark.guest("nmguest memory vale4 8")
def test_a_switch_port_with_default_rings_holds_at_most_12_mb(step: StepResult) -> None:
    assert step.number("ports") == 8
    assert 1_000_000 < step.number("per_port") <= 12 * 1024 * 1024


@pytest.mark.guest(
    f"""echo 300 >/sys/module/netmap/parameters/priv_buf_num  # small regions, many rounds
    nmguest rounds {_PORT_ROUNDS}
    rc=$?
    echo 4098 >/sys/module/netmap/parameters/priv_buf_num
    exit $rc""",
    timeout=400,
)
def test_closed_ports_leave_no_memory_behind(step: StepResult) -> None:
    assert step.number("rounds") == _PORT_ROUNDS
    assert step.number("vmalloc") == 0, "vmalloc areas of netmap.ko with no port open"
    assert step.number("grew") < _PORT_ROUNDS, step.output  # less than one object a round
    assert step.number("lost_kb") < 1024, step.output


@pytest.mark.smoke
@pytest.mark.guest(
    """nmguest hold vale4:h -- rmmod netmap
    [ $? != 0 ] || { echo 'unloaded under an open port'; exit 1; }
    nmguest numbered vale4:a vale4:b 1000 100 60"""
)
def test_unloading_is_refused_while_a_port_is_open(step: StepResult) -> None:
    assert step.number("passed") == 2000


@pytest.mark.guest(
    f"""rmmod netmap || exit 1
    free() {{ echo 3 >/proc/sys/vm/drop_caches; awk '/^SUnreclaim/ {{print $2}}' /proc/meminfo; }}
    once() {{
        insmod /lib/netmap.ko priv_buf_num=300 &&
        nmguest hold vale4:a 'r{{1' 'r}}1' -- true && rmmod netmap
    }}
    for i in 1 2 3; do once || exit 1; done
    before=$(free)
    i=0
    while [ $i -lt {_ROUNDS} ]; do
        once || exit 1
        i=$((i + 1))
    done
    after=$(free)
    echo "result rounds=$i slab_kb=$((after - before))"
    [ ! -e /dev/netmap ] || exit 1
    insmod /lib/netmap.ko""",
    timeout=400,
)
def test_the_module_loads_and_unloads_again_and_again(step: StepResult) -> None:
    assert step.number("rounds") == _ROUNDS
    assert step.number("slab_kb") < 2048


@pytest.mark.smoke
@pytest.mark.guest(
    """rmmod netmap || exit 1
    [ ! -e /dev/netmap ] || exit 1
    [ ! -e /sys/module/netmap ]"""
)
def test_the_module_unloads_when_no_port_is_open(step: StepResult) -> None:
    assert step.ok


@pytest.mark.smoke
def test_the_kernel_had_no_complaint_in_all_of_this(booted: VmResult) -> None:
    assert booted.done, booted.describe_end()
    assert booted.problems == []

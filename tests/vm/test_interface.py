# SPDX-License-Identifier: BSD-2-Clause
"""The device as old programs, careless programs and hostile programs see it."""

from __future__ import annotations

import os

import pytest
from netmap_build.vm import StepResult

pytestmark = pytest.mark.timeout(1500)

_SHORT = os.environ.get("CI", "") != ""
_FUZZ_SECONDS = 10 if _SHORT else 40

_WRITABLE = (
    "verbose no_timestamp no_pendintr bridge_batch if_size if_num ring_size ring_num buf_size "
    "buf_num priv_if_size priv_if_num priv_ring_size priv_ring_num priv_buf_size priv_buf_num"
)
_READ_ONLY = "if_curr_size if_curr_num ring_curr_size ring_curr_num buf_curr_size buf_curr_num"


@pytest.mark.guest("nmguest legacy")
def test_programs_of_the_older_interface_open_ports_and_pass_packets(step: StepResult) -> None:
    assert step.number("passed") == 6000


@pytest.mark.guest("nmguest bounds vale5:m")
def test_a_mapping_shows_all_of_a_private_region_and_nothing_beyond(step: StepResult) -> None:
    assert step.number("memsize") > 0


@pytest.mark.guest("nmguest bounds vale5:g 1", timeout=120)
def test_a_mapping_shows_all_of_the_global_region_and_nothing_beyond(step: StepResult) -> None:
    assert step.number("memsize") > 163840 * 2048


@pytest.mark.guest(
    f"""cd /sys/module/netmap/parameters
    for name in {_WRITABLE}; do
        old=$(cat $name) || exit 1
        new=$((old < 2 ? 1 - old : old / 2))
        echo $new >$name || exit 1
        [ "$(cat $name)" = $new ] || {{ echo "$name: $(cat $name), not $new"; exit 1; }}
        echo $old >$name || exit 1
        for bad in -1 2000000000 99999999999 word ''; do
            if echo $bad 2>/dev/null >$name; then echo "$name took '$bad'"; exit 1; fi
        done
        [ "$(cat $name)" = $old ] || {{ echo "$name: $(cat $name), not $old"; exit 1; }}
    done
    for name in {_READ_ONLY}; do
        old=$(cat $name) || exit 1
        if echo 5 2>/dev/null >$name; then echo "$name is writable"; exit 1; fi
    done
    echo result checked=1"""
)
def test_parameters_take_sane_values_live_and_refuse_others(step: StepResult) -> None:
    assert step.number("checked") == 1


@pytest.mark.guest(
    """cd /sys/module/netmap/parameters
    old=$(cat priv_buf_num)
    echo 9000 >priv_buf_num
    nmguest memory vale4 1
    rc=$?
    echo $old >priv_buf_num
    exit $rc"""
)
def test_a_parameter_written_live_sizes_the_next_region(step: StepResult) -> None:
    assert step.number("memsize") >= 9000 * 2048


@pytest.mark.guest(
    f"""echo 300 >/sys/module/netmap/parameters/priv_buf_num  # small regions, more tries
    nmguest fuzz {_FUZZ_SECONDS} 1
    rc=$?
    echo 4098 >/sys/module/netmap/parameters/priv_buf_num
    [ $rc = 0 ] && nmguest numbered vale1:a vale1:b 5000 256 60""",
    timeout=_FUZZ_SECONDS + 90,
)
def test_garbage_requests_and_rings_leave_the_module_working(step: StepResult) -> None:
    assert step.number("bound") > 0, "no port was ever bound"
    assert step.number("passed") == 10000

# SPDX-License-Identifier: BSD-2-Clause
"""Sleeping programs are woken: by a packet, by room in a pipe; and death leaves ports usable."""

from __future__ import annotations

import pytest
from netmap_build.vm import StepResult

pytestmark = pytest.mark.timeout(1500)


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(name, marks=pytest.mark.guest(f"nmguest wake {name} vale1:w vale1:s 500"))
        for name in ("poll", "epoll", "select")
    ],
)
def test_each_packet_from_a_switch_wakes_a_sleeping_receiver(method: str, step: StepResult) -> None:
    assert step.number("woken") == 500


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(name, marks=pytest.mark.guest(f"nmguest wake {name} 'wk{{1' 'wk}}1' 500"))
        for name in ("poll", "epoll", "select")
    ],
)
def test_each_packet_from_a_pipe_wakes_a_sleeping_receiver(method: str, step: StepResult) -> None:
    assert step.number("woken") == 500


@pytest.mark.guest("nmguest wake full 'wk{2' 'wk}2'")
def test_reading_from_a_full_pipe_wakes_its_sleeping_sender(step: StepResult) -> None:
    assert step.number("drained") > 0


@pytest.mark.guest("nmguest killed vale1:ks vale1:kr 5", timeout=150)
def test_kill_9_in_traffic_leaves_switch_ports_usable(step: StepResult) -> None:
    assert step.number("deaths") == 12


@pytest.mark.guest("nmguest killed 'kp{1' 'kp}1' 5", timeout=150)
def test_kill_9_in_traffic_leaves_both_ends_of_a_pipe_usable(step: StepResult) -> None:
    assert step.number("deaths") == 12

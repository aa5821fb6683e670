# SPDX-License-Identifier: BSD-2-Clause
"""Numbered packets through the real module: nothing lost, doubled, damaged or out of order."""

from __future__ import annotations

import pytest
from netmap_build.vm import StepResult

pytestmark = pytest.mark.timeout(1500)

COUNT = 20000


@pytest.mark.smoke
@pytest.mark.guest(f"nmguest numbered vale1:a vale1:b {COUNT} 256 60")
def test_every_numbered_packet_crosses_a_switch(step: StepResult) -> None:
    assert step.number("passed") == 2 * COUNT


@pytest.mark.smoke
@pytest.mark.guest(f"nmguest numbered 'num{{1' 'num}}1' {COUNT} 256 60")
def test_every_numbered_packet_crosses_a_pipe(step: StepResult) -> None:
    assert step.number("passed") == 2 * COUNT


@pytest.mark.guest("nmguest numbered vale1:a vale1:b 3000 1 60")
def test_packets_sent_one_at_a_time_cross_a_switch(step: StepResult) -> None:
    assert step.number("passed") == 6000


@pytest.mark.guest("nmguest numbered vale1:a vale1:b 5000 1023 1514")
def test_full_rings_of_long_packets_cross_a_switch(step: StepResult) -> None:
    assert step.number("passed") == 10000


@pytest.mark.guest("nmguest numbered 'vale1:p{7' 'vale1:p}7' 5000 1023 1514")
def test_full_rings_cross_a_pipe_whose_parent_is_a_switch_port(step: StepResult) -> None:
    assert step.number("passed") == 10000


@pytest.mark.smoke
@pytest.mark.guest("nmguest stream vale1:a vale1:b 20000", timeout=90)
def test_two_processes_that_sleep_in_poll_lose_nothing_on_a_switch(step: StepResult) -> None:
    assert step.number("passed") == 20000


@pytest.mark.guest("nmguest stream 'num{2' 'num}2' 20000", timeout=90)
def test_two_processes_that_sleep_in_poll_lose_nothing_on_a_pipe(step: StepResult) -> None:
    assert step.number("passed") == 20000


@pytest.mark.guest("nmguest overload vale1:a vale1:b 20000")
def test_an_overloaded_switch_port_drops_but_keeps_order(step: StepResult) -> None:
    assert step.number("sent") == 20000
    assert 0 < step.number("received") < 20000


@pytest.mark.guest("nmguest overload 'num{3' 'num}3' 20000")
def test_an_overloaded_pipe_pushes_back_and_drops_nothing(step: StepResult) -> None:
    assert step.number("sent") == 20000
    assert step.number("received") == 20000


@pytest.mark.guest("nmguest many vale2 64", timeout=120)
def test_64_ports_hear_each_broadcast_and_only_their_own_unicasts(step: StepResult) -> None:
    assert step.number("ports") == 64

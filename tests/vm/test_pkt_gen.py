# SPDX-License-Identifier: BSD-2-Clause
"""pkt-gen as people run it."""

from __future__ import annotations

import re

import pytest
from netmap_build.vm import StepResult

pytestmark = pytest.mark.timeout(1500)

# The receiver ends by itself after its count; the sender goes on until then.
_UNTIL_RECEIVED = """\
pkt-gen -i '{tx}' -f tx -l 60 -w 0 >/tmp/tx 2>&1 &
sender=$!
timeout -s KILL 40 pkt-gen -i '{rx}' -f rx -n 50000 -w 0 >/tmp/rx 2>&1
rc=$?
kill -INT $sender
wait $sender
tail -n 5 /tmp/tx /tmp/rx
exit $rc
"""

_PING = """\
pkt-gen -i '{pong}' -f pong {words} -w 0 >/tmp/pong 2>&1 &
answerer=$!
timeout -s KILL 40 pkt-gen -i '{ping}' -f ping {words} -n 200 -w 0 >/tmp/ping 2>&1
rc=$?
kill -INT $answerer
wait $answerer
tail -n 5 /tmp/ping
exit $rc
"""

# The sender begins when the receiver says that its port is open (-v).
_NUMBERED = """\
timeout -s KILL 50 pkt-gen -i '{rx}' -f rxseq -n {count} -v {rx_words} >/tmp/rx 2>&1 &
receiver=$!
until grep -q slots /tmp/rx || ! kill -0 $receiver; do usleep 50000; done
timeout -s KILL 50 pkt-gen -i '{tx}' -f txseq -n {count} {words} >/tmp/tx 2>&1
wait $receiver
rc=$?
tail -n 8 /tmp/tx /tmp/rx
exit $rc
"""

# All packets are alike, so the lines of their dump are few: four for each 60 bytes.
_ALIKE = """\
timeout -s KILL 50 pkt-gen -i '{rx}' -f rx -n 3000 -X -v >/tmp/rx 2>&1 &
receiver=$!
until grep -q slots /tmp/rx || ! kill -0 $receiver; do usleep 50000; done
timeout -s KILL 50 pkt-gen -i '{tx}' -f tx -n 3000 -R 6000 >/tmp/tx 2>&1
wait $receiver
rc=$?
grep '^ *[0-9]*: ' /tmp/rx | sort | uniq -c
exit $rc
"""


def numbered(tx: str, rx: str, words: str, rx_words: str = "", count: int = 4000) -> str:
    return _NUMBERED.format(tx=tx, rx=rx, words=words, rx_words=rx_words, count=count)


def check_numbers(step: StepResult, count: int, streams: int = 1) -> None:
    """Everything came, once and in order."""
    of = f"{count} packets in {streams} stream{'' if streams == 1 else 's'}"
    nothing = "0 lost, 0 out of order, 0 duplicate, 0 without a number"
    assert f"Sequence: {of}, {nothing}" in step.lines, step.output


@pytest.mark.smoke
@pytest.mark.guest(_UNTIL_RECEIVED.format(tx="vale3:s", rx="vale3:r"))
def test_pkt_gen_receives_50000_packets_over_a_switch(step: StepResult) -> None:
    assert "pps" in step.output


@pytest.mark.smoke
@pytest.mark.guest(_UNTIL_RECEIVED.format(tx="netmap:gen{1", rx="netmap:gen}1"))
def test_pkt_gen_receives_50000_packets_over_a_pipe(step: StepResult) -> None:
    assert "pps" in step.output


@pytest.mark.guest(_PING.format(ping="vale3:ping", pong="vale3:pong", words=""))
def test_pkt_gen_gets_an_answer_to_200_pings(step: StepResult) -> None:
    assert step.lines


@pytest.mark.guest(_PING.format(ping="vale3:ping6", pong="vale3:pong6", words="-6 -H 12"))
def test_pkt_gen_pings_over_ipv6_behind_virtio_net_headers(step: StepResult) -> None:
    assert any(line.startswith("Answered: 200 of 200") for line in step.lines), step.output


# The receiver's ring holds what a paced sender sends in two thirds of a second.
@pytest.mark.guest(numbered("vale3:s", "vale3:r", "-R 6000", "-C 4096"))
def test_no_numbered_packet_is_lost_in_a_switch(step: StepResult) -> None:
    check_numbers(step, 4000)


@pytest.mark.guest(numbered("vale3:s", "vale3:r", "-R 3000 -6 -F 3 -l 3000", "-C 4096", 2000))
def test_ipv6_packets_in_three_slots_cross_a_switch(step: StepResult) -> None:
    check_numbers(step, 2000)
    assert any("Received 2000 packets 6000000 bytes" in line for line in step.lines), step.output


@pytest.mark.guest(numbered("vale3:s", "vale3:r", "-R 6000 -I -z -l 300 -l 58", "-C 4096"))
def test_indirect_buffers_cross_a_switch(step: StepResult) -> None:
    check_numbers(step, 4000)


@pytest.mark.guest(
    numbered("vale3:s", "vale3:r", "-R 6000 -p 2 -C 512,512,2", "-p 2 -C 4096,4096,2")
)
def test_two_threads_send_and_receive_on_rings_of_their_own(step: StepResult) -> None:
    check_numbers(step, 4000, streams=2)


@pytest.mark.guest(
    numbered("netmap:num{1", "netmap:num}1", "-l 2500 -s 10.0.0.1-10.0.0.9", "", 50000)
)
def test_no_numbered_packet_is_lost_in_a_pipe_at_full_speed(step: StepResult) -> None:
    check_numbers(step, 50000)


def lines_alike(step: StepResult) -> list[int]:
    """How often each line of the dumps was there."""
    return [int(match[1]) for line in step.lines if (match := re.match(r" *(\d+) +\d+: ", line))]


@pytest.mark.guest(_ALIKE.format(tx="netmap:alike{1", rx="netmap:alike}1"))
def test_a_pipe_gets_the_whole_packet_in_every_buffer(step: StepResult) -> None:
    assert lines_alike(step) == [3000] * 4

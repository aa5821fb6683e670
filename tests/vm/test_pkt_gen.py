# SPDX-License-Identifier: BSD-2-Clause
"""pkt-gen as people run it."""

from __future__ import annotations

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
pkt-gen -i '{pong}' -f pong -w 0 >/tmp/pong 2>&1 &
timeout -s KILL 40 pkt-gen -i '{ping}' -f ping -n 200 -w 0 >/tmp/ping 2>&1
rc=$?
tail -n 5 /tmp/ping
exit $rc
"""


@pytest.mark.smoke
@pytest.mark.guest(_UNTIL_RECEIVED.format(tx="vale3:s", rx="vale3:r"))
def test_pkt_gen_receives_50000_packets_over_a_switch(step: StepResult) -> None:
    assert "pps" in step.output


@pytest.mark.smoke
@pytest.mark.guest(_UNTIL_RECEIVED.format(tx="netmap:gen{1", rx="netmap:gen}1"))
def test_pkt_gen_receives_50000_packets_over_a_pipe(step: StepResult) -> None:
    assert "pps" in step.output


@pytest.mark.guest(_PING.format(ping="vale3:ping", pong="vale3:pong"))
def test_pkt_gen_gets_an_answer_to_200_pings(step: StepResult) -> None:
    assert step.lines

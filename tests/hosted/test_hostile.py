# SPDX-License-Identifier: BSD-2-Clause
"""The hostile build itself: it must notice a second read, or it proves nothing.

The build of this file's tests is loaded in a process of its own; whole test files run on it by
NM_VARIANT=hostile NM_HOSTILE=1 (wild values) or 2 (plausible ones).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.programs

HERE = Path(__file__).resolve().parent


def run(script: str) -> str:
    """A Python script on the hostile build; its output."""
    env = os.environ | {"NM_VARIANT": "hostile", "PYTHONPATH": str(HERE)}
    env.pop("NM_HOSTILE", None)
    env.pop("LD_PRELOAD", None)
    text = "from harness import *\n" + script
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=False, env=env
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


SEND = """
with Core() as core:
    a, b = core.open("vale0:a"), core.open("vale0:b")
    frames = [ethernet(BROADCAST, mac(1), b"%d" % i) for i in range(100)]
    with core.hostile({kind}):
        for frame in frames:
            a.tx[0].put(frame)
        before = lib.nmh_hostile_reads()
        a.txsync()
        print(lib.nmh_hostile_reads() - before)
    assert b.receive() == frames
    assert (a.tx[0].head, a.tx[0].cur) == (100, 100)
"""


@pytest.mark.parametrize("kind", [1, 2])
def test_a_switch_reads_each_slot_once(kind: int) -> None:
    # head, cur, 100 sent slots, and the buffer index of 100 receiving slots
    assert int(run(SEND.format(kind=kind))) == 202


REQUEST = """
with Core() as core:
    handle = core.open()
    with core.hostile({kind}):
        body = struct("nmreq_register", nr_mode=1, nr_tx_slots=100, nr_rx_slots=200)
        reply = handle.request(lib.NETMAP_REQ_REGISTER, "vale0:a", body, [Option(77, bytes(8))])
        assert reply.error == 95, reply.error
        reply = handle.request(lib.NETMAP_REQ_REGISTER, "vale0:a", body)
        assert reply.error == 0, reply.error
        assert (reply.body.nr_tx_slots, reply.body.nr_rx_slots) == (100, 200)
        assert lib.nmh_hostile_reads() > 0
"""


@pytest.mark.parametrize("kind", [1, 2])
def test_a_request_is_read_once(kind: int) -> None:
    run(REQUEST.format(kind=kind))


@pytest.mark.parametrize("kind", ["1", "2"])
def test_a_second_read_gives_another_value(kind: str) -> None:
    """The contract's own cases read shared memory once each; this reads it twice."""
    import build_core

    program = build_core.build_programs("hostile", "contract_main")["contract_main"]
    done = subprocess.run([str(program), "twice", kind], capture_output=True, text=True, check=True)
    assert done.stdout == "differs, differs, restored\n"

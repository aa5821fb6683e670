# SPDX-License-Identifier: BSD-2-Clause
"""First packets: boot a small machine with what was built and let pkt-gen show its rates there.

Nothing touches this computer's own kernel. Under emulation the rates are a fraction of what the
hardware does; they show that it works, not how fast it is (that is what ./sconsw bench is for).
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
from pathlib import Path

from ..errors import BuildError, report, say
from . import kvm
from .agent import Step
from .machine import Vm
from .protocol import StepResult
from .target import add_options, from_options

_RATE = re.compile(r"([\d.]+)\s*([KMG]?)pps\b")
_SCALE = {"": 1.0, "K": 1e3, "M": 1e6, "G": 1e9}

# The receiver is told to stop by its own time limit, a little after the sender's.
_FLOW = """\
timeout -s INT {rx_seconds} pkt-gen -i '{rx}' -f rx -w 0 >/tmp/rx 2>&1 &
receiver=$!
timeout -s INT {tx_seconds} pkt-gen -i '{tx}' -f tx -l 60 -w 0 >/tmp/tx 2>&1
wait $receiver
sed 's/^/tx: /' /tmp/tx
sed 's/^/rx: /' /tmp/rx
grep -q pps /tmp/rx
"""


def flow(tx: str, rx: str, seconds: int) -> str:
    """The shell script of one demonstration: a sender and a receiver for some seconds."""
    return _FLOW.format(tx=tx, rx=rx, tx_seconds=seconds, rx_seconds=seconds + 1)


def rates(step: StepResult, side: str) -> list[float]:
    """The packet rates that one side of a flow reported, in packets a second, zeroes left out."""
    found: list[float] = []
    for line in step.lines:
        match = _RATE.search(line) if line.startswith(f"{side}: ") else None
        if match is not None and float(match[1]) > 0:
            found.append(float(match[1]) * _SCALE[match[2]])
    return found


def human(rate: float) -> str:
    """A packet rate for people."""
    for unit, scale in (("M", 1e6), ("K", 1e3)):
        if rate >= scale:
            return f"{rate / scale:.2f} {unit}pps"
    return f"{rate:.0f} pps"


def summary(step: StepResult, what: str) -> str:
    """One line about a flow."""
    sent, received = rates(step, "tx"), rates(step, "rx")
    if not sent or not received:
        return f"{what:<28}no packets: see the output above"
    sent_rate, received_rate = statistics.median(sent), statistics.median(received)
    return f"{what:<28}sent {human(sent_rate):>11}   received {human(received_rate):>11}"


def main(argv: list[str], root: Path | None = None) -> int:
    """0 when packets crossed both the switch and the pipe and the kernel had no complaint."""
    parser = argparse.ArgumentParser(prog="try", description=__doc__)
    add_options(parser)
    parser.add_argument("--seconds", type=int, default=4, help="how long each flow runs")
    options = parser.parse_args(argv)
    flows = {
        "vale": ("VALE switch, 60 bytes", flow("vale0:sender", "vale0:receiver", options.seconds)),
        "pipe": ("netmap pipe, 60 bytes", flow("netmap:demo{1", "netmap:demo}1", options.seconds)),
    }
    steps = [Step("load", "uname -r; insmod /lib/netmap.ko; ls -l /dev/netmap")]
    steps += [Step(name, script, 60) for name, (_what, script) in flows.items()]
    steps.append(Step("unload", "rmmod netmap"))
    try:
        target = from_options(options, root or Path(__file__).resolve().parents[3])
        vm = Vm(target, programs=(target.program("pkt-gen"),))
        kvm.announce(target)
        say("booting a machine with what was built ...")
        result = vm.run(steps, timeout=120, name="try", on_line=lambda s, t: say(f"  {s:<7} {t}"))
    except BuildError as error:
        report(error)
        return 2
    print()
    for name, (what, _script) in flows.items():
        print(summary(result.step(name), what))
    print(f"{'machine':<28}{result.seconds:.0f} s in all; its console is in {result.folder}")
    good = result.done and not result.problems and all(step.ok for step in result.steps.values())
    if not good:
        if not result.done:
            print(result.describe_end(), file=sys.stderr)
        for step in result.steps.values():
            if not step.ok:
                print(step.describe(), file=sys.stderr)
        for line in result.problems:
            print(f"kernel: {line}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

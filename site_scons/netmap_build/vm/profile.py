# SPDX-License-Identifier: BSD-2-Clause
"""Where a packet's instructions go: one benchmark case, instruction by instruction, by function.

    python3 -m netmap_build.vm.profile --config build/vm.json vale-batch1

The machine runs at full emulated speed until the benchmark is under way. Then QEMU logs each
instruction for a moment; kernel functions come from the guest's own symbol table.
"""

from __future__ import annotations

import argparse
import bisect
import re
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..errors import BuildError, report
from .agent import Step
from .bench import CASES, refuse_other
from .guests import bench_program
from .machine import Vm
from .qemu import Hardware
from .target import add_options, from_options

_TRACE = re.compile(r"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/")
_SYMBOL = re.compile(r"^([0-9a-f]{16}) [tTwW] (\S+)(?:\s+\[(\w+)\])?$")
_KERNEL_HALF = 1 << 63
_LOG_SECONDS = 3.0
_ENTRY = "entry_SYSCALL_64"

# Packets per system call of each case: packets of a round over its syncs (see nmbench.c).
_PER_SYSCALL = {
    "vale-60": 256 / 2,
    "vale-1500": 256 / 2,
    "vale-batch1": 1 / 2,
    "pipe-60": 256 / 2,
    "vale-broadcast": 256 / 3,
    "vale-two-to-one": 256 / 3,
    "vale-alternating": 256 / 3,
}

_SCRIPT = """\
insmod /lib/netmap.ko || exit 1
nmbench -n 1000000000000 {case} &
sleep 2
echo symbols
grep ' [tTwW] ' /proc/kallsyms
echo go
sleep 1
"""


@dataclass(frozen=True)
class Symbols:
    """Kernel text symbols by address."""

    addresses: list[int]
    names: list[str]

    def name(self, address: int) -> str:
        """The function at that address; user space is one entry."""
        if address < _KERNEL_HALF:
            return "(user program)"
        at = bisect.bisect_right(self.addresses, address) - 1
        return self.names[at] if at >= 0 else "(unknown)"


def symbols(lines: Iterable[str]) -> Symbols:
    """Read /proc/kallsyms; functions of a module carry its name."""
    found: dict[int, str] = {}
    for line in lines:
        match = _SYMBOL.match(line)
        if match is not None:
            name = match[2] if match[3] is None else f"{match[3]}: {match[2]}"
            found.setdefault(int(match[1], 16), name)
    addresses = sorted(found)
    return Symbols(addresses, [found[address] for address in addresses])


def count(log: Iterable[str], table: Symbols) -> tuple[Counter[str], int]:
    """Instructions per function, and how many system calls began."""
    counts: Counter[str] = Counter()
    entry = {a for a, n in zip(table.addresses, table.names, strict=True) if n == _ENTRY}
    entries = 0
    for line in log:
        match = _TRACE.match(line)
        if match is not None:
            address = int(match[1], 16)
            entries += address in entry
            counts[table.name(address)] += 1
    return counts, entries


def _monitor(path: Path, commands: list[str]) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.connect(str(path))
        for command in commands:
            link.sendall(command.encode() + b"\n")
            time.sleep(0.05)  # the monitor takes one line at a time


def _profile(vm: Vm, monitor: Path, log: Path, case: str) -> tuple[Counter[str], int]:
    lines: list[str] = []

    def on_line(_step: str, line: str) -> None:
        lines.append(line)
        if line == "go":
            _monitor(monitor, [f"logfile {log}", "singlestep on", "log exec,nochain"])
            time.sleep(_LOG_SECONDS)
            _monitor(monitor, ["log none", "singlestep off"])

    result = vm.run([Step("profile", _SCRIPT.format(case=case), 120)], 180, "profile", on_line)
    if not result.step("profile").ok:
        raise BuildError(result.step("profile").describe() + result.describe_end())
    with log.open() as stream:
        return count(stream, symbols(lines))


def main(argv: list[str], root: Path | None = None) -> int:
    """Print instructions per packet for each function, the most first."""
    parser = argparse.ArgumentParser(prog="profile", description=__doc__)
    add_options(parser)
    parser.add_argument("--least", type=float, default=0.5, help="leave out what takes less")
    parser.add_argument("case", choices=[case.name for case in CASES])
    options = parser.parse_args(argv)
    try:
        target = from_options(options, root or Path(__file__).resolve().parents[3])
        refuse_other(target.arch)
        with tempfile.TemporaryDirectory(prefix="netmap-profile-") as name:
            monitor = Path(name) / "monitor"
            hardware = Hardware(icount=True, monitor=monitor)
            vm = Vm(target, programs=(bench_program(target),), hardware=hardware)
            counts, entries = _profile(vm, monitor, Path(name) / "log", options.case)
    except BuildError as error:
        report(error)
        return 2
    packets = entries * _PER_SYSCALL[options.case]
    if packets == 0:
        print("no system call was seen", file=sys.stderr)
        return 1
    print(f"{options.case}: {counts.total() / packets:.1f} instructions per packet,")
    print(f"from {counts.total()} instructions in {entries} system calls")
    for function, number in counts.most_common():
        if number / packets >= options.least:
            print(f"{number / packets:>9.1f}  {function}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

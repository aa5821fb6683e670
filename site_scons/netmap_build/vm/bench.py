# SPDX-License-Identifier: BSD-2-Clause
"""Measure what a packet costs, in instructions, and print it beside targets and older figures.

The machine runs under QEMU's instruction counter: one processor, one nanosecond per instruction.
Two runs agree within 0.03 %, on any host. Cache misses and locks do not show in it.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from ..errors import BuildError, report
from . import board, kvm
from . import native as hosted
from .agent import Step
from .guests import bench_program
from .machine import Vm, VmResult
from .protocol import StepResult
from .qemu import Hardware
from .target import Target, add_options, from_options

_SETTLE = 20  # seconds after boot; they cost nothing under the counter


@dataclass(frozen=True)
class Case:
    """One row: its name in nmbench, what it is, the target, the older implementation's figure."""

    name: str
    what: str
    target: int | None = None
    existing: int | None = None


CASES = (
    Case("vale-60", "VALE, 60 bytes, batches of 256", 200, 406),
    Case("vale-1500", "VALE, 1500 bytes, batches of 256", 400, 588),
    Case("vale-batch1", "VALE, 60 bytes, one at a time", 1800, 3046),
    Case("pipe-60", "pipe, 60 bytes, batches of 256", 60, 79),
    Case("vale-broadcast", "VALE, 60 bytes, to two ports at once"),
    Case("vale-two-to-one", "VALE, 60 bytes, two senders in turn"),
    Case("vale-alternating", "VALE, 60 bytes, destination changes each time"),
)


@dataclass(frozen=True)
class Figure:
    """What one case gave."""

    packets: int
    nanoseconds: int
    lost: int
    bad: int

    @property
    def per_packet(self) -> float:
        """Nanoseconds, or instructions under the counter, for each packet sent."""
        return self.nanoseconds / self.packets

    @property
    def sound(self) -> bool:
        """False when packets were lost or damaged: then the figure means nothing."""
        return self.lost == 0 and self.bad == 0


def figures(step: StepResult) -> dict[str, Figure]:
    """Read nmbench's result lines."""
    found: dict[str, Figure] = {}
    for row in step.rows:
        numbers = [int(row[key]) for key in ("pkts", "ns", "lost", "bad")]
        if numbers[0] > 0:
            found[row["name"]] = Figure(*numbers)
    return found


def table(
    counted: dict[str, Figure], native: dict[str, Figure], asked: list[str] | None = None
) -> str:
    """The table for people, of all cases or those asked for; native figures get a column."""
    head = f"{'instructions per packet':<47}{'ours':>7}{'target':>8}{'existing':>10}"
    lines = [head + (f"{'ns here':>9}" if native else "")]
    for case in CASES:
        if asked and case.name not in asked:
            continue
        figure = counted.get(case.name)
        ours = "-" if figure is None else f"{figure.per_packet:.0f}"
        line = f"{case.what:<47}{ours:>7}{_plain(case.target):>8}{_plain(case.existing):>10}"
        if native:
            here = native.get(case.name)
            line += f"{'-' if here is None else format(here.per_packet, '.0f'):>9}"
        if figure is not None and not figure.sound:
            line += f"  lost {figure.lost}, damaged {figure.bad}"
        elif figure is not None and case.target is not None and figure.per_packet > case.target:
            line += "  above target"
        lines.append(line)
    return "\n".join(lines)


def _plain(value: int | None) -> str:
    return "" if value is None else str(value)


def failures(counted: dict[str, Figure], asked: list[str]) -> list[str]:
    """Why the run as a whole is no success: cases that are missing, unsound or above target."""
    found: list[str] = []
    for case in CASES:
        if asked and case.name not in asked:
            continue
        figure = counted.get(case.name)
        if figure is None:
            found.append(f"{case.name} gave no figure")
        elif not figure.sound:
            found.append(f"{case.name} lost {figure.lost} packets, damaged {figure.bad}")
        elif case.target is not None and figure.per_packet > case.target:
            found.append(f"{case.name}: {figure.per_packet:.0f}, target {case.target}")
    return found


def refuse_other(arch: str) -> None:
    """BuildError for an architecture whose instructions are not counted."""
    if not board.of(arch).counted_processor:
        raise BuildError(
            f"bench counts instructions of x86_64 only, not of {arch}",
            "type: ./sconsw arch=x86_64 bench",
        )


def measure(target: Target, hardware: Hardware, cases: list[str], packets: int) -> VmResult:
    """Boot, load, run nmbench."""
    vm = Vm(
        target,
        programs=(bench_program(target),),
        hardware=hardware,
        settle_seconds=_SETTLE if hardware.icount else 0,
    )
    steps = [
        Step("load", "insmod /lib/netmap.ko"),
        Step("bench", f"nmbench -n {packets} {' '.join(cases)}", timeout=600),
    ]
    return vm.run(steps, timeout=420, name="bench")


def _explain(result: VmResult) -> None:
    for step in ("load", "bench"):
        if not result.step(step).ok:
            print(result.step(step).describe(), file=sys.stderr)
            break
    if not result.done:
        print(result.describe_end(), file=sys.stderr)
    for line in result.problems:
        print(f"kernel: {line}", file=sys.stderr)


def main(argv: list[str], root: Path | None = None) -> int:
    """0 when all asked cases gave a sound figure; with --check also none above its target."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    add_options(parser)
    parser.add_argument("--packets", type=int, default=100_000, help="packets for each case")
    parser.add_argument("--check", action="store_true", help="fail when a figure misses its target")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("case", nargs="*", help=", ".join(case.name for case in CASES))
    options = parser.parse_args(argv)
    unknown = [name for name in options.case if name not in {case.name for case in CASES}]
    if unknown:
        parser.error(f"no case {unknown[0]}: choose from {', '.join(c.name for c in CASES)}")
    try:
        target = from_options(options, root or Path(__file__).resolve().parents[3])
        refuse_other(target.arch)
        result = measure(target, Hardware(icount=True), options.case, options.packets)
        native: dict[str, Figure] = {}
        if not kvm.obstacle(target):
            fast = measure(target, Hardware(accel="kvm"), options.case, 100 * options.packets)
            native = figures(fast.step("bench"))
        alone = {} if options.case else hosted.measure(target.root)
    except BuildError as error:
        report(error)
        return 2
    counted = figures(result.step("bench"))
    if counted:
        print(table(counted, native, options.case))
        if alone:
            print(f"\n{hosted.table(alone)}")
    if options.json is not None:
        per_packet = {name: round(figure.per_packet, 1) for name, figure in counted.items()}
        options.json.write_text(json.dumps(per_packet, indent=1, sort_keys=True) + "\n")
    if not result.step("bench").ok or result.problems or not result.done:
        _explain(result)
        return 1
    missed = failures(counted, options.case)
    if options.check and missed:
        print("\n".join(missed), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

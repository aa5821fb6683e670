# SPDX-License-Identifier: BSD-2-Clause
"""Run one shell script in a machine with the built module: for people who look into something.

python -m netmap_build.vm.run --config build/vm.json 'insmod /lib/netmap.ko; dmesg | tail'
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..errors import BuildError, report
from .agent import Step
from .guests import guest_program
from .machine import Vm
from .target import add_options, from_options


def main(argv: list[str], root: Path | None = None) -> int:
    """Parse, boot, print what the script prints; the script's exit code is ours."""
    parser = argparse.ArgumentParser(prog="vm", description=__doc__)
    add_options(parser)
    parser.add_argument("--module", action="append", default=[], help="load this one at boot")
    parser.add_argument("--program", action="append", type=Path, default=[], help="copy to /bin")
    parser.add_argument("--timeout", type=int, default=120)
    parser.add_argument("script")
    options = parser.parse_args(argv)
    try:
        target = from_options(options, root or Path(__file__).resolve().parents[3])
        programs = list(options.program)
        if target.bin_dir is not None:
            programs += sorted(p for p in target.bin_dir.iterdir() if p.is_file())
        if (target.include_dir / "net" / "netmap.h").exists():
            programs.append(guest_program(target))
        vm = Vm(target, modules=tuple(options.module), programs=tuple(programs))
        steps = [Step("script", options.script, options.timeout)]
        result = vm.run(steps, options.timeout + 60, "run", lambda _step, line: print(line))
    except BuildError as error:
        report(error)
        return 2
    for line in result.problems:
        print(f"kernel: {line}", file=sys.stderr)
    if not result.done:
        print(result.describe_end(), file=sys.stderr)
    step = result.step("script")
    print(f"rc={step.rc} in {result.seconds:.1f} s; files in {result.folder}", file=sys.stderr)
    return step.rc if step.rc is not None and not result.problems else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

# SPDX-License-Identifier: BSD-2-Clause
"""The `fuzz` target: libFuzzer on every target of tests/fuzz, until the time is over or one falls.

What is found is kept: inputs that reach new code in the build cache, so that the next run goes
on where this one ended; the input that brings a target down, made small, in build/fuzz.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from . import cache
from .errors import BuildError, report, say

LONGEST = {"names": 300, "request": 600, "ring": 400}  # bytes of an input
SMALL_ENOUGH = 30  # seconds for making a fatal input smaller
PULSE = 0.2  # seconds between looks at the processes


@dataclass(frozen=True)
class Wishes:
    """The words of fuzz-args."""

    seconds: int
    targets: tuple[str, ...]
    jobs: int
    seed: int
    coverage: bool


@dataclass(frozen=True)
class Place:
    """Where things are."""

    top: Path
    hosted: Path  # what build_core.py builds goes here
    work: Path  # logs, and inputs that bring a target down

    @property
    def sources(self) -> Path:
        return self.top / "tests" / "fuzz"

    def inputs(self, target: str) -> list[Path]:
        """The growing corpus, which libFuzzer writes to; then what is committed."""
        grown = cache.root() / "fuzz" / target
        grown.mkdir(parents=True, exist_ok=True)
        committed = [self.sources / "seeds" / target, self.sources / "regressions" / target]
        return [grown, *(folder for folder in committed if folder.is_dir())]


@dataclass
class Run:
    """One process of libFuzzer."""

    target: str
    program: Path
    command: list[str]
    log: Path
    artifacts: Path
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    seconds: float = 0.0
    stopped: bool = False

    def start(self) -> None:
        self.artifacts.mkdir(parents=True, exist_ok=True)
        self.began = time.monotonic()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def failed(self) -> bool:
        """Whether the target went down by itself."""
        return self.process is not None and not self.stopped and self.process.returncode != 0


@dataclass
class Row:
    """What is known of a target in the end."""

    target: str
    seconds: float = 0.0
    executions: int = 0
    edges: int = 0
    inputs: int = 0
    new_inputs: int = 0
    crashes: int = 0

    def add(self, log: str) -> None:
        """Take the figures from what one process wrote."""
        for name, value in re.findall(r"stat::(\w+):\s+(\d+)", log):
            if name == "number_of_executed_units":
                self.executions += int(value)
            elif name == "new_units_added":
                self.new_inputs += int(value)
        edges = re.findall(r"\bcov: (\d+)", log)
        self.edges = max(self.edges, int(edges[-1]) if edges else 0)


@dataclass
class Lines:
    """Lines of source that ran, by file."""

    counts: dict[str, dict[int, int]] = field(default_factory=dict)

    def add(self, text: str, top: Path) -> None:
        """One JSON document a line, as gcov prints them."""
        for document in map(json.loads, text.splitlines()):
            for file in document["files"]:
                path = Path(document["current_working_directory"], file["file"])
                name = os.path.relpath(os.path.normpath(path), top)
                if name.startswith(("common/", "libnetmap/")):
                    lines = self.counts.setdefault(name, {})
                    for line in file["lines"]:
                        number = line["line_number"]
                        lines[number] = lines.get(number, 0) + line["count"]

    def merge(self, other: Lines) -> None:
        for name, counts in other.counts.items():
            lines = self.counts.setdefault(name, {})
            for number, count in counts.items():
                lines[number] = lines.get(number, 0) + count

    def by_folder(self) -> dict[str, tuple[int, int]]:
        """Lines that ran, lines that could."""
        folders: dict[str, tuple[int, int]] = {}
        for name, lines in sorted(self.counts.items()):
            folder = str(Path(name).parent)
            ran, of = folders.get(folder, (0, 0))
            folders[folder] = (ran + sum(map(bool, lines.values())), of + len(lines))
        return folders

    def not_reached(self) -> list[str]:
        """file:line of each line that never ran."""
        return [
            f"{name}:{number}"
            for name, lines in sorted(self.counts.items())
            for number in sorted(lines)
            if not lines[number]
        ]


def targets(sources: Path) -> tuple[str, ...]:
    return tuple(sorted(p.stem.removeprefix("fuzz_") for p in sources.glob("fuzz_*.c")))


def wishes(words: str, known: tuple[str, ...], cpus: int) -> Wishes:
    """Read fuzz-args."""
    parser = argparse.ArgumentParser(prog="./sconsw fuzz fuzz-args=", description=__doc__)
    parser.add_argument("--time", type=int, default=60, help="seconds for each target [60]")
    parser.add_argument(
        "--target", action="append", choices=known, help="one target; may be given again [all]"
    )
    parser.add_argument("--jobs", type=int, default=cpus, help="processes at a time [one per CPU]")
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers [any]")
    parser.add_argument(
        "--coverage", action="store_true", help="then say which lines the inputs reach"
    )
    args = parser.parse_args(shlex.split(words))
    if args.time < 0 or args.jobs < 1:
        parser.error("--time and --jobs are positive numbers")
    return Wishes(args.time, tuple(args.target or known), args.jobs, args.seed, args.coverage)


def build(place: Place, variant: str, target: str) -> Path:
    """A target, built; tests/hosted knows how."""
    builder = place.top / "tests" / "hosted" / "build_core.py"
    done = subprocess.run(
        [sys.executable, str(builder), variant, "--fuzzer", target],
        capture_output=True,
        text=True,
        env={**os.environ, "NETMAP_HOSTED_DIR": str(place.hosted)},
        check=False,
    )
    if done.returncode:
        raise BuildError(
            f"fuzz_{target} was not built:\n{done.stderr.strip()}",
            "type: ./sconsw test-hosted, which builds the same with gcc",
        )
    return Path(done.stdout.split()[-1])


def command(place: Place, wish: Wishes, target: str, program: Path, number: int) -> list[str]:
    """One process of libFuzzer; processes of a target share what they find."""
    words = [
        str(program),
        f"-max_total_time={wish.seconds}" if wish.seconds else "-runs=0",  # 0: the corpora alone
        f"-max_len={LONGEST.get(target, 1024)}",
        f"-artifact_prefix={place.work}/{target}.{number}/",
        "-print_final_stats=1",
        "-timeout=25",
        "-reload=10",
    ]
    if wish.seed:
        words.append(f"-seed={wish.seed + number}")
    dictionary = place.sources / f"{target}.dict"
    if dictionary.exists():
        words.append(f"-dict={dictionary}")
    return words + [str(folder) for folder in place.inputs(target)]


def plan(place: Place, wish: Wishes, programs: dict[str, Path]) -> list[Run]:
    """All processes: as many of each target as keep the CPUs busy."""
    each = max(1, wish.jobs // len(programs))
    return [
        Run(
            target,
            program,
            command(place, wish, target, program, number),
            place.work / f"{target}.{number}.log",
            place.work / f"{target}.{number}",
        )
        for number in range(each)
        for target, program in programs.items()
    ]


def go(runs: Iterable[Run], jobs: int) -> None:
    """Some at a time, until all are done or one fails; then the others are stopped too."""
    waiting = list(runs)
    going: list[Run] = []
    try:
        while waiting or going:
            while waiting and len(going) < jobs:
                going.append(waiting.pop(0))
                going[-1].start()
            time.sleep(PULSE)
            for run in [run for run in going if not run.is_running()]:
                run.seconds = time.monotonic() - run.began
                going.remove(run)
                if run.failed():
                    return
    finally:
        stop(going)


def stop(runs: list[Run]) -> None:
    """libFuzzer ends with its figures when it is interrupted."""
    for run in runs:
        if run.process is not None and run.is_running():
            run.stopped = True
            run.process.send_signal(signal.SIGINT)
    for run in runs:
        if run.process is None:
            continue
        try:
            run.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            run.process.kill()
            run.process.wait()
        run.seconds = time.monotonic() - run.began


def reason(log: str) -> str:
    """The line that says best why a target went down."""
    lines = log.splitlines()
    for pattern in (
        r"not so: |nm-check: ",
        r"runtime error: ",
        r"ERROR: AddressSanitizer",
        "ERROR: ",
    ):
        for line in lines:
            if re.search(pattern, line):
                return line.strip()
    return lines[-1].strip() if lines else "no output"


def make_small(run: Run, found: Path) -> Path:
    """The fatal input, as small as libFuzzer gets it in a while, under a name that stays."""
    kept = found.parents[1] / f"{run.target}-{found.name.rpartition('-')[2][:12]}.bin"
    small = found.with_name("small")
    words = [
        "-minimize_crash=1",
        "-runs=50000",  # without a better one
        f"-max_total_time={SMALL_ENOUGH}",
        f"-exact_artifact_path={small}",
    ]
    subprocess.run(
        [str(run.program), *words, str(found)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    shutil.copy(small if small.exists() else found, kept)
    return kept


def explain(run: Run) -> None:
    """Why a target went down, and the line that does it again."""
    found = sorted(run.artifacts.glob("*-*"))
    why = f"{run.target}: {reason(run.log.read_text(errors='replace'))}"
    again = f"{run.program} {make_small(run, found[0])}" if found else f"less {run.log}"
    report(BuildError(why, f"type: {again}"))


def table(rows: list[Row]) -> str:
    """The figures for people."""
    head = f"{'target':<10}{'time':>8}{'executions':>13}{'edges':>8}{'inputs':>9}{'new':>7}"
    lines = [f"{head}{'crashes':>9}"]
    lines += [
        f"{row.target:<10}{row.seconds:>6.0f} s{row.executions:>13}{row.edges:>8}"
        f"{row.inputs:>9}{row.new_inputs:>7}{row.crashes:>9}"
        for row in rows
    ]
    return "\n".join(lines)


def rows_of(place: Place, runs: list[Run]) -> list[Row]:
    """One row for each target, whatever the number of its processes."""
    rows: dict[str, Row] = {}
    for run in runs:
        row = rows.setdefault(run.target, Row(run.target))
        row.seconds += run.seconds
        row.crashes += run.failed()
        if run.log.exists():
            row.add(run.log.read_text(errors="replace"))
    for row in rows.values():
        row.inputs = sum(1 for _ in place.inputs(row.target)[0].iterdir())
    return [rows[name] for name in sorted(rows)]


def reached(place: Place, target: str) -> Lines:
    """The lines that a target's inputs reach, by gcov."""
    program = build(place, "gcov", target)
    for old in program.parent.glob("*.gcda"):
        old.unlink()
    folders = [str(folder) for folder in place.inputs(target)]
    done = subprocess.run([str(program), *folders], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(
            f"fuzz_{target} fails on an input of its corpus: {done.stderr.strip()[-300:]}",
            f"type: {program} {' '.join(folders)}",
        )
    data = sorted(str(path) for path in program.parent.glob("*.gcda"))
    gcov = subprocess.run(
        ["gcov", "--json-format", "--stdout", *data],
        cwd=program.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = Lines()
    lines.add(gcov.stdout, place.top)
    return lines


def coverage_table(by_target: dict[str, Lines]) -> str:
    """Per folder, which share of the lines each target's inputs reach, and all together."""
    everything = Lines()
    for lines in by_target.values():
        everything.merge(lines)
    columns = {**{name: lines.by_folder() for name, lines in by_target.items()}}
    columns["all"] = everything.by_folder()
    out = [f"{'lines':<28}" + "".join(f"{name:>10}" for name in columns)]
    for folder, (_, of) in columns["all"].items():
        cells = ""
        for column in columns.values():
            ran = column.get(folder, (0, 0))[0]
            cells += f"{100 * ran / of:>8.1f} %" if ran else f"{'-':>10}"
        out.append(f"{folder:<20}{of:>8}{cells}")
    return "\n".join(out)


def show_coverage(place: Place, names: tuple[str, ...]) -> None:
    """The table; what is not reached goes to a file."""
    by_target = {name: reached(place, name) for name in names}
    everything = Lines()
    for lines in by_target.values():
        everything.merge(lines)
    say("\n" + coverage_table(by_target))
    file = place.work / "not-reached"
    file.write_text("\n".join(everything.not_reached()) + "\n")
    say(f"netmap: lines that no input reaches are in {file}")


def run(
    place: Place, words: str, cpus: int, builder: Callable[[Place, str, str], Path] = build
) -> int:
    """The target: 0, or 1 when something fell."""
    try:
        wish = wishes(words, targets(place.sources), cpus)
    except SystemExit as leave:  # argparse answers -h and wrong words by leaving
        return leave.code if isinstance(leave.code, int) else 1
    shutil.rmtree(place.work, ignore_errors=True)
    place.work.mkdir(parents=True)
    programs = {name: builder(place, "libfuzzer", name) for name in wish.targets}
    runs = plan(place, wish, programs)
    say(
        f"netmap: fuzzing {', '.join(wish.targets)}: {wish.seconds} s each, "
        f"{len(runs)} processes, {wish.jobs} at a time"
    )
    try:
        go(runs, wish.jobs)
    finally:
        say(table(rows_of(place, runs)))
    failed = [one for one in runs if one.failed()]
    for one in failed:
        explain(one)
    if wish.coverage and not failed:
        show_coverage(place, wish.targets)
    return int(bool(failed))

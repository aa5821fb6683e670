# SPDX-License-Identifier: BSD-2-Clause
"""Inputs of any shape: a short run of each fuzzer, and inputs that once did harm.

The long form, with libFuzzer, is ./sconsw fuzz.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import build_core
import pytest
from netmap_build import fuzzing, needs

pytestmark = pytest.mark.programs

FUZZ = build_core.FUZZ
TARGETS = build_core.fuzz_targets()
RUNS = {"names": 20000, "request": 2000, "ring": 2000}
SECONDS = 20  # where a machine is too slow for all runs


def fuzz(target: str, *args: object) -> subprocess.CompletedProcess[str]:
    """A target under the address sanitizer, with the mutator that needs gcc only."""
    program = build_core.build_fuzzer("fuzz", target)
    env = os.environ | {
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
        "UBSAN_OPTIONS": "abort_on_error=1:print_stacktrace=1",
    }
    return subprocess.run(
        [program, *map(str, args)],
        capture_output=True,
        text=True,
        check=False,
        env=env,
        timeout=240,
    )


def inputs(target: str) -> list[Path]:
    """Seeds, and what once did harm."""
    folders = [FUZZ / "seeds" / target, FUZZ / "regressions" / target]
    return [folder for folder in folders if folder.is_dir()]


def run_for(target: str, runs: int, seed: int, tmp_path: Path) -> None:
    """Mutate; what ends the process is kept where the failure says."""
    crash = tmp_path / "crash.bin"
    done = fuzz(target, "-n", runs, "-s", seed, "-t", SECONDS, "-o", crash, *inputs(target))
    program = build_core.build_dir("fuzz") / f"fuzz_{target}"
    assert (done.returncode, done.stderr) == (0, ""), f"replay: {program} {crash}"
    executions, kept, ways = [int(word) for word in done.stdout.split() if word.isdigit()]
    assert executions > runs // 20 and kept > 20 and ways > 200, "the mutator gets nowhere"


@pytest.mark.parametrize("target", TARGETS)
def test_a_few_thousand_mutations_do_no_harm(tmp_path: Path, target: str) -> None:
    run_for(target, RUNS[target], 1, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_more_mutations_do_no_harm(tmp_path: Path, target: str) -> None:
    run_for(target, 3 * RUNS[target], 2, tmp_path)


@pytest.mark.parametrize("target", TARGETS)
def test_inputs_that_once_did_harm_do_none(target: str) -> None:
    done = fuzz(target, *inputs(target))
    assert (done.returncode, done.stderr) == (0, "")


def test_the_seeds_are_what_their_script_makes(tmp_path: Path) -> None:
    script = FUZZ / "make_seeds.py"
    copy = tmp_path / script.name
    copy.write_bytes(script.read_bytes())
    subprocess.run([sys.executable, copy], check=True)

    def contents(folder: Path) -> dict[str, bytes]:
        files = [path for path in folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(folder)): path.read_bytes() for path in files}

    assert contents(FUZZ / "seeds") == contents(tmp_path / "seeds")
    assert {path.name for path in (FUZZ / "seeds").iterdir()} == set(TARGETS)


# ---- the long form, made short -----------------------------------------------------------------

FALLS = """\
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 2 && data[0] == 'n' && data[1] == 'm')
		abort();
	return 0;
}
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fuzzing.Place:
    """The real targets, with clang, and a corpus of their own."""
    needs.ensure("fuzz", may_install=os.environ.get("NETMAP_MAY_INSTALL") == "1")
    monkeypatch.setenv("NETMAP_BUILD_CACHE", str(tmp_path / "cache"))
    hosted = build_core.build_dir("libfuzzer").parent
    return fuzzing.Place(build_core.REPO, hosted, tmp_path / "work")


@pytest.mark.slow
def test_every_target_runs_under_libfuzzer(
    place: fuzzing.Place, capfd: pytest.CaptureFixture[str]
) -> None:
    assert fuzzing.run(place, "--time 3 --jobs 2", 2) == 0
    rows = [line.split() for line in capfd.readouterr().out.splitlines()]
    executions = {row[0]: int(row[3]) for row in rows if row and row[0] in TARGETS}
    assert set(executions) == set(TARGETS) and min(executions.values()) > 20


@pytest.mark.slow
def test_what_falls_falls_again_by_the_line_that_is_printed(
    place: fuzzing.Place, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tests/fuzz").mkdir(parents=True)
    source = tmp_path / "tests/fuzz/fuzz_falls.c"
    source.write_text(FALLS)

    def build(place: fuzzing.Place, variant: str, target: str) -> Path:
        program = tmp_path / "falls"
        subprocess.run(["clang", "-fsanitize=fuzzer", source, "-o", program], check=True)
        return program

    small = fuzzing.Place(tmp_path, tmp_path, tmp_path / "work")
    assert fuzzing.run(small, "--time 60 --jobs 1 --seed 1", 1, build) == 1
    hint = capfd.readouterr().err.splitlines()[-1]
    words = hint.split("type: ")[1].split()
    assert Path(words[1]).read_bytes()[:2] == b"nm"
    assert subprocess.run(words, capture_output=True, check=False).returncode != 0

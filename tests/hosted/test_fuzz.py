# SPDX-License-Identifier: BSD-2-Clause
"""Requests of any shape: a short run of the fuzzer, and inputs that once did harm."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import build_core
import pytest

pytestmark = pytest.mark.programs

OLD_HARM = sorted((Path(__file__).resolve().parent / "fuzz_corpus").glob("*.bin"))


def fuzz(*args: str) -> subprocess.CompletedProcess[str]:
    """fuzz_request under the address sanitizer, led by coverage."""
    program = build_core.build_programs("fuzz", "fuzz_request")["fuzz_request"]
    env = os.environ | {
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
        "UBSAN_OPTIONS": "abort_on_error=1",
    }
    command = [str(program), *args]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=env, timeout=3000
    )


def run_for(runs: int, seed: int, tmp_path: Path) -> None:
    """Mutate; what ends the process is kept where the failure says."""
    crash = tmp_path / "crash.bin"
    done = fuzz("-n", str(runs), "-s", str(seed), "-o", str(crash))
    assert (done.returncode, done.stderr) == (0, ""), f"replay: fuzz_request {crash}"
    kept, ways = [int(word) for word in done.stdout.split() if word.isdigit()]
    assert kept > 50 and ways > 1000, "the mutator does not get anywhere"


def test_a_thousand_lists_of_requests_do_no_harm(tmp_path: Path) -> None:
    run_for(2000, 1, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 4))
def test_many_lists_of_requests_do_no_harm(tmp_path: Path, seed: int) -> None:
    run_for(5000, seed, tmp_path)


def test_the_target_compiles_for_libfuzzer_too() -> None:
    plain = build_core.VARIANTS["plain"]
    command = build_core.compile_command(plain, build_core.HERE / "fuzz_request.c", Path("x.o"))
    dropped = ("-MMD", "-MF", "x.d", "-c", "-o", "x.o")
    words = [word for word in command if word not in dropped]
    flags = ["-DNM_LIBFUZZER", "-Werror", "-fsyntax-only"]
    subprocess.run([*words, *flags], check=True)


def test_inputs_that_once_did_harm_do_none() -> None:
    done = fuzz(*map(str, OLD_HARM))
    assert (done.returncode, done.stderr) == (0, "")

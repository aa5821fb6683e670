# SPDX-License-Identifier: BSD-2-Clause
"""The fuzz target: what it starts, when it stops, what it keeps and says.

A small program speaks like libFuzzer; the real one runs in the hosted layer.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from netmap_build import fuzzing

# Its folder of inputs says how it ends: a file named `kill` there brings it down.
FAKE = """\
#!{python}
import signal, sys, time
from pathlib import Path

options = dict(word[1:].split("=", 1) for word in sys.argv[1:] if word.startswith("-"))
inputs = [Path(word) for word in sys.argv[1:] if not word.startswith("-")]
if "minimize_crash" in options:
    Path(options["exact_artifact_path"]).write_bytes(inputs[0].read_bytes()[:2])
    sys.exit(0)

def figures(*_):
    print("#9 NEW    cov: 5 ft: 6\\n#12 DONE   cov: 7 ft: 9")
    print("stat::number_of_executed_units: 12\\nstat::new_units_added: 3", flush=True)
    sys.exit(0)

signal.signal(signal.SIGINT, figures)
if (inputs[0] / "kill").exists():
    print("fuzz_x.c:3: not so: all is well\\n==1== ERROR: libFuzzer: deadly signal", flush=True)
    Path(options["artifact_prefix"] + "crash-0123456789abcdef").write_bytes(b"fatal")
    sys.exit(77)
(inputs[0] / "found").write_bytes(b"new")
time.sleep(0 if options["max_total_time"] == "1" else 600)
figures()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fuzzing.Place:
    """A checkout with two targets."""
    monkeypatch.setenv("NETMAP_BUILD_CACHE", str(tmp_path / "cache"))
    made = fuzzing.Place(tmp_path, tmp_path / "hosted", tmp_path / "work")
    for target in ("names", "ring"):
        (made.sources / "seeds" / target).mkdir(parents=True)
        (made.sources / f"fuzz_{target}.c").touch()
    (made.sources / "names.dict").touch()
    return made


def builder(place: fuzzing.Place, variant: str, target: str) -> Path:
    assert variant == "libfuzzer"
    program = place.top / f"fuzz_{target}"
    program.write_text(FAKE.format(python=sys.executable))
    program.chmod(0o755)
    return program


def grown(place: fuzzing.Place, target: str) -> Path:
    return place.inputs(target)[0]


def test_the_words_have_defaults() -> None:
    assert fuzzing.wishes("", ("a", "b"), 4) == fuzzing.Wishes(60, ("a", "b"), 4, 0, False)


def test_the_words_choose() -> None:
    words = "--time 9 --target b --jobs 1 --seed 3 --coverage"
    assert fuzzing.wishes(words, ("a", "b"), 4) == fuzzing.Wishes(9, ("b",), 1, 3, True)


@pytest.mark.parametrize("words", ["--target c", "--time -1", "--jobs 0", "ring"])
def test_wrong_words_end_with_1_or_2_and_start_nothing(place: fuzzing.Place, words: str) -> None:
    assert fuzzing.run(place, words, 1, builder) in (1, 2)
    assert not place.work.exists()


def test_help_is_no_failure(place: fuzzing.Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzzing.run(place, "-h", 1, builder) == 0
    assert "--target {names,ring}" in capsys.readouterr().out


def test_each_target_keeps_the_cpus_busy(place: fuzzing.Place) -> None:
    programs = {"names": Path("n"), "ring": Path("r")}
    wish = fuzzing.Wishes(60, ("names", "ring"), 5, 0, False)
    assert [run.target for run in fuzzing.plan(place, wish, programs)] == ["names", "ring"] * 2
    one = fuzzing.Wishes(60, ("names", "ring"), 1, 0, False)
    assert len(fuzzing.plan(place, one, programs)) == 2


def test_a_process_gets_corpora_dictionary_and_a_seed_of_its_own(place: fuzzing.Place) -> None:
    wish = fuzzing.Wishes(60, ("names",), 2, 10, False)
    words = fuzzing.command(place, wish, "names", Path("p"), 1)
    assert words[0] == "p"
    assert words[-2:] == [str(grown(place, "names")), str(place.sources / "seeds" / "names")]
    assert {"-max_total_time=60", "-seed=11", f"-dict={place.sources}/names.dict"} <= set(words)
    unseeded = fuzzing.Wishes(60, ("ring",), 2, 0, False)
    more = fuzzing.command(place, unseeded, "ring", Path("p"), 1)
    assert not any(word.startswith(("-seed=", "-dict=")) for word in more)


def test_no_time_means_the_corpora_alone(place: fuzzing.Place) -> None:
    wish = fuzzing.Wishes(0, ("names",), 1, 0, False)
    words = fuzzing.command(place, wish, "names", Path("p"), 0)
    assert "-runs=0" in words and not any("total_time" in word for word in words)


def test_a_quiet_run_ends_with_its_figures(
    place: fuzzing.Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fuzzing.run(place, "--time 1 --jobs 4", 4, builder) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "netmap: fuzzing names, ring: 1 s each, 4 processes, 4 at a time"
    assert lines[1].split() == ["target", "time", "executions", "edges", "inputs", "new", "crashes"]
    rows = [line.split() for line in lines[2:]]
    # two processes each; what they found is in the cache
    assert [[row[0], *row[3:]] for row in rows] == [
        ["names", "24", "7", "1", "6", "0"],
        ["ring", "24", "7", "1", "6", "0"],
    ]
    assert (grown(place, "ring") / "found").exists()


def test_the_first_fall_stops_all_and_is_kept_small(
    place: fuzzing.Place, capsys: pytest.CaptureFixture[str]
) -> None:
    (grown(place, "ring") / "kill").touch()
    assert fuzzing.run(place, "--time 300 --jobs 2", 2, builder) == 1
    said = capsys.readouterr()
    kept = place.work / "ring-0123456789ab.bin"
    assert said.err.splitlines() == [
        "netmap: ring: fuzz_x.c:3: not so: all is well",
        f"        type: {place.top}/fuzz_ring {kept}",
    ]
    assert kept.read_bytes() == b"fa"
    crashes = {line.split()[0]: line.split()[-1] for line in said.out.splitlines()[2:]}
    assert crashes == {"names": "0", "ring": "1"}


def test_what_fell_without_an_input_points_to_its_log(
    place: fuzzing.Place, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(place: fuzzing.Place, variant: str, target: str) -> Path:
        program = builder(place, variant, target)
        program.write_text("#!/bin/sh\necho cannot begin; exit 5\n")
        return program

    assert fuzzing.run(place, "--time 1 --target ring", 1, broken) == 1
    assert capsys.readouterr().err.splitlines() == [
        "netmap: ring: cannot begin",
        f"        type: less {place.work}/ring.0.log",
    ]


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("x\nnm-check: broken invariant\nERROR: libFuzzer", "nm-check: broken invariant"),
        ("a.c:1:2: runtime error: shift\n==ERROR: x", "a.c:1:2: runtime error: shift"),
        ("==7==ERROR: AddressSanitizer: use-after", "==7==ERROR: AddressSanitizer: use-after"),
        ("== ERROR: libFuzzer: timeout after 25", "== ERROR: libFuzzer: timeout after 25"),
        ("", "no output"),
    ],
)
def test_the_best_line_of_a_log_is_the_reason(log: str, said: str) -> None:
    assert fuzzing.reason(log) == said


def gcov(top: Path, name: str, **counts: int) -> str:
    """A document as gcov prints it, seen from a folder below."""
    lines = [{"line_number": int(n[1:]), "count": count} for n, count in counts.items()]
    files = [{"file": f"../{name}", "lines": lines}]
    return json.dumps({"current_working_directory": str(top / "out"), "files": files}) + "\n"


def test_lines_count_once_whoever_compiled_them(tmp_path: Path) -> None:
    text = gcov(tmp_path, "common/a.h", _1=0, _2=4) + gcov(tmp_path, "common/a.h", _1=1, _3=0)
    lines = fuzzing.Lines()
    lines.add(text + gcov(tmp_path, "tests/t.c", _1=0), tmp_path)
    assert lines.by_folder() == {"common": (2, 3)}
    assert lines.not_reached() == ["common/a.h:3"]


def test_the_table_of_lines_has_a_column_for_each_target_and_for_all(tmp_path: Path) -> None:
    one, two = fuzzing.Lines(), fuzzing.Lines()
    one.add(gcov(tmp_path, "common/mem/a.c", _1=1, _2=0), tmp_path)
    two.add(gcov(tmp_path, "common/mem/a.c", _1=0, _2=1) + gcov(tmp_path, "libnetmap/b.c", _1=0),
            tmp_path)  # fmt: skip
    rows = [line.split() for line in fuzzing.coverage_table({"one": one, "two": two}).splitlines()]
    assert rows == [
        ["lines", "one", "two", "all"],
        ["common/mem", "2", "50.0", "%", "50.0", "%", "100.0", "%"],
        ["libnetmap", "1", "-", "-", "-"],
    ]

# SPDX-License-Identifier: BSD-2-Clause
"""The benchmark's table and the demonstration's summary, from made-up answers of a guest."""

from __future__ import annotations

import pytest
from netmap_build.vm import StepResult, bench, tryout

pytestmark = pytest.mark.smoke


def step(*lines: str) -> StepResult:
    return StepResult("s", rc=0, lines=list(lines))


GOOD = "result name=vale-60 pkts=1000 ns=150000 lost=0 bad=0"
SLOW = "result name=pipe-60 pkts=1000 ns=61000 lost=0 bad=0"
LOSSY = "result name=vale-1500 pkts=1000 ns=300000 lost=2 bad=1"


def row(text: str, what: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(what))


def test_the_table_puts_ours_beside_target_and_existing() -> None:
    text = bench.table(bench.figures(step(GOOD)), {})
    assert row(text, "VALE, 60 bytes, batches").split()[-3:] == ["150", "200", "406"]
    assert row(text, "VALE, 60 bytes, one").split()[-3:] == ["-", "1800", "3046"]


def test_a_figure_above_its_target_says_so() -> None:
    text = bench.table(bench.figures(step(SLOW)), {})
    assert row(text, "pipe").endswith("above target")


def test_native_figures_get_a_column() -> None:
    counted = bench.figures(step(GOOD))
    native = bench.figures(step("result name=vale-60 pkts=1000 ns=42000 lost=0 bad=0"))
    text = bench.table(counted, native)
    assert row(text, "VALE, 60 bytes, batches").split()[-1] == "42"


def test_only_the_cases_asked_for_have_rows() -> None:
    text = bench.table(bench.figures(step(GOOD)), {}, ["vale-60"])
    assert len(text.splitlines()) == 2
    assert "pipe" not in text


def test_failures_are_missing_unsound_and_slow_cases() -> None:
    counted = bench.figures(step(GOOD, SLOW, LOSSY))
    found = bench.failures(counted, ["vale-60", "pipe-60", "vale-1500", "vale-batch1"])
    assert found == [
        "vale-1500 lost 2 packets, damaged 1",
        "vale-batch1 gave no figure",
        "pipe-60: 61, target 60",
    ]


def test_a_case_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SystemExit):
        bench.main(["no-such-case"])


def test_rates_of_a_flow_are_summed_up_for_people() -> None:
    lines = ["tx: 1.50 Mpps (1.5 Mpkts in 1000 ms)", "tx: 2.50 Mpps", "tx: 0 pps"]
    lines += ["rx: 800 Kpps", "rx: something else"]
    flow = step(*lines)
    assert tryout.rates(flow, "tx") == [1.5e6, 2.5e6]
    text = tryout.summary(flow, "VALE")
    assert "2.00 Mpps" in text
    assert "800.00 Kpps" in text


def test_a_flow_without_packets_says_so() -> None:
    assert "no packets" in tryout.summary(step("tx: 5 pps", "rx: 0 pps"), "VALE")


def test_the_demonstration_starts_the_receiver_and_outlasts_the_sender() -> None:
    script = tryout.flow("vale0:a", "vale0:b", 4)
    assert script.index("-f rx") < script.index("-f tx")
    assert "timeout -s INT 5 pkt-gen -i 'vale0:b' -f rx" in script
    assert "timeout -s INT 4 pkt-gen -i 'vale0:a' -f tx" in script

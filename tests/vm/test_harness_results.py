# SPDX-License-Identifier: BSD-2-Clause
"""How a guest's answer is read: also when it stops anywhere, and when a program imitates it."""

from __future__ import annotations

import pytest
from netmap_build.vm.dmesg import problems
from netmap_build.vm.protocol import Parser

pytestmark = pytest.mark.smoke

TEXT = b"""\
@@tok boot
@@tok begin one 3.10
hello
result a=1 b=0x10
result b=17
no newline at the end@@tok end one 0 4.60
@@tok begin two 4.60
@@other end two 0 9.00
broken
@@tok end two 3 5.00
@@tok log
<6>[    1.000000] first
<6>[    2.000000] second
@@tok done
"""


def parse(data: bytes, size: int = 10000) -> Parser:
    parser = Parser("tok")
    for at in range(0, len(data), size):
        parser.feed(data[at : at + size])
    parser.finish()
    return parser


def test_steps_their_output_and_their_ends_are_read() -> None:
    parser = parse(TEXT)
    one, two = parser.steps["one"], parser.steps["two"]
    assert one.ok
    assert one.lines[-1] == "no newline at the end"
    assert one.seconds == pytest.approx(1.5)
    assert not two.ok
    assert two.rc == 3
    assert parser.done
    assert parser.log == ["<6>[    1.000000] first", "<6>[    2.000000] second"]


def test_result_lines_become_values_and_a_later_one_wins() -> None:
    one = parse(TEXT).steps["one"]
    assert one.rows == [{"a": "1", "b": "0x10"}, {"b": "17"}]
    assert one.number("b") == 17
    with pytest.raises(KeyError, match="printed no c="):
        one.number("c")


def test_a_line_with_another_token_is_only_output() -> None:
    assert parse(TEXT).steps["two"].lines[0] == "@@other end two 0 9.00"


@pytest.mark.parametrize("size", [1, 2, 7, 64])
def test_the_size_of_the_pieces_changes_nothing(size: int) -> None:
    assert parse(TEXT, size) == parse(TEXT)


def test_text_that_stops_anywhere_gives_no_step_that_ended_well_too_early() -> None:
    end = TEXT.index(b"@@tok end one 0 4.60") + len(b"@@tok end one 0 4")
    for length in range(len(TEXT)):
        parser = parse(TEXT[:length])
        assert parser.done == (length >= len(TEXT) - 1)
        if length < end:
            assert not parser.steps or not parser.steps["one"].ok


def test_a_step_that_never_ended_says_so_with_its_last_lines() -> None:
    parser = parse(TEXT[: TEXT.index(b"no newline")])
    text = parser.steps["one"].describe()
    assert "never ended" in text
    assert "result b=17" in text


def test_a_killed_step_says_so() -> None:
    step = parse(b"@@tok begin s 1.0\n@@tok end s 137 61.0\n").steps["s"]
    assert "was killed after 60 s" in step.describe()


def test_bytes_that_are_no_text_do_no_harm() -> None:
    parser = parse(b"\xff\xfe\n@@tok begin s 1\n\x00\xff\n@@tok end s 0 2\n")
    assert parser.steps["s"].ok


@pytest.mark.parametrize(
    "line", [b"@@tok end s x 1", b"@@tok end", b"@@tok begin", b"@@tok end z 0 1"]
)
def test_a_damaged_report_ends_no_step(line: bytes) -> None:
    parser = parse(b"@@tok begin s 1\n" + line + b"\n")
    assert parser.steps["s"].rc is None


LOG = """\
<6>[    0.100000] WARNING: something at start-up
<6>[    1.000000] @@step one
<6>[    1.100000] netmap: loading out-of-tree module taints kernel.
<6>[    1.200000] @@step two
{line}
<6>[    1.300000] @@step three
"""


@pytest.mark.parametrize(
    "line",
    [
        "<4>[    1.250000] WARNING: CPU: 0 PID: 1 at x.c:3 f+0x1/0x2 [netmap]",
        "<1>[    1.250000] BUG: kernel NULL pointer dereference, address: 0000000000000008",
        "<4>[    1.250000] Oops: 0000 [#1] PREEMPT SMP",
        "<0>[    1.250000] Kernel panic - not syncing: Fatal exception",
        "<4>[    1.250000][  T12] refcount_t: underflow; use-after-free.",
        "<3>[    1.250000] INFO: task nmguest:77 blocked for more than 30 seconds.",
        "<3>[    1.250000] rcu: INFO: rcu_preempt self-detected stall on CPU",
        "<3>[    1.250000] netmap: 3 objects leaked in region 2",
        "<3>[    1.250000] BUG: sleeping function called from invalid context at mm/x.c:1",
        "<4>[    1.250000] nmguest: page allocation failure: order:4, mode:0xcc0",
        "<6>[    1.250000] nmguest[99]: segfault at 0 ip 0 sp 0 error 4 in nmguest",
        "<4>[    1.250000] netmap: Unknown symbol nm_x (err -2)",
        "general protection fault, probably for non-canonical address: 0000 [#1]",
    ],
)
def test_a_complaint_of_the_kernel_is_found_with_its_step(line: str) -> None:
    found = problems(LOG.format(line=line))
    assert len(found) == 1
    assert found[0].startswith("in two: ")


@pytest.mark.parametrize(
    "line",
    [
        "<6>[    1.250000] netmap: loaded module",
        "<4>[    1.250000] netmap: module verification failed: signature missing",
        "<6>[    1.250000] debugging messages are off",
        "<6>[    1.250000] warning: this is not what the kernel's own look like",
    ],
)
def test_an_ordinary_line_is_none(line: str) -> None:
    assert problems(LOG.format(line=line)) == []


def test_a_log_without_any_step_is_judged_from_its_start() -> None:
    assert problems("[    0.5] Kernel panic - not syncing: no init\n") != []

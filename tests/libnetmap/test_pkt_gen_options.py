# SPDX-License-Identifier: BSD-2-Clause
"""The command line of pkt-gen: what it refuses and how, and the options that change no packet."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from ctests import PKT_GEN, ROOT
from pkt_gen_runs import pkt_gen, program, summary

MANUAL = ROOT / "docs" / "man" / "pkt-gen.8"
TX = ["-i", "vale0:sink", "-f", "tx"]


def letters() -> list[str]:
    """Every option that getopt is told of."""
    source = (PKT_GEN / "options.c").read_text()
    match = re.search(r'getopt\(argc, argv,\s*":([^"]+)"', source)
    assert match
    return [c for c in match[1] if c != ":"]


WRONG = [
    # A word that is wrong in itself.
    [],
    ["-f", "tx"],
    ["-i"],
    ["-i", "vale0:a", "more"],
    ["-i", "vale0:a", "-f", "txx"],
    ["-i", "vale0:a", "-q"],
    ["-i", "vale0:a", "--rate", "1"],
    ["-i", "vale0:a", "-n", "x"],
    ["-i", "vale0:a", "-n", "-1"],
    ["-i", "vale0:a", "-n", "99999999999999999999"],
    ["-i", "vale0:a", "-n", "18446744073709552k"],
    ["-i", "vale0:a", "-n", "1kk"],
    ["-i", "vale0:a", "-n", ""],
    ["-i", "vale0:a", "-R", "1 k"],
    ["-i", "vale0:a", "-R", "1e6"],
    ["-i", "vale0:a", "-l", "41"],
    ["-i", "vale0:a", "-l", "65550"],
    ["-i", "vale0:a", "-b", "0"],
    ["-i", "vale0:a", "-b", "65536"],
    ["-i", "vale0:a", "-p", "0"],
    ["-i", "vale0:a", "-T", "0"],
    ["-i", "vale0:a", "-a", "-1"],
    ["-i", "vale0:a", "-a", "65000"],
    ["-i", "vale0:a", "-c", "x"],
    ["-i", "vale0:a", "-s", "1.2.3"],
    ["-i", "vale0:a", "-s", "fd00::1::2"],
    ["-i", "vale0:a", "-s", "[fd00::1]x"],
    ["-i", "vale0:a", "-s", "[fd00::1]:65536"],
    ["-i", "vale0:a", "-s", "fd00::1-10.0.0.1"],
    ["-i", "vale0:a", "-s", "fd00::2-fd00::1"],
    ["-i", "vale0:a", "-d", "1.1.1.2-1.1.1.1"],
    ["-i", "vale0:a", "-S", "1:2"],
    ["-i", "vale0:a", "-D", "1:2:3:4:5:6-1:2:3:4:5:5"],
    ["-i", "netmap:" + "a" * 200],
    ["-i", "vale0:a", "-H", "11"],
    ["-i", "vale0:a", "-H", "14"],
    ["-i", "vale0:a", "-C", ""],
    ["-i", "vale0:a", "-C", "1,2,3,4,5"],
    ["-i", "vale0:a", "-C", "1,,3"],
    ["-i", "vale0:a", "-C", "1,2,3,"],
    ["-i", "vale0:a", "-C", "1,2,65536"],
    ["-i", "vale0:a", "-C", "1;2"],
    [*TX, "-F", "0"],
    [*TX, "-F", "65"],
    [*TX, "-F", "2", "-M", "0"],
    # Words that are wrong beside each other.
    ["-i", "vale0:a", "-z"],
    ["-i", "vale0:a", "-Z", "-f", "pong"],
    ["-i", "vale0:a", "-r"],
    ["-i", "vale0:a", "-r", "-f", "txseq"],
    ["-i", "vale0:a", "-I"],
    ["-i", "vale0:a", "-F", "2"],
    [*TX, "-W"],
    ["-i", "vale0:a", "-P", "x", "-f", "ping"],
    ["-i", "vale0:a", "-f", "ping", "-p", "2"],
    ["-i", "vale0:a", "-f", "ping", "-l", "90", "-l", "80"],
    ["-i", "vale0:a", "-f", "ping", "-l", "53"],
    ["-i", "vale0:a", "-f", "ping", "-l", "73", "-6"],
    ["-i", "vale0:a", "-f", "txseq", "-l", "57"],
    ["-i", "vale0:a", "-f", "txseq", "-l", "100", "-l", "57"],
    ["-i", "vale0:a", "-f", "txseq", "-l", "77", "-6"],
    [*TX, "-4", "-6"],
    [*TX, "-4", "-s", "fd00::1"],
    [*TX, "-6", "-d", "10.0.0.1"],
    [*TX, "-s", "fd00::1", "-d", "10.0.0.1"],
    [*TX, "-6", "-l", "61"],
    [*TX, "-l", "60", "-l", "60"],
    [*TX, "-l", "60", "-l", "100"],
    [*TX, "-l", "90", "-l", "80", "-l", "70"],
    [*TX, "-M", "100"],
    [*TX, "-r", "-z"],
    [*TX, "-r", "-s", "10.0.0.9"],
    [*TX, "-r", "-P", "x"],
    [*TX, "-r", "-I"],
    [*TX, "-P", "x", "-l", "100"],
    [*TX, "-P", "x", "-D", "2:0:0:0:0:1"],
    [*TX, "-P", "x", "-6"],
    [*TX, "-I", "-l", "65530"],
    ["-i", "eth0", "-f", "tx", "-I"],
    ["-i", "vale0:a{1", "-f", "tx", "-I"],
    ["-i", "valley0", "-f", "tx", "-I"],
]


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_a_wrong_command_line_is_one_line_and_exit_code_2(words: list[str]) -> None:
    done = pkt_gen(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("pkt-gen: ")
    assert "pkt-gen -h" in done.stderr or "choose one of them" in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["-F", "40"], "pieces of 1 bytes are less than the 14 of the first headers"),
        (["-F", "5", "-H", "12"], "pieces of 14 bytes are less than the 26"),
        (["-F", "2", "-M", "100", "-l", "3000"],
         "the last piece would have 2900 bytes, a buffer has 2048"),
        (["-F", "2", "-l", "5000"], "the last piece would have 2500 bytes"),
        (["-F", "64", "-l", "2000"], "takes 64 slots, the ring has 64; ask for more with -C 128"),
        (["-l", "60000", "-C", "16"], "takes 30 slots, the ring has 16; ask for more with -C 60"),
        (["-F", "3", "-l", "200", "-l", "42", "-H", "12"], "pieces of 18 bytes"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)  # fmt: skip
def test_a_packet_that_does_not_fit_its_ring_is_one_line(words: list[str], says: str) -> None:
    done = pkt_gen(*TX, "-n", "1", *words)
    assert done.returncode == 1
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", [["-n", "1"], ["-R", "1"]], ids=" ".join)
def test_fewer_packets_than_threads_are_refused(words: list[str]) -> None:
    done = pkt_gen("-i", "vale0:sink@conf:rings=2", "-f", "tx", "-p", "2", *words)
    assert done.returncode == 1
    assert "use -p 1" in done.stderr


def test_options_that_say_something_about_packets_are_no_harm_to_a_receiver() -> None:
    done = pkt_gen(
        "-i", "vale0:source", "-n", "10", "-l", "64", "-s", "10.0.0.1", "-d", "10.0.0.2",
        "-S", "2:0:0:0:0:1", "-D", "2:0:0:0:0:2", "-4", "-R", "1000",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_help_fits_a_terminal_and_names_every_option_once() -> None:
    done = pkt_gen("-h")
    assert done.returncode == 0
    assert done.stderr == ""
    assert max(map(len, done.stdout.splitlines())) <= 80
    named = re.findall(r"^  -(\w)(?:, -(\w))?", done.stdout, re.M)
    assert sorted(c for pair in named for c in pair if c) == sorted(letters())
    for function in ("tx", "rx", "ping", "pong", "txseq", "rxseq"):
        assert re.search(rf"\b{function}\b", done.stdout)


def test_the_manual_names_every_option() -> None:
    page = MANUAL.read_text()
    named = re.findall(r"^\.It Fl (\w)(?: |$)", page, re.M)
    assert sorted(named) == sorted(letters())


# What is printed.


def interval(out: str) -> str:
    """The first report while it ran."""
    return next(line for line in out.splitlines() if " avg_batch " in line)


def test_plain_numbers_have_no_units() -> None:
    done = pkt_gen(*TX, "-n", "3000", "-R", "10k", "-T", "100", "-N", FAKE_NETMAP_SPEED="10000")
    assert re.match(r"\d+ pps \(\d+ pkts .* \d+ bps \d", interval(done.stdout))
    assert re.search(r"^Speed: \d+ pps Bandwidth: \d+ bps \(raw \d+ bps\)", done.stdout, re.M)
    assert re.search(r"^Line rate: [\d.]+% of 10000000000 bps$", done.stdout, re.M)


def test_framing_adds_24_bytes_to_each_packet() -> None:
    for words, size in ([], 100), (["-B"], 124):
        done = pkt_gen(*TX, "-n", "3000", "-R", "10k", "-T", "100", "-l", "100", "-N", *words)
        match = re.search(r"^Speed: (\d+) pps Bandwidth: (\d+) bps \(raw (\d+)", done.stdout, re.M)
        assert match
        packets, bits, raw = map(int, match.groups())
        # Half a packet a second is what rounding takes or gives.
        assert bits == pytest.approx(packets * size * 8, abs=size * 8)
        assert raw == pytest.approx(packets * 124 * 8, abs=124 * 8)
        match = re.match(r"(\d+) pps .* (\d+) bps$", interval(done.stdout))
        assert match
        assert int(match[2]) == pytest.approx(int(match[1]) * size * 8, abs=size * 8)


@pytest.mark.parametrize(("length", "wire"), [(60, 84), (42, 84), (1514, 1538)])
def test_the_line_rate_counts_what_the_wire_carries(length: int, wire: int) -> None:
    done = pkt_gen(
        *TX, "-n", "3000", "-R", "10k", "-T", "100", "-l", str(length), FAKE_NETMAP_SPEED="100",
    )  # fmt: skip
    packets = re.search(r"^Speed: ([\d.]+) Kpps", done.stdout, re.M)
    percent = re.search(r"^Line rate: ([\d.]+)% of 100.000 Mbps$", done.stdout, re.M)
    assert packets
    assert percent
    assert float(percent[1]) == pytest.approx(float(packets[1]) * wire * 8 / 1000, rel=0.01)
    assert re.search(r" [\d.]+% of line rate$", interval(done.stdout))


@pytest.mark.parametrize("speed", ["-1", "0", ""])
def test_without_a_speed_there_is_no_line_rate(speed: str) -> None:
    done = pkt_gen(*TX, "-n", "300", "-R", "1k", "-T", "100", FAKE_NETMAP_SPEED=speed)
    assert done.returncode == 0
    assert "rate" not in done.stdout


def test_the_average_goes_over_the_last_reports() -> None:
    done = pkt_gen(*TX, "-n", "600", "-R", "1000", "-T", "10", "-A")
    reports = re.findall(
        r"; mean [\d.]+ [KM]?pps, standard deviation [\d.]+ [KM]?pps over (\d+) reports?$",
        done.stdout, re.M,
    )  # fmt: skip
    assert len(reports) > 3
    assert list(map(int, reports)) == [min(i + 1, 20) for i in range(len(reports))]
    assert re.search(r"^Rate: mean .* over \d+ reports?$", done.stdout, re.M)
    assert "mean" not in pkt_gen(*TX, "-n", "300", "-R", "1000", "-T", "10").stdout


def test_verbose_says_what_was_opened() -> None:
    done = pkt_gen(*TX, "-n", "1", "-v", FAKE_NETMAP_SPEED="25000")
    first, second, *_ = done.stdout.splitlines()
    assert first == (
        "vale0:sink: 1 tx ring of 64 slots, 1 rx ring of 64 slots, buffers of 2048 bytes, "
        "region 2, virtio-net header of 0 bytes"
    )
    assert second == "vale0:sink: link of 25.000 Gbps"


def test_a_rate_is_not_exceeded() -> None:
    done = pkt_gen(*TX, "-R", "2k", "-n", "1k")
    seconds = re.search(r"each in ([\d.]+) seconds", done.stdout)
    assert seconds
    assert float(seconds[1]) >= 0.499


# Threads and CPUs.


def allowed(process: subprocess.Popen[str]) -> dict[int, set[int]]:
    """The CPUs of each thread."""
    tasks = sorted(int(p.name) for p in Path(f"/proc/{process.pid}/task").iterdir())
    return {task: os.sched_getaffinity(task) for task in tasks}


def cpus_of_threads(*words: str, threads: int) -> list[set[int]]:
    """Where the sending threads may run, once all of them send."""
    with subprocess.Popen(
        [program(), "-i", f"vale0:sink@conf:rings={threads}", "-f", "tx", "-p", str(threads),
         "-T", "10", "-R", "10k", "-v", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        for line in process.stdout:
            if " avg_batch " in line:
                break
        found = allowed(process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert summary(out, "Sent")[0] > 0
    # The program's own thread comes first; a sanitizer may have one of its own at the end.
    return list(found.values())[1 : 1 + threads]


def test_threads_are_bound_to_cpus_in_turn_from_the_one_given() -> None:
    mine = sorted(os.sched_getaffinity(0))
    first = mine[-1]
    expected = [{mine[(len(mine) - 1 + i) % len(mine)]} for i in range(3)]
    assert cpus_of_threads("-a", str(first), threads=3) == expected
    assert cpus_of_threads("-a", str(mine[0]), "-c", "1", threads=2) == [{mine[0]}] * 2


def test_so_many_cpus_are_used_at_most() -> None:
    mine = sorted(os.sched_getaffinity(0))
    assert cpus_of_threads("-c", "1", threads=2) == [{mine[0]}] * 2
    assert cpus_of_threads("-c", "0", threads=2) == [set(mine)] * 2
    assert cpus_of_threads(threads=1) == [set(mine)]


def test_a_cpu_that_is_not_there_is_one_line() -> None:
    mine = sorted(os.sched_getaffinity(0))
    done = pkt_gen(*TX, "-n", "1", "-a", str(mine[0]), "-c", "1")
    assert done.returncode == 0
    done = pkt_gen(*TX, "-a", str(mine[-1] + 1))
    assert done.returncode == 2
    assert f"from {mine[0]} to {mine[-1]}" in done.stderr

# SPDX-License-Identifier: BSD-2-Clause
"""pkt-gen as a person or a script meets it, on the pretended device, under the sanitizers."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from pkt_gen_runs import dumped, pkt_gen, summary
from pkt_gen_runs import program as build_program

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def program() -> Path:
    return build_program()


@pytest.fixture
def run() -> Run:
    return pkt_gen


def test_tx_sends_the_count_and_sums_up(run: Run) -> None:
    done = run("-i", "vale0:sink", "-f", "tx", "-n", "10000", "-l", "100", "-b", "32")
    assert done.returncode == 0, done.stderr
    packets, size, events = summary(done.stdout, "Sent")
    assert (packets, size) == (10000, 1000000)
    assert events >= 10000 / 32


def test_counts_may_have_suffixes(run: Run) -> None:
    done = run("-i", "vale0:sink", "-f", "tx", "-n", "2k")
    assert summary(done.stdout, "Sent")[0] == 2000


def test_rx_stops_at_the_count_and_counts_fragments_once(run: Run) -> None:
    done = run("-i", "vale0:source", "-n", "12345")
    assert done.returncode == 0, done.stderr
    assert summary(done.stdout, "Received")[:2] == (12345, 1234500)


def test_ping_gets_its_answers(run: Run) -> None:
    done = run("-i", "vale0:pong", "-f", "ping", "-n", "50")
    assert done.returncode == 0, done.stderr
    assert summary(done.stdout, "Sent")[0] == 50
    assert re.search(r"^Answered: 50 of 50; round trip min/avg/", done.stdout, re.M)


def test_ping_without_an_answer_fails_and_says_what_to_start(run: Run) -> None:
    done = run("-i", "vale0:sink", "-f", "ping", "-n", "1")
    assert done.returncode == 1
    assert "Answered: 0 of 1" in done.stdout
    assert "no answer" in done.stderr
    assert "-f pong" in done.stderr


def test_its_own_requests_are_no_answers(run: Run) -> None:
    done = run("-i", "vale0:loop", "-f", "ping", "-n", "1")
    assert done.returncode == 1


def test_threads_share_count_and_have_a_ring_each(run: Run) -> None:
    done = run("-i", "vale0:sink@conf:rings=3", "-p", "3", "-f", "tx", "-n", "1000")
    assert done.returncode == 0, done.stderr
    assert summary(done.stdout, "Sent")[0] == 1000


def test_one_thread_serves_all_rings(run: Run) -> None:
    done = run("-i", "vale0:sink@conf:rings=3,slots=8", "-f", "tx", "-n", "1000", "-b", "7")
    assert summary(done.stdout, "Sent")[0] == 1000


def test_packets_larger_than_a_buffer_are_sent_in_pieces(run: Run) -> None:
    done = run("-i", "vale0:sink", "-f", "tx", "-n", "10", "-l", "9000")
    assert done.returncode == 0, done.stderr
    assert summary(done.stdout, "Sent")[:2] == (10, 90000)


def test_the_addresses_asked_for_are_in_the_packets(run: Run) -> None:
    done = run(
        "-i", "vale0:sink", "-f", "tx", "-n", "3", "-X", "-s", "10.9.8.7:100-102",
        "-d", "10.1.1.1:53", "-S", "02:11:22:33:44:55", "-D", "02:aa:bb:cc:dd:ee",
    )  # fmt: skip
    packets = dumped(done.stdout, "sent")
    assert len(packets) == 3
    assert all(len(p) == 60 for p in packets)
    assert {p[:12].hex() for p in packets} == {"02aabbccddee021122334455"}
    assert {p[26:34].hex() for p in packets} == {"0a0908070a010101"}
    assert [int.from_bytes(p[34:36], "big") for p in packets] == [100, 101, 102]
    assert {int.from_bytes(p[36:38], "big") for p in packets} == {53}


def test_ports_of_different_names_have_different_addresses(run: Run) -> None:
    macs = {
        dumped(run("-i", i, "-f", "tx", "-n", "1", "-X").stdout, "sent")[0][6:12]
        for i in ("vale0:a.sink", "vale0:b.sink")
    }
    assert len(macs) == 2
    assert all(mac[0] == 2 for mac in macs)


def test_reports_come_while_it_runs(run: Run) -> None:
    done = run("-i", "vale0:sink", "-f", "tx", "-n", "300", "-R", "1000", "-T", "50")
    pattern = r"^[\d.]+ [KMG]?pps \(\d+ pkts \d+ bytes in \d+ usec\) [\d.]+ avg_batch .*bps$"
    assert len(re.findall(pattern, done.stdout, re.M)) >= 2
    assert summary(done.stdout, "Sent")[0] == 300


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["INT", "TERM"])
@pytest.mark.parametrize(
    ("port", "function", "verb"),
    [("vale0:sink", "tx", "Sent"), ("vale0:source", "rx", "Received"),
     ("vale0:pong", "ping", "Sent"), ("vale0:sink", "pong", "Returned"),
     ("vale0:sink", "txseq", "Sent"), ("vale0:source", "rxseq", "Received"),
     ("vale0:sink", "rx", "Received")],
)  # fmt: skip
def test_a_signal_stops_it_cleanly(
    number: signal.Signals, port: str, function: str, verb: str, program: Path
) -> None:
    with subprocess.Popen(
        [program, "-i", port, "-f", function, "-T", "10"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        assert process.stderr
        assert "pps" in process.stdout.readline()
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
    assert err == ""
    summary(out, verb)


def test_packets_that_nobody_takes_are_a_failure(run: Run) -> None:
    done = run("-i", "vale0:stuck", "-f", "tx", "-n", "10")
    assert done.returncode == 1
    assert "10 slots" in done.stderr


@pytest.mark.parametrize("function", ["tx", "rx", "ping", "pong", "txseq", "rxseq"])
def test_a_port_that_goes_away_ends_it(function: str, run: Run) -> None:
    done = run("-i", "vale0:gone", "-f", function)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("pkt-gen: vale0:gone: ")


@pytest.mark.parametrize(
    ("number", "advice"), [(2, "modprobe netmap"), (13, "run as root")], ids=["absent", "denied"]
)
def test_without_the_device_one_line_says_what_to_do(number: int, advice: str, run: Run) -> None:
    done = run("-i", "vale0:a", FAKE_NETMAP_ERRNO=str(number))
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "/dev/netmap" in done.stderr
    assert advice in done.stderr


@pytest.mark.parametrize(
    ("port", "says"),
    [("vale0:busy", "in use"), ("absent", "no such interface"), ("netmap:eth0&", "bad port name"),
     ("vale0:a@conf:colour=1", "no such key"), ("vale0:sink/R", "leave out /R")],
)  # fmt: skip
def test_a_port_that_cannot_be_had_is_one_line(port: str, says: str, run: Run) -> None:
    done = run("-i", port, "-f", "tx")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert says in done.stderr


def test_more_threads_than_rings_are_refused_with_the_way_to_get_them(run: Run) -> None:
    done = run("-i", "vale0:sink", "-f", "tx", "-p", "2")
    assert done.returncode == 1
    assert "-i vale0:sink@conf:rings=2" in done.stderr


def test_threads_and_a_ring_in_the_name_exclude_each_other(run: Run) -> None:
    done = run("-i", "vale0:sink-0", "-f", "tx", "-p", "2")
    assert done.returncode == 1
    assert "selects rings itself" in done.stderr

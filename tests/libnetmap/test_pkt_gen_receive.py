# SPDX-License-Identifier: BSD-2-Clause
"""What pkt-gen makes of the packets that it receives: rx, rxseq and pong, and files of packets."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from pathlib import Path

import pytest
from pkt_gen_runs import (
    NS_MOREFRAG,
    Done,
    Frame,
    Slot,
    dumped,
    mark,
    parse,
    pkt_gen,
    send,
    slots_in,
    summary,
    write_slots,
)

V6 = {"src": "fd00::1", "dst": "fd00:1::1", "length": 78}


def receive(tmp_path: Path, slots: Iterable[Slot], *words: str | Path) -> Done:
    """Receive these slots; with -n, since nothing else ends it."""
    feed = write_slots(tmp_path / "feed", slots)
    done = pkt_gen("-i", "vale0:feed@conf:rings=4", *words, FAKE_NETMAP_FEED=feed)
    assert done.returncode == 0, done.stderr
    return done


def numbered(*numbers: int, run: int = 7, stream: int = 0, ring: int = 0) -> list[Slot]:
    return [Slot(ring, 0, Frame(payload=mark(run, stream, n)).bytes()) for n in numbers]


def check(tmp_path: Path, slots: list[Slot], *words: str) -> str:
    """What rxseq says of these slots."""
    count = sum(slot.ends for slot in slots)
    done = receive(tmp_path, slots, "-f", "rxseq", "-n", str(count), *words)
    assert summary(done.stdout, "Received")[0] == count
    return done.stdout


def verdict(out: str) -> tuple[int, ...]:
    """Packets, streams, lost, out of order, duplicate, too late to tell, without a number."""
    match = re.search(
        r"^Sequence: (\d+) packets in (\d+) streams?, (\d+) lost, (\d+) out of order, "
        r"(\d+) duplicate(?:, (\d+) too late to tell)?, (\d+) without a number$", out, re.M,
    )  # fmt: skip
    assert match, out
    return tuple(int(number or 0) for number in match.groups())


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([0, 1, 2, 3], (0, 0, 0)),
        ([0, 1, 5, 6], (3, 0, 0)),
        ([0, 2, 1, 3], (0, 1, 0)),
        ([0, 3, 2, 1, 4], (0, 2, 0)),
        ([0, 1, 1, 2, 0], (0, 0, 2)),
        ([0, 4, 2, 2, 5], (2, 1, 1)),
        ([100, 101, 103], (1, 0, 0)),
        ([101, 100, 102], (0, 1, 0)),
        ([105, 102, 106], (2, 1, 0)),
        ([0, 2**40, 2**40 + 1], (2**40 - 1, 0, 0)),
    ],
    ids=str,
)
def test_rxseq_tells_losses_reordering_and_duplicates(
    numbers: list[int], expected: tuple[int, ...], tmp_path: Path
) -> None:
    assert verdict(check(tmp_path, numbered(*numbers))) == (len(numbers), 1, *expected, 0, 0)


def test_what_comes_far_too_late_is_neither_late_nor_duplicate(tmp_path: Path) -> None:
    out = check(tmp_path, numbered(0, 70000, 1, 70001))
    assert verdict(out) == (4, 1, 69999, 0, 0, 1, 0)


def test_streams_are_judged_each_for_itself(tmp_path: Path) -> None:
    slots = [
        *numbered(0, 1, 2, run=1, stream=0, ring=0),
        *numbered(0, 2, run=1, stream=1, ring=1),
        *numbered(5, 5, run=2, stream=0, ring=1),
    ]
    for threads in ("1", "2", "4"):
        out = check(tmp_path, slots, "-p", threads)
        lines = re.findall(r"^Stream (\d+) of run ([0-9a-f]{4}): (.*)$", out, re.M)
        assert lines == [
            ("0", "0001", "3 packets, numbers 0 to 2, 0 lost, 0 out of order, 0 duplicate"),
            ("1", "0001", "2 packets, numbers 0 to 2, 1 lost, 0 out of order, 0 duplicate"),
            ("0", "0002", "2 packets, numbers 5 to 5, 0 lost, 0 out of order, 1 duplicate"),
        ]
        assert verdict(out) == (7, 3, 1, 0, 1, 0, 0)


def test_packets_without_a_number_are_counted_apart(tmp_path: Path) -> None:
    others = [
        Frame().bytes(),
        bytes(60),
        b"short",
        Frame(payload=b"nmSQ" + b"\xff" * 12).bytes(),
        numbered(0)[0].data[:50],
    ]
    slots = [*numbered(0, 1), *(Slot(0, 0, data) for data in others), *numbered(2)]
    assert verdict(check(tmp_path, slots)) == (3, 1, 0, 0, 0, 0, 5)


@pytest.mark.parametrize("vnet", [0, 12])
def test_the_number_is_found_wherever_the_packet_is_cut(vnet: int, tmp_path: Path) -> None:
    slots = []
    for number in range(60):
        frame = bytes(vnet) + Frame(payload=mark(7, 0, number), length=200).bytes()
        cuts = [frame[: 1 + number], frame[1 + number : 100], frame[100:]]
        slots += [Slot(0, NS_MOREFRAG * (i < 2), part) for i, part in enumerate(cuts)]
    out = check(tmp_path, slots, "-H", str(vnet))
    assert verdict(out) == (60, 1, 0, 0, 0, 0, 0)
    assert summary(out, "Received")[1] == 60 * 200


@pytest.mark.parametrize("size", [0, 10, 12])
def test_the_number_is_found_behind_a_virtio_net_header_and_over_ipv6(
    size: int, tmp_path: Path
) -> None:
    frames = [Frame(**V6, payload=mark(7, 0, n)).bytes() for n in range(4)]  # type: ignore[arg-type]
    slots = [Slot(0, 0, bytes(size) + frame) for frame in frames]
    out = check(tmp_path, slots, "-H", str(size), "-X")
    assert verdict(out) == (4, 1, 0, 0, 0, 0, 0)
    assert dumped(out, "received") == frames
    assert summary(out, "Received")[1] == 4 * 78


def test_very_verbose_rxseq_names_each_gap(tmp_path: Path) -> None:
    slots = numbered(0, 4, 5, 7)
    gaps = ["stream 0 of run 0007: 3 missing from number 1 on",
            "stream 0 of run 0007: 1 missing from number 6 on"]  # fmt: skip
    out = check(tmp_path, slots, "-v", "-v").splitlines()
    assert [line for line in out if "missing" in line] == gaps
    assert "missing" not in check(tmp_path, slots, "-v")


def test_txseq_is_understood_by_rxseq(tmp_path: Path) -> None:
    """What a ring of txseq sent, handed to rxseq with one packet left out and one twice."""
    sent = send(tmp_path, "-f", "txseq", "-n", "100", "-6", "-F", "2", "-l", "100").slots
    whole = [sent[i : i + 2] for i in range(0, 200, 2)]
    del whole[40]
    whole.insert(50, whole[10])
    slots = [Slot(s.ring, s.flags & NS_MOREFRAG, s.data) for pair in whole for s in pair]
    assert verdict(check(tmp_path, slots)) == (100, 1, 1, 0, 1, 0, 0)


def test_more_streams_than_it_can_hold_are_no_harm(tmp_path: Path) -> None:
    slots = [slot for stream in range(300) for slot in numbered(0, stream=stream)]
    assert verdict(check(tmp_path, slots)) == (256, 256, 0, 0, 0, 0, 44)


@pytest.mark.parametrize("function", ["rx", "rxseq"])
def test_the_count_ends_all_threads_whichever_ring_the_packets_take(
    function: str, tmp_path: Path
) -> None:
    slots = numbered(*range(500), ring=2)
    done = receive(tmp_path, slots, "-f", function, "-p", "4", "-n", "400")
    assert summary(done.stdout, "Received")[:2] == (400, 24000)


@pytest.mark.parametrize("words", [[], ["-X"]], ids=["counting", "looking"])
def test_a_packet_counts_when_its_end_has_come(words: list[str], tmp_path: Path) -> None:
    """Packets of 5 slots on a ring that holds 63: every turn of the ring cuts one."""
    part = bytes(20)
    slots = [Slot(0, NS_MOREFRAG * (i % 5 != 4), part) for i in range(500)]
    done = receive(tmp_path, slots, "-n", "100", *words)
    assert summary(done.stdout, "Received")[:2] == (100, 10000)
    assert {len(p) for p in dumped(done.stdout, "received")} <= {100}


@pytest.mark.parametrize("words", [[], ["-X"]], ids=["counting", "looking"])
def test_a_packet_longer_than_the_ring_does_not_stop_it(words: list[str], tmp_path: Path) -> None:
    slots = [Slot(0, NS_MOREFRAG, bytes(20))] * 70 + [Slot(0, 0, bytes(20)), *numbered(1, 2)]
    done = receive(tmp_path, slots, "-n", "3", *words)
    assert summary(done.stdout, "Received")[0] == 3
    assert summary(done.stdout, "Received")[1] < 64 * 20


def test_a_burst_is_the_most_that_is_taken_at_a_time(tmp_path: Path) -> None:
    slots = numbered(*range(60))
    assert summary(receive(tmp_path, slots, "-n", "60").stdout, "Received")[2] == 1
    assert summary(receive(tmp_path, slots, "-n", "60", "-b", "7").stdout, "Received")[2] == 9


@pytest.mark.parametrize("function", ["rx", "rxseq"])
def test_w_ends_at_once_when_there_is_nothing(function: str) -> None:
    done = pkt_gen("-i", "vale0:sink@conf:rings=2", "-f", function, "-W", "-p", "2")
    assert done.returncode == 0, done.stderr
    assert summary(done.stdout, "Received") == (0, 0, 0)


def test_w_goes_on_when_there_is_something(tmp_path: Path) -> None:
    done = receive(tmp_path, numbered(*range(200)), "-W", "-n", "200")
    assert summary(done.stdout, "Received")[0] == 200


@pytest.mark.parametrize("vnet", [0, 12])
@pytest.mark.parametrize("v6", [False, True], ids=["v4", "v6"])
def test_pong_returns_a_request_with_everything_turned_round(
    v6: bool, vnet: int, tmp_path: Path
) -> None:
    ips = ("fd00::7", "fd00:9::1") if v6 else ("10.0.0.7", "10.9.0.1")
    ask = b"nmPG" + struct.pack(">HHI", 77, 1, 5)
    asked = Frame(ips[0], ips[1], 1000, 2000, length=90, payload=ask)
    noise = Frame(payload=mark(1, 1, 1)).bytes()
    slots = [Slot(0, 0, bytes(vnet) + data) for data in (noise, asked.bytes(), bytes(60))]
    taken = tmp_path / "taken"
    feed = write_slots(tmp_path / "feed", slots)
    done = pkt_gen(
        "-i", "vale0:feed", "-f", "pong", "-n", "1", "-H", str(vnet),
        FAKE_NETMAP_FEED=feed, FAKE_NETMAP_TAKEN=taken,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (slot,) = slots_in(taken)
    answer = parse(slot.data[vnet:])
    assert slot.data[:vnet] == bytes(vnet)
    assert slot.data[vnet:] == Frame(
        ips[1], ips[0], 2000, 1000, answer.src_mac, asked.src_mac, 90,
        b"nmPG" + struct.pack(">HHI", 77, 2, 5),
    ).bytes()  # fmt: skip
    assert answer.src_mac.startswith("02:")


# Files of packets.

MAGIC_US, MAGIC_NS = 0xA1B2C3D4, 0xA1B23C4D


def pcap(frames: list[bytes], order: str = "<", magic: int = MAGIC_US, link: int = 1) -> bytes:
    """A file as tcpdump writes it."""
    raw = struct.pack(f"{order}IHHIIII", magic, 2, 4, 0, 0, 65535, link)
    for frame in frames:
        raw += struct.pack(f"{order}IIII", 1, 2, len(frame), len(frame)) + frame
    return raw


def read_pcap(path: Path) -> list[bytes]:
    raw = path.read_bytes()
    head = struct.unpack_from("=IHHIIII", raw)
    assert (head[0], head[1:3], head[6]) == (MAGIC_US, (2, 4), 1)
    at, frames = 24, []
    while at < len(raw):
        _, _, there, whole = struct.unpack_from("=IIII", raw, at)
        assert there == whole
        frames.append(raw[at + 16 : at + 16 + there])
        at += 16 + there
    return frames


THREE = [Frame(length=n).bytes() for n in (60, 1500, 70)]


@pytest.mark.parametrize("magic", [MAGIC_US, MAGIC_NS], ids=["usec", "nsec"])
@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
def test_the_packets_of_a_file_are_sent_in_turn(order: str, magic: int, tmp_path: Path) -> None:
    file = tmp_path / "packets"
    file.write_bytes(pcap(THREE, order, magic))
    for port in ("vale0:sink", "vale0:swap"):
        sent = send(tmp_path, "-P", file, "-n", "100", port=port)
        assert sent.packets == (THREE * 34)[:100]
        assert summary(sent.done.stdout, "Sent")[1] == sum(map(len, (THREE * 34)[:100]))


@pytest.mark.parametrize("words", [["-I"], ["-F", "2"], ["-H", "12"], ["-X"]], ids=" ".join)
def test_packets_of_a_file_in_other_layouts(words: list[str], tmp_path: Path) -> None:
    file = tmp_path / "packets"
    file.write_bytes(pcap(THREE))
    sent = send(tmp_path, "-P", file, "-n", "150", *words)
    vnet = bytes(12 if "-H" in words else 0)
    assert sent.packets == [vnet + frame for frame in THREE * 50]


def test_a_file_with_one_packet_and_a_long_one(tmp_path: Path) -> None:
    file = tmp_path / "packets"
    for frames in ([THREE[1]], [THREE[0], Frame(length=5000).bytes()]):
        file.write_bytes(pcap(frames))
        sent = send(tmp_path, "-P", file, "-n", "80", port="vale0:swap")
        assert sent.packets == (frames * 80)[:80]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no pcap file"),
        (b"\0" * 100, "no pcap file"),
        (b"\x0a\x0d\x0d\x0a" + b"\0" * 100, "pcapng file; make a pcap file of it with editcap"),
        (pcap([])[:20], "ends within its header"),
        (pcap([]), "no packet in it"),
        (pcap(THREE)[:-1], "ends within packet 3"),
        (pcap(THREE)[: 24 + 16 + 60 + 9], "ends within packet 2"),
        (pcap(THREE, link=113), "link type 113, not Ethernet"),
        (pcap([b"\0" * 13]), "13 bytes are no Ethernet frame"),
        (pcap([bytes(65550)]), "65550 bytes are more than a frame"),
        (pcap([]) + struct.pack("<IIII", 0, 0, 60, 1500) + bytes(60),
         "only 60 of its 1500 bytes were recorded; record with tcpdump -s 0"),
        (pcap([]) + struct.pack("<IIII", 0, 0, 0xFFFFFFFF, 0), "more than a frame"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)  # fmt: skip
def test_a_file_that_will_not_do_is_one_line(content: bytes, says: str, tmp_path: Path) -> None:
    file = tmp_path / "packets"
    file.write_bytes(content)
    done = pkt_gen("-i", "vale0:sink", "-f", "tx", "-P", file)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"pkt-gen: {file}: ")
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    for words in (["-f", "tx", "-P", "none"], ["-P", "none/x"]):
        done = pkt_gen("-i", "vale0:sink", *words[:-1], tmp_path / words[-1])
        assert done.returncode == 1
        assert done.stderr.endswith("No such file or directory\n")
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("vnet", [0, 12])
def test_rx_writes_what_it_receives_to_a_file_that_tx_reads(vnet: int, tmp_path: Path) -> None:
    long = Frame(length=3000).bytes()
    slots = [Slot(0, 0, bytes(vnet) + frame) for frame in THREE]
    slots += [Slot(0, NS_MOREFRAG, bytes(vnet) + long[:2000]), Slot(0, 0, long[2000:])]
    file = tmp_path / "written"
    receive(tmp_path, slots, "-n", "4", "-P", file, "-H", str(vnet))
    assert read_pcap(file) == [*THREE, long]
    assert send(tmp_path, "-P", file, "-n", "8").packets == [*THREE, long] * 2


def test_a_file_that_cannot_be_written_whole_is_a_failure(tmp_path: Path) -> None:
    feed = write_slots(tmp_path / "feed", numbered(*range(10)))
    done = pkt_gen("-i", "vale0:feed", "-n", "10", "-P", "/dev/full", FAKE_NETMAP_FEED=feed)
    assert done.returncode == 1
    assert done.stderr == "pkt-gen: /dev/full: No space left on device\n"
    done = pkt_gen("-i", "vale0:source", "-P", "/dev/full")
    assert done.returncode == 1
    assert done.stderr == "pkt-gen: /dev/full: No space left on device\n"

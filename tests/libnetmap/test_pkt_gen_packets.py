# SPDX-License-Identifier: BSD-2-Clause
"""The packets that pkt-gen puts into its rings, byte by byte, for each option that shapes them."""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict
from pathlib import Path

import pytest
from pkt_gen_runs import (
    NS_INDIRECT,
    NS_MOREFRAG,
    NS_REPORT,
    Frame,
    dumped,
    mark,
    parse,
    pkt_gen,
    send,
    slots_in,
    summary,
)

MAC = ("-S", "02:00:00:00:00:01")
ALL_PORTS = pytest.mark.parametrize("port", ["vale0:sink", "vale0:swap"])


@ALL_PORTS
def test_every_buffer_holds_the_packet_each_time_it_is_sent(port: str, tmp_path: Path) -> None:
    sent = send(tmp_path, *MAC, "-n", "500", "-l", "777", port=port)
    assert sent.packets == [Frame(length=777).bytes()] * 500
    assert summary(sent.done.stdout, "Sent")[:2] == (500, 500 * 777)


@ALL_PORTS
def test_an_ipv6_packet_is_right_to_the_last_byte(port: str, tmp_path: Path) -> None:
    sent = send(tmp_path, *MAC, "-6", "-n", "100", "-l", "101", port=port)
    assert sent.packets == [Frame("fd00::1", "fd00:1::1", length=101).bytes()] * 100


def test_without_a_length_an_ipv6_packet_is_as_short_as_it_can_be(tmp_path: Path) -> None:
    assert {len(p) for p in send(tmp_path, "-6", "-n", "3").packets} == {62}


@pytest.mark.parametrize(
    ("words", "src", "dst"),
    [(["-s", "2001:db8::7"], "2001:db8::7", "fd00:1::1"),
     (["-d", "[2001:db8::7]:99"], "fd00::1", "2001:db8::7"),
     (["-s", "192.0.2.1", "-4"], "192.0.2.1", "10.1.0.1")],
    ids=" ".join,
)  # fmt: skip
def test_an_address_tells_its_family(words: list[str], src: str, dst: str, tmp_path: Path) -> None:
    frame = parse(send(tmp_path, *words, "-n", "1", "-l", "80").packets[0])
    assert (frame.src, frame.dst) == (src, dst)


@ALL_PORTS
def test_ipv4_ranges_go_round_like_an_odometer(port: str, tmp_path: Path) -> None:
    sent = send(
        tmp_path, "-s", "10.0.0.255:2000-10.0.1.1:2001", "-d", "10.9.9.9:7-8", "-n", "300",
        "-S", "02:00:00:00:00:ff-02:00:00:00:01:00", "-l", "200", port=port,
    )  # fmt: skip
    expected = [
        Frame(src, "10.9.9.9", sport, dport, src_mac, length=200).bytes()
        for src_mac in ("02:00:00:00:00:ff", "02:00:00:00:01:00")
        for dport in (7, 8)
        for src in ("10.0.0.255", "10.0.1.0", "10.0.1.1")
        for sport in (2000, 2001)
    ]
    assert sent.packets == (expected * 13)[:300]


@ALL_PORTS
def test_ipv6_ranges_carry_into_the_upper_half(port: str, tmp_path: Path) -> None:
    sent = send(
        tmp_path, *MAC, "-s", "[fd00::ffff:ffff:ffff:fffe]:65534-[fd00:0:0:1::1]:65535",
        "-d", "fd00:7::1-fd00:7::2", "-n", "200", "-l", "90", port=port,
    )  # fmt: skip
    expected = [
        Frame(src, dst, sport, 1234, length=90).bytes()
        for dst in ("fd00:7::1", "fd00:7::2")
        for src in ("fd00::ffff:ffff:ffff:fffe", "fd00::ffff:ffff:ffff:ffff", "fd00:0:0:1::",
                    "fd00:0:0:1::1")
        for sport in (65534, 65535)
    ]  # fmt: skip
    assert sent.packets == (expected * 13)[:200]


@pytest.mark.parametrize("family", ["-4", "-6"])
def test_random_sources_differ_and_the_destination_stays(family: str, tmp_path: Path) -> None:
    frames = [parse(p) for p in send(tmp_path, "-z", family, "-n", "300", "-l", "99").packets]
    assert len({f.src for f in frames}) > 290
    assert len({f.sport for f in frames}) > 250
    assert {(f.dst, f.dport, f.payload) for f in frames} == {
        (frames[0].dst, 1234, frames[0].payload)
    }
    assert not any(ipaddress.ip_address(f.src).is_multicast for f in frames)


def test_random_destinations_stay_in_the_range_given(tmp_path: Path) -> None:
    sent = send(tmp_path, "-Z", "-d", "10.2.0.10:53-10.2.0.13:55", "-n", "400", port="vale0:swap")
    frames = [parse(p) for p in sent.packets]
    assert {f.dst for f in frames} == {f"10.2.0.{n}" for n in range(10, 14)}
    assert {f.dport for f in frames} == {53, 54, 55}
    assert {f.src for f in frames} == {"10.0.0.1"}
    in_turn = [(f.dst, f.dport) for f in frames]
    assert in_turn != sorted(in_turn)


def test_random_addresses_of_both_sides_and_the_other_side_of_a_range(tmp_path: Path) -> None:
    frames = [parse(p) for p in send(tmp_path, "-z", "-Z", "-n", "50").packets]
    assert len({(f.src, f.dst) for f in frames}) == 50
    frames = [parse(p) for p in send(tmp_path, "-z", "-d", "10.2.0.1:1-3", "-n", "6").packets]
    assert [f.dport for f in frames] == [2, 3, 1, 2, 3, 1]


@ALL_PORTS
@pytest.mark.parametrize("family", ["-4", "-6"])
def test_random_lengths_are_from_the_second_to_below_the_first(
    family: str, port: str, tmp_path: Path
) -> None:
    sent = send(tmp_path, family, "-l", "95", "-l", "80", "-n", "500", port=port)
    frames = [parse(p) for p in sent.packets]
    assert {f.length for f in frames} == set(range(80, 95))
    assert summary(sent.done.stdout, "Sent")[:2] == (500, sum(f.length for f in frames))
    # Behind the headers the text is whole, however long the packet before was.
    bytes_of = {Frame(f.src, f.dst, src_mac=f.src_mac, length=f.length).bytes() for f in frames}
    assert set(sent.packets) == bytes_of


def test_lengths_addresses_and_numbers_may_all_change_at_once(tmp_path: Path) -> None:
    sent = send(
        tmp_path, "-f", "txseq", "-z", "-Z", "-6", "-l", "3000", "-l", "100", "-n", "300",
        port="vale0:swap",
    )  # fmt: skip
    frames = [parse(p) for p in sent.packets]
    assert [int.from_bytes(f.payload[8:16], "big") for f in frames] == list(range(300))
    assert len({f.length for f in frames}) > 200


@pytest.mark.parametrize("count", [2, 3, 5])
def test_fragments_are_equal_parts_and_the_rest(count: int, tmp_path: Path) -> None:
    sent = send(tmp_path, *MAC, "-F", str(count), "-l", "1001", "-n", "100")
    assert sent.packets == [Frame(length=1001).bytes()] * 100
    part = 1001 // count
    sizes = [part] * (count - 1) + [1001 - part * (count - 1)]
    assert [len(slot.data) for slot in sent.slots] == sizes * 100
    more = [NS_MOREFRAG] * (count - 1) + [0]
    assert [slot.flags & NS_MOREFRAG for slot in sent.slots] == more * 100
    assert summary(sent.done.stdout, "Sent")[:2] == (100, 100100)


def test_fragments_have_at_most_the_size_asked_for(tmp_path: Path) -> None:
    sent = send(tmp_path, *MAC, "-F", "3", "-M", "100", "-l", "900", "-n", "2")
    assert [len(slot.data) for slot in sent.slots] == [100, 100, 700] * 2
    sent = send(tmp_path, *MAC, "-F", "3", "-M", "2000", "-l", "900", "-n", "2")
    assert [len(slot.data) for slot in sent.slots] == [300, 300, 300] * 2
    assert sent.packets == [Frame(length=900).bytes()] * 2


def test_fragments_of_packets_that_change(tmp_path: Path) -> None:
    sent = send(tmp_path, "-F", "4", "-l", "900", "-l", "200", "-z", "-n", "200", port="vale0:swap")
    lengths = {parse(p).length for p in sent.packets}
    assert len(lengths) > 100
    assert len(sent.slots) == 800


def test_what_is_longer_than_a_buffer_fills_as_many_as_it_needs(tmp_path: Path) -> None:
    sent = send(tmp_path, *MAC, "-l", "9000", "-n", "20", port="vale0:swap")
    assert sent.packets == [Frame(length=9000).bytes()] * 20
    assert [len(slot.data) for slot in sent.slots] == [2048, 2048, 2048, 2048, 808] * 20


@pytest.mark.parametrize("words", [[], ["-F", "3"], ["-s", "1.0.0.1-1.0.0.9"], ["-z"]], ids=str)
def test_indirect_buffers_are_fetched_whole(words: list[str], tmp_path: Path) -> None:
    sent = send(tmp_path, *MAC, "-I", *words, "-l", "500", "-n", "200")
    assert all(slot.flags & NS_INDIRECT for slot in sent.slots)
    frames = [parse(p) for p in sent.packets]
    expected = [
        Frame(f.src, sport=f.sport, length=500).bytes() for f in frames
    ]  # the rest is as it was asked for
    assert sent.packets == expected
    sources = [f.src for f in frames]
    if "-s" in words:
        assert sources == [f"1.0.0.{1 + i % 9}" for i in range(200)]
    elif "-z" in words:
        assert len(set(sources)) > 190


def test_an_indirect_packet_may_be_longer_than_the_buffers(tmp_path: Path) -> None:
    sent = send(tmp_path, *MAC, "-I", "-l", "60000", "-n", "3")
    assert [len(slot.data) for slot in sent.slots] == [60000] * 3
    assert sent.packets == [Frame(length=60000).bytes()] * 3


@pytest.mark.parametrize("size", [10, 12])
@pytest.mark.parametrize("port", ["vale0:sink", "pipe{sink"])
def test_a_virtio_net_header_is_empty_and_comes_first(size: int, port: str, tmp_path: Path) -> None:
    sent = send(tmp_path, *MAC, "-H", str(size), "-n", "100", "-v", port=port)
    assert sent.packets == [bytes(size) + Frame().bytes()] * 100
    assert summary(sent.done.stdout, "Sent")[:2] == (100, 6000)
    assert f"virtio-net header of {size} bytes" in sent.done.stdout
    # A switch has to know where the Ethernet header begins; a pipe has nothing to know.
    assert ("has no virtio-net header to set" in sent.done.stdout) == (port == "pipe{sink")


def test_a_virtio_net_header_before_packets_that_change(tmp_path: Path) -> None:
    sent = send(
        tmp_path, "-H", "12", "-z", "-l", "300", "-l", "100", "-n", "100", port="vale0:swap"
    )
    assert all(p[:12] == bytes(12) for p in sent.packets)
    assert len({parse(p[12:]).src for p in sent.packets}) > 90


def test_rubbish_is_what_the_buffers_hold(tmp_path: Path) -> None:
    sent = send(tmp_path, "-r", "-l", "100", "-n", "200")
    assert sent.packets == [bytes(100)] * 200
    # There each buffer comes back at the second turn of the ring, with other bytes in it.
    sent = send(tmp_path, "-r", "-l", "100", "-n", "150", "-X", port="vale0:swap")
    assert sent.packets == [bytes(100)] * 128 + [b"\xee" * 100] * 22
    assert dumped(sent.done.stdout, "sent") == sent.packets
    sent = send(tmp_path, "-r", "-l", "100", "-l", "50", "-n", "90")
    assert {bytes(len(p)) for p in sent.packets} == set(sent.packets)
    assert len(set(sent.packets)) > 20


def test_the_last_slot_of_a_burst_asks_to_be_reported(tmp_path: Path) -> None:
    sent = send(tmp_path, "-b", "7", "-n", "100")
    asked = [i for i, slot in enumerate(sent.slots) if slot.flags & NS_REPORT]
    assert asked == [*range(6, 98, 7), 99]
    assert summary(sent.done.stdout, "Sent")[2] == 15


def test_dumping_changes_nothing_in_what_is_sent(tmp_path: Path) -> None:
    sent = send(tmp_path, *MAC, "-X", "-n", "3")
    assert sent.packets == [Frame().bytes()] * 3


def test_numbers_count_up_from_zero_on_one_ring(tmp_path: Path) -> None:
    sent = send(tmp_path, "-f", "txseq", "-n", "1000", *MAC, port="vale0:sink@conf:rings=3")
    assert {slot.ring for slot in sent.slots} == {0}
    run = int.from_bytes(sent.packets[0][46:48], "big")
    assert sent.packets == [Frame(payload=mark(run, 0, n)).bytes() for n in range(1000)]


def test_each_thread_numbers_the_packets_of_its_ring(tmp_path: Path) -> None:
    sent = send(tmp_path, "-f", "txseq", "-p", "3", "-n", "1000", port="vale0:sink@conf:rings=3")
    numbers = defaultdict(list)
    for slot in sent.slots:
        payload = parse(slot.data).payload
        assert int.from_bytes(payload[6:8], "big") == slot.ring
        numbers[slot.ring].append(int.from_bytes(payload[8:16], "big"))
    assert {ring: len(found) for ring, found in numbers.items()} == {0: 334, 1: 333, 2: 333}
    assert all(found == list(range(len(found))) for found in numbers.values())


def test_runs_can_be_told_apart(tmp_path: Path) -> None:
    runs = {send(tmp_path, "-f", "txseq", "-n", "1").packets[0][46:48] for _ in range(4)}
    assert len(runs) > 1


@pytest.mark.parametrize(
    ("config", "expected"),
    [("128", (1, 128, 1, 128)), ("128,256", (1, 128, 1, 256)), ("128,256,3", (3, 128, 3, 256)),
     ("32,0,2,4", (2, 32, 4, 64)), ("0,0,2", (2, 64, 2, 64))],
)  # fmt: skip
def test_rings_are_made_as_configured(config: str, expected: tuple[int, ...]) -> None:
    done = pkt_gen("-i", "vale0:sink", "-f", "tx", "-n", "1", "-C", config, "-v")
    assert done.returncode == 0, done.stderr
    found = re.search(r"(\d+) tx rings? of (\d+) slots, (\d+) rx rings? of (\d+)", done.stdout)
    assert found
    assert tuple(map(int, found.groups())) == expected


def test_a_packet_leaves_only_whole(tmp_path: Path) -> None:
    """Nine-slot packets on a ring of 16: the second one waits for the first."""
    sent = send(tmp_path, *MAC, "-l", "18000", "-n", "30", "-C", "16")
    assert sent.packets == [Frame(length=18000).bytes()] * 30


def test_the_packets_of_ping_are_right_too(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    for family in ("-4", "-6"):
        done = pkt_gen("-i", "vale0:sink", "-f", "ping", family, "-n", "1", FAKE_NETMAP_TAKEN=taken)
        assert done.returncode == 1
        (frame,) = [parse(slot.data) for slot in slots_in(taken)]
        assert frame.payload[:4] == b"nmPG"
        assert ipaddress.ip_address(frame.src).version == int(family[1])

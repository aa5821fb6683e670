# SPDX-License-Identifier: BSD-2-Clause
"""pkt-gen on the pretended device: starting it, and what its packets ought to be.

The packets are made here once more, from the standards alone, to compare with.
"""

from __future__ import annotations

import functools
import ipaddress
import os
import re
import struct
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ctests import HERE, LIBRARY, PKT_GEN, SANITIZERS, build, sources

Done = subprocess.CompletedProcess[str]

NS_REPORT, NS_INDIRECT, NS_MOREFRAG = 0x02, 0x10, 0x20
TEXT = b"netmap pkt-gen "


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="netmap-pkt-gen-")


@functools.cache
def program() -> Path:
    """pkt-gen with the pretended device and the sanitizers, built once."""
    files = [HERE / "fake_netmap.c", *sources(LIBRARY), *sources(PKT_GEN)]
    return build(Path(_folder().name) / "pkt-gen", files, *SANITIZERS)


def pkt_gen(*words: str | Path, **env: str | Path) -> Done:
    """Run it to its end."""
    return subprocess.run(
        [program(), *words], capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, **{name: str(value) for name, value in env.items()}},
    )  # fmt: skip


@dataclass(frozen=True)
class Slot:
    """One slot of a ring on its way."""

    ring: int
    flags: int
    data: bytes

    @property
    def ends(self) -> bool:
        return not self.flags & NS_MOREFRAG


def slots_in(path: Path) -> list[Slot]:
    """What the tx rings sent."""
    raw, at, found = path.read_bytes(), 0, []
    while at < len(raw):
        ring, flags, length = struct.unpack_from("=HHI", raw, at)
        found.append(Slot(ring, flags, raw[at + 8 : at + 8 + length]))
        at += 8 + length
    return found


def write_slots(path: Path, slots: Iterable[Slot]) -> Path:
    """What the rx rings shall receive."""
    path.write_bytes(
        b"".join(struct.pack("=HHI", s.ring, s.flags, len(s.data)) + s.data for s in slots)
    )
    return path


def packets(slots: Iterable[Slot]) -> list[bytes]:
    """Slots put together to packets."""
    found, parts = [], b""
    for slot in slots:
        parts += slot.data
        if slot.ends:
            found.append(parts)
            parts = b""
    assert parts == b""
    return found


@dataclass
class Sent:
    """A run of tx and what left its rings."""

    done: Done
    slots: list[Slot]

    @property
    def packets(self) -> list[bytes]:
        return packets(self.slots)


def send(tmp_path: Path, *words: str | Path, port: str = "vale0:sink", **env: str | Path) -> Sent:
    """Send to a port that takes everything, and see what it took."""
    taken = tmp_path / "taken"
    done = pkt_gen("-i", port, "-f", "tx", *words, FAKE_NETMAP_TAKEN=taken, **env)
    assert done.returncode == 0, done.stderr
    return Sent(done, slots_in(taken) if taken.exists() else [])


def ones_sum(data: bytes) -> int:
    """The sum of 16-bit words whose complement is the checksum of IP and UDP."""
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def text(length: int) -> bytes:
    """The payload that has no other."""
    return (TEXT * (length // len(TEXT) + 1))[:length]


def mac(value: str) -> bytes:
    return bytes.fromhex(value.replace(":", ""))


@dataclass(frozen=True)
class Frame:
    """A UDP packet; bytes() makes it."""

    src: str = "10.0.0.1"
    dst: str = "10.1.0.1"
    sport: int = 1234
    dport: int = 1234
    src_mac: str = "02:00:00:00:00:01"
    dst_mac: str = "ff:ff:ff:ff:ff:ff"
    length: int = 60
    payload: bytes = b""  # the start of it, before the text

    def bytes(self) -> bytes:
        src = ipaddress.ip_address(self.src)
        dst = ipaddress.ip_address(self.dst)
        headers = 14 + (40 if src.version == 6 else 20) + 8
        payload = self.payload + text(self.length - headers)[len(self.payload) :]
        udp_length = 8 + len(payload)
        udp = struct.pack(">HHHH", self.sport, self.dport, udp_length, 0)
        pseudo = src.packed + dst.packed + struct.pack(">II", udp_length, 17)
        checksum = ~ones_sum(pseudo + udp + payload) & 0xFFFF or 0xFFFF
        udp = udp[:6] + struct.pack(">H", checksum)
        if src.version == 6:
            kind, ip = 0x86DD, struct.pack(">IHBB", 6 << 28, udp_length, 17, 64)
            ip += src.packed + dst.packed
        else:
            kind = 0x0800
            ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + udp_length, 0, 0x4000, 64, 17, 0)
            ip += src.packed + dst.packed
            ip = ip[:10] + struct.pack(">H", ~ones_sum(ip) & 0xFFFF) + ip[12:]
        return mac(self.dst_mac) + mac(self.src_mac) + struct.pack(">H", kind) + ip + udp + payload


def parse(frame: bytes) -> Frame:
    """The parts of a frame, after its lengths and checksums were looked at."""
    version = frame[14] >> 4
    at = 54 if version == 6 else 34
    if version == 6:
        addresses, length = frame[22:54], struct.unpack(">H", frame[18:20])[0] + 54
    else:
        addresses, length = frame[26:34], struct.unpack(">H", frame[16:18])[0] + 14
        assert ones_sum(frame[14:34]) == 0xFFFF
    assert length == len(frame)
    sport, dport, udp_length, checksum = struct.unpack(">HHHH", frame[at : at + 8])
    assert udp_length == len(frame) - at
    assert checksum != 0
    assert ones_sum(addresses + struct.pack(">II", udp_length, 17) + frame[at:]) == 0xFFFF
    half = len(addresses) // 2
    return Frame(
        str(ipaddress.ip_address(addresses[:half])), str(ipaddress.ip_address(addresses[half:])),
        sport, dport, frame[6:12].hex(":"), frame[:6].hex(":"), len(frame), frame[at + 8 :],
    )  # fmt: skip


def mark(run: int, stream: int, number: int) -> bytes:
    """The sequence mark of txseq."""
    return struct.pack(">4sHHQ", b"nmSQ", run, stream, number)


def summary(out: str, verb: str) -> tuple[int, int, int]:
    """Packets, bytes and events of the closing line, found the way scripts do."""
    match = re.search(rf"^{verb} (\d+) packets (\d+) bytes (\d+) events .* seconds\.$", out, re.M)
    assert match, out
    assert re.search(r"^Speed: [\d.]+ [KMGT]?pps Bandwidth: [\d.]+ [KMGT]?bps", out, re.M), out
    return int(match[1]), int(match[2]), int(match[3])


def dumped(out: str, what: str) -> list[bytes]:
    """The packets that -X printed."""
    found: list[bytes] = []
    for line in out.splitlines():
        if re.fullmatch(rf"{what} \d+ bytes", line):
            found.append(b"")
        elif match := re.match(r" *\d+: ((?:[0-9a-f]{2} )+)", line):
            found[-1] += bytes.fromhex(match[1])
    return found

# SPDX-License-Identifier: BSD-2-Clause
"""The inputs that fuzzing begins with: a few good ones of each kind, in the targets' own form.

python tests/fuzz/make_seeds.py          writes tests/fuzz/seeds/
"""

from __future__ import annotations

import shutil
import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

NAMES = [
    "netmap:eth0",
    "netmap:eth0-3",
    "netmap:eth0^",
    "netmap:eth0^1/R",
    "netmap:eth0*/xT",
    "netmap:eth0/z",
    "netmap:eth0/tr@7",
    "netmap:eth0{p1",
    "vale0:a",
    "vale_x:br-lan}2/x@3",
    "vale0:a@share:netmap:eth0",
    "vale0:a@conf:rings=2,slots=512,host-rings=1",
    "netmap:a@conf:tx-rings=1,rx-rings=2,tx-slots=64,rx-slots=128,host-tx-rings=3",
    "netmap:a@extmem:file=/x,if-num=2,ring-size=4096,buf-num=100",
    "netmap:a@extmem:/dev/hugepages/x@2",
    "netmap:a@offset:initial=64,max=128,bits=16,gap=32",
    "@opt:need=1,may=2,bare@opt:x",
    "@opt:value,bare=3",
    "-3/x@2@opt:y",
    "netmap:eth0@65536",
    "netmap:" + "n" * 64,
    "65535",
    "18446744073709551615",
    "18446744073709551616",
    "36893488147419103233",
]

# Of fuzz_request.c: the places of names in its table, and what a call's second byte means.
PORTS = {"vale0:a": 0, "vale0:b": 1, "vale0:nic0": 3, "nic0": 4, "nic0{1": 5, "nic0}1": 6}
CLOSE, TXSYNC, RXSYNC, POLL, LEGACY, FAIL, MMAP, CTRL, REFUSE = 0, 1, 2, 3, 4, 6, 7, 8, 12
BODY = 80


def request(file: int, kind: int, port: str, *, mode: int = 0, options: bytes = b"") -> bytes:
    """A NIOCCTRL, well-formed; a body of zeros but for nr_mode of nmreq_register."""
    body = bytearray(BODY)
    body[36] = mode
    odd = 8 if options else 0
    return bytes([file, CTRL, odd, kind, PORTS[port]]) + bytes(body) + options


# One option each: how many, type and what is odd about it, bytes behind its header.
OFFSETS = bytes([1, 5, 64, *bytes(64)])
CIRCLE = bytes([1, 0x21, 0]) + (88 + BODY).to_bytes(2, "little")  # the next one is this one
TOO_LONG = bytes([1, 0x41, 64]) + (1 << 16).to_bytes(4, "little")  # EVENTFDS says its own size


def call(file: int, what: int, *rest: int) -> bytes:
    return bytes([file, what, *rest])


def requests() -> dict[str, bytes]:
    """Each request alone, and the usual orders of several."""
    every = {f"kind-{kind:02}": request(0, kind, "vale0:a", mode=1) for kind in range(17)}
    ports = {
        f"port-{i}": request(0, 1, port, mode=1)
        + call(0, MMAP, 0, 0, 0, 4)
        + call(0, TXSYNC)
        + call(0, RXSYNC)
        + call(0, POLL, 3)
        for i, port in enumerate(PORTS)
    }
    pair = request(0, 1, "nic0{1", mode=1) + request(1, 1, "nic0}1", mode=1)
    numbers = [14, 0, 0, 64, 64, 1, 1, 0, 0, 0, 0, 0, 1, 0]  # from nr_version on
    legacy = struct.pack("<16s5I6H3I", b"vale0:a", *numbers)
    return {
        **every,
        **ports,
        "pair": pair + call(0, TXSYNC) + call(1, RXSYNC) + call(0, CLOSE) + call(1, POLL, 1),
        "attach": request(0, 3, "vale0:nic0", mode=1)
        + request(1, 1, "vale0:a", mode=1)
        + request(2, 4, "vale0:nic0"),
        "option": request(0, 1, "vale0:a", mode=1, options=OFFSETS),
        "option-circle": request(0, 1, "vale0:a", mode=1, options=CIRCLE),
        "option-long": request(0, 1, "vale0:a", mode=1, options=TOO_LONG),
        "no-register": call(0, REFUSE, 1) + request(0, 1, "nic0", mode=1) + call(0, CLOSE),
        "no-memory": call(0, FAIL, 3) + request(0, 1, "nic0", mode=1),
        "legacy": call(0, LEGACY, 0) + legacy + b"\0",
    }


# Of fuzz_ring.c: what a step's first byte means; the top bit names the program.
HEALTHY, NIC, SYSTEM, WRITE_RING, WRITE_SLOT, FILL, ADVANCE, SWAP, WRITE_IF = (
    1,
    3,
    6,
    7,
    10,
    14,
    19,
    22,
    24,
)
SCENES = 9
HONEST = 0xC0
TX, RX, BOTH = 0, 1, 2


def sync(prog: int, what: int) -> bytes:
    """A txsync, rxsync or poll: a step above 25 whose number says which, modulo 3."""
    op = next(op for op in range(26, 32) if (op + 128 * prog) % 3 == what)
    return bytes([op + 128 * prog, 3])


def step(prog: int, op: int, *rest: int) -> bytes:
    return bytes([op + 128 * prog, *rest])


EVERYBODY = 7


def fill(
    prog: int,
    frames: int,
    *,
    to: int = EVERYBODY,
    sender: int = 0,
    flags: int = 0,
    length: int = 60,
) -> bytes:
    """Frames into the first ring, from head on, from one station to another."""
    return step(prog, FILL, 0, frames, to | sender << 3, length, flags)


def rings() -> dict[str, bytes]:
    """Traffic in each scene, with honest programs and with others."""
    opened = bytes([0, 0x1B, 0, 0x1B])  # one ring of 8 slots each way
    traffic = (
        fill(0, 3)
        + sync(0, TX)
        + sync(1, RX)
        + step(1, ADVANCE, 1, 3)
        + sync(1, RX)
        + fill(1, 2)
        + sync(1, BOTH)
        + sync(0, RX)
    )
    seeds = {}
    for scene in range(SCENES):
        for who, bits in (("honest", HONEST), ("hostile", 0)):
            # scene, sizes, two ports
            begin = bytes([bits | scene, 0x05]) + opened
            nic = step(0, NIC, 0x0F, 40) + step(0, NIC, 0x00, 0) + step(0, NIC, 0x2F, 60)
            seeds[f"scene-{scene}-{who}"] = begin + traffic + nic + step(0, HEALTHY, 9) + traffic
    for scene in (2, 3, 6):  # pipes: the reader breaks what it gives back; the writer what it sends
        reader = step(1, WRITE_SLOT, 1, 0x38, 0, 0x87) + step(1, ADVANCE, 1, 3) + sync(1, RX)
        seeds[f"scene-{scene}-reader"] = (
            bytes([0x40 | scene, 0x05])
            + opened
            + fill(0, 3)
            + sync(0, TX)
            + sync(1, RX)
            + (reader + fill(0, 3) + sync(0, TX) + sync(1, RX)) * 4  # once round and more
        )
        writer = fill(0, 3) + step(0, WRITE_SLOT, 0, 0, 0, 0x87) + sync(0, TX) + sync(1, RX)
        seeds[f"scene-{scene}-writer"] = bytes([0x80 | scene, 0x05]) + opened + writer
    wild = bytes([0, 0x05]) + opened
    limits = range(0x80, 0x90)  # numbers at limits, by their kind in value()
    for field in (0, 2, 4):
        writes = [step(0, WRITE_RING, 0, field, kind) + sync(0, TX) for kind in limits]
        seeds[f"ring-{field}"] = wild + traffic + b"".join(writes)
    for field in range(8):
        for prog, what in ((0, TX), (1, RX)):
            writes = [
                fill(0, 1)
                + step(prog, WRITE_SLOT, prog, field | 0x38, 0, kind)
                + sync(0, TX)
                + step(1, ADVANCE, 1, 1)
                + sync(1, RX)
                for kind in limits
            ]
            seeds[f"slot-{field}-{what}"] = wild + b"".join(writes)
    last = wild + step(0, WRITE_SLOT, 0, 0, 0, 0x86)
    seeds |= {
        "head": wild + step(0, WRITE_RING, 0, 0, 0x81) + sync(0, TX) + step(0, HEALTHY, 1),
        "index": wild + fill(0, 4) + step(0, WRITE_SLOT, 0, 0, 0, 0x87) + sync(0, TX),
        "length": wild + fill(0, 4) + step(0, WRITE_SLOT, 0, 2, 0, 0x8B) + sync(0, TX),
        # the last buffer of the region, as long as it is and a byte longer
        "last-fits": last + fill(0, 1, length=0x8A) + sync(0, TX),
        "last-over": last + fill(0, 1, length=0x8B) + sync(0, TX),
        "indirect": wild + fill(0, 1, flags=16) + step(0, WRITE_SLOT, 0, 5, 0, 9) + sync(0, TX),
        "fragments": wild + fill(0, 3, flags=32) + fill(0, 1) + sync(0, TX) + sync(1, RX),
        "list": wild + step(0, WRITE_IF, 0, 0, 5, 0x86) + step(0, 0),
        "swap": bytes([HONEST, 0x05, 0x18, 0x12, 0x18, 0x12])
        + step(0, SWAP, 0, 1, 1)
        + step(0, SWAP, 0, 0, 0)
        + fill(0, 2)
        + sync(0, TX),
        "spoilt": wild + step(0, SYSTEM, 1, 1) + traffic,
        "header": wild + step(0, SYSTEM, 3, 2) + traffic,
        "leaves": bytes([5, 0x05]) + opened + traffic + step(0, NIC, 0x27, 1) + traffic,
        "stations": wild
        + b"".join(fill(i % 2, 1, sender=i) + sync(i % 2, TX) for i in range(8))
        + fill(0, 1, to=3)
        + fill(0, 1, to=1)
        + fill(0, 1, to=5)
        + sync(0, TX),
        # longer than the buffers of others on the switch
        "long": bytes([0, 0x03])
        + opened
        + fill(0, 2, length=0x8A)
        + sync(0, TX)
        + step(0, HEALTHY, 1),
        "thief": wild
        + step(0, HEALTHY, 1)
        + fill(0, 1, sender=1)
        + sync(0, TX)
        + step(0, HEALTHY, 1),
        # a buffer in all slots of a ring, given back with it
        "twice": bytes([1, 0x05])
        + opened
        + step(0, WRITE_SLOT, 0, 0x38, 0, 5)
        + step(0, 0)
        + step(1, 0)
        + bytes([7, 0, 0x3F])
        + traffic,
        "asleep": wild + bytes([0x80 | 26, 9]) + traffic,
        "again": wild + traffic + step(0, 0) + bytes([7, 0, 0x3F]) + traffic,
    }
    return seeds


def all_seeds() -> dict[str, dict[str, bytes]]:
    """By target, by name."""
    names = {f"name-{i:02}": b"\0\0" + name.encode() for i, name in enumerate(NAMES)}
    failing = {"no-memory": b"\3\0" + NAMES[13].encode(), "no-device": b"\0\5" + NAMES[10].encode()}
    return {"names": names | failing, "request": requests(), "ring": rings()}


def write(folder: Path) -> None:
    """One folder per target."""
    for target, seeds in all_seeds().items():
        shutil.rmtree(folder / target, ignore_errors=True)
        (folder / target).mkdir(parents=True)
        for name, data in seeds.items():
            (folder / target / name).write_bytes(data)


if __name__ == "__main__":
    write(HERE / "seeds")
    sys.exit(0)

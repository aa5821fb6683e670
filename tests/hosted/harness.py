# SPDX-License-Identifier: BSD-2-Clause
"""The hosted core from Python: files, requests, rings, sleepers and fake NICs.

    with Core() as core:
        a, b = core.open(), core.open()
        a.register("vale0:a")
        b.register("vale0:b")
        a.send([b"..."])
        assert b.receive() == [...]

Failures of the core are OSError with its errno. Leaving Core() closes what is open and fails
when the core has left memory behind. NM_VARIANT names the build to load (plain, hostile, asan).
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any

import build_core
import cffi  # type: ignore[import-untyped]
import declarations

POLLIN, POLLOUT, POLLERR = 1, 2, 4
SCRATCH = 64 * 1024  # the part of the arena that requests use again and again


def variant() -> str:
    """The build under test."""
    return os.environ.get("NM_VARIANT", "plain")


@cache
def load() -> tuple[Any, Any, Any, Path]:
    """ffi, library, constants and path of the build under test."""
    path = build_core.build_library(variant())
    ffi = cffi.FFI()
    ffi.cdef(declarations.declarations())
    lib = ffi.dlopen(str(path), ffi.RTLD_LAZY)
    if ffi.offsetof("struct netmap_ring", "slot") != lib.nmh_abi_slot_offset():
        raise RuntimeError("cffi and the compiler disagree about struct netmap_ring")
    return ffi, lib, SimpleNamespace(**declarations.constants()), path


ffi, lib, K, LIBRARY = load()


def check(err: int) -> None:
    """Raise the core's errno."""
    if err != 0:
        raise OSError(err, os.strerror(err))


def ethernet(dst: int, src: int, payload: bytes = b"", size: int = 60) -> bytes:
    """A frame between two MAC addresses, filled with zeros up to `size`."""
    frame = dst.to_bytes(6, "big") + src.to_bytes(6, "big") + b"\x08\x00" + payload
    return frame.ljust(size, b"\0")


BROADCAST = 0xFFFFFFFFFFFF


def mac(n: int) -> int:
    """The unicast address of station n."""
    return 0x020000000000 + n


class Arena:
    """The memory that requests point into: user addresses, and the bytes behind them."""

    def __init__(self) -> None:
        mem, size = ffi.new("void **"), ffi.new("uint64_t *")
        self.base: int = lib.nmh_arena(mem, size)
        self.size: int = size[0]
        self.mem = ffi.cast("uint8_t *", mem[0])
        self.view = ffi.buffer(self.mem, self.size)
        self.used = SCRATCH
        self.scratch = 0

    def alloc(self, size: int, align: int = 64) -> int:
        """The user address of memory that stays until the core is left."""
        at = (self.used + align - 1) // align * align
        if at + size > self.size:
            raise MemoryError("the arena is full")
        self.used = at + size
        return self.base + at

    def temporary(self, size: int) -> int:
        """The user address of memory for the request being made."""
        at = (self.scratch + 7) // 8 * 8
        if at + size > SCRATCH:
            raise MemoryError("the request is too large for its part of the arena")
        self.scratch = at + size
        return self.base + at

    def write(self, uaddr: int, data: bytes) -> None:
        """What the program would do with memcpy()."""
        at = uaddr - self.base
        self.view[at : at + len(data)] = data

    def read(self, uaddr: int, size: int) -> bytes:
        """The bytes at a user address."""
        at = uaddr - self.base
        return bytes(self.view[at : at + size])

    def at(self, ctype: str, uaddr: int) -> Any:
        """A C object at a user address, to be read and written in place."""
        return ffi.cast(ctype + " *", self.mem + (uaddr - self.base))

    def fault(self, uaddr: int, bad: bool = True) -> None:
        """Make the page of an address fault from now on."""
        lib.nmh_arena_fault(uaddr, bad)


@dataclass
class Option:
    """An option of a request; after it, what came back."""

    kind: int
    tail: bytes = b""  # what follows the header
    size: int | None = None  # nro_size; None: what the option has
    status: int = 0
    after: bytes = b""  # the tail that came back


@dataclass
class Reply:
    """What is in the program's memory after a request."""

    error: int
    header: Any
    body: Any


class Ring:
    """A ring as a program sees it."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.slots: int = raw.num_slots
        self.buf_size: int = raw.nr_buf_size
        self._bufs = ffi.cast("uint8_t *", raw) + raw.buf_ofs

    head = property(lambda self: self.raw.head, lambda self, v: setattr(self.raw, "head", v))
    cur = property(lambda self: self.raw.cur, lambda self, v: setattr(self.raw, "cur", v))
    tail = property(lambda self: self.raw.tail)

    def next(self, i: int, n: int = 1) -> int:
        """The index n after i."""
        return (i + n) % self.slots

    def space(self) -> int:
        """Slots that the program owns, from head on."""
        return int(self.raw.tail - self.raw.head) % self.slots

    def slot(self, i: int) -> Any:
        """A slot, to be read and written in place."""
        return self.raw.slot[i % self.slots]

    def buffer(self, index: int) -> memoryview:
        """A buffer by number."""
        return memoryview(ffi.buffer(self._bufs + index * self.buf_size, self.buf_size))

    def buf(self, i: int) -> memoryview:
        """The buffer of slot i."""
        return self.buffer(self.slot(i).buf_idx)

    def put(self, packet: bytes, flags: int = 0, ptr: int = 0) -> None:
        """Fill the slot at head and move on; the caller has looked for space."""
        slot = self.slot(self.head)
        self.buf(self.head)[: len(packet)] = packet
        slot.len, slot.flags, slot.ptr = len(packet), flags, ptr
        self.advance()

    def advance(self, n: int = 1) -> None:
        """Move head and cur."""
        self.raw.head = self.raw.cur = self.next(self.head, n)

    def take(self, limit: int | None = None) -> list[bytes]:
        """Read packets from head on, giving their slots back; no sync."""
        got: list[bytes] = []
        while self.head != self.tail and (limit is None or len(got) < limit):
            got.append(bytes(self.buf(self.head)[: self.slot(self.head).len]))
            self.advance()
        return got


class Handle:
    """An open file."""

    def __init__(self, core: Core, raw: Any) -> None:
        self.core = core
        self.raw = raw
        self.tx: list[Ring] = []
        self.rx: list[Ring] = []
        self.nifp: Any = None
        self.reg: Any = None
        self._maps: list[tuple[Any, int]] = []

    # -- requests ---------------------------------------------------------------

    def request(
        self,
        kind: int,
        name: str | bytes = "",
        body: Any = None,
        options: Sequence[Option] = (),
        *,
        version: int = K.NETMAP_API,
        reserved: int = 0,
        body_addr: int | None = None,
        options_addr: int | None = None,
    ) -> Reply:
        """One NIOCCTRL; the errno is in the reply. `body` is a cdata struct, or bytes."""
        arena = self.core.arena
        arena.scratch = 0
        uhdr = arena.temporary(ffi.sizeof("struct nmreq_header"))
        header = arena.at("struct nmreq_header", uhdr)
        ffi.memmove(header, bytes(ffi.sizeof("struct nmreq_header")), ffi.sizeof(header[0]))
        header.nr_version, header.nr_reqtype, header.nr_reserved = version, kind, reserved
        raw_name = name.encode() if isinstance(name, str) else name
        ffi.memmove(header.nr_name, raw_name, min(len(raw_name), K.NETMAP_REQ_IFNAMSIZ))
        raw_body = b"" if body is None else bytes(body if _is_bytes(body) else _raw(body))
        ubody = 0
        if body is not None:
            ubody = arena.temporary(max(1, len(raw_body)))
            arena.write(ubody, raw_body)
        header.nr_body = ubody if body_addr is None else body_addr
        uopts = [arena.temporary(24 + len(o.tail)) for o in options]
        for option, uaddr, after in zip(options, uopts, [*uopts, 0][1:], strict=True):
            head = arena.at("struct nmreq_option", uaddr)
            head.nro_next, head.nro_reqtype, head.nro_status = after, option.kind, 0xAA
            head.nro_size = 24 + len(option.tail) if option.size is None else option.size
            arena.write(uaddr + 24, option.tail)
        first = uopts[0] if uopts else 0
        header.nr_options = first if options_addr is None else options_addr
        error = lib.nmh_ctrl(self.raw, uhdr)
        for option, uaddr in zip(options, uopts, strict=True):
            option.status = arena.at("struct nmreq_option", uaddr).nro_status
            option.after = arena.read(uaddr + 24, len(option.tail))
        if body is None or _is_bytes(body):
            after_body = arena.read(ubody, len(raw_body)) if body is not None else None
        else:
            after_body = ffi.new(ffi.typeof(body))
            ffi.memmove(after_body, arena.read(ubody, len(raw_body)), len(raw_body))
        after_header = ffi.new("struct nmreq_header *")
        ffi.memmove(after_header, header, ffi.sizeof(header[0]))
        return Reply(error, after_header, after_body)

    def ctrl(
        self, kind: int, name: str = "", body: Any = None, options: Sequence[Option] = ()
    ) -> Any:
        """One NIOCCTRL that is expected to work; the body that came back."""
        reply = self.request(kind, name, body, options)
        check(reply.error)
        return reply.body

    def register(
        self,
        name: str,
        mode: int = lib.NR_REG_ALL_NIC,
        options: Sequence[Option] = (),
        map_it: bool = True,
        **fields: int,
    ) -> Any:
        """Bind the file (fields: ringid, flags, mem_id, tx_slots, ...) and map its region."""
        body = struct("nmreq_register", nr_mode=mode, **{f"nr_{k}": v for k, v in fields.items()})
        self.reg = self.ctrl(lib.NETMAP_REQ_REGISTER, name, body, options)
        if map_it:
            self.find_rings()
        return self.reg

    def find_rings(self) -> None:
        """Map the region and look the rings up, as libnetmap does."""
        base = self.mmap(0, self.reg.nr_memsize)
        self.nifp = ffi.cast("struct netmap_if *", base + self.reg.nr_offset)
        ntx = self.nifp.ni_tx_rings + self.nifp.ni_host_tx_rings
        nrx = self.nifp.ni_rx_rings + self.nifp.ni_host_rx_rings
        offsets = [self.nifp.ring_ofs[i] for i in range(ntx + nrx)]
        start = ffi.cast("uint8_t *", self.nifp)
        rings = [
            Ring(ffi.cast("struct netmap_ring *", start + ofs)) if ofs else None for ofs in offsets
        ]
        self.tx = [ring for ring in rings[:ntx] if ring]
        self.rx = [ring for ring in rings[ntx:] if ring]

    def port_info(self, name: str = "", **fields: int) -> Any:
        """NETMAP_REQ_PORT_INFO_GET."""
        body = struct("nmreq_port_info_get", **{f"nr_{k}": v for k, v in fields.items()})
        return self.ctrl(lib.NETMAP_REQ_PORT_INFO_GET, name, body)

    # -- the other calls --------------------------------------------------------

    def txsync(self) -> None:
        """NIOCTXSYNC."""
        check(lib.nmh_txsync(self.raw))

    def rxsync(self) -> None:
        """NIOCRXSYNC."""
        check(lib.nmh_rxsync(self.raw))

    def poll(self, events: int = POLLIN | POLLOUT) -> int:
        """poll() with no time-out."""
        return int(lib.nmh_poll_now(self.raw, events))

    def sleep(self, events: int, timeout_ms: int = 20000) -> int:
        """poll() that sleeps; the time-out only ends a test that has failed."""
        return int(lib.nmh_poll_sleep(self.raw, events, timeout_ms))

    @contextlib.contextmanager
    def sleeper(self, events: int = POLLIN) -> Iterator[Sleeper]:
        """Somebody asleep in poll() on this file."""
        ready = ffi.new("int *")
        raw = lib.nmh_sleeper_new(self.raw, events, ready)
        try:
            yield Sleeper(raw, ready[0])
        finally:
            lib.nmh_sleeper_free(raw)

    def mmap(self, offset: int, size: int) -> Any:
        """A mapping of the region, as uint8_t *."""
        user = ffi.new("void **")
        check(lib.nmh_mmap(self.raw, offset, size, user))
        self._maps.append((user[0], size))
        return ffi.cast("uint8_t *", user[0])

    def close(self) -> None:
        """Close the file and unmap what it mapped; harmless when closed."""
        if self.raw is not None:
            self.unmap()
            lib.nmh_close(self.raw)
            self.raw = None
            self.core.handles.remove(self)

    def unmap(self) -> None:
        """munmap() everything; the rings cannot be used any more."""
        for user, size in self._maps:
            lib.nmh_munmap(user, size)
        self._maps, self.tx, self.rx, self.nifp = [], [], [], None

    # -- packets ----------------------------------------------------------------

    def send(self, packets: Iterable[bytes], ring: int = 0, flags: int = 0) -> None:
        """Put packets into one tx ring, syncing whenever it is full and at the end."""
        tx = self.tx[ring]
        for packet in packets:
            if tx.space() == 0:
                self.txsync()
                if tx.space() == 0:
                    raise BlockingIOError("the tx ring is full")
            tx.put(packet, flags)
        self.txsync()

    def receive(self, ring: int = 0) -> list[bytes]:
        """Everything that has arrived on one rx ring; the slots are given back."""
        self.rxsync()
        got = self.rx[ring].take()
        self.rxsync()
        return got

    def receive_all(self) -> list[bytes]:
        """Everything that has arrived on any rx ring."""
        self.rxsync()
        got = [packet for ring in self.rx for packet in ring.take()]
        self.rxsync()
        return got


@dataclass
class Sleeper:
    """A recorded poll: what it found at first, and who woke it since."""

    raw: Any
    ready: int

    @property
    def wakes(self) -> int:
        """How often it was woken."""
        return int(lib.nmh_sleeper_wakes(self.raw))

    def wait(self, seen: int = 0, timeout_ms: int = 20000) -> bool:
        """Sleep until woken more often than `seen`; False: never."""
        return bool(lib.nmh_sleeper_wait(self.raw, seen, timeout_ms))


class Nic:
    """A fake NIC, attached."""

    def __init__(self, core: Core, name: str, ns: Any, config: dict[str, int]) -> None:
        self.core = core
        self.name = name
        defaults = {"tx_rings": 1, "rx_rings": 1, "tx_slots": 64, "rx_slots": 64}
        cfg = ffi.new("struct nmh_nic_config *", defaults | config)
        err = ffi.new("int *")
        self.raw = lib.nmh_nic_new(ns, name.encode(), cfg, err)
        check(err[0])

    def receive(self, packet: bytes, queue: int = 0) -> None:
        """A packet arrives from the wire."""
        check(lib.nmh_nic_receive(self.raw, queue, packet, len(packet)))

    def receive_if_on(self, packet: bytes, queue: int = 0) -> None:
        """As receive(), where the ring may be off or full."""
        lib.nmh_nic_receive(self.raw, queue, packet, len(packet))

    def sent(self, queue: int = 0) -> list[bytes]:
        """What the NIC has sent since the last time."""
        out, buf = [], ffi.new("uint8_t[]", 65536)
        while n := lib.nmh_nic_take_sent(self.raw, queue, buf, len(buf)):
            out.append(bytes(ffi.buffer(buf, n)))
        return out

    def rx_irq(self, queue: int = 0) -> int:
        """An rx interrupt, now."""
        return int(lib.nmh_nic_rx_irq(self.raw, queue))

    def tx_irq(self, queue: int = 0) -> int:
        """A tx interrupt, now."""
        return int(lib.nmh_nic_tx_irq(self.raw, queue))

    def common_irq(self, tx: bool, queue: int = 0) -> int:
        """An interrupt of a driver that knows the adapter, now."""
        return int(lib.nmh_nic_common_irq(self.raw, tx, queue))

    def reports(self, tx_rings: int, rx_rings: int, tx_slots: int, rx_slots: int) -> None:
        """The driver's numbers change; who asks anew learns it."""
        lib.nmh_nic_reports(self.raw, tx_rings, rx_rings, tx_slots, rx_slots)

    def wire(self, other: Nic | None) -> None:
        """Plug a cable in, or out."""
        lib.nmh_nic_wire(self.raw, other.raw if other else ffi.NULL)

    def hold(self, on: bool = True) -> None:
        """The hardware pauses, or sends what it was handed meanwhile."""
        lib.nmh_nic_hold(self.raw, on)

    def rx_irq_at(self, at: int, queue: int = 0) -> None:
        """An rx interrupt at the at-th point of whatever this thread does next."""
        lib.nmh_nic_rx_irq_at(self.raw, queue, at)

    def irq_in_sync(self, source: Nic, tx: bool, queue: int = 0, source_queue: int = 0) -> None:
        """In the middle of this queue's next sync comes an rx interrupt of `source`."""
        lib.nmh_nic_irq_in_sync(self.raw, tx, queue, source.raw, source_queue)

    def reset(self, at: int = 0) -> None:
        """The link flaps: the rings start anew at NIC index `at`."""
        lib.nmh_nic_reset(self.raw, at)

    def detach(self) -> None:
        """The driver goes."""
        lib.nmh_nic_detach(self.raw)

    @property
    def stats(self) -> Any:
        """struct nmh_nic_stats."""
        st = ffi.new("struct nmh_nic_stats *")
        lib.nmh_nic_stats(self.raw, st)
        return st

    def free(self) -> None:
        """The device goes; nobody may refer to its interface any more."""
        refs = lib.nmh_nic_free(self.raw)
        self.core.nics.remove(self)
        assert refs == 0, f"{self.name}: {refs - 1} reference(s) to the interface are left"


class Core:
    """The core, initialised; one at a time in a process."""

    def __init__(self, **params: int) -> None:
        lib.nmh_params_reset()
        for name, value in params.items():
            self.set_param(name, value)
        self.arena = Arena()
        self.handles: list[Handle] = []
        self.nics: list[Nic] = []
        self.seconds = 1000
        lib.nmh_clock(self.seconds, 0)
        check(lib.nmh_init())
        self.ns = lib.nmh_ns_new()
        self.other_ns: list[Any] = []

    def __enter__(self) -> Core:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close(check_leaks=kind is None)

    def new_ns(self) -> Any:
        """A further namespace, freed with the core."""
        self.other_ns.append(lib.nmh_ns_new())
        return self.other_ns[-1]

    def try_open(self, ns: Any = None) -> Handle | None:
        """open(), None when the core has no memory."""
        raw = lib.nmh_open(ns or self.ns)
        if raw == ffi.NULL:
            return None
        self.handles.append(Handle(self, raw))
        return self.handles[-1]

    def open(self, name: str | None = None, ns: Any = None, **fields: Any) -> Handle:
        """open(), and register() when there is a name."""
        handle = self.try_open(ns)
        if handle is None:
            check(12)
        assert handle is not None
        if name is not None:
            try:
                handle.register(name, **fields)
            except OSError:
                handle.close()
                raise
        return handle

    def nic(self, name: str, ns: Any = None, **config: int) -> Nic:
        """A fake NIC; config: the fields of struct nmh_nic_config."""
        nic = Nic(self, name, ns or self.ns, config)
        self.nics.append(nic)
        return nic

    def set_param(self, name: str, value: int) -> None:
        """Write a parameter as an administrator would."""
        check(lib.nmh_param_set(name.encode(), value))

    def param(self, name: str) -> int:
        """Read a parameter."""
        value = ffi.new("int64_t *")
        check(lib.nmh_param_get(name.encode(), value))
        return int(value[0])

    def pass_time(self, seconds: int) -> None:
        """Move the clock."""
        self.seconds += seconds
        lib.nmh_clock(self.seconds & 0xFFFFFFFF, 0)

    @contextlib.contextmanager
    def failing(self, nth: int) -> Iterator[None]:
        """The nth allocation of the core inside the block fails; 0 counts only."""
        lib.nmh_alloc_fail(nth)
        try:
            yield
        finally:
            self.allocations = int(lib.nmh_alloc_count())
            self.failed = bool(lib.nmh_alloc_failed())
            lib.nmh_alloc_fail(0)

    @contextlib.contextmanager
    def hostile(self, kind: int = 1) -> Iterator[None]:
        """The program overwrites whatever the core has read (hostile build)."""
        check(lib.nmh_hostile(kind))
        try:
            yield
        finally:
            check(lib.nmh_hostile(0))

    def logged(self) -> list[str]:
        """The lines logged since the last time."""
        lines, buf = [], ffi.new("char[]", 256)
        while lib.nmh_log_take(buf, len(buf)):
            lines.append(ffi.string(buf).decode())
        return lines

    def live(self) -> int:
        """Blocks and regions that the core has now."""
        return int(lib.nmh_live())

    def live_describe(self) -> str:
        """Where they come from."""
        buf = ffi.new("char[]", 4096)
        lib.nmh_live_describe(buf, len(buf))
        return _with_places(ffi.string(buf).decode())

    def close(self, check_leaks: bool = True) -> None:
        """Close everything and end the core."""
        for handle in list(self.handles):
            handle.close()
        for nic in list(self.nics):
            nic.free()
        for page in range(self.arena.base, self.arena.base + self.arena.size, 4096):
            lib.nmh_arena_fault(page, False)
        lib.nmh_alloc_fail(0)
        lib.nmh_irq_disarm()
        for ns in [self.ns, *self.other_ns]:
            lib.nmh_ns_free(ns)
        lib.nmh_fini()
        lib.nmh_check_freed()
        if check_leaks:
            assert lib.nmh_live() == 0, f"the core left memory behind:\n{self.live_describe()}"


def struct(name: str, **fields: int) -> Any:
    """A struct of netmap.h with some fields set, the others zero."""
    made = ffi.new(f"struct {name} *")
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def _is_bytes(body: Any) -> bool:
    return isinstance(body, bytes | bytearray)


def _raw(body: Any) -> bytes:
    return bytes(ffi.buffer(body))


def _with_places(text: str) -> str:
    """Turn return addresses into function names."""
    maps = Path("/proc/self/maps").read_text().splitlines()
    bases = [int(line.partition("-")[0], 16) for line in maps if line.endswith(LIBRARY.name)]
    out = []
    for line in text.splitlines():
        what, sep, address = line.partition(" from 0x")
        if sep and bases:
            offset = int(address, 16) - min(bases)
            command = ["addr2line", "-fse", str(LIBRARY), hex(offset)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            line = f"{what} from {' '.join(done.stdout.split())}"
        out.append(line)
    return "\n".join(out)

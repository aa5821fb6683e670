# SPDX-License-Identifier: BSD-2-Clause
"""Start QEMU, follow its results line, and end just that one machine when its time is over."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from . import board
from .protocol import Parser

_APPEND = "loglevel=5 panic=-1 mitigations=off log_buf_len=4M"
EMULATION = "tcg,thread=multi"
_LAST_WORDS = 10.0  # seconds from "done" to the end of the process


@dataclass(frozen=True)
class Hardware:
    """The machine. With icount a guest nanosecond is one instruction, on one processor.

    An empty accel leaves the choice to whoever boots it.
    """

    accel: str = ""
    cpus: int = 2
    memory_mb: int = 2048
    icount: bool = False
    kernel_options: str = ""
    monitor: Path | None = None


@dataclass(frozen=True)
class Ended:
    """How the process ended."""

    seconds: float
    timed_out: bool
    exit_code: int


def processor(hardware: Hardware, arch: str) -> list[str]:
    """Who runs the guest's instructions: KVM, the emulator, or the emulator that counts them."""
    made = board.of(arch)
    if hardware.icount:
        return [*board.ICOUNT, "-cpu", made.counted_processor, "-smp", "1"]
    accel = hardware.accel or EMULATION
    # KVM has no processor but the real one.
    cpu = "max" if accel == "kvm" else made.processor
    return ["-accel", accel, "-cpu", cpu, "-smp", str(hardware.cpus)]


def command(
    hardware: Hardware, arch: str, kernel: Path, initramfs: Path, console: Path, results: Path
) -> list[str]:
    """The whole command line."""
    made = board.of(arch)
    return [
        board.find_qemu(arch),
        *made.machine,
        *processor(hardware, arch),
        *("-m", str(hardware.memory_mb)),
        *("-nodefaults", "-no-user-config", "-no-reboot"),
        *("-display", "none"),
        *("-monitor", f"unix:{hardware.monitor},server,nowait" if hardware.monitor else "none"),
        *made.serial_lines(console, results),
        *("-kernel", str(kernel), "-initrd", str(initramfs), "-append"),
        f"console={made.console} {_APPEND} {hardware.kernel_options}".rstrip(),
    ]


def run(argv: list[str], results: Path, errors: Path, parser: Parser, timeout: float) -> Ended:
    """Run the command until the guest is done, the process ends, or the time is over.

    The process is killed on every other way out, an interrupt from the keyboard included.
    """
    results.write_bytes(b"")
    started = time.monotonic()
    done_at: float | None = None
    timed_out = False
    with errors.open("wb") as stderr, results.open("rb") as stream:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr
        )
        try:
            while process.poll() is None:
                parser.feed(stream.read())
                now = time.monotonic()
                if parser.done and done_at is None:
                    done_at = now
                if done_at is not None and now - done_at > _LAST_WORDS:
                    break
                if done_at is None and now - started > timeout:
                    timed_out = True
                    break
                time.sleep(0.05)
        finally:
            process.kill()
            exit_code = process.wait()
            parser.feed(stream.read())
            parser.finish()
    return Ended(time.monotonic() - started, timed_out and not parser.done, exit_code)

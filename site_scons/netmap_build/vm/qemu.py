# SPDX-License-Identifier: BSD-2-Clause
"""Start QEMU, follow its results line, and end just that one machine when its time is over."""

from __future__ import annotations

import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from ..errors import BuildError
from .protocol import Parser

QEMU = "qemu-system-x86_64"
_APPEND = "console=ttyS0 loglevel=5 panic=-1 mitigations=off log_buf_len=4M"
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


def find_qemu() -> str:
    """The path of QEMU's system emulator for x86-64."""
    found = shutil.which(QEMU)
    if found is None:
        raise BuildError(f"no {QEMU} here", "apt-get install qemu-system-x86")
    return found


def command(
    hardware: Hardware, kernel: Path, initramfs: Path, console: Path, results: Path
) -> list[str]:
    """The whole command line."""
    if hardware.icount:
        # String instructions count each iteration; without these two the kernel copies by words.
        machine = ["-accel", "tcg", "-icount", "shift=0,sleep=off"]
        machine += ["-cpu", "max,erms=off,fsrm=off", "-smp", "1"]
    else:
        machine = ["-accel", hardware.accel or EMULATION, "-cpu", "max", "-smp", str(hardware.cpus)]
    return [
        find_qemu(),
        *machine,
        *("-m", str(hardware.memory_mb)),
        *("-nodefaults", "-no-user-config", "-no-reboot"),
        *("-display", "none"),
        *("-monitor", f"unix:{hardware.monitor},server,nowait" if hardware.monitor else "none"),
        *("-serial", f"file:{console}"),
        *("-serial", f"file:{results}"),
        *("-kernel", str(kernel), "-initrd", str(initramfs), "-append"),
        f"{_APPEND} {hardware.kernel_options}".rstrip(),
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

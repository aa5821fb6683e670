# SPDX-License-Identifier: BSD-2-Clause
"""Does hardware virtualisation really work here?

A /dev/kvm that opens, and even makes machines, proves nothing: nested without support it runs a
few firmware instructions and then stands still. So a kernel is booted, once, and the answer is
kept in a file for as long as host kernel, QEMU and guest kernel stay the same.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
import subprocess
import tempfile
from pathlib import Path

from .. import arch as architectures
from ..errors import say
from . import board, qemu
from .initramfs import Contents, build
from .protocol import Parser
from .target import Target

DEVICE = Path("/dev/kvm")
_BOOT_SECONDS = 10.0


def obstacle(target: Target) -> str:
    """Why guests of this target cannot run under KVM; an empty string when they can.

    The answer of the boot is kept in the target's work folder.
    """
    host = architectures.host().name
    if target.arch != host:
        return f"{target.arch} on {host}"
    if not DEVICE.exists():
        return f"there is no {DEVICE}"
    if not os.access(DEVICE, os.R_OK | os.W_OK):
        return f"{DEVICE} is not open to this user; the group kvm may use it"
    if not _works(target.kernel_image, target.work_dir / "kvm.json"):
        return f"{DEVICE} is there, but a machine stands still in it"
    return ""


def announce(target: Target) -> None:
    """One line for people where guests are emulated."""
    why = obstacle(target)
    if why:
        say(f"netmap: no KVM here ({why}): emulating, slower")


def _works(kernel: Path, cache: Path) -> bool:
    key = _fingerprint(kernel)
    known = _read(cache)
    if known.get("key") == key:
        return known.get("works") is True
    answer = _boots(kernel)
    cache.parent.mkdir(parents=True, exist_ok=True)
    cache.write_text(json.dumps({"key": key, "works": answer}) + "\n")
    return answer


def _read(cache: Path) -> dict[str, object]:
    try:
        known = json.loads(cache.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _fingerprint(kernel: Path) -> str:
    version = subprocess.run(
        [board.find_qemu(architectures.host().name), "--version"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()[0]
    return f"{platform.release()} / {version} / {kernel.name}"


def _boots(kernel: Path) -> bool:
    token = secrets.token_hex(8)
    parser = Parser(token)
    with tempfile.TemporaryDirectory(prefix="netmap-kvm-") as name:
        folder = Path(name)
        image = folder / "initramfs"
        image.write_bytes(build(Contents(), [], token))
        hardware = qemu.Hardware(accel="kvm", cpus=1, memory_mb=512)
        results = folder / "results"
        arch = architectures.host().name
        argv = qemu.command(hardware, arch, kernel, image, folder / "console", results)
        qemu.run(argv, results, folder / "stderr", parser, _BOOT_SECONDS)
    return parser.done

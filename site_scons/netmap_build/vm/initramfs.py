# SPDX-License-Identifier: BSD-2-Clause
"""Put together the guest's initramfs: busybox, modules, programs with libraries, steps, /init."""

from __future__ import annotations

import platform
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from .. import arch as architectures
from ..errors import BuildError
from . import board
from .agent import Step, init_script, step_list
from .cpio import Archive
from .elf import is_elf64, is_static, machine
from .modules import Module
from .programs import shared_libraries


@dataclass(frozen=True)
class Contents:
    """What a guest holds. Extra files map a path in the guest to a file here."""

    programs: tuple[Path, ...] = ()
    library_dirs: tuple[Path, ...] = ()
    boot_modules: tuple[Module, ...] = ()
    extra_files: dict[str, Path] = field(default_factory=dict)
    settle_seconds: int = 0
    arch: str = field(default_factory=platform.machine)
    busybox: Path | None = None  # none: the one that is installed here
    cc: str = "cc"  # knows where the libraries of programs lie


def find_busybox() -> Path:
    """A busybox that needs no library."""
    for place in (shutil.which("busybox"), "/bin/busybox", "/usr/bin/busybox"):
        if place is None or not Path(place).exists():
            continue
        data = Path(place).read_bytes()
        if is_elf64(data) and is_static(data):
            return Path(place)
    raise BuildError(
        "no static busybox here",
        "type: sudo apt-get install --no-install-recommends busybox-static",
    )


def busybox(contents: Contents) -> bytes:
    """The guest's busybox, of the guest's architecture."""
    path = contents.busybox or find_busybox()
    data = path.read_bytes()
    wanted = architectures.chosen(contents.arch)
    if not is_elf64(data) or not is_static(data) or machine(data) != wanted.elf:
        raise BuildError(f"{path} is no static busybox for {wanted.name}", "type: ./sconsw fetch")
    return data


def build(contents: Contents, steps: list[Step], token: str) -> bytes:
    """The archive's bytes, uncompressed: unpacking would cost more than reading in an emulator."""
    archive = Archive()
    archive.add_character_device("dev/console", 5, 1)
    archive.add_file("bin/busybox", busybox(contents), executable=True)
    for module in contents.boot_modules:
        archive.add_file(f"lib/modules/{module.name}.ko", module.data)
    for program in contents.programs:
        if not program.exists():
            raise BuildError(f"no program {program}", "type: ./sconsw")
        archive.add_file(f"bin/{program.name}", program.read_bytes(), executable=True)
        libraries = shared_libraries(program, contents.library_dirs, contents.cc)
        for place, library in libraries.items():
            archive.add_file(place, library.read_bytes(), executable=True)
    for place, source in contents.extra_files.items():
        archive.add_file(place, source.read_bytes(), executable=source.stat().st_mode & 0o100 != 0)
    for number, step in enumerate(steps):
        archive.add_file(f"steps/{number:03d}", step.script.encode() + b"\n")
    archive.add_file("steps/list", step_list(steps).encode())
    names = [module.name for module in contents.boot_modules]
    results = board.of(contents.arch).results
    init = init_script(token, names, contents.settle_seconds, results)
    archive.add_file("init", init.encode(), executable=True)
    return archive.to_bytes()

# SPDX-License-Identifier: BSD-2-Clause
"""Find kernel modules and what they need, from the modules themselves.

A kernel image that was only unpacked has no modules.dep (depmod writes that at installation), so
dependencies are read from each module's own .modinfo section. That also covers a module which is
not in the tree at all, such as a netmap.ko that was just built.
"""

from __future__ import annotations

import lzma
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ..errors import BuildError
from .elf import section

_SUFFIXES = (".ko", ".ko.xz", ".ko.zst")


@dataclass(frozen=True)
class Module:
    """A module ready for insmod: its name and its uncompressed contents."""

    name: str
    data: bytes


def read_module(path: Path) -> bytes:
    """The module's ELF image, uncompressed."""
    raw = path.read_bytes()
    if path.name.endswith(".xz"):
        return lzma.decompress(raw)
    if path.name.endswith(".zst"):
        zstd = shutil.which("zstd")
        if zstd is None:
            raise BuildError(f"{path.name} is compressed with zstd", "type: apt-get install zstd")
        return subprocess.run([zstd, "-dc"], input=raw, stdout=subprocess.PIPE, check=True).stdout
    return raw


def module_name(path: Path) -> str:
    """The kernel's name for the module in that file: no suffix, underscores for dashes."""
    return path.name.split(".ko", 1)[0].replace("-", "_")


def depends(data: bytes) -> tuple[str, ...]:
    """The modules that must be loaded before this one."""
    info = section(data, ".modinfo") or b""
    for item in info.split(b"\0"):
        if item.startswith(b"depends="):
            names = item[len(b"depends=") :].decode().split(",")
            return tuple(name.replace("-", "_") for name in names if name)
    return ()


def version_magic(data: bytes) -> str:
    """The kernel version that the module was built for, or an empty string."""
    for item in (section(data, ".modinfo") or b"").split(b"\0"):
        if item.startswith(b"vermagic="):
            return item[len(b"vermagic=") :].decode().split(" ", 1)[0]
    return ""


class ModuleTree:
    """The modules of one kernel, found under its lib/modules/<version> folder."""

    def __init__(self, folder: Path) -> None:
        self._paths: dict[str, Path] = {}
        for path in sorted(folder.rglob("*.ko*")):
            if path.name.endswith(_SUFFIXES):
                self._paths.setdefault(module_name(path), path)
        self._builtin: set[str] = set()
        listing = folder / "modules.builtin"
        if listing.exists():
            lines = listing.read_text().splitlines()
            self._builtin = {module_name(Path(line)) for line in lines}

    def load_order(self, names: list[str], extra: tuple[Module, ...] = ()) -> list[Module]:
        """Everything to insmod for these names, dependencies first, what is built in left out.

        The extra modules are not loaded by this list; only what they depend on is added to it.
        """
        order: list[Module] = []
        seen: set[str] = set()

        def visit(name: str, needed_by: str) -> None:
            if name in seen or name in self._builtin:
                return
            seen.add(name)
            path = self._paths.get(name)
            if path is None:
                raise BuildError(
                    f"the kernel has no module {name} (needed by {needed_by})",
                    "type: ./sconsw kernel=default",
                )
            data = read_module(path)
            for other in depends(data):
                visit(other, name)
            order.append(Module(name, data))

        for name in names:
            visit(name.replace("-", "_"), "the request")
        for module in extra:
            for other in depends(module.data):
                visit(other, module.name)
        return order

# SPDX-License-Identifier: BSD-2-Clause
"""The targets people type, what each does, and what it needs from the system."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .errors import BuildError
from .options import DRIVER_OPTIONS, closest, columns, unknown_option

SYSTEMS = ("linux", "freebsd", "windows")


@dataclass(frozen=True)
class Target:
    """One word a person may type after ./sconsw."""

    name: str
    help: str


TABLE: tuple[Target, ...] = (
    Target("all", "netmap.ko, the library and the programs (what no target means too)"),
    Target("module", "netmap.ko alone"),
    Target("lib", "libnetmap, shared and static"),
    Target("apps", "the programs"),
    Target("test", "unit, hosted, abi, library and VM smoke tests; about 5 minutes"),
    Target("test-all", "every test; the time of each layer is printed at the end"),
    Target("test-unit", "the build's own logic"),
    Target("test-hosted", "the core as an ordinary library, with sanitizers"),
    Target("test-libnetmap", "the library and pkt-gen against a netmap of their own"),
    Target("test-abi", "headers and layouts against the fixed interface"),
    Target("test-cross", "the core compiled for the kernels of FreeBSD and Windows"),
    Target("test-install", "what install puts where, and programs built with it"),
    Target("test-vm", "the real module in a real kernel in qemu"),
    Target("test-arm64", "built for arm64 and run in an emulated machine"),
    Target("test-kernels", "built for and booted on Debian's kernels from 5.10 to the newest"),
    Target("test-containers", "a newcomer's first steps on a clean Debian 12"),
    Target("try", "boot a small VM with what was built: pkt-gen over VALE"),
    Target("matrix", "every supported kernel: does the module build, does it boot"),
    Target("bench", "instructions per packet in the VM"),
    Target("fuzz", "inputs of any shape against core and library, a minute each; see fuzz-args"),
    Target("fetch", "download what the build and the tests need"),
    Target("install", "build, then put it all into prefix= and the kernel's modules"),
    Target("uninstall", "remove what install put there, and nothing else"),
    Target("help", "explain one option: help option=kernel-dir"),
    Target("show-apps", "name the programs, and which of them are chosen"),
    Target("clean", "remove what was built"),
    Target("reset", "forget the remembered options"),
)

# Work done before any SCons node exists.
IMMEDIATE = ("uninstall", "help", "show-apps", "clean", "reset")


def names() -> list[str]:
    return [target.name for target in TABLE]


def check(asked: Iterable[str], top: Path) -> None:
    """Refuse a word that is no target and no file under build/."""
    for word in asked:
        if word in names() or is_built_file(word, top):
            continue
        if word in DRIVER_OPTIONS:
            raise unknown_option(word)
        like = closest(word.rstrip("/"), [*names(), *SYSTEMS])
        if like in SYSTEMS:
            raise BuildError(
                f"{word} is no target; a system to build for is an option",
                f"type: ./sconsw os={like}",
            )
        raise BuildError(
            f"there is no target {word}" + (f"; the closest is {like}" if like else ""),
            f"type: ./sconsw {like}" if like else "type: ./sconsw -h",
        )


def is_built_file(word: str, top: Path) -> bool:
    """Single files may be asked for by their path under build/."""
    path = Path(os.path.normpath(top / word))
    return (top / "build") in path.parents or path == top / "compile_commands.json"


def help_table() -> str:
    return columns((target.name, target.help) for target in TABLE)

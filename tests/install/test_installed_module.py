# SPDX-License-Identifier: BSD-2-Clause
"""The module as the tools of the system find it in an installed tree."""

from __future__ import annotations

import os
import shutil
import subprocess

from staged import Staged

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def tool(name: str, *words: str) -> str:
    program = shutil.which(name, path=PATH)
    assert program is not None
    done = subprocess.run([program, *words], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


def test_modprobe_finds_the_module(installed: Staged) -> None:
    release = installed.built.release
    said = tool("modprobe", "-d", str(installed.root), "-S", release, "--show-depends", "netmap")
    module = installed.root / "lib/modules" / release / "updates/netmap/netmap.ko"
    assert said.splitlines()[-1] == f"insmod {module}"


def test_modinfo_tells_what_was_installed(installed: Staged) -> None:
    words = ["-b", str(installed.root), "-k", installed.built.release, "-F"]
    assert tool("modinfo", *words, "version", "netmap") == installed.built.version
    magic = tool("modinfo", *words, "vermagic", "netmap")
    assert magic.split()[0] == installed.built.release


def test_the_module_comes_before_one_of_the_kernels_own(installed: Staged) -> None:
    release = installed.built.release
    listed = (installed.root / "lib/modules" / release / "modules.dep").read_text()
    assert "updates/netmap/netmap.ko:" in listed.splitlines()


def test_drivers_find_the_symbols_beside_the_module(installed: Staged) -> None:
    folder = installed.root / "lib/modules" / installed.built.release / "updates/netmap"
    names = {line.split("\t")[1] for line in (folder / "Module.symvers").read_text().splitlines()}
    assert {"netmap_attach", "netmap_detach", "netmap_rx_irq"} <= names

# SPDX-License-Identifier: BSD-2-Clause
"""The staged tree by make alone, as machines without Python build it, with all its switches."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from elftools.elf.elffile import ELFFile
from netmap_build.vm import Target

WORDS = ["NETMAP_DISABLE=vale pipe null", "NETMAP_MODNAME=netmap_dev"]


def make(folder: Path, kernel: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """make in a copy of the tree, for the kernel that the build was for."""
    facts = json.loads((kernel / "kernel.json").read_text())
    command = ["make", "-C", str(folder), "-s", "-j2", f"KDIR={facts['headers']}", *words]
    command += ["LLVM=1"] if facts["llvm"] else []
    return subprocess.run(
        command,
        env={"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", "LC_ALL": "C"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def functions(module: Path) -> set[str]:
    with module.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        return {symbol.name for symbol in table.iter_symbols()}


def test_make_leaves_parts_out_renames_the_module_and_installs_it(
    target: Target, tmp_path: Path
) -> None:
    assert target.netmap_ko is not None
    stage = target.netmap_ko.parent
    folder = tmp_path / "tree"
    staged = json.loads((stage / ".staged").read_text())
    for name in [*staged, "netmap_probes.h"]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(stage / name, folder / name)
    done = make(folder, stage.parent, *WORDS)
    assert done.returncode == 0, done.stdout
    assert "warning" not in done.stdout
    found = functions(folder / "netmap_dev.ko")
    assert "nm_port_init" in found
    assert not [name for name in found if name.startswith(("nm_vale", "nm_pipe", "nm_null"))]
    root = tmp_path / "root"
    done = make(
        *(folder, stage.parent, *WORDS, "modules_install"),
        *(f"INSTALL_MOD_PATH={root}", "INSTALL_MOD_DIR=updates/netmap"),
    )
    assert done.returncode == 0, done.stdout
    place = root / "lib/modules" / target.kernel_version / "updates/netmap/netmap_dev.ko"
    assert place.exists()


def test_make_refuses_to_leave_out_what_it_does_not_know(target: Target, tmp_path: Path) -> None:
    assert target.netmap_ko is not None
    stage = target.netmap_ko.parent
    for name in ("Kbuild", "Makefile", "VERSION"):
        shutil.copy(stage / name, tmp_path)
    (tmp_path / "netmap_probes.h").touch()
    done = make(tmp_path, stage.parent, "NETMAP_DISABLE=vale monitor")
    assert done.returncode != 0
    assert '"monitor" cannot be left out, only vale pipe null' in done.stdout

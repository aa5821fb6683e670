# SPDX-License-Identifier: BSD-2-Clause
"""The files of the real build, where they lie and what they are."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import staged
from netmap_build.layout import Places
from netmap_build.vm import Target
from staged import Staged

# Every file but the manual pages, with its mode; @ is the kernel's release, % our version.
GOLDEN = """\
644 etc/udev/rules.d/60-netmap.rules
644 lib/modules/@/updates/netmap/Module.symvers
644 lib/modules/@/updates/netmap/netmap.ko
755 usr/local/bin/pkt-gen
755 usr/local/bin/vale-ctl
644 usr/local/include/libnetmap.h
644 usr/local/include/net/netmap.h
644 usr/local/include/net/netmap_legacy.h
644 usr/local/include/net/netmap_user.h
644 usr/local/include/net/netmap_virt.h
644 usr/local/lib/libnetmap.a
--> usr/local/lib/libnetmap.so libnetmap.so.0
--> usr/local/lib/libnetmap.so.0 libnetmap.so.%
755 usr/local/lib/libnetmap.so.%
644 usr/local/lib/pkgconfig/libnetmap.pc
644 var/lib/netmap/installed.json
"""
OF_THE_KERNEL = re.compile(r"lib/modules/[^/]+/(modules\.|kernel)")


def listing(root: Path, release: str) -> str:
    lines = []
    for path in sorted(root.rglob("*"), key=lambda path: path.relative_to(root).as_posix()):
        name = path.relative_to(root).as_posix()
        if OF_THE_KERNEL.match(name) or "/share/man/" in name:
            continue
        if path.is_symlink():
            lines.append(f"--> {name} {path.readlink()}")
        elif path.is_file():
            lines.append(f"{path.stat().st_mode & 0o7777:o} {name}")
    return "".join(f"{line}\n" for line in lines).replace(release, "@")


def test_the_tree_is_the_one_that_packagers_know(installed: Staged) -> None:
    version = (installed.top / "VERSION").read_text().strip()
    found = listing(installed.root, installed.built.release)
    assert found.replace(f"libnetmap.so.{version}", "libnetmap.so.%") == GOLDEN


def test_every_manual_page_is_there_under_its_section(installed: Staged) -> None:
    pages = {path.name for path in (installed.top / "docs/man").glob("*.[1-9]")}
    assert pages
    found = {path.name: path for path in (installed.prefix / "share/man").rglob("*.*")}
    assert set(found) == pages
    for name, path in found.items():
        section = name[-1]
        assert path.parent.name == f"man{section}"
        title = f"^\\.(Dt|TH) \\S+ {section}"
        assert re.search(title, path.read_text(), re.MULTILINE), name


def test_every_program_has_a_manual_page(installed: Staged) -> None:
    pages = {path.stem for path in (installed.prefix / "share/man").glob("man[18]/*")}
    assert {path.name for path in (installed.prefix / "bin").iterdir()} <= pages


def test_no_file_names_the_folder_it_was_built_in(installed: Staged) -> None:
    here = str(installed.top).encode()
    naming = [
        path.name
        for path in installed.root.rglob("*")
        if path.is_file() and not path.is_symlink() and here in path.read_bytes()
    ]
    assert naming == []


def test_the_installed_programs_run(installed: Staged) -> None:
    for name in ("pkt-gen", "vale-ctl"):
        done = subprocess.run(
            [installed.prefix / "bin" / name, "-h"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert "-h" in done.stdout


def test_uninstall_leaves_kernel_and_strangers_as_they_were(target: Target, tmp_path: Path) -> None:
    staged.put_kernel(tmp_path, target)
    strangers = ("usr/local/bin/bridge", "etc/udev/rules.d/70-other.rules", "usr/local/lib/x.so")
    for name in strangers:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("of somebody else")
    before = staged.snapshot(tmp_path)
    made = staged.stage(tmp_path, target)
    assert len(staged.snapshot(tmp_path)) > len(before) + 15
    staged.install.uninstall(made.order)
    assert staged.snapshot(tmp_path) == before


def test_two_installs_are_the_same_to_the_byte(
    target: Target, tmp_path: Path, installed: Staged
) -> None:
    mask = os.umask(0o077)
    try:
        root = tmp_path / "root"
        root.mkdir(mode=0o755)
        staged.put_kernel(root, target)
        staged.stage(root, target)
    finally:
        os.umask(mask)
    first, second = staged.snapshot(installed.root), staged.snapshot(root)
    ours = [name for name in second if not OF_THE_KERNEL.match(name) and "/modules" not in name]
    assert {name: second[name] for name in ours if (root / name).is_file()} == {
        name: first[name] for name in ours if (root / name).is_file()
    }


RULE_WORD = re.compile(r'^(SUBSYSTEM|KERNEL)=="[^"]+"$|^(MODE|GROUP)="[^"]+"$')


@pytest.mark.parametrize(
    ("places", "name"),
    [(Places(), "etc/udev/rules.d"), (Places("/usr"), "usr/lib/udev/rules.d")],
)
def test_the_udev_rule_gives_the_device_to_its_group_and_stands_alone_without_it(
    target: Target, tmp_path: Path, places: Places, name: str
) -> None:
    staged.stage(tmp_path, target, places)
    rule = tmp_path / name / "60-netmap.rules"
    lines = [line for line in rule.read_text().splitlines() if line and line[0] != "#"]
    words = [[word.strip() for word in line.split(",")] for line in lines]
    assert all(RULE_WORD.match(word) for line in words for word in line)
    assert all('KERNEL=="netmap"' in line for line in words)
    assigned = [[word for word in line if "==" not in word] for line in words]
    assert assigned == [['MODE="0660"'], ['GROUP="netmap"']]
    udevadm = shutil.which("udevadm")
    if udevadm and knows_verify(udevadm):
        done = subprocess.run(
            [udevadm, "verify", "--resolve-names=never", rule], capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr


def knows_verify(udevadm: str) -> bool:
    done = subprocess.run([udevadm, "verify", "--help"], capture_output=True, check=False)
    return done.returncode == 0

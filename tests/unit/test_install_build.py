# SPDX-License-Identifier: BSD-2-Clause
"""install, uninstall and the switches of the module, typed to SCons over a small checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from netmap_build import venvs
from test_build import TOP, Checkout, checkout

__all__ = ["checkout"]  # the fixture
NOBODY = 65534
SYSTEM_PYTHON = "/usr/bin/python3"  # which anybody can run


def test_install_builds_first_and_uninstall_takes_it_all_away(checkout: Checkout) -> None:
    root = checkout.top.parent / "root"
    said = checkout.build("install", f"DESTDIR={root}", "PREFIX=/usr")
    assert "files of netmap 0." in said
    module = root / "lib/modules/6.1.0-test/updates/netmap/netmap.ko"
    assert module.read_text() == (checkout.out / "stage/netmap.ko").read_text()
    assert subprocess.run([root / "usr/bin/hello"], check=False).returncode == 0
    checkout.build("uninstall", f"DESTDIR={root}")
    assert list(root.iterdir()) == []


def test_install_is_refused_before_the_build_where_the_kernel_is_not_installed(
    checkout: Checkout,
) -> None:
    done = checkout.scons("install")
    assert done.returncode == 2
    assert "netmap.ko is for kernel 6.1.0-test, which is not installed" in done.stdout
    assert not list(checkout.top.glob("build/*/stage"))


def test_the_switches_of_the_module_build_in_folders_of_their_own(checkout: Checkout) -> None:
    checkout.build("module")
    checkout.build("module", "--disable-vale", "disable-pipe=1", "disable-monitor=1")
    said = checkout.build("module", "--enable-pipe", "mod-name=netmap_dev")
    assert "disable-vale=1 (remembered)" in said
    assert "disable-pipe" not in said
    found = {
        path.name: path.read_text().splitlines()[-1]
        for path in checkout.top.glob("build/*/stage/*.ko")
        if path.name != "netmap.ko" or "without  " not in path.read_text()
    }
    assert found == {
        "netmap.ko": "/* without vale pipe */",
        "netmap_dev.ko": "/* without vale */",
    }


def test_a_part_that_is_not_there_yet_cannot_be_asked_for(checkout: Checkout) -> None:
    done = checkout.scons("module", "--enable-monitor")
    assert done.returncode == 2
    assert "there is no monitor yet" in done.stdout


def test_ld_names_the_program_that_links(checkout: Checkout) -> None:
    said = checkout.build("apps", "ld=gcc -Wl,--build-id=none", "verbose=1")
    linking = [line for line in said.splitlines() if "-o build/" in line and "/bin/hello" in line]
    assert [line[:25] for line in linking] == ["gcc -Wl,--build-id=none -"]


def test_root_installs_out_of_a_checkout_of_somebody_else_and_writes_nothing_there(
    checkout: Checkout,
) -> None:
    """The owner's SCons builds and notes what root has to do; root then only reads."""
    if os.geteuid() != 0:
        pytest.skip("only root can work in a checkout of somebody else")
    with tempfile.TemporaryDirectory() as folder:
        top, root = Path(folder) / "checkout", Path(folder) / "root"
        Path(folder).chmod(0o755)
        for name in (checkout.top, checkout.kernel):
            shutil.copytree(name, Path(folder) / name.name, symlinks=True)
        shutil.copy(TOP / "sconsw", top)
        make_environment(top)
        for path in [top, *top.rglob("*")]:
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        as_root(top, "install", f"destdir={root}", "no-install=1", f"kernel-dir={folder}/kernel")
        assert (root / "usr/local/bin/hello").stat().st_uid == 0
        assert [path for path in top.rglob("*") if path.lstat().st_uid == 0] == []
        as_root(top, "uninstall", f"destdir={root}")
        assert list(root.iterdir()) == []
        assert [path for path in top.rglob("*") if path.lstat().st_uid == 0] == []


def as_root(top: Path, *words: str) -> None:
    """The wrapper, with programs that everybody can run."""
    done = subprocess.run(
        [str(top / "sconsw"), *words],
        env={
            **os.environ,
            "NETMAP_BUILD_CACHE": str(top / "build/cache"),
            "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def make_environment(top: Path) -> None:
    """A .venv of the system's Python that the wrapper takes for current, with a copy of SCons."""
    folder = top / venvs.BUILD.folder
    shutil.copy(TOP / venvs.BUILD.lock, top)
    subprocess.run([SYSTEM_PYTHON, "-m", "venv", "--without-pip", str(folder)], check=True)
    ours = os.environ.get("NETMAP_BUILD_PYTHON", str(TOP / ".venv/bin/python"))
    find = [ours, "-c", "import SCons; print(SCons.__path__[0], end='')"]
    scons = subprocess.run(find, stdout=subprocess.PIPE, text=True, check=True).stdout
    (packages,) = folder.glob("lib/python3*/site-packages")
    shutil.copytree(scons, packages / "SCons", ignore=shutil.ignore_patterns("__pycache__"))
    facts = (
        f"import sys; sys.path.insert(0, {str(top / 'site_scons')!r}); sys.dont_write_bytecode = 1;"
        "from pathlib import Path; from netmap_build import venvs;"
        f"top = Path({str(top)!r}); lock = (top / venvs.BUILD.lock).read_bytes();"
        "folder = top / venvs.BUILD.folder;"
        "stamp = venvs.identity(lock, venvs.interpreter(), sys.version, folder);"
        "(folder / venvs.STAMP).write_text(stamp)"
    )
    subprocess.run([SYSTEM_PYTHON, "-I", "-c", facts], check=True)

# SPDX-License-Identifier: BSD-2-Clause
"""SCons itself over a checkout in small: our build files, tiny sources, a kernel made of files.

make and gcc are real; only the goals of the small linux/Makefile copy where kbuild would compile.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from netmap_build import arch, targets

TOP = Path(__file__).resolve().parents[2]
MAKEFILE = """\
probes:
\t@echo probes >> $(CURDIR)/../make.log
\t@echo '#define SOMETHING 1' > netmap_probes.h
modules:
\t@echo modules >> $(CURDIR)/../make.log
\t@cat common/core.c linux/main.c netmap_probes.h > $(or $(NETMAP_MODNAME),netmap).ko
\t@echo '/* without $(NETMAP_DISABLE) */' >> $(or $(NETMAP_MODNAME),netmap).ko
\t@touch Module.symvers
"""


@dataclass(frozen=True)
class Checkout:
    """A small checkout and the means to build it."""

    top: Path
    kernel: Path
    cache: Path

    def scons(self, *words: str, kernel: bool = True) -> subprocess.CompletedProcess[str]:
        command = [os.environ.get("NETMAP_BUILD_PYTHON", str(TOP / ".venv/bin/python"))]
        command += ["-m", "SCons", "-Q", *words]
        env = {**os.environ, "NETMAP_BUILD_CACHE": str(self.cache)}
        return subprocess.run(
            [*command, *([f"kernel-dir={self.kernel}"] if kernel else [])],
            env=env,
            cwd=self.top,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def build(self, *words: str) -> str:
        done = self.scons(*words)
        assert done.returncode == 0, done.stdout
        return done.stdout

    @property
    def out(self) -> Path:
        (found,) = self.top.glob("build/linux-*-6.1.0-test-*")
        return found

    def makes(self) -> list[str]:
        """The goals that make was started for, and forget them."""
        log = self.out / "make.log"
        goals = log.read_text().split() if log.exists() else []
        log.unlink(missing_ok=True)
        return goals


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    top = tmp_path / "checkout"
    for name in ("SConstruct", "VERSION", "toolchains.lock"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOP / name, top / name)
    shutil.copytree(
        TOP / "site_scons", top / "site_scons", ignore=shutil.ignore_patterns("__pycache__")
    )
    for folder in ("linux", "libnetmap", "apps", "tests"):
        (top / folder).mkdir()
        shutil.copy(TOP / folder / "SConscript", top / folder)
    shutil.copytree(TOP / "packaging/common", top / "packaging/common")
    for name, text in {
        "common/core.c": "int nm_core(void);\nint nm_core(void) { return 0; }\n",
        "common/include/net/netmap.h": "#define NETMAP_API 14\n",
        "linux/main.c": "/* main */\n",
        "linux/Kbuild": "",
        "linux/Makefile": MAKEFILE,
        "linux/probes/one.c": "",
        "libnetmap/lib.c": "#include <net/netmap.h>\nint nmport_a(void);\nint secret(void);\n"
        "int secret(void) { return NETMAP_API; }\nint nmport_a(void) { return secret(); }\n",
        "libnetmap/libnetmap.h": "int nmport_a(void);\n",
        "libnetmap/libnetmap.map": "LIBNETMAP_0 { global: nmport_*; local: *; };\n",
        "apps/hello/hello.c": "int nmport_a(void);\nint main(void) { return nmport_a() != 14; }\n",
    }.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    kernel = tmp_path / "kernel"
    for name, text in {
        "Makefile": "",
        ".config": "CONFIG_NET=y\n",
        "Module.symvers": "",
        "include/generated/autoconf.h": "",
        "include/config/kernel.release": "6.1.0-test\n",
    }.items():
        (kernel / name).parent.mkdir(parents=True, exist_ok=True)
        (kernel / name).write_text(text)
    return Checkout(top, kernel, tmp_path / "cache")


def test_a_build_makes_module_library_and_programs(checkout: Checkout) -> None:
    said = checkout.build()
    assert "kernel 6.1.0-test: asked for by kernel-dir=" in said.splitlines()[0]
    assert "./sconsw try" in said.splitlines()[-1]
    assert (checkout.out / "stage/netmap.ko").exists()
    (hello,) = checkout.top.glob("build/linux-*/bin/hello")
    assert subprocess.run([hello], check=False).returncode == 0


def test_the_last_build_has_names_that_stay(checkout: Checkout) -> None:
    checkout.build()
    current = checkout.top / "build/current"
    assert (current / "netmap.ko").read_text() == (checkout.out / "stage/netmap.ko").read_text()
    assert subprocess.run([current / "bin/hello"], check=False).returncode == 0
    assert (current / "lib/libnetmap.so").exists()


def test_with_nothing_to_do_make_is_not_started(checkout: Checkout) -> None:
    checkout.build()
    assert checkout.makes() == ["probes", "modules"]
    said = checkout.build()
    assert "is up to date" in said
    assert "./sconsw try" not in said
    assert checkout.makes() == []


def test_a_touched_file_with_equal_content_is_nothing_to_do(checkout: Checkout) -> None:
    checkout.build()
    checkout.makes()
    os.utime(checkout.top / "common/core.c", (1, 1))
    checkout.build()
    assert checkout.makes() == []


def test_a_changed_source_starts_make_but_not_the_probes(checkout: Checkout) -> None:
    checkout.build()
    checkout.makes()
    (checkout.top / "linux/main.c").write_text("/* changed */\n")
    checkout.build()
    assert checkout.makes() == ["modules"]
    assert "changed" in (checkout.out / "stage/netmap.ko").read_text()


def test_a_changed_kernel_starts_everything(checkout: Checkout) -> None:
    checkout.build()
    checkout.makes()
    (checkout.kernel / "Module.symvers").write_text("0x1\tsymbol\tvmlinux\tEXPORT_SYMBOL\n")
    checkout.build()
    assert checkout.makes() == ["probes", "modules"]


def test_changed_words_for_make_build_in_a_folder_of_their_own(checkout: Checkout) -> None:
    checkout.build("module")
    checkout.build("module", "kernel-opts=KCFLAGS=-g")
    assert len(list(checkout.top.glob("build/*/stage/netmap.ko"))) == 2


def test_probes_of_a_known_kernel_come_from_the_cache(checkout: Checkout) -> None:
    checkout.build("module")
    checkout.makes()
    checkout.build("clean")
    checkout.build("module")
    assert checkout.makes() == ["modules"]


def test_changed_probes_are_asked_again(checkout: Checkout) -> None:
    checkout.build("module")
    checkout.makes()
    (checkout.top / "linux/probes/one.c").write_text("/* another question */")
    checkout.build("module")
    assert checkout.makes() == ["probes", "modules"]


def test_only_the_version_scripts_names_leave_the_shared_library(checkout: Checkout) -> None:
    checkout.build("lib")
    (library,) = checkout.top.glob("build/linux-*/lib/libnetmap.so")
    names = subprocess.run(
        ["nm", "-D", "--defined-only", str(library)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    assert "nmport_a@@LIBNETMAP_0" in names
    assert "secret" not in names


def test_compile_commands_name_the_sources(checkout: Checkout) -> None:
    checkout.build()
    entries = json.loads((checkout.top / "compile_commands.json").read_text())
    files = {entry["file"] for entry in entries}
    assert {"libnetmap/lib.c", "apps/hello/hello.c"} <= files


def test_verbose_shows_the_commands_and_the_usual_build_does_not(checkout: Checkout) -> None:
    assert "-Wall" not in checkout.build("lib")
    checkout.build("clean")
    assert "gcc -o" in checkout.build("lib", "verbose=1")


def test_options_are_remembered_printed_and_cleared_by_reset(checkout: Checkout) -> None:
    checkout.build("lib", "--no-apps")
    again = checkout.scons("lib", kernel=False).stdout.splitlines()[0]
    assert "no-apps=1 (remembered)" in again
    assert f"kernel-dir={checkout.kernel} (remembered)" in again
    checkout.build("clean")
    assert (checkout.top / "build/options.toml").exists()
    checkout.scons("reset", kernel=False)
    assert not (checkout.top / "build/options.toml").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["kernel-dri=/x"], "the closest is kernel-dir"),
        (["--kernel-dri=/x"], "the closest is kernel-dir"),
        (["modul"], "the closest is module"),
        (["linux"], "os=linux"),
        (["apps=hallo"], "the closest is hello"),
    ],
)
def test_a_wrong_word_is_refused_in_two_lines(
    checkout: Checkout, words: list[str], message: str
) -> None:
    done = checkout.scons(*words)
    assert done.returncode == 2
    assert message in done.stdout
    assert "Traceback" not in done.stdout
    assert len([line for line in done.stdout.splitlines() if "kernel 6.1.0" not in line]) == 2


def test_a_failed_kbuild_names_the_kernel_and_the_next_command(checkout: Checkout) -> None:
    (checkout.top / "linux/Makefile").write_text("probes:\n\t@false\n")
    done = checkout.scons("module")
    assert done.returncode == 1
    assert "kbuild stopped for kernel 6.1.0-test" in done.stdout.splitlines()[-2]
    assert done.stdout.splitlines()[-1] == "        type: ./sconsw verbose=1 module"
    assert "scons: ***" not in done.stdout


def test_help_prints_every_target_without_building(checkout: Checkout) -> None:
    said = checkout.scons("-h", kernel=False).stdout
    assert [name for name in targets.names() if f"  {name} " not in said] == []
    assert not (checkout.top / "build").exists()


def test_every_advertised_target_can_be_typed(checkout: Checkout) -> None:
    acting = [name for name in targets.names() if name not in targets.IMMEDIATE]
    done = checkout.scons("-n", *acting)
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    for name in acting:
        assert name in lines or name in ("all", "module", "lib", "apps"), name
    assert not (checkout.top / "build").exists()


@pytest.mark.parametrize("target", targets.IMMEDIATE)
def test_every_immediate_target_can_be_typed(checkout: Checkout, target: str) -> None:
    done = checkout.scons(target, "option=cc", f"destdir={checkout.top}/root")
    assert done.returncode == 0, done.stdout
    assert done.stdout


def test_plain_build_reads_its_files_without_a_network_or_a_fetch(checkout: Checkout) -> None:
    done = checkout.scons("-n", "kernel=default", "kernel-dir=", kernel=False)
    assert done.returncode == 0, done.stdout
    assert "KBUILD" in done.stdout
    assert not checkout.cache.exists()


def test_the_build_logic_imports_no_scons() -> None:
    code = (
        "import sys, pkgutil, importlib, netmap_build\n"
        "for m in pkgutil.walk_packages(netmap_build.__path__, 'netmap_build.'):\n"
        "    importlib.import_module(m.name)\n"
        "assert not any(name.startswith('SCons') for name in sys.modules)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(TOP / "site_scons")}
    subprocess.run([sys.executable, "-c", code], env=env, check=True)


OTHER = next(known for known in arch.ALL if known != arch.host())


def test_without_the_cross_compiler_its_package_is_named(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sh", "gcc", "make", "apt-get"):
        found = shutil.which(name)
        if found:
            (programs / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(programs))
    done = checkout.scons("lib", f"arch={OTHER.debian}", "no-install=1")
    assert done.returncode != 0
    assert f"compiling for {OTHER.name} needs: {OTHER.package}" in done.stdout
    assert not list(checkout.top.glob(f"build/linux-{OTHER.name}/lib/*"))


def test_this_machines_compiler_does_not_build_for_another(checkout: Checkout) -> None:
    done = checkout.scons("lib", f"arch={OTHER.name}", "cc=gcc")
    assert done.returncode == 2
    *_, why, hint = done.stdout.splitlines()
    assert f"not for arch={OTHER.name}" in why
    assert hint.strip().startswith("type: ./sconsw arch=")

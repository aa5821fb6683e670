# SPDX-License-Identifier: BSD-2-Clause
"""An installed tree in a machine of its own: modprobe finds the module, programs the library."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from netmap_build import install, layout
from netmap_build.vm import Step, Target, Vm

pytestmark = pytest.mark.timeout(600)

PROGRAM = """\
#include <libnetmap.h>
#include <stdio.h>

int main(void)
{
\tstruct nmport_d *d = nmport_open("vale7:installed");

\tif (d == NULL)
\t\treturn 1;
\tprintf("opened %s\\n", d->hdr.nr_name);
\tnmport_close(d);
\treturn 0;
}
"""
# The harness brings what programs need; here the installed library alone is to be found.
SCRIPT = """\
rm -f /lib/libnetmap.so.0
modprobe netmap || exit 1
grep ^netmap /proc/modules
LD_LIBRARY_PATH=/usr/local/lib hello || exit 2
PATH=/usr/local/bin:$PATH
pkt-gen -i vale7:rx -f rx -n 1000 -w 0 >/tmp/rx 2>&1 &
receiver=$!
while kill -0 $receiver 2>/dev/null; do
\ttimeout -s KILL 20 pkt-gen -i vale7:tx -f tx -n 1000 -w 0 >/tmp/tx 2>&1 || exit 3
done
wait $receiver || exit 4
rmmod netmap
"""


def stage(root: Path, target: Target) -> None:
    """The build installed into a root where its kernel's lists of modules lie."""
    assert target.netmap_ko is not None
    assert target.lib_dir is not None
    assert target.bin_dir is not None
    modules = root / "lib/modules" / target.kernel_version
    modules.mkdir(parents=True)
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        shutil.copy(target.modules_dir / name, modules)
    built = layout.Built(
        "0.0.1",
        target.kernel_version,
        target.netmap_ko,
        target.netmap_ko.with_name("Module.symvers"),
        target.lib_dir,
        (target.bin_dir / "pkt-gen",),
    )
    install.install(target.root, built, install.Order(layout.Places(), str(root)))


def files_of(root: Path) -> dict[str, Path]:
    """Every file of the root, links by what they lead to, by its path in the guest."""
    return {
        path.relative_to(root).as_posix(): path
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def hello(root: Path, target: Target, folder: Path) -> Path:
    """A program of the shared library, as the installed tree has it."""
    source = folder / "hello.c"
    source.write_text(PROGRAM)
    local = root / "usr/local"
    subprocess.run(
        [
            *[target.cc, str(source), f"-I{local}/include", f"-L{local}/lib", "-lnetmap"],
            *["-o", str(folder / "hello")],
        ],
        env={**os.environ, "LC_ALL": "C"},
        check=True,
    )
    return folder / "hello"


def test_what_was_installed_is_found_and_works(target: Target, tmp_path: Path) -> None:
    root = tmp_path / "root"
    stage(root, target)
    programs = (hello(root, target, tmp_path), root / "usr/local/bin/pkt-gen")
    bare = replace(target, netmap_ko=None)  # nothing but the installed module is there
    vm = Vm(bare, programs=programs, extra_files=files_of(root))
    result = vm.run([Step("installed", SCRIPT, 120)], timeout=240, name="installed")
    step = result.step("installed")
    assert step.ok, f"{step.describe()}\n{result.describe_end()}"
    assert any(line.startswith("netmap ") for line in step.lines)
    assert "opened vale7:installed" in step.lines
    assert result.problems == []

# SPDX-License-Identifier: BSD-2-Clause
"""Two ./sconsw at once in one checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from test_build import TOP, Checkout, checkout
from test_install_build import make_environment

__all__ = ["checkout"]


def start(checkout: Checkout) -> subprocess.Popen[str]:
    env = {k: v for k, v in os.environ.items() if k != "NETMAP_LOCK_HELD"}
    return subprocess.Popen(
        [str(checkout.top / "sconsw"), "no-install=1", f"kernel-dir={checkout.kernel}"],
        cwd=checkout.top,
        env={**env, "NETMAP_BUILD_CACHE": str(checkout.cache), "PATH": "/usr/sbin:/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.slow
def test_the_second_waits_says_so_and_finds_nothing_to_do(checkout: Checkout) -> None:
    shutil.copy(TOP / "sconsw", checkout.top)
    make_environment(checkout.top)
    gate = Path(checkout.top.parent / "gate")
    os.mkfifo(gate)
    makefile = checkout.top / "linux/Makefile"
    makefile.write_text(makefile.read_text().replace("modules:\n", f"modules:\n\t@cat {gate}\n"))
    first = start(checkout)
    with gate.open("w"):  # make of the first reads it
        second = start(checkout)
        assert second.stdout is not None
        said = [second.stdout.readline() for _ in range(2)]
        assert "netmap: waiting for another ./sconsw that works in this checkout\n" in said
    first_said, _ = first.communicate()
    second_said, _ = second.communicate()
    assert (first.returncode, second.returncode) == (0, 0), first_said + second_said
    assert "KBUILD" in first_said
    assert "is up to date" in second_said
    assert checkout.makes() == ["probes", "modules"]

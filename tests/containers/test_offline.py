# SPDX-License-Identifier: BSD-2-Clause
"""After `fetch`, building and testing go on in a network namespace that has no way out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# Sets the loopback interface up (the tests of downloads talk to themselves), then goes on.
ALONE = """\
import fcntl, os, socket, struct, sys
with socket.socket() as s:
    fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
os.execv(sys.argv[1], sys.argv[1:])
"""
pytestmark = [
    pytest.mark.timeout(1500),
    pytest.mark.skipif(
        os.geteuid() != 0 or shutil.which("unshare") is None,
        reason="only root can leave the network",
    ),
]


def sconsw(clone: Path, *words: str, offline: bool) -> str:
    """A command that must succeed; returns what it said."""
    cut = ["unshare", "-n", sys.executable, "-c", ALONE]
    dropped = ("NETMAP_LOCK_HELD", "NETMAP_TYPED_IN", "NETMAP_OFFLINE")
    done = subprocess.run(
        [*(cut if offline else []), str(clone / "sconsw"), *words],
        cwd=clone,
        env={k: v for k, v in os.environ.items() if k not in dropped},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_namespace_has_no_way_out(clone: Path) -> None:
    routes = subprocess.run(
        ["unshare", "-n", sys.executable, "-c", ALONE, "/bin/cat", "/proc/net/route"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert len(routes) <= 1


def test_after_fetch_everything_goes_on_without_a_network(clone: Path) -> None:
    assert "all is here" in sconsw(clone, "fetch", offline=False)
    sconsw(clone, "offline=1", offline=True)
    assert (clone / "build/current/netmap.ko").exists()
    for target, words in {
        "test-unit": "-k 'test_options or test_cache or test_downloads'",
        "test-hosted": "-k test_vale_basic",
        "test-vm": "-m smoke",
    }.items():
        said = sconsw(clone, target, "offline=1", f"pytest-args={words}", offline=True)
        assert " passed" in said

# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures that several of the build's own tests share."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import local_mirror
import pytest
from local_mirror import Mirror
from netmap_build import network

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """An HTTP server of this test alone, asked without any proxy."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv(network.VARIABLE, raising=False)
    found, server = local_mirror.start()
    yield found
    local_mirror.stop(found, server)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run(words, stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("a small disk of its own can be mounted by root only")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)

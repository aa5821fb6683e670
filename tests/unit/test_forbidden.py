# SPDX-License-Identifier: BSD-2-Clause
"""What no file of the project may hold."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
# Spelled in parts, so that this file does not find itself.
FORBIDDEN = {
    "unsigned apt sources": re.compile("trusted" + r"\s*=\s*yes", re.IGNORECASE),
    "unauthenticated packages": re.compile("--allow-" + "unauthenticated"),
    "a machine's own paths": re.compile(r"(?<![\w.*$}])/(?:" + "work" + "|" + "farm" + r")/\w"),
    "a home folder": re.compile(r"/" + r"home/(?!\*)[a-z]|/" + r"root/\."),
}


def project_files() -> list[Path]:
    """The files under version control."""
    if shutil.which("git") is None or not (TOP / ".git").exists():
        pytest.skip("not a git checkout")
    names = subprocess.run(
        ["git", "-c", f"safe.directory={TOP}", "-C", str(TOP), "ls-files", "-z"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    return [TOP / name for name in names.split("\0") if name and (TOP / name).is_file()]


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in project_files():
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if pattern.search(line):
                found.append(f"{path.relative_to(TOP)}:{number}: {line.strip()[:100]}")
    return found


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    assert lines_with(FORBIDDEN[what]) == []


def configured_mirrors() -> set[str]:
    """The hosts that apt and pip of this machine are set up with."""
    files = [
        Path("/etc/apt/sources.list"),
        Path("/etc/pip.conf"),
        *Path("/etc/apt/sources.list.d").glob("*"),
    ]
    hosts: set[str] = set()
    for file in files:
        if file.is_file():
            hosts |= set(re.findall(r"https?://([^/\s:'\"]+)", file.read_text(errors="replace")))
    return hosts - {"localhost", "127.0.0.1"}


def test_no_file_names_a_package_mirror() -> None:
    hosts = configured_mirrors() | {"deb." + "debian.org", "pypi" + ".org", "pythonhosted" + ".org"}
    assert lines_with(re.compile("|".join(re.escape(host) for host in sorted(hosts)))) == []

# SPDX-License-Identifier: BSD-2-Clause
"""Packages of the system: named with their size first, then installed by root or asked for.

Four package managers are known. Each is asked for the size of the download without installing
anything, then told to install without questions.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import network
from .errors import BuildError, say
from .ticker import Ticker

ALONE = threading.Lock()  # two nodes may find the same thing missing


def announced(pattern: str) -> Callable[[str], str | None]:
    """A reader of the line in which a manager announces its download."""

    def find(text: str) -> str | None:
        match = re.search(pattern, text)
        return match.group(1).strip() if match else None

    return find


def apt_size(text: str) -> str | None:
    """apt names what is not in its archive cache yet, a slash, and the whole."""
    found = announced(r"Need to get ([^\n]*?) of archives")(text)
    return found.split("/")[0] if found else None


def pacman_size(text: str) -> str | None:
    """pacman prints one number of bytes a package."""
    sizes = [int(line) for line in text.split() if line.isdigit()]
    return f"{sum(sizes) / 1e6:.1f} MB" if sizes else None


@dataclass(frozen=True)
class Answer:
    """What a manager said, and its exit code."""

    code: int
    lines: list[str]

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


@dataclass(frozen=True)
class Manager:
    """How one package manager is asked and told."""

    name: str
    program: str
    systems: tuple[str, ...]  # ID or ID_LIKE in /etc/os-release
    simulate: tuple[str, ...]
    install: tuple[str, ...]
    quiet: tuple[str, ...]  # added to install where nobody can answer questions
    refresh: tuple[str, ...]
    size: Callable[[str], str | None]

    def to_type(self, packages: list[str]) -> str:
        """The command a person types, as root."""
        return " ".join([self.program, *self.install, *packages])


APT = Manager(
    "apt",
    "apt-get",
    ("debian", "ubuntu"),
    ("install", "--assume-no", "--no-install-recommends"),
    ("install", "--no-install-recommends"),
    ("-y", "-q"),
    ("update", "-q"),
    apt_size,
)
DNF = Manager(
    "dnf",
    "dnf",
    ("fedora", "rhel", "centos"),
    ("install", "--assumeno", "--setopt=install_weak_deps=False"),
    ("install", "--setopt=install_weak_deps=False"),
    ("-y", "-q"),
    ("makecache", "-q"),
    # dnf 4, then dnf 5
    announced(r"(?:Total download size:|Need to download) +([\d.]+ \w+)"),
)
ZYPPER = Manager(
    "zypper",
    "zypper",
    ("suse", "opensuse"),
    ("--non-interactive", "install", "--dry-run", "--no-recommends"),
    ("install", "--no-recommends"),
    ("-y",),
    ("--non-interactive", "refresh"),
    announced(r"(?i)(?:overall|package) download size: +([\d.]+ \w+)"),
)
PACMAN = Manager(
    "pacman",
    "pacman",
    ("arch",),
    ("-S", "--needed", "--print", "--print-format", "%s"),
    ("-S", "--needed"),
    ("--noconfirm",),
    (),  # new lists without an upgrade of everything would break an Arch system
    pacman_size,
)
MANAGERS = (APT, DNF, ZYPPER, PACMAN)


def search_path() -> str:
    """PATH with the folders of root's tools, which su leaves out."""
    return f"{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/sbin:/sbin"


def system_words(root: Path = Path("/")) -> set[str]:
    """ID and ID_LIKE of this system."""
    try:
        text = (root / "etc/os-release").read_text()
    except OSError:
        return set()
    found = re.findall(r"^ID(?:_LIKE)?=(.*)$", text, re.MULTILINE)
    return {word.split("-")[0] for line in found for word in line.strip("\"'").split()}


def manager(root: Path = Path("/")) -> Manager | None:
    """The system's own package manager; others may be installed beside it."""
    there = [m for m in MANAGERS if shutil.which(m.program, path=search_path())]
    words = system_words(root)
    own = [m for m in there if words & set(m.systems)]
    return next(iter(own or there), None)


def manager_name() -> str:
    found = manager()
    return found.name if found else ""


def command_to_type(packages: list[str]) -> str:
    """The line that gets these packages, for a person of this system to type."""
    found = manager()
    if found is None:
        return "install these with the package manager of this system, then type the same again"
    commands = [found.to_type(packages)]
    if found is APT and not any(Path("/var/lib/apt/lists").glob("*Packages*")):
        commands.insert(0, "apt-get update")
    if os.geteuid() == 0:
        return "type: " + " && ".join(commands)
    if shutil.which("sudo", path=search_path()):
        return "type: " + " && ".join(f"sudo {command}" for command in commands)
    return f"type: su -c '{' && '.join(commands)}'"


def ask(found: Manager, arguments: Sequence[str]) -> Answer:
    """Run the manager: English, no questions; its last line is shown where somebody watches."""
    lines: list[str] = []
    env = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    with (
        subprocess.Popen(
            [found.program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**env, "PATH": search_path()},
        ) as process,
        Ticker() as ticker,
    ):
        for line in process.stdout or ():
            lines.append(line.rstrip())
            ticker.show(line)
    return Answer(process.returncode, lines)


def install(packages: list[str], purpose: str, *, may_install: bool) -> None:
    """Install packages when root; otherwise refuse with the line to type.

    The names are this system's.
    """
    names = " ".join(packages)
    found = manager()
    if found is None:
        raise BuildError(
            f"{purpose} needs what Debian packages as: {names}", command_to_type(packages)
        )
    if not may_install or os.geteuid() != 0:
        raise BuildError(f"{purpose} needs: {names}", command_to_type(packages))
    network.need(f"installing {names}, which {purpose} needs,")
    with ALONE:
        get(found, packages, purpose)


def get(found: Manager, packages: list[str], purpose: str) -> None:
    """As root: say what comes and how large it is, then install it."""
    size = found.size(ask(found, [*found.simulate, *packages]).text)
    if size is None and found.refresh:
        ask(found, found.refresh)
        size = found.size(ask(found, [*found.simulate, *packages]).text)
    names = " ".join(packages)
    say(f"netmap: {purpose} needs {names}: installing, {size or 'unknown size'} to download")
    command = [*found.install, *found.quiet, *packages]
    done = ask(found, command)
    if done.code and found.refresh:
        # The lists may be older than the mirror: once more with fresh ones.
        ask(found, found.refresh)
        done = ask(found, command)
    if done.code:
        said = [line for line in done.lines if line.strip()]
        raise BuildError(
            f"{found.program} could not install {names}: {reason(said)}",
            command_to_type(packages),
        )


def reason(lines: list[str]) -> str:
    """The line of a manager's output that says why it failed."""
    telling = ("No space left", "Unable to locate", "Could not resolve", "Failed to fetch")
    for word in (*telling, "dpkg: error"):
        for line in lines:
            if word in line:
                return line.strip()
    marked = [line for line in lines if re.match(r"(E:|[Ee]rror|Problem)", line.strip())]
    return (marked or lines or ["it said nothing"])[-1].strip()

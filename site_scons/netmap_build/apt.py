# SPDX-License-Identifier: BSD-2-Clause
"""A private apt root: the system's sources and keys, our own lists and archives, no root needed.

The system's configuration is taken over only where it says how to reach and check the archive.
Hooks of the system are left out, and whatever could weaken the signature check is switched off.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from . import space
from .errors import BuildError
from .suites import SuiteMissing

# What a private root takes from the system's configuration.
KEPT = ("Acquire::", "APT::Architecture", "Dir::Etc::")
# ... and never, whatever the system says.
STRICT = (
    "APT::Get::AllowUnauthenticated",
    "Acquire::AllowInsecureRepositories",
    "Acquire::AllowWeakRepositories",
    "Acquire::AllowDowngradeToInsecureRepositories",
)

# bytes: the lists of a large suite and what apt computes of them; on a full disk it waits for ever
ROOM = 200_000_000
UNREACHABLE = re.compile(
    r"Could not (connect|resolve)|Temporary failure|Unable to connect|timed out|unreachable"
)


def configuration(
    dump: str, root: Path, *, own_sources: bool = False, release: str = "", foreign: str = ""
) -> str:
    """The private root's apt.conf, from what `apt-config dump` printed.

    own_sources: the sources lie in the root itself; release: the suite to prefer; foreign: an
    architecture beside the system's own.
    """
    lines = [
        line
        for line in dump.splitlines()
        if line.startswith(KEPT)
        and not line.startswith(("Dir::Etc::main", "Dir::Etc::parts", *STRICT))
    ]
    lines += [
        'Dir::Etc::main "/dev/null";',
        'Dir::Etc::parts "/dev/null";',
        f'Dir::State "{root}/state";',
        f'Dir::State::status "{root}/state/status";',
        f'Dir::Cache "{root}/cache";',
        f'Dir::Log "{root}/log";',
        # root would otherwise drop to a user that cannot write here
        'APT::Sandbox::User "root";',
        'Acquire::Languages "none";',
        *[f'{name} "false";' for name in STRICT],
    ]
    if own_sources:
        lines += ['Dir::Etc::sourcelist "/dev/null";', f'Dir::Etc::sourceparts "{root}/sources";']
    if release:
        lines += [f'APT::Default-Release "{release}";']
    if foreign:
        lines += [f'APT::Architectures:: "{foreign}";']
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Package:
    """What the archive says of one package."""

    name: str
    version: str
    size: int
    depends: tuple[str, ...] = field(default=())
    arch: str = "all"

    @property
    def spec(self) -> str:
        """The package as apt-get download wants it."""
        return f"{self.name}{'' if self.arch == 'all' else f':{self.arch}'}={self.version}"


def parse_package(text: str) -> Package | None:
    """One stanza of `apt-cache show`; alternatives and versions are dropped from Depends."""
    fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", text, re.MULTILINE))
    if "Package" not in fields or "Version" not in fields:
        return None
    depends = tuple(
        part.split("|")[0].split("(")[0].strip()
        for part in fields.get("Depends", "").split(",")
        if part.strip()
    )
    return Package(
        fields["Package"],
        fields["Version"],
        int(fields.get("Size", 0)),
        depends,
        fields.get("Architecture", "all"),
    )


class PrivateApt:
    """apt working in a folder of ours; without sources of its own it reads the system's."""

    def __init__(self, root: Path, sources: str = "", release: str = "", foreign: str = "") -> None:
        if shutil.which("apt-get") is None:
            raise BuildError("this system has no apt-get")
        self.root = root
        self.sources = sources
        self.release = release
        self.foreign = foreign
        self.config = root / "apt.conf"

    def run(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "APT_CONFIG": str(self.config), "LC_ALL": "C"}
        return subprocess.run(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def update(self) -> str:
        """Fetch the lists. One dead source of several is no failure; what apt said is returned."""
        space.need("the package lists of apt", self.root, ROOM)
        for folder in ("state/lists/partial", "cache/archives/partial", "log"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        (self.root / "state/status").touch()
        dump = subprocess.run(
            ["apt-config", "dump"], stdout=subprocess.PIPE, text=True, check=True
        ).stdout
        if self.sources:
            (self.root / "sources").mkdir(exist_ok=True)
            (self.root / "sources/debian.sources").write_text(self.sources)
        self.config.write_text(
            configuration(
                dump,
                self.root,
                own_sources=bool(self.sources),
                release=self.release,
                foreign=self.foreign,
            )
        )
        said = self.run("apt-get", "update", "-q").stderr
        if space.is_said(said):
            raise space.shortage("the package lists of apt", self.root)
        return said

    def forget(self) -> None:
        """Remove apt's own index of its lists: 70 MB that are quickly made again."""
        shutil.rmtree(self.root / "cache", ignore_errors=True)

    def show(self, name: str) -> Package | None:
        """The candidate version of a package, or None where no source has it."""
        return parse_package(self.run("apt-cache", "show", "--no-all-versions", name).stdout)

    def show_for(self, name: str, tools: re.Pattern[str]) -> Package | None:
        """The package of the foreign architecture, but tools that run here of our own."""
        if self.foreign and not tools.match(name):
            found = self.show(f"{name}:{self.foreign}")
            if found is not None:
                return found
        return self.show(name)

    def closure(
        self, start: list[str], wanted: re.Pattern[str], tools: re.Pattern[str]
    ) -> list[Package]:
        """The start packages and what they depend on, as far as the names fit the pattern."""
        found: dict[str, Package] = {}
        ahead = list(start)
        while ahead:
            name = ahead.pop()
            if name in found or not wanted.match(name):
                continue
            package = self.show_for(name, tools)
            if package is None:
                continue  # virtual or missing: the caller checks for what it needs
            found[name] = package
            ahead.extend(package.depends)
        return sorted(found.values(), key=lambda package: package.name)

    def download(self, packages: list[Package], folder: Path) -> list[Path]:
        """Download packages, checked by apt against the signed lists."""
        specs = [package.spec for package in packages]
        done = self.run("apt-get", "download", "-q", *specs, cwd=folder)
        files = sorted(folder.glob("*.deb"))
        if done.returncode or len(files) != len(packages):
            raise explained(done.stderr, folder)
        return files


def telling(said: str) -> str:
    """The line of apt's that says why it failed."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    marked = [line for line in lines if line.startswith(("E:", "W:", "Err:"))]
    return ([*marked, *lines] or ["it said nothing"])[0]


def explained(said: str, folder: Path) -> BuildError:
    """Why apt did not download, by its own words."""
    if space.is_said(said):
        return space.shortage("the packages that apt downloads", folder)
    if UNREACHABLE.search(said):
        return SuiteMissing(
            f"apt does not reach its archive: {telling(said)}",
            "type: apt-get update, mend the network or the apt sources, then the same again",
        )
    return BuildError(
        f"apt-get download failed: {telling(said)}",
        "type: apt-get update && apt-get download linux-libc-dev",
    )

# SPDX-License-Identifier: BSD-2-Clause
"""What is installed, and where: one list of files and links made from a built tree."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from .rooted import sha256

SONAME = "libnetmap.so.0"
TEMPLATES = "packaging/common"
MODULE_FOLDER = "updates/netmap"


@dataclass(frozen=True)
class Entry:
    """A file or a link, by its path inside the root."""

    path: str
    data: bytes = b""
    mode: int = 0o644
    link: str = ""

    @property
    def content(self) -> str:
        """As rooted.Root.content() tells it once it is there."""
        return f"link {self.link}" if self.link else sha256(self.data)


@dataclass(frozen=True)
class Built:
    """The built tree: one kernel's module, the library, the programs."""

    version: str
    release: str  # of the kernel
    module: Path
    symvers: Path
    lib_dir: Path
    programs: tuple[Path, ...]


@dataclass(frozen=True)
class Places:
    """Where the person wants it, as paths inside the root."""

    prefix: str = "/usr/local"
    libdir: str = "lib"
    mod_path: str = ""  # INSTALL_MOD_PATH of kbuild

    @property
    def lib(self) -> str:
        return self.libdir if self.libdir.startswith("/") else under(self.prefix, self.libdir)

    def modules(self, release: str) -> str:
        return under(self.mod_path or "/", f"lib/modules/{release}")

    @property
    def rules(self) -> str:
        """Old udevs do not read /usr/local/lib/udev, and none reads another prefix."""
        return "/usr/lib/udev/rules.d" if self.prefix == "/usr" else "/etc/udev/rules.d"


def to_json(built: Built) -> str:
    return json.dumps(asdict(built), default=str)


def built_from_json(text: str) -> Built:
    raw = json.loads(text)
    paths = {name: Path(raw[name]) for name in ("module", "symvers", "lib_dir")}
    programs = tuple(Path(path) for path in raw["programs"])
    return Built(**{**raw, **paths, "programs": programs})


def under(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"


def entries(top: Path, built: Built, places: Places) -> list[Entry]:
    """Everything that an install writes, sorted by path."""
    found = [
        *module(built, places),
        *[
            Entry(under(places.prefix, f"bin/{program.name}"), program.read_bytes(), 0o755)
            for program in built.programs
        ],
        *headers(top, places),
        *library(top, built, places),
        *manual(top, places),
        Entry(
            under(places.rules, "60-netmap.rules"),
            (top / TEMPLATES / "60-netmap.rules").read_bytes(),
        ),
    ]
    return sorted(found, key=lambda entry: entry.path)


def module(built: Built, places: Places) -> list[Entry]:
    """netmap.ko as kbuild made it, and the symbols that drivers are built against."""
    folder = under(places.modules(built.release), MODULE_FOLDER)
    symvers = symbols(built.symvers.read_text(), f"{MODULE_FOLDER}/{built.module.stem}")
    return [
        Entry(under(folder, built.module.name), built.module.read_bytes()),
        Entry(under(folder, "Module.symvers"), symvers.encode()),
    ]


def symbols(symvers: str, name: str) -> str:
    """Module.symvers with its module named where it is installed, not where it was built.

    modpost takes only the last part of that name, for what a driver's module depends on.
    """
    rows = [line.split("\t") for line in symvers.splitlines()]
    return "".join("\t".join([*row[:2], name, *row[3:]]) + "\n" for row in rows)


def headers(top: Path, places: Places) -> list[Entry]:
    """What user programs include. netmap_kern.h is not among them: it needs the whole core."""
    include = under(places.prefix, "include")
    public = sorted((top / "common/include/net").glob("*.h"))
    return [
        *[Entry(under(include, f"net/{path.name}"), path.read_bytes()) for path in public],
        Entry(under(include, "libnetmap.h"), (top / "libnetmap/libnetmap.h").read_bytes()),
    ]


def library(top: Path, built: Built, places: Places) -> list[Entry]:
    """The shared library under its full name, its two links, the static one, pkg-config's file."""
    real = f"{SONAME}.{built.version.partition('.')[2]}"
    lib = places.lib
    return [
        Entry(under(lib, real), (built.lib_dir / SONAME).read_bytes(), 0o755),
        Entry(under(lib, SONAME), link=real),
        Entry(under(lib, "libnetmap.so"), link=SONAME),
        Entry(under(lib, "libnetmap.a"), (built.lib_dir / "libnetmap.a").read_bytes()),
        Entry(under(lib, "pkgconfig/libnetmap.pc"), pkg_config(top, built, places).encode()),
    ]


def pkg_config(top: Path, built: Built, places: Places) -> str:
    """Relative to ${prefix} as far as it goes, so that pkg-config can move it."""
    lib = places.lib
    if lib.startswith(under(places.prefix, "")):
        lib = "${prefix}/" + lib.removeprefix(under(places.prefix, ""))
    words = {"PREFIX": places.prefix, "LIBDIR": lib, "VERSION": built.version}
    text = (top / TEMPLATES / "libnetmap.pc.in").read_text()
    return re.sub(r"@([A-Z]+)@", lambda match: words[match[1]], text)


def manual(top: Path, places: Places) -> list[Entry]:
    pages = sorted((top / "docs/man").glob("*.[1-9]"))
    share = under(places.prefix, "share/man")
    return [
        Entry(under(share, f"man{page.suffix[1:]}/{page.name}"), page.read_bytes())
        for page in pages
    ]

# SPDX-License-Identifier: BSD-2-Clause
"""The Debian suites whose kernels are supported, and where their packages come from.

No mirror is named here: the system's own apt sources say where Debian is and by which keys it is
checked; only the suite in them is replaced. A new suite is one more row of TABLE.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .errors import BuildError


@dataclass(frozen=True)
class Suite:
    """One suite of the archive; base is the suite that its programs and compilers come from."""

    name: str
    base: str
    security: bool = False  # has a suite of its own for security updates; else it moves on
    in_test_all: bool = False  # one of each series; `matrix` takes all


TABLE: tuple[Suite, ...] = (  # oldest first
    Suite("bullseye", "bullseye", security=True, in_test_all=True),
    Suite("bookworm", "bookworm", security=True, in_test_all=True),
    Suite("bookworm-backports", "bookworm", security=True),
    Suite("trixie", "trixie", security=True, in_test_all=True),
    Suite("trixie-backports", "trixie", security=True, in_test_all=True),
    Suite("forky", "forky"),
    Suite("sid", "sid"),
)

# Words that the suites of a Debian archive go by, without their endings.
ALIASES = ("oldoldstable", "oldstable", "stable", "testing", "unstable")
ENDING = "(-updates|-security|-backports)?"


class SuiteMissing(BuildError):
    """The archive of a suite does not answer, or has no kernel for this architecture."""


def names() -> list[str]:
    return [suite.name for suite in TABLE]


def named(name: str) -> Suite:
    """The row of a suite, or what may be typed instead."""
    for suite in TABLE:
        if suite.name == name:
            return suite
    raise BuildError(
        f"kernel=debian:{name} is no suite that is known here; known: {', '.join(names())}",
        f"type: ./sconsw kernel=debian:{TABLE[-1].name}",
    )


def os_release(root: Path = Path("/")) -> dict[str, str]:
    """The fields of /etc/os-release."""
    try:
        text = (root / "etc/os-release").read_text()
    except OSError:
        return {}
    return {k: v.strip('"') for k, v in re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE)}


def own(root: Path = Path("/")) -> str:
    """The suite of this system; `unknown` where it is no Debian."""
    return os_release(root).get("VERSION_CODENAME", "unknown")


@dataclass(frozen=True)
class Source:
    """One entry of the system's apt sources: where, which suites, by which key."""

    uris: str
    suites: tuple[str, ...]
    signed_by: str  # as it stands in a stanza, with its line ends


def one_line(text: str) -> list[Source]:
    """The entries of a sources.list."""
    found = []
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s+\S", line)
        if match:
            options, uri, suite = match.groups()
            signed = re.search(r"signed-by=(\S+)", options or "", re.IGNORECASE)
            key = f" {signed.group(1).replace(',', ' ')}" if signed else ""
            found.append(Source(uri, (suite,), key))
    return found


def stanzas(text: str) -> list[Source]:
    """The entries of a .sources file."""
    found = []
    kept = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", kept):
        fields = {
            name.lower(): value
            for name, value in re.findall(
                r"^([A-Za-z-]+):((?:.*)(?:\n[ \t].*)*)", stanza, re.MULTILINE
            )
        }
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "").strip() in (
            "no",
            "false",
        ):
            continue
        found.append(
            Source(
                fields.get("uris", "").strip(),
                tuple(fields.get("suites", "").split()),
                fields.get("signed-by", "").rstrip(),
            )
        )
    return found


def system_sources(root: Path = Path("/")) -> list[Source]:
    """All entries of the system's apt sources."""
    folder = root / "etc/apt"
    found = []
    for path in [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]:
        try:
            text = path.read_text()
        except OSError:
            continue
        if path.suffix == ".list":
            found += one_line(text)
        elif path.suffix == ".sources":
            found += stanzas(text)
    return found


def wanted_suites(suite: Suite, ending: str) -> list[str]:
    """What an entry that names a Debian suite with this ending names for another suite."""
    if ending == "":
        return [suite.base] if suite.base == suite.name else [suite.base, suite.name]
    if ending == "-security" and suite.security:
        return [f"{suite.base}-security"]
    return []


def sources(suite: str, entries: list[Source]) -> str:
    """The system's Debian entries as stanzas for one suite; empty where it has none."""
    row = named(suite)
    bases = sorted({known.base for known in TABLE} | set(ALIASES))
    pattern = re.compile(f"({'|'.join(bases)}){ENDING}")
    lines: list[str] = []
    for entry in entries:
        replaced: list[str] = []
        for word in entry.suites:
            match = pattern.fullmatch(word)
            for name in wanted_suites(row, match.group(2) or "") if match else []:
                if name not in replaced:
                    replaced.append(name)
        if not replaced:
            continue
        lines += ["Types: deb", f"URIs: {entry.uris}", f"Suites: {' '.join(replaced)}"]
        lines += ["Components: main"]
        lines += [f"Signed-By:{entry.signed_by}"] if entry.signed_by.strip() else []
        lines += [""]
    return "\n".join(lines)

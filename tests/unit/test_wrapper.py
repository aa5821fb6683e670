# SPDX-License-Identifier: BSD-2-Clause
"""The wrapper: what ./sconsw does before SCons."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from netmap_build import options, scons_words, targets, wrapper
from netmap_build.errors import BuildError

TOP = Path(__file__).resolve().parents[2]
BUILD_PYTHON = os.environ.get("NETMAP_BUILD_PYTHON", str(TOP / ".venv/bin/python"))
PRINT_OPTIONS = """\
from SCons.Script.SConsOptions import Parser
parser = Parser("")
for group in [parser, *parser.option_groups]:
    for option in group.option_list:
        taking = option.takes_value() and option.nargs != "?"
        print(int(taking), *option._short_opts, *option._long_opts)
"""


def sconsw(
    *words: str, top: Path = TOP, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(top / "sconsw"), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})},
        check=False,
    )


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A checkout in which nothing was made yet; its parts are links to the real one."""
    top = tmp_path / "checkout"
    (top / "site_scons").mkdir(parents=True)
    (top / "sconsw").write_bytes((TOP / "sconsw").read_bytes())
    (top / "sconsw").chmod(0o755)
    (top / "VERSION").write_text("1\n")
    (top / "site_scons/netmap_build").symlink_to(TOP / "site_scons/netmap_build")
    (top / "apps").symlink_to(TOP / "apps")
    return top


def test_the_options_of_scons_are_known_before_scons_is() -> None:
    lines = subprocess.run(
        [BUILD_PYTHON, "-c", PRINT_OPTIONS], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.splitlines()
    names = {name: line[0] == "1" for line in lines for name in line[2:].split()}
    assert set(names) == scons_words.KNOWN
    assert {name for name, taking in names.items() if taking} == scons_words.TAKING


@pytest.mark.parametrize(
    ("typed", "ours"),
    [
        ("-j 4 lib", ["lib"]),
        ("-j4 lib", ["lib"]),
        ("-kj 4 lib", ["lib"]),
        ("-nQ --debug=explain lib", ["lib"]),
        ("--debug explain lib", ["lib"]),
        ("--no-apps lib cc=clang", ["--no-apps", "lib", "cc=clang"]),
    ],
)
def test_words_of_scons_and_their_values_are_told_from_ours(typed: str, ours: list[str]) -> None:
    assert scons_words.split(typed.split()).ours == ours


def test_help_needs_no_environment_and_makes_nothing(bare: Path) -> None:
    done = sconsw("-h", top=bare)
    assert done.returncode == 0
    assert all(name in done.stdout for name in targets.names())
    assert sorted(path.name for path in bare.iterdir()) == [
        "VERSION",
        "apps",
        "sconsw",
        "site_scons",
    ]


def test_the_help_fits_into_80_columns() -> None:
    lines = sconsw("-h").stdout.splitlines()
    assert [line for line in lines if len(line) > 80] == []


@pytest.mark.parametrize("name", [row.name for row in options.ROWS])
def test_every_option_is_explained(name: str) -> None:
    lines = options.help_option(name).splitlines()
    assert lines[0].startswith(f"{name}: ")
    assert [line for line in lines if len(line) > 80] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tset"], "there is no target tset; the closest is test"),
        (["kernel-dri=/x"], "the closest is kernel-dir"),
        (["--kernel-dri=/x"], "the closest is kernel-dir"),
        (["linux"], "a system to build for is an option"),
        (["no-apps=maybe"], "no-apps is a flag"),
        (["--no-drivers", "--driver-suffix=-netmap"], "drivers of NICs, which are not there yet"),
        (["drivers=ixgbe,i40e"], "drivers of NICs, which are not there yet"),
        (["select-version=ixgbe:5.1"], "drivers of NICs, which are not there yet"),
        (["show-drivers"], "drivers of NICs, which are not there yet"),
        (["help"], "help explains one option"),
    ],
)
def test_a_slip_of_the_pen_costs_two_lines_and_nothing_is_made(
    bare: Path, words: list[str], said: str
) -> None:
    done = sconsw(*words, top=bare)
    assert done.returncode == 2
    what, hint = done.stdout.splitlines()
    assert what.startswith("netmap: ")
    assert said in what
    assert hint.startswith("        type")
    assert not (bare / ".venv").exists()
    assert not (bare / "build").exists()


@pytest.mark.parametrize("target", ["show-apps", "clean", "reset"])
def test_targets_without_nodes_need_no_environment(bare: Path, target: str) -> None:
    done = sconsw(target, top=bare)
    assert (done.returncode, done.stdout != "") == (0, True), done.stdout
    assert not (bare / ".venv").exists()


def test_show_apps_marks_what_is_left_out(bare: Path) -> None:
    lines = sconsw("show-apps", "apps=pkt-gen", top=bare).stdout.splitlines()
    assert "pkt-gen" in lines
    assert "vale-ctl (left out)" in lines


def test_a_checkout_path_with_a_space_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="has a space in it"):
        wrapper.check_checkout(tmp_path / "my netmap")


def test_a_path_with_a_space_is_refused_before_anything_is_made(bare: Path) -> None:
    top = bare.rename(bare.with_name("my netmap"))
    done = sconsw(top=top)
    assert done.returncode == 1
    assert done.stdout.count("\n") == 2
    assert not (top / ".venv").exists()


def test_scons_starts_as_a_module() -> None:
    command = wrapper.scons_command(Path("/v/bin/python"), ["lib", "cc=clang"])
    assert command == ["/v/bin/python", "-m", "SCons", "-Q", "lib", "cc=clang"]


def test_the_users_python_variables_do_not_reach_scons(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONWARNINGS", "PYTHONOPTIMIZE"):
        monkeypatch.setenv(name, "/nowhere")
    env = wrapper.scons_environment(Path("/top/.venv/bin/python"))
    assert "/nowhere" not in env.values()
    assert env["PYTHONPYCACHEPREFIX"] == "/top/.venv/pycache"


@pytest.mark.parametrize("variable", ["PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP"])
def test_the_users_python_variables_do_not_break_the_wrapper(
    bare: Path, variable: str, tmp_path: Path
) -> None:
    (tmp_path / "os.py").write_text("raise SystemExit('the wrong os')\n")
    done = sconsw("show-apps", top=bare, env={variable: str(tmp_path)})
    assert done.returncode == 0, done.stdout


def on_path(folder: Path, **programs: str) -> dict[str, str]:
    """A PATH that holds only these programs and a shell."""
    for name, text in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return {"PATH": str(folder)}


OLD = '[ "$2" = -V ] && echo Python 3.9.2 || exit 1'


@pytest.mark.parametrize(
    ("programs", "said", "typed"),
    [
        ({}, "there is no python3 here", "a/newer/python/bin ./sconsw"),
        ({"dnf": ""}, "there is no python3 here", "sudo dnf install python3"),
        (
            {"python3": OLD, "zypper": ""},
            "Python 3.9.2 is too old",
            "sudo zypper install python3.11",
        ),
    ],
    ids=["none", "none, dnf", "old, zypper"],
)
def test_without_a_python_that_is_new_enough_the_shell_says_so(
    tmp_path: Path, programs: dict[str, str], said: str, typed: str
) -> None:
    done = sconsw(env=on_path(tmp_path, **programs))
    what, hint = done.stdout.splitlines()
    assert done.returncode == 1
    assert what.endswith(said)
    assert hint.endswith(typed)


def test_a_newer_python_beside_an_old_one_is_taken(tmp_path: Path) -> None:
    env = on_path(tmp_path, python3=OLD)
    (tmp_path / "python3.11").symlink_to(sys.executable)
    assert sconsw("show-apps", env=env).returncode == 0


def test_a_read_only_checkout_is_refused_before_anything_is_fetched(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(BuildError, match="read-only for you") as caught:
        wrapper.check_writable(bare)
    assert caught.value.hint.startswith(f"type: cp -r {bare} ")


def test_files_from_the_future_are_mentioned(
    bare: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrapper.mention_clock(bare)
    assert capsys.readouterr().out == ""
    os.utime(bare / "VERSION", (4e9, 4e9))
    wrapper.mention_clock(bare)
    assert "set the clock" in capsys.readouterr().out

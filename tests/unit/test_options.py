# SPDX-License-Identifier: BSD-2-Clause
"""The option table and the command line."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from netmap_build import options
from netmap_build.errors import BuildError

BASE = Path("/somewhere")


def test_every_row_has_a_typed_field_with_the_same_default() -> None:
    values = {f.name: f.default for f in fields(options.Options)}
    assert values == {row.identifier: row.default for row in options.TABLE}


@pytest.mark.parametrize("form", ["kernel-dir=sub", "--kernel-dir=sub"])
def test_both_forms_of_an_option_mean_the_same(form: str) -> None:
    assert options.parse([form], BASE).given == {"kernel_dir": "/somewhere/sub"}


def test_an_absolute_path_stays_as_it_is() -> None:
    assert options.parse(["kernel-dir=/a/b"], BASE).given == {"kernel_dir": "/a/b"}


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("--no-apps", True),
        ("no-apps=1", True),
        ("no-apps=yes", True),
        ("no-apps=0", False),
        ("--no-apps=off", False),
    ],
)
def test_a_flag_takes_the_usual_words(form: str, value: bool) -> None:
    assert options.parse([form], BASE).given == {"no_apps": value}


def test_a_flag_refuses_other_words() -> None:
    with pytest.raises(BuildError, match="no-apps is a flag, not 'maybe'"):
        options.parse(["no-apps=maybe"], BASE)


def test_an_option_without_its_value_is_refused() -> None:
    with pytest.raises(BuildError, match="kernel needs a value"):
        options.parse(["--kernel"], BASE)


@pytest.mark.parametrize("form", ["kernel-dri=/x", "--kernel-dri=/x", "--kernel_dir=/x"])
def test_an_unknown_option_is_refused_with_the_closest_name(form: str) -> None:
    with pytest.raises(BuildError, match="the closest is kernel-dir") as caught:
        options.parse([form], BASE)
    assert caught.value.hint == "type: ./sconsw help option=kernel-dir"


def test_an_unknown_option_like_nothing_names_the_help() -> None:
    with pytest.raises(BuildError) as caught:
        options.parse(["zzzzzz=1"], BASE)
    assert caught.value.hint == "type: ./sconsw -h"


def test_options_of_scons_are_left_to_scons() -> None:
    line = options.parse(["--debug=explain", "-j4", "lib"], BASE, lambda name: name == "--debug")
    assert line.given == {}
    assert line.targets == ["lib"]


def test_a_system_that_cannot_be_built_yet_is_refused() -> None:
    with pytest.raises(BuildError, match="os=windows is not possible yet; possible: linux"):
        options.parse(["os=windows"], BASE)


def test_a_list_is_split_at_commas() -> None:
    assert options.parse(["apps=a,b,,c"], BASE).given == {"apps": ("a", "b", "c")}


def test_what_is_typed_goes_over_what_was_remembered() -> None:
    merged = options.merge({"cc": "clang"}, {"cc": "tcc", "no_apps": True})
    assert (merged.cc, merged.no_apps) == ("clang", True)


def test_options_are_remembered_until_they_are_set_back(tmp_path: Path) -> None:
    file = tmp_path / "build" / "options.toml"
    options.remember(file, {"cc": "clang", "verbose": True, "apps": ("a", "b")})
    assert options.remembered(file) == {"cc": "clang", "apps": ("a", "b")}
    options.remember(file, {"cc": "", "apps": ()})
    assert not file.exists()


def test_the_remembered_file_is_toml(tmp_path: Path) -> None:
    import tomllib

    values: dict[str, options.Value] = {"cc": 'a "b" \\', "no_apps": True, "apps": ("x", "y")}
    parsed = tomllib.loads(options.to_toml(values))
    assert parsed == {"cc": 'a "b" \\', "no-apps": True, "apps": ["x", "y"]}


TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\x7f\u2028\u2029\x85")
)


@given(cc=TEXTS, opts=TEXTS, no_apps=st.booleans(), apps=st.lists(TEXTS))
def test_any_value_survives_the_file(cc: str, opts: str, no_apps: bool, apps: list[str]) -> None:
    values: dict[str, options.Value] = {
        "cc": cc,
        "kernel_opts": opts,
        "no_apps": no_apps,
        "apps": tuple(apps),
    }
    assert options.from_toml(options.to_toml(values)) == values


def test_lines_that_make_no_sense_are_dropped() -> None:
    text = 'cc = "clang"\nnonsense\nbogus = 1\nno-apps = "a word"\nkernel = [\n'
    assert options.from_toml(text) == {"cc": "clang"}


def test_the_first_line_marks_what_was_remembered() -> None:
    line = options.summary({"cc": "clang"}, {"cc": "tcc", "apps": ("a", "b")})
    assert line == "cc=clang, apps=a,b (remembered)" or line == "apps=a,b (remembered), cc=clang"


def test_the_help_names_every_option() -> None:
    text = options.help_table()
    for row in options.TABLE:
        assert f"  {row.name} " in text
        words = " ".join(options.help_option(row.name).split())
        assert words.startswith(f"{row.name}: {row.help}")

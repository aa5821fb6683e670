# SPDX-License-Identifier: BSD-2-Clause
"""Words after ./sconsw that are no options."""

from __future__ import annotations

from pathlib import Path

import pytest
from netmap_build import targets
from netmap_build.errors import BuildError

TOP = Path("/top")


def test_every_advertised_target_is_accepted() -> None:
    targets.check(targets.names(), TOP)


def test_no_target_is_advertised_twice() -> None:
    assert len(set(targets.names())) == len(targets.names())


def test_a_file_under_build_is_accepted() -> None:
    targets.check(["build/linux/lib/libnetmap.a", "compile_commands.json"], TOP)


@pytest.mark.parametrize("word", ["linux", "linux/", "lunux"])
def test_a_source_folder_is_refused_with_the_option_that_was_meant(word: str) -> None:
    with pytest.raises(BuildError) as caught:
        targets.check([word], TOP)
    assert caught.value.hint == "type: ./sconsw os=linux"


@pytest.mark.parametrize(("word", "like"), [("test-unti", "test-unit"), ("bnech", "bench")])
def test_an_unknown_target_is_refused_with_the_closest_name(word: str, like: str) -> None:
    with pytest.raises(BuildError, match=f"there is no target {word}; the closest is {like}"):
        targets.check([word], TOP)


def test_an_unknown_target_like_nothing_names_the_help() -> None:
    with pytest.raises(BuildError) as caught:
        targets.check(["qqqq"], TOP)
    assert caught.value.hint == "type: ./sconsw -h"


def test_a_path_outside_build_is_no_target() -> None:
    with pytest.raises(BuildError):
        targets.check(["build/../LICENSE"], TOP)

# SPDX-License-Identifier: BSD-2-Clause
"""The options of install and of the module's parts, and what becomes of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from netmap_build import kernels, options, session
from netmap_build.errors import BuildError
from netmap_build.session import Session

HERE = Path("/a/folder")


def read(*words: str) -> dict[str, object]:
    return dict(options.parse(words, HERE).given)


def made(*words: str) -> Session:
    return Session(HERE, options.merge(options.parse(words, HERE).given, {}), "0.1.0", "")


@pytest.mark.parametrize(
    ("word", "name", "value"),
    [
        ("prefix=/usr", "prefix", "/usr"),
        ("PREFIX=/usr/", "prefix", "/usr"),
        ("--prefix=/usr", "prefix", "/usr"),
        ("destdir=stage", "destdir", "/a/folder/stage"),
        ("DESTDIR=/x", "destdir", "/x"),
        ("DESTDIR=", "destdir", ""),
        ("install-mod-path=/x", "install_mod_path", "/x"),
        ("INSTALL_MOD_PATH=/x", "install_mod_path", "/x"),
        ("libdir=lib64", "libdir", "lib64"),
        ("ld=clang", "ld", "clang"),
        ("mod-name=netmap_dev", "mod_name", "netmap_dev"),
        ("--disable-vale", "disable_vale", True),
        ("disable-pipe=0", "disable_pipe", False),
        ("--enable-null", "disable_null", False),
        ("enable-null=0", "disable_null", True),
    ],
)
def test_a_word_sets(word: str, name: str, value: object) -> None:
    assert read(word) == {name: value}


@pytest.mark.parametrize("part", ["monitor", "generic", "ptnetmap", "sink", "extmem"])
def test_what_is_not_there_yet_is_always_off(part: str) -> None:
    assert read(f"--disable-{part}", f"enable-{part}=0") == {}
    for word in (f"--enable-{part}", f"disable-{part}=0"):
        with pytest.raises(BuildError, match=f"there is no {part} yet, it is always off"):
            read(word)


@pytest.mark.parametrize("name", ["", "a b", "../netmap", "a;b", "netmap.ko"])
def test_a_name_that_no_module_can_have_is_refused(name: str) -> None:
    with pytest.raises(BuildError, match="letters, digits"):
        read(f"mod-name={name}")


def test_where_things_go_is_asked_for_each_time_but_the_prefix_stays() -> None:
    kept = {row.name for row in options.TABLE if row.remembered}
    assert {"prefix", "libdir", "mod-name", "disable-vale", "ld"} <= kept
    assert not {"destdir", "install-mod-path"} & kept


def test_the_module_hears_of_its_parts_by_make_variables() -> None:
    assert made().module_words == ()
    words = made("--disable-null", "--disable-vale", "mod-name=x", "kernel-opts=A=1 B=2")
    assert words.module_words == ("A=1", "B=2", "NETMAP_DISABLE=vale null", "NETMAP_MODNAME=x")


def test_each_kind_of_build_has_a_folder_of_its_own() -> None:
    choice = kernels.Choice("6.1.0", None, "a test")
    words: list[list[str]] = [[], ["--disable-vale"], ["--disable-pipe"], ["mod-name=x"]]
    assert len({made(*some).kernel_build(choice) for some in words}) == len(words)
    assert made("ld=clang").user_build != made().user_build


def test_the_order_of_an_install_has_all_of_its_places() -> None:
    order = made("PREFIX=/usr", "libdir=lib64", "DESTDIR=/d", "install-mod-path=/m").order
    assert (order.places.lib, order.places.modules("6.1"), order.destdir) == (
        "/usr/lib64",
        "/m/lib/modules/6.1",
        "/d",
    )
    assert order.words() == " prefix=/usr libdir=lib64 install-mod-path=/m destdir=/d"


def test_every_part_that_can_be_left_out_has_its_switch() -> None:
    for part in session.PARTS:
        assert options.row_named(f"disable-{part}") in options.TABLE
        assert options.row_named(f"enable-{part}") in options.ALIASES

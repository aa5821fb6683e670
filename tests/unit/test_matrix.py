# SPDX-License-Identifier: BSD-2-Clause
"""The table of kernels."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from netmap_build import engine, kernels, matrix, needs, suites, testing, venvs
from netmap_build.errors import BuildError

KERNEL = kernels.Kernel("6.1.0-9", Path("/k"), Path("/k/vmlinuz"), Path("/k/modules"), "")
CONTEXT = testing.Context(Path("/t"), Path("/t/b"), Path("/t/u"), Path("/t/k"), "gcc", "", True, 2)


@pytest.mark.parametrize(
    "line",
    [
        "linux/device.c:3:1: warning: unused variable 'a' [-Wunused-variable]",
        "WARNING: modpost: missing MODULE_DESCRIPTION() in netmap.o",
        'ERROR: modpost: "nm_x" [netmap.ko] undefined!',
        "make[2]: *** [scripts/Makefile.build:243: a.o] Error 1",
        "vale/forward.c:9:2: error: expected ';'",
        "netmap.o: Warning: objtool: x() falls through",
    ],
)
def test_every_kind_of_complaint_is_seen(line: str) -> None:
    assert matrix.complaints(f"  CC [M] linux/device.o\n{line}\n  LD [M] netmap.ko\n") == [line]


def test_a_quiet_build_has_no_complaints() -> None:
    said = "  CC [M]  /a/stage/linux/errors.o\n  MODPOST Module.symvers\n  BTF [M] netmap.ko\n"
    assert matrix.complaints(said) == []


def test_the_first_error_of_a_boot_is_the_assertion() -> None:
    said = "..F\n    def test():\n>       assert 1 == 2\nE       assert 1 == 2\nFAILED a.py::test\n"
    assert matrix.Boot(1, said, 1.0).first_error == "assert 1 == 2"


def tried(monkeypatch: pytest.MonkeyPatch, said: str = "", code: int = 0) -> matrix.Row:
    monkeypatch.setattr(kernels, "for_vm", lambda suite: KERNEL)
    built = matrix.Built("trixie", KERNEL, Path("/o"), said, 1.0)
    monkeypatch.setattr(matrix, "build", lambda *_, **__: built)
    monkeypatch.setattr(matrix, "boot", lambda *_: matrix.Boot(code, "E   it hung\n", 1.0))
    return replace(matrix.row(CONTEXT, "trixie", {}, Path("/p")), seconds=0)


def test_a_good_kernel_is_a_row_of_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    row = tried(monkeypatch)
    assert row == matrix.Row("trixie", "6.1.0-9", "yes", "yes")
    assert not row.failed


def test_a_warning_is_a_failure_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    row = tried(monkeypatch, "a.c:1: warning: x\n")
    assert (row.builds, row.boots, row.error) == ("warnings", "yes", "a.c:1: warning: x")
    assert row.failed


def test_a_kernel_that_does_not_boot_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    row = tried(monkeypatch, code=1)
    assert (row.builds, row.boots, row.error, row.failed) == ("yes", "no", "it hung", True)


def raising(monkeypatch: pytest.MonkeyPatch, error: BuildError) -> matrix.Row:
    def build(*_: object, **__: object) -> matrix.Built:
        raise error

    monkeypatch.setattr(kernels, "for_vm", lambda suite: KERNEL)
    monkeypatch.setattr(matrix, "build", build)
    return matrix.row(CONTEXT, "sid", {}, Path("/p"))


def test_a_suite_that_cannot_be_had_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    row = raising(monkeypatch, suites.SuiteMissing("no route"))
    assert (row.builds, row.boots, row.error, row.failed) == ("-", "-", "no route", False)


def test_a_build_that_stops_is_a_failure_and_so_is_a_missing_engine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert raising(monkeypatch, BuildError("a.c:1: error: x")).failed
    assert raising(monkeypatch, engine.NoEngine("no Docker engine answers")).failed


def test_all_suites_are_written_down_and_one_failure_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "VERSION").write_text("1.2\n")
    where = replace(CONTEXT, top=tmp_path, build=tmp_path / "build")
    monkeypatch.setattr(needs, "ensure", lambda *_, **__: None)
    monkeypatch.setattr(venvs, "ensure", lambda *_, **__: Path("/p"))
    bad = "sid"

    def row(context: object, suite: str, *_: object) -> matrix.Row:
        return matrix.Row(suite, "7.1", "no" if suite == bad else "yes", "yes", "it broke")

    monkeypatch.setattr(matrix, "row", row)
    assert matrix.run(where) == 1
    bad = ""
    assert matrix.run(where) == 0
    facts = json.loads((tmp_path / "build/matrix.json").read_text())
    assert facts["netmap"] == "1.2"
    assert [entry["suite"] for entry in facts["kernels"]] == suites.names()
    assert facts["kernels"][0]["builds"] == "yes"
    assert "suite               kernel  builds    boots" in capsys.readouterr().out


def test_a_kernel_without_an_image_is_refused() -> None:
    built = matrix.Built("sid", replace(KERNEL, image=None), Path("/o"), "", 1.0)
    with pytest.raises(BuildError, match="brought no image"):
        matrix.boot(built, Path("/t"), Path("/f"), {}, Path("/p"))

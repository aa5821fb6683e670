# SPDX-License-Identifier: BSD-2-Clause
"""Running the layers."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from netmap_build import interrupts, needs, targets, testing, venvs

TOP = Path(__file__).resolve().parents[2]
TESTS = list((TOP / "tests").glob("*/**/test_*.py"))
LAYER = testing.Layer("unit", "unit", 10, 20)
NATIVE = tuple(layer for layer in testing.LAYERS if not layer.arch)


def test_test_all_runs_every_layer_whole() -> None:
    layers = testing.plan("test-all", True)
    assert [layer.name for layer in layers] == [layer.name for layer in testing.LAYERS]
    assert all(layer.everything for layer in layers)


def test_test_runs_the_layers_that_have_a_budget_there() -> None:
    names = [layer.name for layer in testing.plan("test", False)]
    assert names == [layer.name for layer in testing.LAYERS if layer.budget]
    assert "unit" in names
    assert "arm64" not in names


@pytest.mark.parametrize("layer", testing.LAYERS, ids=lambda layer: str(layer.name))
def test_every_layer_has_a_folder_and_a_target(layer: testing.Layer) -> None:
    assert layer.name in [found.name for found in testing.plan(f"test-{layer.folder}", False)]
    assert f"test-{layer.folder}" in targets.names()
    assert (TOP / "tests" / layer.folder).is_dir()


def test_every_folder_of_tests_belongs_to_a_layer() -> None:
    folders = {path.relative_to(TOP / "tests").parts[0] for path in TESTS}
    assert folders == {layer.folder for layer in testing.LAYERS}


def test_the_short_run_fits_into_5_minutes_and_the_long_one_into_50() -> None:
    assert sum(layer.budget for layer in testing.LAYERS) <= 5 * 60
    assert sum(layer.full_budget for layer in testing.LAYERS) <= 50 * 60


def context(tmp_path: Path) -> testing.Context:
    return testing.Context(tmp_path, tmp_path, tmp_path, tmp_path, "gcc", "-k 'a or b' -x", True, 2)


def test_the_short_run_leaves_out_the_slow_tests(tmp_path: Path) -> None:
    words = testing.command(context(tmp_path), LAYER, Path("python"))
    assert words == [
        *["python", "-m", "pytest", "tests/unit", "-q", "-n", "2"],
        *["-m", "not slow", "-k", "a or b", "-x"],
    ]


def test_the_long_run_leaves_out_nothing(tmp_path: Path) -> None:
    words = testing.command(context(tmp_path), replace(LAYER, everything=True), Path("python"))
    assert words.count("-m") == 1


def test_a_layer_of_another_architecture_runs_on_the_build_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, str] = {}

    def run_layer(context: testing.Context, layer: testing.Layer) -> testing.Result:
        seen[layer.name] = context.arch
        return testing.Result(layer, 1.0, 0)

    monkeypatch.setattr(testing, "run_layer", run_layer)
    here = replace(context(tmp_path), arch="this one")
    there = replace(here, arch="another")
    layers = (LAYER, replace(LAYER, name="foreign", arch="aarch64"))
    assert testing.foreign(layers) == {"aarch64"}
    assert testing.run(layers, here, {"aarch64": there}) == 0
    assert seen == {"unit": "this one", "foreign": "another"}


def test_the_arm64_layer_runs_the_guests_smoke_tests_too(tmp_path: Path) -> None:
    (layer,) = testing.plan("test-arm64", True)
    words = testing.command(context(tmp_path), layer, Path("python"))
    assert words[3:] == [
        *["tests/arm64", "tests/vm", "-k", "not harness", "-q"],
        *["-m", "smoke", "-k", "a or b", "-x"],
    ]


def test_the_table_shows_time_budget_and_result() -> None:
    text = testing.table(
        [
            testing.Result(LAYER, 3.2, 0),
            testing.Result(replace(LAYER, name="vm"), 12.0, 1),
            testing.Result(replace(LAYER, name="abi"), 1.0, testing.NO_TESTS),
        ]
    )
    assert text.splitlines() == [
        "layer                 time   budget  result",
        "unit                   3 s     10 s  passed",
        "vm                    12 s     10 s  FAILED, over budget",
        "abi                    1 s     10 s  no tests",
        "all                   16 s     30 s",
    ]


def test_a_failed_layer_fails_the_run_and_the_others_still_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def run_layer(context: testing.Context, layer: testing.Layer) -> testing.Result:
        ran.append(layer.name)
        return testing.Result(layer, 1.0, int(layer.name == "unit"))

    monkeypatch.setattr(testing, "run_layer", run_layer)
    assert testing.run(NATIVE, context(tmp_path)) == 1
    assert ran == [layer.name for layer in NATIVE]


def test_a_layer_without_tests_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        testing, "run_layer", lambda c, layer: testing.Result(layer, 1.0, testing.NO_TESTS)
    )
    assert testing.run(NATIVE, context(tmp_path)) == 1


def test_stopping_a_layer_ends_what_it_started(tmp_path: Path) -> None:
    process = subprocess.Popen(
        ["sh", "-c", "sleep 1000 & echo started; wait"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"started\n"
    testing.stop(process)
    # the pipe closes only when the grandchild, which holds it too, is gone
    assert process.stdout.read() == b""
    assert process.returncode is not None


def test_a_command_that_leaves_with_a_code_gives_that_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(testing, "vm_config", lambda context: tmp_path / "vm.json")
    assert testing.run_vm_command("bench", "-h", context(tmp_path)) == 0
    assert testing.run_vm_command("bench", "--no-such-option", context(tmp_path)) == 2


def test_ctrl_c_ends_a_layer_and_starts_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(testing, "command", lambda *_: ["sleep", "1000"])
    monkeypatch.setattr(testing, "environment", lambda *_: {"PATH": "/usr/bin:/bin"})
    monkeypatch.setattr(venvs, "ensure", lambda *_, **__: Path("python"))
    monkeypatch.setattr(needs, "ensure", lambda *_, **__: None)
    interrupts.interrupt()
    try:
        assert testing.run_layer(context(tmp_path), LAYER).code != 0
        monkeypatch.setattr(testing, "run_layer", None)
        assert testing.run((LAYER,), context(tmp_path)) == 0
    finally:
        interrupts.HAPPENED.clear()


def test_what_is_under_way_is_stopped_by_ctrl_c() -> None:
    stopped: list[str] = []
    try:
        with interrupts.stopped_by(lambda: stopped.append("one")):
            interrupts.interrupt()
        interrupts.interrupt()
        assert stopped == ["one"]
    finally:
        interrupts.HAPPENED.clear()

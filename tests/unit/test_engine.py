# SPDX-License-Identifier: BSD-2-Clause
"""Finding a container engine, without any."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from netmap_build import engine, system_packages
from netmap_build.errors import BuildError


@pytest.fixture(autouse=True)
def nothing_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(engine.VARIABLE, raising=False)
    monkeypatch.setenv("NETMAP_BUILD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(engine, "connect", lambda address: None)
    monkeypatch.setattr(engine, "addresses", lambda: [])


def answering(monkeypatch: pytest.MonkeyPatch, *good: str) -> None:
    def connect(address: str) -> engine.Engine | None:
        return engine.Engine(None, address, rootless=False) if address in good else None

    monkeypatch.setattr(engine, "connect", connect)


def refused(may_install: bool = True) -> BuildError:
    with pytest.raises(engine.NoEngine) as caught:
        engine.find(may_install)
    assert "\n" not in caught.value.message + caught.value.hint
    return caught.value


def test_the_first_that_answers_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "addresses", lambda: ["unix:///dead", "unix:///b", "unix:///c"])
    answering(monkeypatch, "unix:///b", "unix:///c")
    assert engine.find(True).address == "unix:///b"


def test_only_docker_host_is_asked_where_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv(engine.VARIABLE, "tcp://127.0.0.1:1")
    assert engine.addresses() == ["tcp://127.0.0.1:1"]
    error = refused()
    assert error.message == "no Docker engine answers at DOCKER_HOST=tcp://127.0.0.1:1"
    assert error.hint.startswith("type: unset DOCKER_HOST")


def test_an_ordinary_user_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    error = refused()
    assert "no Docker engine answers" in error.message
    assert "docker.io" in error.hint
    assert "DOCKER_HOST=" in error.hint


def test_root_who_may_not_install_is_told_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name, path=None: None)
    monkeypatch.setattr(system_packages, "manager", lambda: system_packages.APT)
    error = refused(may_install=False)
    assert error.message.startswith("no Docker engine answers, and ")
    assert "apt-get install" in error.hint
    assert "docker.io" in error.hint


def test_an_engine_that_the_package_started_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name, path=None: None)

    def install(packages: list[str], purpose: str, *, may_install: bool) -> None:
        monkeypatch.setattr(engine, "addresses", lambda: ["unix:///var/run/docker.sock"])
        answering(monkeypatch, "unix:///var/run/docker.sock")

    monkeypatch.setattr(system_packages, "install", install)
    assert engine.find(True).address == "unix:///var/run/docker.sock"


def fake_dockerd(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "dockerd"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(system_packages, "search_path", lambda: f"{folder}:/usr/bin:/bin")


def test_every_storage_driver_is_tried_and_the_log_says_why_none_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_dockerd(
        tmp_path,
        f'echo "$@" >>{tmp_path}/tries\necho "failed to start daemon: no room for $$"',
        monkeypatch,
    )
    with pytest.raises(engine.NoEngine, match="dockerd does not start here: failed to start") as e:
        engine.start()
    assert e.value.hint.startswith("type: dockerd")
    tries = (tmp_path / "tries").read_text().splitlines()
    assert [line.rpartition("=")[2] for line in tries] == list(engine.DRIVERS)
    assert all("--iptables=false" in line and "--bridge=none" in line for line in tries)
    assert engine.VARIABLE not in os.environ


def test_our_own_dockerd_ends_with_us_and_takes_its_folder_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_dockerd(
        tmp_path,
        f"for word; do case $word in --host=unix://*) touch ${{word#--host=unix://}};; esac; done\n"
        f"trap 'echo ended >{tmp_path}/end; exit 0' TERM\n"
        "while :; do sleep 0.05; done",
        monkeypatch,
    )
    monkeypatch.setattr(engine, "connect", lambda address: engine.Engine(None, address, False))
    held = engine.Private()
    folder = tmp_path / "run"
    folder.mkdir()
    found, _ = engine.launch(held, folder, "vfs")
    assert found is not None
    assert found.address == f"unix://{folder}/docker.sock"
    held.close()
    assert (tmp_path / "end").read_text() == "ended\n"
    assert not folder.exists()
    assert held.process is None


def test_files_written_in_a_container_belong_to_the_caller() -> None:
    assert engine.Engine(None, "", rootless=False).user() == f"{os.getuid()}:{os.getgid()}"
    assert engine.Engine(None, "", rootless=True).user() == "0:0"

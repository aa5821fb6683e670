# SPDX-License-Identifier: BSD-2-Clause
"""What goes wrong for a newcomer, brought about for real: each ends with two lines of ours.

One line says what and why, one what to type; no traceback, nothing of SCons after it, and the
exit code is 2 for words that make no sense, else 1.
"""

from __future__ import annotations

import ast
import os
import shutil
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from netmap_build.errors import from_os_error
from test_build import TOP, Checkout, checkout

__all__ = ["checkout"]

CLOSED = "http://127.0.0.1:9"  # the discard port: nobody listens
NOBODY = 65534
AS_ROOT = os.geteuid() == 0


def the_error(done: subprocess.CompletedProcess[str], code: int = 1) -> tuple[str, str]:
    """The two lines, after a check that nothing else tells of the failure."""
    assert done.returncode == code, done.stdout
    lines = done.stdout.splitlines()
    assert "Traceback" not in done.stdout, done.stdout
    assert "scons: ***" not in done.stdout, done.stdout
    what, hint = lines[-2:]
    assert what.startswith("netmap: "), done.stdout
    assert hint.startswith("        type"), done.stdout
    assert sum(line.startswith("        type") for line in lines) == 1, done.stdout
    return what, hint


def run(
    command: list[str], cwd: Path, env: dict[str, str], user: int | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        user=user,
        group=user,
    )


def scons(
    checkout: Checkout, *words: str, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """SCons in the small checkout, with other variables."""
    python = os.environ.get("NETMAP_BUILD_PYTHON", str(TOP / ".venv/bin/python"))
    variables = {**os.environ, "NETMAP_BUILD_CACHE": str(checkout.cache), **(env or {})}
    return run([python, "-m", "SCons", "-Q", *words], checkout.top, variables)


@pytest.fixture
def clone(checkout: Checkout) -> Path:
    """The small checkout with its front door; no environment was made yet."""
    shutil.copy(TOP / "sconsw", checkout.top)
    shutil.copy(TOP / "requirements.lock", checkout.top)
    return checkout.top


def variables(tmp_path: Path, **more: str) -> dict[str, str]:
    """An environment of a newcomer: nothing of this machine's settings for pip."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_RETRIES": "0",
        **more,
    }


def path_without(folder: Path, *missing: str) -> str:
    """A PATH with everything of the system but some programs."""
    folder.mkdir()
    for place in ("/usr/bin", "/bin", "/usr/sbin", "/sbin"):
        for program in Path(place).iterdir():
            link = folder / program.name
            if program.name not in missing and not link.is_symlink():
                link.symlink_to(program)
    return str(folder)


@pytest.mark.parametrize("program", ["gcc", "make"])
def test_without_compiler_or_make_their_packages_are_named(
    clone: Path, tmp_path: Path, program: str
) -> None:
    env = variables(tmp_path, PATH=path_without(tmp_path / "bin", program))
    what, hint = the_error(run([str(clone / "sconsw"), "no-install=1"], clone, env))
    assert what.startswith(f"netmap: ./sconsw needs: {program}")
    assert f" {program}" in hint
    assert not (clone / ".venv").exists()


def test_without_apt_and_headers_the_distributions_command_is_named(
    checkout: Checkout, tmp_path: Path
) -> None:
    path = path_without(tmp_path / "bin", "apt-get", "apt-config", "dnf", "zypper", "pacman")
    done = scons(checkout, "module", "kernel=default", "no-install=1", env={"PATH": path})
    what, hint = the_error(done)
    assert "comes through apt on Debian, which this machine has not" in what
    assert "kernel-dir=/path/to/kernel/headers" in hint


def test_headers_that_name_an_absent_compiler_name_its_package(checkout: Checkout) -> None:
    (checkout.kernel / ".kernelvariables").write_text("CC = $(CROSS_COMPILE)gcc-99\n")
    what, hint = the_error(checkout.scons("module", "no-install=1"))
    assert "gcc-99" in what
    assert "gcc-99" in hint


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("apt-get"), reason="this system has no apt")
def test_without_a_network_apt_says_so(checkout: Checkout, tmp_path: Path) -> None:
    config = tmp_path / "apt.conf"
    config.write_text(f'Acquire::http::Proxy "{CLOSED}"; Acquire::https::Proxy "{CLOSED}";\n')
    done = scons(checkout, "module", "kernel=default", env={"APT_CONFIG": str(config)})
    what, _ = the_error(done)
    assert "linux-headers-" in what


def test_offline_a_missing_kernel_names_fetch(checkout: Checkout) -> None:
    what, hint = the_error(scons(checkout, "module", "kernel=default", "offline=1"))
    assert "needs the network, and offline=1 forbids it" in what
    assert hint == "        type: ./sconsw fetch"


def test_offline_a_missing_environment_names_fetch(clone: Path, tmp_path: Path) -> None:
    done = run([str(clone / "sconsw"), "lib", "offline=1"], clone, variables(tmp_path))
    what, hint = the_error(done)
    assert "offline=1 forbids it" in what
    assert hint == "        type: ./sconsw fetch"
    assert not (clone / ".venv").exists()


@pytest.mark.slow
def test_without_a_network_pip_says_so_and_nothing_half_made_stays(
    clone: Path, tmp_path: Path
) -> None:
    env = variables(tmp_path, PIP_INDEX_URL=CLOSED)
    what, _ = the_error(run([str(clone / "sconsw"), "lib"], clone, env))
    assert "pip does not reach its package index" in what
    assert not (clone / ".venv").exists()
    assert list((tmp_path / ".cache/netmap-build/wheels").iterdir()) == []


@pytest.mark.slow
def test_an_interrupted_download_leaves_nothing_and_says_one_line(
    clone: Path, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        process = subprocess.Popen(
            [str(clone / "sconsw"), "lib"],
            cwd=clone,
            env=variables(tmp_path, PIP_INDEX_URL=f"http://127.0.0.1:{port}"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        connection, _ = silent.accept()  # the download is under way now
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate()
        connection.close()
    assert process.returncode == 130
    assert said.splitlines()[-1].startswith("netmap: interrupted, nothing half made stays")
    assert "Traceback" not in said
    assert not (clone / ".venv").exists()
    assert list((tmp_path / ".cache/netmap-build/wheels").iterdir()) == []


def test_an_interrupted_build_says_one_line_and_goes_on_later(checkout: Checkout) -> None:
    pipe = checkout.top.parent / "pipe"
    os.mkfifo(pipe)
    slow = (
        (checkout.top / "linux/Makefile")
        .read_text()
        .replace("modules:\n", f"modules:\n\t@cat {pipe}\n")
    )
    (checkout.top / "linux/Makefile").write_text(slow)
    python = os.environ.get("NETMAP_BUILD_PYTHON", str(TOP / ".venv/bin/python"))
    process = subprocess.Popen(
        [python, "-m", "SCons", "-Q", "module", f"kernel-dir={checkout.kernel}"],
        cwd=checkout.top,
        env={**os.environ, "NETMAP_BUILD_CACHE": str(checkout.cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with pipe.open("w"):  # opens when make reads it
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate()
    assert process.returncode == 130
    assert said.splitlines()[-1].startswith("netmap: interrupted, nothing half made stays")
    assert "Traceback" not in said
    assert "scons: ***" not in said
    (checkout.top / "linux/Makefile").write_text(slow.replace(f"\t@cat {pipe}\n", ""))
    checkout.build("module")


@pytest.mark.slow
def test_a_full_disk_under_the_cache_is_named(
    clone: Path, tmp_path: Path, small_disk: Path
) -> None:
    env = variables(tmp_path, NETMAP_BUILD_CACHE=str(small_disk))
    env |= {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    del env["PIP_CONFIG_FILE"]
    env["HOME"] = os.environ["HOME"]
    what, _ = the_error(run([str(clone / "sconsw"), "lib"], clone, env))
    assert "no space" in what
    assert not (clone / ".venv").exists()


def fill(disk: Path) -> None:
    """Leave no room on a small disk."""
    with suppress(OSError), (disk / "filler").open("wb", buffering=0) as out:
        while True:
            out.write(bytes(4096))


def test_a_full_disk_under_the_checkout_is_named(checkout: Checkout, small_disk: Path) -> None:
    (checkout.top / "build").symlink_to(small_disk)
    fill(small_disk)
    what, _ = the_error(checkout.scons("lib"))
    assert "no space" in what


def open_the_way(folder: Path) -> None:
    """Let other users reach a folder below the temporary one."""
    for path in (folder, *folder.parents):
        if path.stat().st_uid == os.geteuid() and not path.stat().st_mode & 0o001:
            path.chmod(0o755)


@pytest.mark.skipif(not AS_ROOT, reason="only root can act as another user")
def test_a_checkout_of_somebody_else_is_read_only(clone: Path, tmp_path: Path) -> None:
    clone.chmod(0o755)
    open_the_way(tmp_path)
    env = variables(tmp_path)
    done = run([str(clone / "sconsw")], clone, env, user=NOBODY)
    what, hint = the_error(done)
    assert "this checkout is read-only for you" in what
    assert f"cp -r {clone} " in hint


@pytest.mark.skipif(not AS_ROOT, reason="only root can act as another user")
def test_without_home_and_account_the_cache_is_asked_for(clone: Path, tmp_path: Path) -> None:
    uid = 54321
    open_the_way(tmp_path)
    for path in [clone, *clone.rglob("*")]:
        os.chown(path, uid, uid)
    env = variables(tmp_path)
    del env["HOME"]
    what, hint = the_error(run([str(clone / "sconsw"), "lib"], clone, env, user=uid))
    assert "HOME is not set, and this user has no account" in what
    assert "NETMAP_BUILD_CACHE=" in hint


@pytest.mark.skipif(not AS_ROOT, reason="only root can act as another user")
def test_a_cache_of_somebody_else_is_named(clone: Path, tmp_path: Path) -> None:
    open_the_way(tmp_path)
    for path in [clone, *clone.rglob("*")]:
        os.chown(path, NOBODY, NOBODY)
    (tmp_path / "cache").mkdir()
    env = variables(tmp_path, NETMAP_BUILD_CACHE=str(tmp_path / "cache"))
    done = run([str(clone / "sconsw"), "lib"], clone, env, user=NOBODY)
    what, hint = the_error(done)
    assert "the build cache cannot be written" in what
    assert "NETMAP_BUILD_CACHE=" in hint


@pytest.mark.parametrize("word", ["kernel-dir=/nowhere", "kernel-dir=/etc", "kernel=9.9.9"])
def test_a_wrong_kernel_is_refused(checkout: Checkout, word: str) -> None:
    what, _ = the_error(scons(checkout, word), code=2)
    assert word.partition("=")[2] in what


def test_a_source_that_does_not_compile_names_the_object_and_the_next_command(
    checkout: Checkout,
) -> None:
    (checkout.top / "libnetmap/lib.c").write_text("int broken(\n")
    what, hint = the_error(checkout.scons("lib"))
    assert "lib.os could not be made; why stands above" in what
    assert "verbose=1" in hint


def test_a_file_that_nobody_makes_is_refused(checkout: Checkout) -> None:
    what, _ = the_error(checkout.scons("build/nothing"))
    assert "build/nothing" in what


def test_files_from_the_future_build_without_a_complaint(checkout: Checkout) -> None:
    for path in checkout.top.rglob("*"):
        os.utime(path, (4e9, 4e9))
    said = checkout.build()
    assert "skew" not in said.lower()
    (checkout.top / "linux/main.c").write_text("/* changed */\n")
    checkout.build()
    assert "changed" in (checkout.out / "stage/netmap.ko").read_text()


# Their hints are about archives and trees that somebody else made: there is no command to type.
OF_OTHERS = ("downloads", "install.py", "kernel_source.py", "target.py")


def hints(file: Path) -> list[str]:
    """The beginnings of the hints in a file that are written out there."""
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
            ("BuildError", "NoEngine")
        ):
            hint: ast.expr | None = node.args[1] if len(node.args) > 1 else None
            if isinstance(hint, ast.JoinedStr):
                hint = hint.values[0]
            if isinstance(hint, ast.Constant) and isinstance(hint.value, str):
                found.append(hint.value)
    return found


def test_every_hint_says_what_to_type() -> None:
    folder = TOP / "site_scons/netmap_build"
    files = [path for path in folder.rglob("*.py") if not set(path.parts) & set(OF_OTHERS)]
    said = [(path.name, hint) for path in files for hint in hints(path)]
    assert len(said) > 30
    assert [(name, hint) for name, hint in said if not hint.startswith("type")] == []


def test_a_failed_system_call_is_told_without_its_number() -> None:
    error = from_os_error(OSError(5, "Input/output error", "/a/file"), Path("/top"))
    assert error.message == "Input/output error: /a/file"
    assert error.hint.startswith("type")

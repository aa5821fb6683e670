# SPDX-License-Identifier: BSD-2-Clause
"""No network, no space, an interrupt: what fetches ends in two lines and leaves nothing half made.

pip, apt and dpkg-deb are the real ones; what they reach is this machine's loopback and folders.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from netmap_build import apt, cache, debian_kernel, space, toolchains, venvs, wheels
from netmap_build.errors import BuildError

TOP = Path(__file__).resolve().parents[2]
NOBODY = "http://127.0.0.1:9/"  # nothing listens there
ZIG = "ziglang/zig"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def made_pip() -> list[str]:
    """The pip of the build's own cache: making another takes seconds."""
    return wheels.pip(venvs.interpreter())


@pytest.fixture
def real_pip(made_pip: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "pip", lambda base: made_pip)


@pytest.fixture
def no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """pip looks for its index where nobody answers, and gives up at once."""
    settings = {"CONFIG_FILE": os.devnull, "INDEX_URL": NOBODY, "RETRIES": "0", "NO_CACHE_DIR": "1"}
    for name, value in settings.items():
        monkeypatch.setenv(f"PIP_{name}", value)


def names(folder: Path) -> list[str]:
    """What lies there, but for locks."""
    return sorted(path.name for path in folder.glob("*") if path.suffix != ".lock")


def two_lines(error: BuildError) -> str:
    """The error as a person sees it, checked for its form."""
    assert "\n" not in error.message
    assert error.hint
    assert "\n" not in error.hint
    return f"{error.message} | {error.hint}"


def wheel(folder: Path, content: bytes) -> str:
    """A wheel that pip takes for a ziglang, and the block of a lock that pins it."""
    file = folder / "ziglang-9.0-py3-none-any.whl"
    info = "ziglang-9.0.dist-info"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr(ZIG, content)
        out.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: ziglang\nVersion: 9.0\n")
        out.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any"
        )
        out.writestr(f"{info}/RECORD", "")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return f"ziglang==9.0 \\\n    --hash=sha256:{digest}\n"


@pytest.fixture
def zig_checkout(tmp_path: Path, real_pip: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose lock pins a small ziglang that pip finds in a folder."""
    for name, value in {"CONFIG_FILE": os.devnull, "NO_INDEX": "1"}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setattr(toolchains, "ROOM", 0)
    return tmp_path


def test_a_compiler_is_fetched_whole(zig_checkout: Path) -> None:
    (zig_checkout / toolchains.LOCK).write_text(wheel(zig_checkout, b"#!/bin/sh\necho zig\n"))
    program = toolchains.zig("9.0", zig_checkout)
    assert subprocess.run([program], stdout=subprocess.PIPE, check=True).stdout == b"zig\n"
    assert names(cache.root() / "toolchains") == ["ziglang-9.0"]


def test_a_compiler_with_another_hash_is_refused(zig_checkout: Path) -> None:
    lock = wheel(zig_checkout, b"1")
    wheel(zig_checkout, b"2")
    (zig_checkout / toolchains.LOCK).write_text(lock)
    with pytest.raises(BuildError) as caught:
        toolchains.zig("9.0", zig_checkout)
    assert "downloading ziglang 9.0 failed: " in two_lines(caught.value)
    assert names(cache.root() / "toolchains") == []


def test_a_compiler_without_a_network_is_two_lines(
    zig_checkout: Path, no_index: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    (zig_checkout / toolchains.LOCK).write_text(wheel(zig_checkout, b"1"))
    with pytest.raises(BuildError) as caught:
        toolchains.zig("9.0", zig_checkout)
    said = two_lines(caught.value)
    assert "downloading ziglang 9.0 failed: pip does not reach its package index" in said
    assert "type: pip config list" in said
    assert names(cache.root() / "toolchains") == []


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (os.urandom(1 << 21), "downloading ziglang 9.0 failed: no space is left"),  # pip's part
        (bytes(1 << 21), "no space left for ziglang 9.0 in "),  # ours: it unpacks to that
    ],
    ids=["downloading", "unpacking"],
)
def test_a_compiler_on_a_full_disk_is_two_lines(
    zig_checkout: Path,
    small_disk: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
    what: str,
) -> None:
    monkeypatch.setenv(cache.VARIABLE, str(small_disk))
    (zig_checkout / toolchains.LOCK).write_text(wheel(zig_checkout, content))
    with pytest.raises(BuildError) as caught:
        toolchains.zig("9.0", zig_checkout)
    assert what in two_lines(caught.value)
    assert names(small_disk / "toolchains") == []


def test_a_compiler_that_cannot_fit_is_not_downloaded(
    zig_checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (zig_checkout / toolchains.LOCK).write_text(wheel(zig_checkout, b"1"))
    monkeypatch.setattr(toolchains, "ROOM", 1 << 60)
    with pytest.raises(BuildError, match=r"no space left for ziglang 9.0 .* MB are free") as caught:
        toolchains.zig("9.0", zig_checkout)
    assert f"{cache.VARIABLE}=/a/folder/with/space" in two_lines(caught.value)


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    file = tmp_path / "requirements.lock"
    file.write_text("scons==1.0 \\\n    --hash=sha256:" + "0" * 64 + "\n")
    return file


def interpreter(path: Path, script: str) -> Path:
    """A program that stands in for a Python which is asked for `-m venv FOLDER`."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_an_environment_without_a_network_is_two_lines_and_no_folder(
    tmp_path: Path, lock: Path, no_index: None, real_pip: None
) -> None:
    with pytest.raises(BuildError) as caught:
        venvs.make(tmp_path / ".venv", lock, venvs.interpreter())
    said = two_lines(caught.value)
    assert "downloading the packages of requirements.lock failed: pip does not reach its" in said
    assert not (tmp_path / ".venv").exists()
    assert names(cache.root() / "wheels") == []


def test_a_venv_that_fails_on_a_full_disk_is_two_lines_and_no_folder(
    tmp_path: Path, small_disk: Path, lock: Path
) -> None:
    """It says only that something failed, and not why."""
    wheels.folder_of(lock).mkdir(parents=True)
    script = 'mkdir "$4" && dd if=/dev/zero of="$4/file" bs=64k; echo Error; exit 1'
    with pytest.raises(BuildError) as caught:
        venvs.make(small_disk / ".venv", lock, interpreter(tmp_path / "python", script))
    assert f"no space left for .venv in {small_disk} | type: df -h" in two_lines(caught.value)
    assert names(small_disk) == []


def test_packages_that_do_not_fit_are_two_lines_and_no_folder(
    tmp_path: Path, small_disk: Path
) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(wheel(tmp_path, bytes(1 << 21)))
    wheels.folder_of(lock).mkdir(parents=True)
    for file in tmp_path.glob("*.whl"):
        shutil.move(file, wheels.folder_of(lock))
    with pytest.raises(BuildError) as caught:
        venvs.make(small_disk / ".venv", lock, venvs.interpreter())
    assert f"no space left for .venv in {small_disk} | type: df -h" in two_lines(caught.value)
    assert names(small_disk) == []


# A child that makes an environment with an interpreter which never ends.
MAKING = """
import sys
from pathlib import Path
from netmap_build import errors, venvs
folder, lock, base = map(Path, sys.argv[1:])
try:
    venvs.make(folder, lock, base)
except KeyboardInterrupt:
    errors.report_interrupted()
    sys.exit(errors.INTERRUPTED)
"""


def test_an_interrupted_environment_is_no_folder(tmp_path: Path, lock: Path) -> None:
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    wheels.folder_of(lock).mkdir(parents=True)
    script = f'mkdir "$4"; echo begun > {begun}; exec sleep 600'
    base = interpreter(tmp_path / "python", script)
    folder = tmp_path / ".venv"
    process = subprocess.Popen(
        [sys.executable, "-c", MAKING, str(folder), str(lock), str(base)],
        env={**os.environ, "PYTHONPATH": str(TOP / "site_scons")},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert begun.read_text() == "begun\n"
    assert folder.is_dir()
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.startswith("\nnetmap: interrupted")
    assert not folder.exists()


# A child that fills a folder and waits, until it is killed or its input ends.
FILLING = """
import sys
from pathlib import Path
from netmap_build import cache
with cache.new_folder(Path(sys.argv[1])) as scratch:
    (scratch / "half").touch()
    print(scratch, flush=True)
    sys.stdin.read()
"""


def filling(final: Path) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", FILLING, str(final)],
        env={**os.environ, "PYTHONPATH": str(TOP / "site_scons")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_what_a_killed_process_left_goes_with_the_next_attempt(tmp_path: Path) -> None:
    final = tmp_path / "tree"
    process, scratch = filling(final)
    process.kill()
    process.wait()
    assert (scratch / "half").exists()
    with cache.new_folder(final):
        assert not scratch.exists()
    assert names(tmp_path) == ["tree"]


def test_a_folder_that_another_process_fills_is_left_alone(tmp_path: Path) -> None:
    final = tmp_path / "tree"
    process, scratch = filling(final)
    with cache.new_folder(final) as ours:
        (ours / "ours").touch()
    assert (scratch / "half").exists()
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert names(tmp_path) == ["tree"]
    assert names(final) == ["half"]


def test_folders_of_other_names_are_not_swept(tmp_path: Path) -> None:
    for name in (".tree.lock", ".tree2.abcdefgh", ".tree.ABCDEFGH", "tree.abcdefgh"):
        (tmp_path / name).mkdir()
    (tmp_path / ".tree.abcdefgh").write_text("a file")
    before = sorted(tmp_path.iterdir())
    with cache.new_folder(tmp_path / "tree"):
        pass
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "tree"])


def deb(folder: Path, content: bytes) -> Path:
    """A package with one file."""
    tree = folder / "linux-headers"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        "Package: linux-headers\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\n"
        "Description: x\n"
    )
    (tree / "file").write_bytes(content)
    made = folder / "linux-headers.deb"
    command = ["dpkg-deb", "--root-owner-group", "-b", str(tree), str(made)]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    shutil.rmtree(tree)
    return made


class LocalApt:
    """Gives one package that lies on this machine."""

    def __init__(self, package: Path) -> None:
        self.package = package

    def download(self, packages: list[apt.Package], folder: Path) -> list[Path]:
        shutil.copy(self.package, folder)
        return [folder / self.package.name]


def place(package: Path) -> None:
    found = [apt.Package("linux-headers-1", "1", 1)]
    debian_kernel.place(LocalApt(package), found, "1")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (os.urandom(1 << 21), "no space left for the kernel packages in "),
        (bytes(1 << 21), "no space left for unpacking linux-headers.deb in "),
    ],
    ids=["downloading", "unpacking"],
)
def test_a_kernel_on_a_full_disk_is_two_lines(
    tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, what: str
) -> None:
    package = deb(tmp_path, content)
    monkeypatch.setenv(cache.VARIABLE, str(small_disk))
    monkeypatch.setattr(space, "need", lambda what, folder, needed: None)
    with pytest.raises(BuildError) as caught:
        place(package)
    assert what in two_lines(caught.value)
    assert names(debian_kernel.store()) == []


def test_a_kernel_package_that_is_cut_is_two_lines(tmp_path: Path) -> None:
    package = deb(tmp_path, os.urandom(10_000))
    package.write_bytes(package.read_bytes()[:5_000])
    with pytest.raises(BuildError) as caught:
        place(package)
    assert "linux-headers.deb did not unpack: " in two_lines(caught.value)
    assert names(debian_kernel.store()) == []


SOURCES = "Types: deb\nURIs: {}\nSuites: bookworm\nComponents: main\n"


@pytest.fixture
def hasty_apt(monkeypatch: pytest.MonkeyPatch) -> None:
    """apt that does not try again."""
    given = apt.configuration

    def hasty(*words: object, **more: object) -> str:
        return given(*words, **more) + 'Acquire::Retries "0";\n'  # type: ignore[arg-type]

    monkeypatch.setattr(apt, "configuration", hasty)


def test_a_kernel_without_a_network_is_two_lines(
    own_cache: Path, hasty_apt: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = apt.PrivateApt(own_cache / "apt", SOURCES.format(NOBODY))
    monkeypatch.setattr(debian_kernel, "private_apt", lambda suite, arch: private)
    with pytest.raises(BuildError) as caught:
        debian_kernel.fetch_flavour("cloud-amd64", "", "")
    said = two_lines(caught.value)
    assert "apt has no linux-headers-cloud-amd64 of " in said
    assert f"Failed to fetch {NOBODY}" in said
    assert "Connection refused" in said
    assert "type: ./sconsw kernel-dir=" in said
    assert names(own_cache) == ["apt"]


def test_lists_that_cannot_fit_are_not_fetched(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """apt-get update waits for ever on a disk that becomes full under it."""
    monkeypatch.setattr(apt, "ROOM", 1 << 60)
    with pytest.raises(BuildError, match="no space left for the package lists of apt"):
        apt.PrivateApt(own_cache / "apt").update()
    assert not own_cache.exists()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("E: Write error - write (28: No space left on device)\n", "no space left for"),
        ("E: You don't have enough free space in /x/archives/.\n", "no space left for"),
        (
            "W: x\nE: Failed to fetch http://a/b.deb  Temporary failure resolving 'a'\n",
            "apt does not reach its archive: ",
        ),
        ("E: Version '1' for 'x' was not found\n", "download failed: E: Version '1' for 'x' was"),
        ("", "apt-get download failed: it said nothing"),
    ],
)
def test_what_apt_says_becomes_two_lines(tmp_path: Path, said: str, told: str) -> None:
    assert told in two_lines(apt.explained(said, tmp_path))


def test_an_apt_that_fails_to_download_is_explained(own_cache: Path, hasty_apt: None) -> None:
    private = apt.PrivateApt(own_cache / "apt", SOURCES.format(NOBODY))
    private.update()
    with pytest.raises(BuildError, match="Unable to locate package linux-none"):
        private.download([apt.Package("linux-none", "1", 1)], own_cache)

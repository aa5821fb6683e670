# SPDX-License-Identifier: BSD-2-Clause
"""Images of Debian suites made here, and commands run in containers of them.

There is no registry: mmdebstrap makes a suite's file system from the system's own apt sources,
with the suite in them replaced, and the engine imports it. The archive of an image is kept in the
build cache; the engine keeps the image.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import apt, cache, interrupts, needs, network, space, suites, system_packages
from .engine import Engine, NoEngine, engine
from .errors import BuildError, say

__all__ = ["Engine", "Mount", "NoEngine", "engine", "image", "prepare", "run", "same"]

REPOSITORY = "netmap-build"
RECIPE = "1"  # another number makes all images anew
LABEL = "netmap-build"
RANGE = 'sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 "$USER"'
IMAGE_BYTES = 700_000_000  # a suite's base with a compiler, unpacked and packed


@dataclass(frozen=True)
class Mount:
    """A folder or file of this machine inside a container."""

    source: Path
    target: Path
    writable: bool = False


def same(path: Path, writable: bool = False) -> Mount:
    """A folder under its own name."""
    return Mount(path, path, writable)


def key(suite: str, packages: Sequence[str]) -> str:
    """Names an image by what it holds."""
    words = "\0".join([RECIPE, suite, *sorted(packages)])
    return f"{suite}-{hashlib.sha256(words.encode()).hexdigest()[:12]}"


def archive(suite: str, packages: Sequence[str]) -> Path:
    """Where the file system of an image lies in the cache."""
    return cache.root() / "images" / f"{key(suite, packages)}.tar"


def image(
    on: Engine,
    suite: str,
    packages: Sequence[str] = (),
    *,
    may_install: bool = True,
    older_than: float = 0,
) -> str:
    """The tag of an image of a suite's smallest system and these packages, made on first need.

    older_than: a time; an archive made before it is made again. SuiteMissing when the archive of
    the suite does not answer.
    """
    file = prepare(suite, packages, may_install=may_install, older_than=older_than)
    made = int(file.stat().st_mtime)
    name = f"{REPOSITORY}/{key(suite, packages)}"
    tag = f"{name}:{made}"
    if not on.client.images.list(filters={"reference": tag}):
        try:
            on.client.api.import_image_from_file(str(file), repository=name, tag=str(made))
        except Exception as error:
            raise BuildError(
                f"the engine at {on.address} did not take the image of {suite}: {error}",
                f"type: df -h {cache.root()}",
            ) from None
        if not on.client.images.list(filters={"reference": tag}):
            raise BuildError(
                f"the engine at {on.address} did not import the image of {suite}",
                f"type: rm {file}, then the same again; type: df -h {cache.root()}",
            )
    return tag


def prepare(
    suite: str, packages: Sequence[str] = (), *, may_install: bool = True, older_than: float = 0
) -> Path:
    """The file system of an image, in the cache; asks the network only when it is not there."""
    file = archive(suite, packages)
    with cache.locked(file.with_suffix(".lock"), f"makes the image of {suite}"):
        if not file.exists() or file.stat().st_mtime < older_than:
            network.need(f"making the image of Debian {suite}")
            make(suite, packages, file, may_install)
    return file


def make(suite: str, packages: Sequence[str], file: Path, may_install: bool) -> None:
    """mmdebstrap, with the system's mirrors and keys."""
    sources = suites.sources(suite, suites.system_sources())
    if not sources:
        raise suites.SuiteMissing(
            f"the apt sources of this system name no Debian archive to take {suite} from",
            "type: grep -r debian /etc/apt/sources.list*",
        )
    missing = needs.packages([needs.MMDEBSTRAP])
    if missing:
        system_packages.install(missing, f"an image of {suite}", may_install=may_install)
    space.need(f"an image of Debian {suite}", file, IMAGE_BYTES)
    words = f" with {', '.join(packages)}" if packages else ""
    say(f"netmap: making an image of Debian {suite}{words}")
    began = time.monotonic()
    with cache.new_folder(file.parent / f".{file.stem}.new") as scratch:
        (scratch / "suite.sources").write_text(sources)
        (scratch / "apt.conf").write_text(way_to_the_archive())
        command = ["mmdebstrap", "--variant=minbase", "--quiet"]
        command += [f"--aptopt={scratch / 'apt.conf'}"]
        command += [f"--include={','.join(packages)}"] if packages else []
        command += [suites.named(suite).base, str(scratch / "image.tar")]
        command += [str(scratch / "suite.sources")]
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={
                **os.environ,
                "LC_ALL": "C",
                "PATH": system_packages.search_path(),
                "TMPDIR": str(scratch),
            },
            check=False,
        )
        if "chroot mode" in done.stdout and done.returncode:
            raise BuildError(
                "an ordinary user makes an image only with user namespaces: a program newuidmap, "
                "and a range of ids in /etc/subuid and /etc/subgid",
                f"{system_packages.command_to_type(['uidmap'])}; then: {RANGE}",
            )
        if done.returncode:
            raise suites.SuiteMissing(
                f"no image of Debian {suite} could be made: {reason(done.stdout)}",
                f"type: mmdebstrap --variant=minbase {suite} /dev/null",
            )
        (scratch / "image.tar").replace(file)
    size = file.stat().st_size / 1e6
    say(f"netmap: Debian {suite}: {size:.0f} MB in {time.monotonic() - began:.0f} s")


def way_to_the_archive() -> str:
    """How the system's apt reaches archives (a proxy, a time-out), for the apt of an image."""
    dump = subprocess.run(
        ["apt-config", "dump"], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    kept = [
        line
        for line in dump.splitlines()
        if line.startswith("Acquire::")
        and not line.startswith(("Acquire::IndexTargets", "Acquire::Changelogs", *apt.STRICT))
    ]
    return "\n".join(kept) + "\n"


def reason(said: str) -> str:
    """The line of mmdebstrap's that says why."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    for word in ("No space left", "Err:", "Could not", "Unable to locate", "NO_PUBKEY", "E:"):
        for line in lines:
            if word in line:
                return line
    return (lines or ["it said nothing"])[-1]


def run(
    on: Engine,
    image: str,
    command: Sequence[str],
    *,
    mounts: Sequence[Mount] = (),
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    workdir: Path | str | None = None,
    network: str = "none",
    on_output: Callable[[str], None] | None = None,
) -> tuple[int, str]:
    """Run a command in a new container: its exit code and all that it said.

    What it says goes to standard output as it comes, or to on_output. It runs as the caller
    (user="0:0": as root) without network (network="host": with this machine's). The container is
    removed afterwards, whatever happens.
    """
    import docker  # late: a build that needs no container does without

    container = on.client.containers.create(
        image,
        list(command),
        mounts=[
            docker.types.Mount(
                str(mount.target), str(mount.source), type="bind", read_only=not mount.writable
            )
            for mount in mounts
        ],
        environment={"LC_ALL": "C", "HOME": "/tmp", **(env or {})},
        user=user or on.user(),
        working_dir=str(workdir) if workdir else None,
        network_mode=network,
        labels={LABEL: "1"},
        init=False,
    )

    def kill() -> None:
        with suppress(Exception):  # it may not run yet, or no more
            container.kill()

    try:
        with interrupts.stopped_by(kill):
            return attend(container, on_output or write)
    finally:
        container.remove(force=True, v=True)


def attend(container: Any, on_output: Callable[[str], None]) -> tuple[int, str]:
    """Start it, pass on what it says, wait for its end."""
    stream = container.attach(stdout=True, stderr=True, stream=True, logs=True)
    container.start()
    said: list[str] = []
    for piece in stream:
        text = piece.decode(errors="replace")
        said.append(text)
        on_output(text)
    return int(container.wait()["StatusCode"]), "".join(said)


def write(text: str) -> None:
    """Pass a piece of output on at once."""
    sys.stdout.write(text)
    sys.stdout.flush()

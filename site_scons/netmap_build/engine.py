# SPDX-License-Identifier: BSD-2-Clause
"""A container engine: one that answers already, else a private dockerd that ends with us.

Any engine with Docker's interface will do: $DOCKER_HOST, Docker's socket, Podman's. Where none
answers and this is root, dockerd is installed and started with a socket, a folder of images and a
pid file of its own; it touches neither the firewall nor any bridge.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import cache, needs, system_packages
from .errors import BuildError, say

VARIABLE = "DOCKER_HOST"
DRIVERS = ("overlay2", "vfs")  # the second is slow and works everywhere
START_SECONDS = 30
STOP_SECONDS = 20
CALL_SECONDS = 600  # an import of a large image is one call
# dockerd ends when standard input does, which is when the build ends, however it ends. It leaves
# the network name space of its containers mounted.
SUPERVISOR = (
    'dockerd "$@" </dev/null & pid=$!; cat >/dev/null; kill "$pid"; wait "$pid"; '
    'umount -l "$OURS"/exec/netns/* 2>/dev/null; rm -rf "$OURS"'
)


class NoEngine(BuildError):
    """No container engine is to be had."""


@dataclass(frozen=True)
class Engine:
    """A connection to an engine."""

    client: Any  # docker.DockerClient
    address: str
    rootless: bool  # root in its containers is the user outside

    def user(self) -> str:
        """The user that writes files in a container as the caller would outside."""
        return "0:0" if self.rootless else f"{os.getuid()}:{os.getgid()}"


class Private:
    """Our own dockerd, and what goes away with it."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.held = ExitStack()

    def close(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
            self.process = None
        self.held.close()


ALONE = threading.Lock()
FOUND: list[Engine] = []


def addresses() -> list[str]:
    """Where an engine may answer; only $DOCKER_HOST where that is set."""
    if os.environ.get(VARIABLE):
        return [os.environ[VARIABLE]]
    runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    sockets = (
        "/var/run/docker.sock",
        f"{runtime}/docker.sock",
        f"{runtime}/podman/podman.sock",
        "/run/podman/podman.sock",
    )
    return [f"unix://{path}" for path in sockets if Path(path).exists()]


def connect(address: str) -> Engine | None:
    """The engine at an address, or None when none answers there."""
    import docker  # late: a build that needs no container does without

    try:
        quick = docker.DockerClient(base_url=address, timeout=5)
        info = quick.info()
        quick.close()
        client = docker.DockerClient(base_url=address, timeout=CALL_SECONDS)
    except (docker.errors.DockerException, OSError):
        return None
    options = info.get("SecurityOptions") or []
    return Engine(client, address, any("rootless" in option for option in options))


def engine(may_install: bool = True) -> Engine:
    """The engine of this process, found or started once; NoEngine says what to type."""
    with ALONE:
        if not FOUND:
            FOUND.append(find(may_install))
        return FOUND[0]


def find(may_install: bool) -> Engine:
    """One that answers, else our own."""
    tried = addresses()
    for address in tried:
        found = connect(address)
        if found is not None:
            return found
    if os.environ.get(VARIABLE):
        raise NoEngine(
            f"no Docker engine answers at {VARIABLE}={os.environ[VARIABLE]}",
            f"type: unset {VARIABLE}, or start that engine",
        )
    if os.geteuid() != 0:
        raise NoEngine(
            "no Docker engine answers" + (f" (tried {', '.join(tried)})" if tried else ""),
            f"{system_packages.command_to_type(['docker.io'])}"
            f" and join the group docker, or {VARIABLE}=unix:///a/socket ./sconsw ...",
        )
    if shutil.which("dockerd") is None:
        try:
            system_packages.install(
                needs.packages([needs.DOCKER]), "a container", may_install=may_install
            )
        except BuildError as error:
            raise NoEngine(f"no Docker engine answers, and {error.message}", error.hint) from None
        for address in addresses():  # the package may have started one
            found = connect(address)
            if found is not None:
                return found
    return start()


def start() -> Engine:
    """Our own dockerd, with the first storage driver that works here."""
    private = Private()
    try:
        lock = cache.root() / "docker.lock"
        private.held.enter_context(cache.locked(lock, "runs containers"))
        atexit.register(private.close)
        said = ""
        for driver in DRIVERS:
            folder = Path(tempfile.mkdtemp(prefix="netmap-docker-"))
            private.held.callback(shutil.rmtree, folder, ignore_errors=True)
            found, said = launch(private, folder, driver)
            if found is not None:
                # programs that we start share this one
                os.environ[VARIABLE] = found.address
                private.held.callback(os.environ.pop, VARIABLE, None)
                return found
        raise NoEngine(
            f"dockerd does not start here: {said}",
            f"type: dockerd, mend what it says, or {VARIABLE}=unix:///a/socket ./sconsw ...",
        )
    except BaseException:
        private.close()
        raise


def launch(private: Private, folder: Path, driver: str) -> tuple[Engine | None, str]:
    """One try; when it does not come up nothing is left running, and the log says why."""
    address = f"unix://{folder}/docker.sock"
    words = [
        "--iptables=false",
        "--ip6tables=false",
        "--bridge=none",
        f"--host={address}",
        f"--data-root={cache.root() / 'docker'}",
        f"--exec-root={folder}/exec",
        f"--pidfile={folder}/pid",
        f"--storage-driver={driver}",
    ]
    with (folder / "log").open("w") as log:
        private.process = subprocess.Popen(
            ["/bin/sh", "-c", SUPERVISOR, "dockerd", *words],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the build, which then ends it
            env={**os.environ, "PATH": system_packages.search_path(), "OURS": str(folder)},
        )
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if (folder / "docker.sock").exists():
            found = connect(address)
            if found is not None:
                say(f"netmap: a private dockerd runs until the build ends ({driver})")
                return found, ""
        if "failed to start daemon" in (folder / "log").read_text(errors="replace"):
            break
        time.sleep(0.1)
    said = complaint(folder / "log")
    if private.process.stdin is not None:
        private.process.stdin.close()
    private.process.wait(STOP_SECONDS)
    private.process = None
    return None, said


def complaint(log: Path) -> str:
    """The last line of dockerd's log that says why."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    told = [line for line in lines if "level=error" in line or "failed" in line]
    return ([*lines[-1:], *told] or ["it said nothing"])[-1].strip()[:300]

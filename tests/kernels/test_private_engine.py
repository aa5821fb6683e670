# SPDX-License-Identifier: BSD-2-Clause
"""A real engine: commands as the caller, nothing left behind, however the build ends."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from netmap_build import containers, engine

START = """\
import sys, time
from netmap_build import engine
found = engine.engine(may_install=True)
print(found.address, flush=True)
{then}
"""


@pytest.fixture(scope="module")
def here() -> engine.Engine:
    """The engine that the build would use."""
    return engine.engine(os.environ.get("NETMAP_MAY_INSTALL") == "1")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A system of this machine's own busybox: nothing is downloaded for it."""
    root = tmp_path_factory.mktemp("image")
    (root / "bin").mkdir()
    source = next(path for path in ("/bin/busybox", "/usr/bin/busybox") if Path(path).exists())
    (root / "bin/busybox").write_bytes(Path(source).read_bytes())
    (root / "bin/busybox").chmod(0o755)
    (root / "bin/sh").symlink_to("busybox")
    made = root.parent / "busybox.tar"
    subprocess.run(["tar", "-cf", str(made), "-C", str(root), "bin"], check=True)
    return made


@pytest.fixture(scope="module")
def image(here: engine.Engine, archive: Path) -> str:
    here.client.api.import_image_from_file(str(archive), repository="netmap-test", tag="busybox")
    return "netmap-test:busybox"


def left(here: engine.Engine) -> list[str]:
    """Containers of ours that still exist."""
    found = here.client.containers.list(all=True, filters={"ancestor": "netmap-test:busybox"})
    return [str(one.name) for one in found]


def test_a_container_writes_as_the_user_who_asked(
    here: engine.Engine, image: str, tmp_path: Path
) -> None:
    tmp_path.chmod(0o777)
    code, said = containers.run(
        here,
        image,
        ["/bin/sh", "-c", "busybox id -u; busybox touch new; echo $WORD; exit 7"],
        mounts=[containers.same(tmp_path, True)],
        env={"WORD": "from outside"},
        user="65534:65534",
        workdir=tmp_path,
        on_output=lambda text: None,
    )
    assert (code, said) == (7, "65534\nfrom outside\n")
    assert (tmp_path / "new").stat().st_uid == 65534
    assert left(here) == []


def test_what_is_mounted_to_be_read_cannot_be_written(
    here: engine.Engine, image: str, tmp_path: Path
) -> None:
    tmp_path.chmod(0o777)
    code, said = containers.run(
        here,
        image,
        ["/bin/busybox", "touch", f"{tmp_path}/new"],
        mounts=[containers.same(tmp_path)],
        on_output=lambda text: None,
    )
    assert code != 0
    assert "Read-only" in said
    assert not (tmp_path / "new").exists()


def test_an_interrupted_command_leaves_no_container(here: engine.Engine, image: str) -> None:
    def interrupted(text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        containers.run(
            here,
            image,
            ["/bin/sh", "-c", "echo ready; busybox sleep 1000"],
            on_output=interrupted,
        )
    assert left(here) == []


# What dockerd mounts for it must go away too.
CONTAINER = """\
api = found.client.api
api.import_image_from_file({archive!r}, repository="netmap-test", tag="busybox")
found.client.containers.run("netmap-test:busybox", ["/bin/busybox", "true"], network_mode="host")
sys.exit("done")
"""


def alone(tmp_path: Path, then: str) -> subprocess.Popen[str]:
    """Another process with a private dockerd of its own."""
    env = {k: v for k, v in os.environ.items() if k != engine.VARIABLE}
    env |= {
        "NETMAP_BUILD_CACHE": str(tmp_path),
        "PYTHONPATH": str(Path(engine.__file__).parents[1]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-c", START.format(then=then)],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("then", "sent"),
    [
        ("sys.exit('failed')", 0),
        (CONTAINER, 0),
        ("time.sleep(60)", signal.SIGINT),
        ("time.sleep(60)", signal.SIGKILL),
    ],
    ids=["failed", "after a container", "interrupted", "killed"],
)
def test_a_private_dockerd_ends_with_the_build(
    tmp_path: Path, archive: Path, then: str, sent: int
) -> None:
    if any(engine.connect(address) for address in system_engines()):
        pytest.skip("an engine of the system answers; none is started")
    with alone(tmp_path, then.format(archive=str(archive))) as process:
        assert process.stdout is not None
        address = next((line for line in process.stdout if line.startswith("unix://")), "")
        folder = Path(address.strip().removeprefix("unix://")).parent
        assert folder.name.startswith("netmap-docker-")
        supervisor = -1
        if sent:
            daemon = int((folder / "pid").read_text())
            status = Path(f"/proc/{daemon}/status").read_text()
            supervisor = os.pidfd_open(int(re.findall(r"^PPid:\t(\d+)", status, re.MULTILINE)[0]))
            process.send_signal(sent)
        _, said = process.communicate(timeout=60)
        assert "Traceback" not in said or sent, said
    if sent:
        ready, _, _ = select.select([supervisor], [], [], 60)
        os.close(supervisor)
        assert ready, "dockerd did not end"
    assert not folder.exists()


def system_engines() -> list[str]:
    """Where an engine that is not ours may answer."""
    return [f"unix://{path}" for path in ("/var/run/docker.sock",) if Path(path).exists()]

# SPDX-License-Identifier: BSD-2-Clause
"""Images and commands in containers, with an engine that is pretended."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from netmap_build import containers, interrupts, network, space, suites
from netmap_build.errors import BuildError

MMDEBSTRAP = """\
#!/bin/sh
echo "$@" >>"$TRIES"
for word; do
	case $word in
		*.tar) echo image >"$word" ;;
		*.sources) cp "$word" "$TRIES.sources" ;;
	esac
done
"""
ENTRY = [suites.Source("https://mirror.example/debian", ("bookworm",), " /k.gpg")]


class FakeContainer:
    def __init__(self, pieces: list[bytes], code: int = 0, broken: bool = False) -> None:
        self.pieces, self.code, self.broken = pieces, code, broken
        self.done: list[str] = []

    def attach(self, **how: bool) -> Iterator[bytes]:
        yield from self.pieces
        if self.broken:
            raise KeyboardInterrupt

    def start(self) -> None:
        self.done.append("start")

    def wait(self) -> dict[str, int]:
        return {"StatusCode": self.code}

    def kill(self) -> None:
        self.done.append("kill")

    def remove(self, **how: bool) -> None:
        self.done.append("remove")


class FakeClient:
    """What containers.py uses of the Docker SDK."""

    def __init__(self, container: FakeContainer | None = None) -> None:
        self.container = container
        self.made: dict[str, Any] = {}
        self.tags: list[str] = []
        self.containers = self.images = self.api = self

    def create(self, image: str, command: list[str], **how: Any) -> FakeContainer:
        self.made = {"image": image, "command": command, **how}
        assert self.container is not None
        return self.container

    def list(self, filters: dict[str, str]) -> list[str]:
        return [tag for tag in self.tags if tag == filters["reference"]]

    def import_image_from_file(self, name: str, repository: str, tag: str) -> None:
        assert Path(name).read_text() == "image\n"
        self.tags.append(f"{repository}:{tag}")


def engine(client: FakeClient) -> containers.Engine:
    return containers.Engine(client, "unix:///fake", rootless=False)


@pytest.fixture
def mmdebstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pretended mmdebstrap that writes down what it was asked; the file it writes to."""
    program = tmp_path / "bin/mmdebstrap"
    program.parent.mkdir()
    program.write_text(MMDEBSTRAP)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("TRIES", str(tmp_path / "tries"))
    monkeypatch.setenv("NETMAP_BUILD_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(network.VARIABLE, raising=False)
    monkeypatch.setattr(suites, "system_sources", lambda: ENTRY)
    monkeypatch.setattr(containers, "way_to_the_archive", lambda: "")
    return tmp_path / "tries"


def test_an_image_is_made_once_and_imported_once(mmdebstrap: Path) -> None:
    client = FakeClient()
    tag = containers.image(engine(client), "trixie", ["make", "gcc-14"])
    assert containers.image(engine(client), "trixie", ["gcc-14", "make"]) == tag
    assert client.tags == [tag]
    tries = mmdebstrap.read_text().splitlines()
    assert len(tries) == 1
    assert "--variant=minbase" in tries[0]
    assert "--include=make,gcc-14 trixie " in tries[0]
    sources = Path(f"{mmdebstrap}.sources").read_text()
    assert "URIs: https://mirror.example/debian\nSuites: trixie\n" in sources
    assert "Signed-By: /k.gpg" in sources


def test_an_image_that_is_too_old_is_made_again(mmdebstrap: Path) -> None:
    client = FakeClient()
    old = containers.archive("sid", [])
    containers.image(engine(client), "sid")
    os.utime(old, (1000, 1000))
    first = containers.image(engine(client), "sid", older_than=1000)
    second = containers.image(engine(client), "sid", older_than=1001)
    assert first.endswith(":1000")
    assert second != first
    assert len(mmdebstrap.read_text().splitlines()) == 2


def test_other_packages_make_another_image(mmdebstrap: Path) -> None:
    client = FakeClient()
    tags = {containers.image(engine(client), "trixie", names) for names in ([], ["make"])}
    assert len(tags) == 2


def test_another_engine_imports_from_the_cache(mmdebstrap: Path) -> None:
    first, second = FakeClient(), FakeClient()
    tag = containers.image(engine(first), "trixie")
    assert containers.image(engine(second), "trixie") == tag
    assert second.tags == [tag]
    assert len(mmdebstrap.read_text().splitlines()) == 1


def test_an_image_of_the_cache_needs_no_network_and_a_new_one_says_so(
    mmdebstrap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    containers.prepare("trixie")
    monkeypatch.setenv(network.VARIABLE, "1")
    assert containers.prepare("trixie").exists()
    with pytest.raises(BuildError, match="making the image of Debian sid needs the network"):
        containers.prepare("sid")


def test_an_archive_that_does_not_answer_is_one_line(
    mmdebstrap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = shutil.which("mmdebstrap")
    assert program is not None
    Path(program).write_text(
        "#!/bin/sh\necho I: starting\necho 'Err:1 https://mirror.example sid: no route'\nexit 25\n"
    )
    with pytest.raises(suites.SuiteMissing) as caught:
        containers.prepare("sid")
    assert caught.value.message == (
        "no image of Debian sid could be made: Err:1 https://mirror.example sid: no route"
    )
    assert list((Path(os.environ["NETMAP_BUILD_CACHE"]) / "images").glob("*.tar")) == []


def test_an_ordinary_user_without_namespaces_is_told_what_is_missing(
    mmdebstrap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = shutil.which("mmdebstrap")
    assert program is not None
    Path(program).write_text(
        "#!/bin/sh\necho 'E: unable to pick chroot mode automatically'\nexit 1\n"
    )
    with pytest.raises(BuildError, match="only with user namespaces") as caught:
        containers.prepare("sid")
    assert not isinstance(caught.value, suites.SuiteMissing)
    assert "uidmap" in caught.value.hint
    assert "--add-subuids" in caught.value.hint


def test_a_full_disk_is_said_before_the_start(
    mmdebstrap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "free", lambda folder: 1000)
    with pytest.raises(BuildError, match="no space left for an image of Debian sid"):
        containers.prepare("sid")
    assert not mmdebstrap.exists()


def test_a_system_without_debians_archive_is_refused(
    mmdebstrap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suites, "system_sources", lambda: [])
    with pytest.raises(suites.SuiteMissing, match="name no Debian archive to take sid from"):
        containers.prepare("sid")


def test_a_command_gives_its_code_and_output_and_its_container_is_removed() -> None:
    client = FakeClient(FakeContainer([b"one\n", b"two\n"], 3))
    heard: list[str] = []
    folder = Path("/some/where")
    code, said = containers.run(
        engine(client),
        "an:image",
        ["make", "-j2"],
        mounts=[containers.same(folder, True), containers.Mount(folder, Path("/in"))],
        env={"A": "b"},
        on_output=heard.append,
    )
    assert (code, said, heard) == (3, "one\ntwo\n", ["one\n", "two\n"])
    assert client.container is not None
    assert client.container.done == ["start", "remove"]
    assert client.made["command"] == ["make", "-j2"]
    assert client.made["user"] == f"{os.getuid()}:{os.getgid()}"
    assert client.made["network_mode"] == "none"
    assert client.made["environment"]["A"] == "b"


def test_mounts_are_read_only_unless_they_are_asked_to_be_writable() -> None:
    client = FakeClient(FakeContainer([]))
    containers.run(
        engine(client),
        "an:image",
        ["true"],
        mounts=[containers.same(Path("/a"), True), containers.same(Path("/b"))],
    )
    assert [(m["Source"], m["Target"], m["ReadOnly"]) for m in client.made["mounts"]] == [
        ("/a", "/a", False),
        ("/b", "/b", True),
    ]


def test_the_container_is_removed_also_after_an_interruption() -> None:
    client = FakeClient(FakeContainer([b"x"], broken=True))
    with pytest.raises(KeyboardInterrupt):
        containers.run(engine(client), "i", ["true"], on_output=lambda text: None)
    assert client.container is not None
    assert client.container.done == ["start", "remove"]


def test_ctrl_c_in_another_thread_kills_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    client = FakeClient(FakeContainer([b"x"], 137))
    monkeypatch.setattr(interrupts.HAPPENED, "set", lambda: None)
    code, _ = containers.run(
        engine(client), "i", ["sleep"], on_output=lambda text: interrupts.interrupt()
    )
    assert code == 137
    assert client.container is not None
    assert client.container.done == ["start", "kill", "remove"]

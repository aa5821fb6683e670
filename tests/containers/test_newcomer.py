# SPDX-License-Identifier: BSD-2-Clause
"""A newcomer on a clean Debian 12 that has python3 and a shell, by the README alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import Ways
from netmap_build import containers
from netmap_build.containers import Mount
from netmap_build.engine import Engine

TOP = Path(__file__).resolve().parents[2]
SUITE = "bookworm"
CHECKOUT = "/srv/netmap"
# Downloads and an emulated machine: minutes on a busy computer.
pytestmark = pytest.mark.timeout(1500)
BEGIN = "cp -r /clone /srv/netmap && cd /srv/netmap\n"


def commands() -> list[str]:
    """The commands of the README's first block, without its remarks."""
    start = (TOP / "README.md").read_text().partition("\n## Start\n")[2]
    block = re.search(r"((?:^    .*\n)+)", start, re.MULTILINE)
    assert block is not None
    return [line.partition("#")[0].strip() for line in block.group(1).splitlines()]


@dataclass(frozen=True)
class Output:
    """What a script in a container said, by the marks it printed."""

    code: int
    text: str

    def part(self, name: str) -> str:
        """What stands between a mark and the next."""
        found = re.search(rf"^== {name}\n(.*?)(?=^== |\Z)", self.text, re.MULTILINE | re.DOTALL)
        assert found is not None, self.text
        return found.group(1)


@pytest.fixture
def newcomer(engine: Engine, ways: Ways, clone: Path) -> Callable[[str], Output]:
    """Run a script as root in a new Debian with the clone in it."""
    image = containers.image(engine, SUITE, ["python3"])

    def run(script: str) -> Output:
        code, text = containers.run(
            engine,
            image,
            ["/bin/sh", "-c", ways.copy + script],
            mounts=[*ways.mounts, Mount(clone, Path("/clone"))],
            env={**ways.variables, "HOME": "/srv"},
            user="0:0",
            network="host",
        )
        return Output(code, text.replace("\r\n", "\n"))

    return run


def received(text: str) -> list[str]:
    """The lines of `try` that tell of packets that arrived."""
    return re.findall(
        r"^(?:VALE switch|netmap pipe).*received +[\d.]+ [KMG]?pps", text, re.MULTILINE
    )


def test_the_readme_begins_with_the_two_commands() -> None:
    assert commands() == ["./sconsw", "./sconsw try"]


def test_root_gets_from_a_clone_to_packets_by_the_readme(
    newcomer: Callable[[str], Output],
) -> None:
    typed = "".join(f"echo '== {word}'; {word} || exit 1\n" for word in commands())
    done = newcomer(
        f"{BEGIN}{typed}echo '== made'; cd build/current && "
        "ls -L netmap.ko lib/libnetmap.so lib/libnetmap.a bin/pkt-gen && bin/pkt-gen -h"
    )
    first = done.part("./sconsw").splitlines()[0]
    assert re.fullmatch(r"netmap: \./sconsw needs .*: installing, [\d.]+ MB to download", first)
    assert len(received(done.part("./sconsw try"))) == 2
    made = done.part("made").splitlines()[:4]
    assert made == ["bin/pkt-gen", "lib/libnetmap.a", "lib/libnetmap.so", "netmap.ko"]


def test_an_ordinary_user_asks_once_and_then_gets_there_without_root(
    newcomer: Callable[[str], Output],
) -> None:
    as_user = "setpriv --reuid=1000 --regid=1000 --clear-groups env HOME=/srv/me"
    typed = "".join(f"echo '== {word}'; {as_user} {word} || exit 1\n" for word in commands())
    done = newcomer(
        "mkdir /srv/me && chown 1000:1000 /srv/me\n"
        f"{BEGIN}chown -R 1000:1000 .\n"
        f"echo '== asked'; {as_user} ./sconsw 2>&1; echo code $?\n"
        f"line=$({as_user} ./sconsw 2>&1 | sed -n \"s/^ *type: su -c '\\(.*\\)'$/\\1/p\")\n"
        'echo "== admin"; echo "$line"; yes | sh -c "$line" >/dev/null 2>&1; echo code $?\n'
        f"{typed}"
        f"echo '== others'; find {CHECKOUT} ! -uid 1000\n"
    )
    what, hint, code = done.part("asked").splitlines()
    assert what.startswith("netmap: ./sconsw needs: ")
    assert hint.startswith("        type: ")
    assert code == "code 1"
    assert "qemu-system-x86" in hint
    assert done.part("admin").splitlines()[-1] == "code 0"
    assert len(received(done.part("./sconsw try"))) == 2
    assert done.part("others") == ""

# SPDX-License-Identifier: BSD-2-Clause
"""Names of ports, against a second reading of their grammar and with anything at all."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from ctests import HERE, LIBRARY, SANITIZERS, build, sources
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ALL_NIC, SW, NIC_SW, ONE_NIC, ONE_SW = 1, 2, 3, 4, 8
FLAGS = {"x": 0x800, "z": 0x400, "t": 0x100, "r": 0x200, "R": 0x2000, "T": 0x4000}

Parse = Callable[[bytes], str]


@pytest.fixture(scope="session")
def parse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parse]:
    """Ask the library; the program stays up, and any complaint of a sanitizer ends it."""
    files = [HERE / "parse_names.c", HERE / "fake_netmap.c", *sources(LIBRARY)]
    program = build(tmp_path_factory.mktemp("names") / "parse_names", files, *SANITIZERS)
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        write, read = process.stdin, process.stdout

        def ask(spec: bytes) -> str:
            write.write(spec + b"\n")
            write.flush()
            answer = read.readline().decode(errors="replace").strip()
            assert answer, f"the parser died of {spec!r}"
            return answer

        yield ask
        write.close()
        assert process.wait() == 0


@dataclass(frozen=True)
class Spec:
    """A good name and what it means."""

    text: str
    name: str
    mode: int = ALL_NIC
    ring: int = 0
    flags: int = 0
    mem_id: int = 0
    rings: list[int] = field(default_factory=lambda: [0, 0, 0, 0])

    def answer(self) -> str:
        numbers = [self.mode, self.ring, self.flags, self.mem_id, *self.rings]
        return f"ok {self.name} {' '.join(map(str, numbers))}"


words = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", min_size=1)
plain = st.text("abcdefghijklmnopqrstuvwxyz0123456789._", min_size=1, max_size=15)
dashed = st.builds("{}-x{}".format, plain, plain)


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    """Every part of the grammar, present or not."""
    if draw(st.booleans()):
        name = f"vale{draw(words)[:8]}:{draw(plain | dashed)}"
        prefix = draw(st.sampled_from(["", "netmap:"]))
    else:
        name = draw(plain | dashed)
        prefix = "netmap:"
    if draw(st.booleans()):
        name += draw(st.sampled_from("{}")) + draw(words)[:8]
    ring = draw(st.integers(0, 65535))
    text, mode, ring = draw(
        st.sampled_from(
            [("", ALL_NIC, 0), ("^", SW, 0), ("*", NIC_SW, 0), (f"^{ring}", ONE_SW, ring),
             (f"-{ring}", ONE_NIC, ring)]
        )
    )  # fmt: skip
    letters = draw(st.text("xztrRT", max_size=4).filter(lambda s: not {"R", "T"} <= set(s)))
    flags = sum(FLAGS[letter] for letter in set(letters))
    if "z" in letters and not {"t", "r"} & set(letters):
        flags |= FLAGS["t"] | FLAGS["r"]
    if letters:
        text += f"/{letters}"
    mem_id = draw(st.integers(0, 65535))
    if mem_id:
        text += f"@{mem_id}"
    sizes = draw(st.lists(st.integers(0, 65535), min_size=4, max_size=4))
    keys = ["tx-rings", "rx-rings", "tx-slots", "rx-slots"]
    if any(sizes):
        pairs = draw(st.permutations(list(zip(keys, sizes, strict=True))))
        text += "@conf:" + ",".join(f"{k}={v}" for k, v in pairs)
    return Spec(prefix + name + text, name, mode, ring, flags, mem_id, sizes)


relaxed = settings(
    deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@relaxed
@given(specs())
def test_a_good_name_means_what_its_parts_say(parse: Parse, spec: Spec) -> None:
    assert parse(spec.text.encode()) == spec.answer()


@relaxed
@given(st.binary(max_size=80) | st.text("netmap:vale0{}-^*/@xR=,.&1", max_size=40).map(str.encode))
def test_anything_gets_a_verdict(parse: Parse, spec: bytes) -> None:
    if b"\n" in spec or b"\0" in spec:
        spec = spec.replace(b"\n", b"?").replace(b"\0", b"?")
    for prefix in (b"", b"netmap:", b"vale0:"):
        answer = parse(prefix + spec)
        assert answer.startswith("ok ") or answer.startswith("error ")


@relaxed
@given(specs(), st.data())
def test_a_stray_character_is_never_passed_over(
    parse: Parse, spec: Spec, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(spec.text)))
    stray = data.draw(st.sampled_from("&#%!$ ()[]|;<>?~'\"\\"))
    answer = parse((spec.text[:at] + stray + spec.text[at:]).encode())
    assert answer.startswith("error ")


@pytest.mark.parametrize(
    "spec",
    ["", "netmap:", "netmap", "eth0", "vale0", "val0:a", "vale0:", ":a", "valex y:a", "vale-0:a",
     "netmap:-1", "netmap:^", "netmap:/x", "netmap:@1", "netmap:{1", "netmap:eth0{",
     "netmap:eth0{a{b", "netmap:eth0{a}b", "netmap:eth0&", "netmap:eth0/", "netmap:eth0//x",
     "netmap:eth0/x/R", "netmap:eth0/RT", "netmap:eth0^-1", "netmap:eth0*1", "netmap:eth0^65536",
     "netmap:eth0-65536", "netmap:eth0@65536", "netmap:eth0@1x",
     "netmap:eth0@-1", "netmap: eth0", "netmap:eth0 ", "NETMAP:eth0"],
)  # fmt: skip
def test_a_bad_name_is_refused(parse: Parse, spec: str) -> None:
    assert parse(spec.encode()) == f"error {errno.EINVAL}"


def test_a_name_may_have_63_characters(parse: Parse) -> None:
    assert parse(b"netmap:" + b"a" * 63).startswith("ok " + "a" * 63 + " ")
    assert parse(b"netmap:" + b"a" * 64) == f"error {errno.ENAMETOOLONG}"
    assert parse(b"netmap:" + b"a" * 60 + b"{123") == f"error {errno.ENAMETOOLONG}"


@pytest.mark.parametrize(
    ("spec", "name", "ring"),
    [("netmap:br-lan", "br-lan", None), ("netmap:veth-1", "veth", 1), ("netmap:a-1-2", "a-1", 2),
     ("netmap:a-1b", "a-1b", None), ("netmap:a-1/x", "a", 1), ("netmap:a-1@2", "a", 1),
     ("netmap:a-", "a-", None), ("netmap:a{p-3", "a{p", 3)],
)  # fmt: skip
def test_a_dash_selects_a_ring_only_before_digits_at_the_end(
    parse: Parse, spec: str, name: str, ring: int | None
) -> None:
    words = parse(spec.encode()).split()
    assert words[:2] == ["ok", name]
    assert words[2:4] == ([str(ALL_NIC), "0"] if ring is None else [str(ONE_NIC), str(ring)])

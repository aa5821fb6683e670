# SPDX-License-Identifier: BSD-2-Clause
"""Names of ports, against a second reading of their grammar and with anything at all."""

from __future__ import annotations

import errno
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from ctests import HERE, LIBRARY, SANITIZERS, build, sources
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ALL_NIC, SW, NIC_SW, ONE_NIC, ONE_SW = 1, 2, 3, 4, 8
FLAGS = {"x": 0x800, "z": 0x400, "t": 0x100, "r": 0x200, "R": 0x2000, "T": 0x4000}
KEYS = ("tx-rings", "rx-rings", "tx-slots", "rx-slots")

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


# --- the model: a second reading of the grammar, by regular expressions

NAME = r"(?:(?!-[0-9]+(?:$|[/@]))[\w.:+-])+(?:[{}]\w+)?(?=$|[-^*/@])"
MODE = r"(?P<mode>-[0-9]+|\^[0-9]*|\*)?(?:/(?P<flags>[xztrRT]+))?(?:@(?P<mem>[0-9]+))?"
GRAMMAR = re.compile(
    rf"(?:netmap:(?!vale\w*:(?:$|[^\w.:+-]|-[0-9]+(?:$|[/@])))|(?=vale\w*:(?!-[0-9]+(?:$|[/@]))"
    rf"[\w.:+-]))(?P<name>{NAME}){MODE}(?P<options>(?:@[^@]*)*)\Z",
    re.ASCII,
)
PAIR = re.compile(r"(rings|slots|tx-rings|rx-rings|tx-slots|rx-slots)=([0-9]+)\Z")


def model_conf(options: str) -> list[int] | None:
    """What @conf:... sets, in the order of KEYS; None for a mistake. The model knows no other."""
    if not options:
        return [0, 0, 0, 0]
    items = options.removeprefix("@conf:")
    if items == options or "@" in items:
        return None
    given: dict[str, int] = {}
    for item in items.split(","):
        match = PAIR.match(item)
        if match is None or match[1] in given:
            return None
        given[match[1]] = int(match[2])
        if given[match[1]] > (0xFFFFFFFF if "slots" in match[1] else 0xFFFF):
            return None
    return [given.get(key, given.get(key.split("-")[1], 0)) for key in KEYS]


def model(text: str) -> Spec | None:
    """What a name means; None: it is refused."""
    match = GRAMMAR.match(text)
    if match is None:
        return None
    mode, ring = ALL_NIC, 0
    written = match["mode"] or ""
    if written[1:]:
        mode, ring = (ONE_NIC if written[0] == "-" else ONE_SW), int(written[1:])
    elif written:
        mode = SW if written == "^" else NIC_SW
    letters = set(match["flags"] or "")
    flags = sum(FLAGS[letter] for letter in letters)
    if "z" in letters and not {"t", "r"} & letters:
        flags |= FLAGS["t"] | FLAGS["r"]
    mem_id = int(match["mem"] or 0)
    sizes = model_conf(match["options"])
    if ring > 0xFFFF or mem_id > 0xFFFF or {"R", "T"} <= letters or sizes is None:
        return None
    if len(match["name"]) > 63:
        return None
    return Spec(text, match["name"], mode, ring, flags, mem_id, sizes)


def unparse(answer: str) -> str:
    """One way to write what the library has read."""
    _, name, *rest = answer.split()
    mode, ring, flags, mem_id, *sizes = map(int, rest)
    text = {ALL_NIC: "", SW: "^", NIC_SW: "*", ONE_NIC: f"-{ring}", ONE_SW: f"^{ring}"}[mode]
    letters = "".join(letter for letter, bit in FLAGS.items() if flags & bit)
    text += f"/{letters}" if letters else ""
    text += f"@{mem_id}"
    text += "@conf:" + ",".join(f"{k}={v}" for k, v in zip(KEYS, sizes, strict=True))
    return f"netmap:{name}{text}"


# --- names made of every part of the grammar

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
    if any(sizes):
        pairs = draw(st.permutations(list(zip(KEYS, sizes, strict=True))))
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
@given(specs())
def test_the_model_reads_a_good_name_alike(spec: Spec) -> None:
    assert model(spec.text) == spec


# Pieces that names are made of, in any order: near misses of every kind.
pieces = st.sampled_from(
    ["netmap:", "vale", "vale0", "vale0:", ":", "a", "eth0", "-", "-1", "-65536", "^", "^2", "*",
     "{", "}", "{1", "}x", "/", "/x", "/R", "T", "z", "@", "@3", "@70000", "@conf:", "rings=2",
     "tx-slots=7", "slots=4294967296", ",", "=", ".", "+", "&", " "]
)  # fmt: skip
near_misses = st.lists(pieces, max_size=8).map("".join)


@settings(relaxed, max_examples=1000)
@given(st.sampled_from(["", "netmap:eth0", "netmap:", "vale0:a"]), near_misses)
def test_the_library_accepts_what_the_model_does_and_names_the_place_of_a_mistake(
    parse: Parse, start: str, rest: str
) -> None:
    text = start + rest
    answer, meant = parse(text.encode()), model(text)
    if meant is not None:
        assert answer == meant.answer()
        return
    word, number, message = answer.split(" ", 2)
    assert word == "error"
    assert int(number) in (errno.EINVAL, errno.ENAMETOOLONG)
    place = re.search(r' at "(.*)"$', message)
    if place is not None:
        assert text.endswith(place[1]), message
    else:
        option = re.match(r"@([^:]*): (\S*)", message)
        assert option or message.endswith(" at its end"), message
        assert option is None or f"@{option[1]}" in text, message


@relaxed
@given(specs())
def test_what_was_read_can_be_written_and_read_again(parse: Parse, spec: Spec) -> None:
    answer = parse(spec.text.encode())
    assert parse(unparse(answer).encode()) == answer


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
    assert parse(spec.encode()).startswith(f"error {errno.EINVAL} ")
    assert model(spec) is None


@pytest.mark.parametrize(
    ("spec", "words"),
    [("eth0", 'neither netmap: nor valeSWITCH:PORT at "eth0"'), ("netmap:", "no name at its end"),
     ("netmap:vale0:", "no port of the switch at its end"),
     ("vale0:-1", 'no port of the switch at "-1"'), ("netmap:eth0&x", 'character at "&x"'),
     ("netmap:eth0{", "no pipe id at its end"), ("netmap:eth0-1x&", 'character at "&"'),
     ("netmap:eth0^65536", 'no ring number, 0 to 65535, at "65536"'),
     ("netmap:eth0/xq@3", 'none of the flags x z t r R T at "q@3"'),
     ("netmap:eth0/", "none of the flags x z t r R T at its end"),
     ("netmap:eth0/RxT", 'R and T exclude each other, at "T"'),
     ("netmap:eth0@65536", 'no region, 0 to 65535, at "65536"'),
     ("netmap:eth0@3x", 'unexpected character at "x"'),
     ("netmap:eth0@nosuch:a=1", "@nosuch: no such option"),
     ("netmap:eth0@conf:cats=1", "@conf: cats: no such key"),
     ("netmap:eth0@conf:rings=", "@conf: rings: needs a value"),
     ("netmap:eth0@conf:rings=1,rings=1", "@conf: rings: given twice"),
     ("netmap:eth0@conf:rings=1x", "@conf: rings: 1x is not a number from 0 to 65535"),
     ("netmap:eth0@conf", "names nothing to set"),
     ("netmap:eth0@share", "@share: port: is required"),
     ("netmap:eth0@share:eth1", 'nor valeSWITCH:PORT at "eth1"'),
     ("netmap:eth0@offset:max=3", "@offset: initial: is required"),
     ("netmap:eth0@offset:5,bits=65", "@offset: bits: 65 is not a number from 0 to 64"),
     ("netmap:eth0@extmem:buf-num=3", "@extmem: file: is required"),
     ("netmap:eth0@extmem:/x,buf-num=z", "@extmem: buf-num: z is not a number"),
     ("netmap:eth0@extmem:/nosuch/file", "/nosuch/file: cannot open"),
     ("netmap:" + "a" * 64, '63 characters at "a"')],
)  # fmt: skip
def test_a_refusal_names_the_place(parse: Parse, spec: str, words: str) -> None:
    answer = parse(spec.encode())
    assert answer.startswith("error ")
    assert words in answer


def test_a_name_may_have_63_characters(parse: Parse) -> None:
    assert parse(b"netmap:" + b"a" * 63).startswith("ok " + "a" * 63 + " ")
    for long in (b"a" * 64, b"a" * 60 + b"{123"):
        assert parse(b"netmap:" + long).startswith(f"error {errno.ENAMETOOLONG} ")


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

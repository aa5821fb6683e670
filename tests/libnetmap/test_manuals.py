# SPDX-License-Identifier: BSD-2-Clause
"""The manual pages: clean, complete, and with examples that compile and run."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from ctests import HERE, LIBRARY, ROOT, build, sources

MAN = ROOT / "docs" / "man"
PAGES = sorted(MAN.glob("*.[1-8]"))
PROGRAMS = sorted({path.parent.name for path in (ROOT / "apps").glob("*/*.c")})
# Those that need no other side; the rest wait for packets.
THAT_END = ("inject.c", "rings.c", "messages.c")
ESCAPES = {r"\e": "\\", r"\-": "-", r"\(aq": "'", r"\(ha": "^", r"\(ti": "~", r"\&": ""}


def unescape(text: str) -> str:
    """mdoc's escapes of a literal block as the characters they stand for."""
    return re.sub(r"\\(?:\(..|.)", lambda match: ESCAPES[match[0]], text)


def plain(page: Path) -> str:
    """A page as a reader sees it, without bold and underline."""
    words = ["mandoc", "-T", "ascii", "-O", "width=78", str(page)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return re.sub(".\b", "", done.stdout)


@dataclass(frozen=True)
class Example:
    """A C program in a page."""

    page: str
    name: str
    text: str


def examples() -> list[Example]:
    """Literal blocks that a comment names; a block that is C without a name is not passed over."""
    found = []
    for page in PAGES:
        blocks = re.findall(
            r'(?:^\.\\" example: (\S+)\n)?^\.Bd -literal.*\n((?:(?!\.Ed).*\n)*)',
            page.read_text(),
            re.MULTILINE,
        )
        for name, text in blocks:
            assert name or "#include" not in text, page
            if name:
                found.append(Example(page.name, name, unescape(text)))
    return found


EXAMPLES = examples()


def test_there_are_pages_and_examples() -> None:
    assert {"netmap.4", "vale.4", "vale-ctl.8", "libnetmap.3"} <= {page.name for page in PAGES}
    assert len(EXAMPLES) >= 5
    assert set(THAT_END) <= {example.name for example in EXAMPLES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_mandoc_finds_nothing_to_complain_about(page: Path) -> None:
    done = subprocess.run(
        ["mandoc", "-T", "lint", page], capture_output=True, text=True, check=False
    )
    # Whether other packages' pages are installed is not the page's affair.
    found = [
        line
        for line in done.stdout.splitlines()
        if "referenced manual not found" not in line and "outdated mandoc.db" not in line
    ]
    assert found == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_fits_a_terminal_and_refers_to_pages_that_are_there(page: Path) -> None:
    text = page.read_text()
    assert text.startswith('.\\" SPDX-License-Identifier: BSD-2-Clause\n')
    assert f".Dt {page.stem.upper()} {page.suffix[1:]}\n" in text
    assert [line for line in plain(page).splitlines() if len(line) > 80] == []
    ours = {"netmap", "vale", "libnetmap", "nmport", "nmreq", "nmctx", *PROGRAMS}
    for name, section in re.findall(r"^\.(?:It )?Xr (\S+) (\d)", text, re.MULTILINE):
        assert name not in ours or (MAN / f"{name}.{section}").exists(), f"{name}({section})"


@pytest.fixture(scope="module")
def helps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each program says of itself."""
    folder = tmp_path_factory.mktemp("helps")
    said = {}
    for name in PROGRAMS:
        files = [*sources(ROOT / "apps" / name), *sources(LIBRARY)]
        program = build(folder / name, files, f"-I{ROOT / 'apps' / name}", "-O0", "-lm")
        for word in ("--help", "-h"):
            done = subprocess.run([program, word], capture_output=True, text=True, check=False)
            if done.returncode == 0:
                break
        assert done.returncode == 0, f"{name} has no help"
        said[name] = done.stdout
    return said


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_page_of_a_program_names_every_option_of_its_help(
    program: str, helps: dict[str, str]
) -> None:
    options = re.findall(r"^ +(--?[A-Za-z0-9][A-Za-z0-9-]*)\b", helps[program], re.MULTILINE)
    assert len(options) >= 5
    page = (MAN / f"{program}.8").read_text()
    tagged = re.findall(r"^\.It (Fl .*)$", page, re.MULTILINE)
    described = {
        f"-{word}" for line in tagged for word in re.findall(r"(?:Fl |, )(-?[\w-]+)", line)
    }
    assert sorted(set(options) - described) == []
    text = plain(MAN / f"{program}.8")
    for option in options:
        assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text), option


def test_every_exported_function_is_named_and_declared_in_a_page() -> None:
    exported = re.findall(r"^\t(nm\w+);$", (LIBRARY / "libnetmap.map").read_text(), re.MULTILINE)
    assert len(exported) >= 40
    for function in exported:
        page = MAN / f"{function.split('_')[0]}.3"
        text = page.read_text()
        names = re.findall(r"^\.Nm (.*)$", text, re.MULTILINE)
        assert function in re.findall(r"\w+", " ".join(names)), f"{function}: not in NAME"
        assert re.search(rf"^\.F[no] {function}\b", text, re.MULTILINE), f"{function}: no synopsis"
        after = text[text.index(".Sh DESCRIPTION") :]
        assert re.search(rf"\bF[no] {function}\b", after), f"{function}: not described"


def test_a_declaration_in_a_page_is_that_of_the_header() -> None:
    header = re.sub(r"/\*.*?\*/", "", (LIBRARY / "libnetmap.h").read_text(), flags=re.DOTALL)
    declared = {
        re.sub(r"\s+", " ", line).strip()
        for line in re.findall(
            r"^[a-z][^;{}#]*?\bnm\w+\([^;]*?\)(?=;| LIBNETMAP)", header, re.MULTILINE
        )
    }
    written = set()
    for name in ("nmport", "nmreq", "nmctx"):
        text = plain(MAN / f"{name}.3")
        synopsis = text[text.index("\nSYNOPSIS") : text.index("\nDESCRIPTION")]
        written |= {
            re.sub(r"\s+", " ", line).strip()
            for line in re.findall(r"^ +[a-z][^;#]*\bnm\w+\([^;]*\)(?=;)", synopsis, re.MULTILINE)
        }

    def normal(texts: set[str]) -> set[str]:
        return {re.sub(r"\* ", "*", text) for text in texts}

    assert normal(written) - {"nmreq_foreach_option(hdr, opt)"} == normal(declared)


def test_every_parameter_has_its_default_and_range_in_a_page() -> None:
    params = re.findall(
        r"X\((\w+), (\d+), (\d+), (\d+), (\d)", (ROOT / "common" / "params.h").read_text()
    )
    assert len(params) >= 20
    text = (MAN / "netmap.4").read_text()
    for name, default, least, most, writable in params:
        assert re.search(rf"^\.It Va (?:\w+ , )*{name}\b", text, re.MULTILINE), name
        if writable != "0":
            assert f".It Va {name} Ta {default} Ta {least} Ta {most}\n" in text
    vale = (MAN / "vale.4").read_text()
    assert ".It Va bridge_batch\n" in vale
    assert ".It Va max_bridges\n" in vale


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library on the pretended device, once for all examples."""
    files = [HERE / "fake_netmap.c", *sources(LIBRARY)]
    return build(tmp_path_factory.mktemp("lib") / "libfake.so", files, "-shared", "-fPIC")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_compiles_and_runs(example: Example, library: Path, tmp_path: Path) -> None:
    source = tmp_path / example.name
    source.write_text(example.text)
    flags = ("-Wl,--as-needed", f"-Wl,-rpath,{library.parent}")
    program = build(tmp_path / "program", [source, library], *flags)
    if example.name in THAT_END:
        done = subprocess.run([program], capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")

# SPDX-License-Identifier: BSD-2-Clause
"""Build the core as an ordinary shared library, and the C programs that test it.

Every variant compiles all of common/ together with the hosted port, so one rule serves the
library, the sanitizers, the fuzzers and the benchmark. What was made is used again only while
the contents of all that went into it, the command line and the compiler are the same; times of
files say nothing (a checkout, a copy or a restored file may be older than what it replaces).
Imports nothing but the standard library.

    python tests/hosted/build_core.py plain            the library; prints its path
    python tests/hosted/build_core.py tsan --programs  the stress programs, under ThreadSanitizer
    python tests/hosted/build_core.py fuzz --fuzzer ring
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parent.parent
FUZZ = REPO / "tests" / "fuzz"

WARNINGS = ("-Wall", "-Wextra", "-Wno-unused-parameter")
COMMON_FLAGS = (
    "-std=gnu11",
    "-g",
    "-fPIC",
    "-pthread",
    "-fno-strict-aliasing",
    "-fno-omit-frame-pointer",
    "-DNETMAP_HOSTED",
)


@dataclass(frozen=True)
class Variant:
    """How one build differs from the others."""

    name: str
    flags: tuple[str, ...]
    library: bool = True
    link: tuple[str, ...] = ()
    compiler: str = ""  # nothing: $CC, else gcc
    driver: bool = True  # fuzzers: with the mutator of tests/fuzz/driver.c
    coverage: tuple[str, ...] = ()  # flags for what is tested, not for what tests it

    @property
    def cc(self) -> str:
        return self.compiler or os.environ.get("CC", "gcc")


@dataclass(frozen=True)
class Unit:
    """A C file, and the flags that it needs beyond those of the variant."""

    source: Path
    flags: tuple[str, ...] = ()


_ADDRESS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined")
# volatile accesses are whole ones (os_hosted.c says so to the sanitizer)
_THREAD = ("-fsanitize=thread", "--param=tsan-distinguish-volatile=1")

VARIANTS = {
    v.name: v
    for v in (
        Variant("plain", ("-O1",)),
        Variant("hostile", ("-O1", "-DNM_HOSTILE")),
        Variant("asan", ("-O1", *_ADDRESS), link=_ADDRESS),
        Variant("tsan", ("-O1", *_THREAD), library=False, link=("-fsanitize=thread",)),
        # Programs of tests/fuzz only. Hostile reads happen where a target asks for them.
        Variant(
            "fuzz",
            ("-O1", *_ADDRESS, "-DNM_HOSTILE"),
            library=False,
            link=_ADDRESS,
            coverage=("-fsanitize-coverage=trace-pc",),
        ),
        Variant(
            "libfuzzer",
            ("-O1", *_ADDRESS, "-DNM_HOSTILE"),
            library=False,
            link=(*_ADDRESS, "-fsanitize=fuzzer"),
            compiler="clang",
            driver=False,
            # no trace-cmp: walking through the MAC table would be most of the time
            coverage=("-fsanitize-coverage=inline-8bit-counters,pc-table",),
        ),
        Variant(
            "gcov",
            ("-O0", "-DNM_HOSTILE"),
            link=("--coverage",),
            compiler="gcc",
            coverage=("--coverage",),
        ),
        Variant("bench", ("-O2", "-DNM_HOST_CHECKS=0"), library=False),
    )
}

# What is linked into everything; each other C file here is a program of its own.
PORT_SOURCES = ("os_hosted.c", "hosted.c", "fake_nic.c", "os_contract.c", "client.c")


class BuildError(Exception):
    """A compiler or linker said no; the text is its own."""


def build_dir(variant: str) -> Path:
    """Where a variant is built: a folder of NETMAP_HOSTED_DIR, else of build/hosted."""
    root = os.environ.get("NETMAP_HOSTED_DIR")
    return (Path(root) if root else REPO / "build" / "hosted") / variant


def core_units() -> list[Unit]:
    """The core and the hosted port, in a fixed order."""
    port = [HERE / name for name in PORT_SOURCES if (HERE / name).exists()]
    return [Unit(source) for source in sorted((REPO / "common").rglob("*.c")) + port]


def program_sources() -> list[Path]:
    """C files with a main() of their own."""
    return sorted(p for p in HERE.glob("*.c") if p.name not in PORT_SOURCES)


def fuzz_targets() -> list[str]:
    """What there is to fuzz: the names of tests/fuzz/fuzz_*.c."""
    return sorted(p.stem.removeprefix("fuzz_") for p in FUZZ.glob("fuzz_*.c"))


def fuzz_units(target: str, driver: bool) -> list[Unit]:
    """What a fuzzer is made of: the core, or the library with a device that the target plays."""
    own = [FUZZ / f"fuzz_{target}.c", *([FUZZ / "driver.c"] if driver else [])]
    if target != "names":
        return [*core_units(), *map(Unit, own)]
    library = REPO / "libnetmap"
    played = tuple(f"-D{name}=fuzz_{name}" for name in ("open", "close", "ioctl"))
    flags = (f"-I{library}", *played)
    return [
        *(Unit(source, flags) for source in sorted(library.glob("*.c"))),
        Unit(own[0], flags),
        *map(Unit, own[1:]),
    ]


def compile_command(variant: Variant, unit: Unit, obj: Path) -> list[str]:
    """The command line for one object."""
    includes = [f"-I{d}" for d in (HERE, REPO / "common", REPO / "common" / "include")]
    flags = [word for flag in variant.flags for word in _spelt(flag, variant.cc)]
    tested = "tests" not in unit.source.relative_to(REPO).parts
    return [
        variant.cc,
        *COMMON_FLAGS,
        *WARNINGS,
        *flags,
        *(variant.coverage if tested else ()),
        *unit.flags,
        *includes,
        "-MMD",
        "-MF",
        str(obj.with_suffix(".d")),
        "-c",
        str(unit.source),
        "-o",
        str(obj),
    ]


def _spelt(flag: str, cc: str) -> list[str]:
    """A flag as a compiler wants it: gcc's --param is silently ignored by clang."""
    if "clang" in Path(cc).name and flag.startswith("--param=tsan-"):
        return ["-mllvm", "-" + flag.removeprefix("--param=")]
    return [flag]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"{shlex.join(command)}\n{done.stderr}")
    if done.stderr:
        print(done.stderr, file=sys.stderr)


class Builder:
    """One variant in its folder, during one run: the compiler and each file are looked at once."""

    def __init__(self, variant: Variant, out: Path) -> None:
        self.variant = variant
        self.out = out
        self.compiler = _identity(variant.cc)
        self.contents: dict[Path, str] = {}

    def content(self, path: Path) -> str:
        """A digest of a file's bytes."""
        if path not in self.contents:
            self.contents[path] = hashlib.sha256(path.read_bytes()).hexdigest()
        return self.contents[path]

    def state(self, command: list[str], inputs: Iterable[Path]) -> str:
        """A digest of everything that decides what a command makes."""
        words = [self.compiler, shlex.join(command)]
        words += [f"{path} {self.content(path)}" for path in inputs]
        return hashlib.sha256("\n".join(words).encode()).hexdigest()

    def is_made(self, made: Path, state: Callable[[], str]) -> bool:
        """Whether a file was made from what is there now."""
        try:
            return made.exists() and _stamp(made).read_text() == state()
        except OSError:
            return False

    def compile(self, unit: Unit) -> Path:
        """The object of a unit."""
        obj = self.out / ("_".join(unit.source.relative_to(REPO).parts)[:-2] + ".o")
        command = compile_command(self.variant, unit, obj)
        depfile = obj.with_suffix(".d")
        if self.is_made(obj, lambda: self.state(command, _depends(depfile))):
            return obj
        _stamp(obj).unlink(missing_ok=True)
        began = time.time_ns()
        _run(command)
        inputs = _depends(depfile)
        # A file that changed meanwhile may have been read before or after: no stamp, so that
        # the next run compiles again.
        if all(path.stat().st_ctime_ns <= began for path in inputs):
            _stamp(obj).write_text(self.state(command, inputs))
        return obj

    def objects(self, units: list[Unit]) -> list[Path]:
        with ThreadPoolExecutor(max_workers=2) as pool:
            return list(pool.map(self.compile, units))

    def link(self, target: Path, objects: list[Path], *flags: str) -> Path:
        """A library or program of these objects."""
        part = target.with_name(target.name + ".part")
        words = [self.variant.cc, "-pthread", *self.variant.link, *flags]
        command = [*words, *map(str, objects), "-o", str(part)]
        state = self.state(command, objects)
        if not self.is_made(target, lambda: state):
            _stamp(target).unlink(missing_ok=True)
            _run(command)
            part.replace(target)
            _stamp(target).write_text(state)
        return target


def _stamp(made: Path) -> Path:
    """Where it is noted what a file was made from."""
    return made.with_name(made.name + ".made")


def _depends(depfile: Path) -> list[Path]:
    text = depfile.read_text().replace("\\\n", " ")
    return [Path(word) for word in text.partition(":")[2].split()]  # no path has a space


def _identity(cc: str) -> str:
    """What a compiler says that it is."""
    try:
        done = subprocess.run([cc, "--version"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BuildError(f"no C compiler: {cc} --version: {error}") from None
    return done.stdout.decode(errors="replace")


@contextlib.contextmanager
def _builder(name: str) -> Iterator[Builder]:
    """One builder per folder; others wait (pytest-xdist starts several)."""
    out = build_dir(name)
    out.mkdir(parents=True, exist_ok=True)
    with (out / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Builder(VARIANTS[name], out)


def build_library(name: str) -> Path:
    """The shared library of a variant, brought up to date."""
    if not VARIANTS[name].library:
        raise BuildError(f"variant {name} has programs only\ntype: build_core.py {name} --programs")
    with _builder(name) as builder:
        objects = builder.objects(core_units())
        return builder.link(builder.out / "libnetmapcore.so", objects, "-shared")


def build_programs(name: str, only: str | None = None) -> dict[str, Path]:
    """The C programs of a variant (all, or the one named), brought up to date, by name."""
    programs: dict[str, Path] = {}
    with _builder(name) as builder:
        core = builder.objects(core_units())
        for source in program_sources():
            if only not in (None, source.stem):
                continue
            own = builder.compile(Unit(source))
            programs[source.stem] = builder.link(builder.out / source.stem, [*core, own])
    return programs


def build_fuzzer(name: str, target: str) -> Path:
    """A target of tests/fuzz in a variant, brought up to date."""
    with _builder(name) as builder:
        objects = builder.objects(fuzz_units(target, builder.variant.driver))
        return builder.link(builder.out / f"fuzz_{target}", objects)


def main(argv: list[str]) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="build the core as a library for tests")
    parser.add_argument("variant", choices=sorted(VARIANTS))
    parser.add_argument("--programs", action="store_true", help="the C programs, not the library")
    parser.add_argument("--fuzzer", choices=fuzz_targets(), help="one program of tests/fuzz")
    args = parser.parse_args(argv)
    try:
        if args.fuzzer:
            print(build_fuzzer(args.variant, args.fuzzer))
        elif args.programs:
            for path in build_programs(args.variant).values():
                print(path)
        else:
            print(build_library(args.variant))
    except BuildError as err:
        print(err, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

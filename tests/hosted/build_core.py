# SPDX-License-Identifier: BSD-2-Clause
"""Build the core as an ordinary shared library, and the C programs that test it.

Every variant compiles all of common/ together with the hosted port, so one rule serves the
library, the sanitizers and the benchmark. An object is made anew when its source, one of the
headers that it read, or its command line has changed. Imports nothing but the standard library.

    python tests/hosted/build_core.py plain            the library; prints its path
    python tests/hosted/build_core.py tsan --programs  the stress programs, under ThreadSanitizer
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
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parent.parent

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
    programs: tuple[str, ...] = ()  # nothing: all of them


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
        Variant(
            "fuzz",
            ("-O1", *_ADDRESS, "-fsanitize-coverage=trace-pc"),
            library=False,
            link=_ADDRESS,
            programs=("fuzz_request",),  # it has the function that the compiler calls
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


def core_sources() -> list[Path]:
    """The core and the hosted port, in a fixed order."""
    port = [HERE / name for name in PORT_SOURCES if (HERE / name).exists()]
    return sorted((REPO / "common").rglob("*.c")) + port


def program_sources() -> list[Path]:
    """C files with a main() of their own."""
    return sorted(p for p in HERE.glob("*.c") if p.name not in PORT_SOURCES)


def compile_command(variant: Variant, source: Path, obj: Path) -> list[str]:
    """The command line for one object."""
    includes = [f"-I{d}" for d in (HERE, REPO / "common", REPO / "common" / "include")]
    return [
        os.environ.get("CC", "gcc"),
        *COMMON_FLAGS,
        *WARNINGS,
        *variant.flags,
        *includes,
        "-MMD",
        "-MF",
        str(obj.with_suffix(".d")),
        "-c",
        str(source),
        "-o",
        str(obj),
    ]


def _depends(depfile: Path) -> list[Path]:
    text = depfile.read_text().replace("\\\n", " ")
    return [Path(word) for word in shlex.split(text.partition(":")[2])]


def _up_to_date(obj: Path, stamp: Path, digest: str) -> bool:
    try:
        made = obj.stat().st_mtime_ns
        if stamp.read_text() != digest:
            return False
        return all(dep.stat().st_mtime_ns < made for dep in _depends(obj.with_suffix(".d")))
    except OSError:
        return False


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"{shlex.join(command)}\n{done.stderr}")
    if done.stderr:
        print(done.stderr, file=sys.stderr)


def _compile(variant: Variant, source: Path, out: Path) -> tuple[Path, bool]:
    """The object of a source; True when it was compiled now."""
    obj = out / ("_".join(source.relative_to(REPO).parts)[:-2] + ".o")
    command = compile_command(variant, source, obj)
    digest = hashlib.sha256(shlex.join(command).encode()).hexdigest()
    stamp = obj.with_suffix(".cmd")
    if _up_to_date(obj, stamp, digest):
        return obj, False
    stamp.unlink(missing_ok=True)
    _run(command)
    stamp.write_text(digest)
    return obj, True


@contextlib.contextmanager
def _locked(out: Path) -> Iterator[None]:
    """One builder per folder; others wait (pytest-xdist starts several)."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _objects(variant: Variant, sources: list[Path], out: Path) -> tuple[list[Path], bool]:
    with ThreadPoolExecutor(max_workers=2) as pool:
        made = list(pool.map(lambda s: _compile(variant, s, out), sources))
    return [obj for obj, _ in made], any(new for _, new in made)


def _link(variant: Variant, objects: list[Path], target: Path, extra: list[str]) -> None:
    cc = os.environ.get("CC", "gcc")
    part = target.with_name(target.name + ".part")
    _run([cc, "-pthread", *variant.link, *extra, *map(str, objects), "-o", str(part)])
    part.replace(target)


def build_library(name: str) -> Path:
    """The shared library of a variant, brought up to date."""
    variant = VARIANTS[name]
    if not variant.library:
        raise BuildError(f"variant {name} has programs only\ntype: build_core.py {name} --programs")
    out = build_dir(name)
    target = out / "libnetmapcore.so"
    with _locked(out):
        objects, new = _objects(variant, core_sources(), out)
        if new or not target.exists():
            _link(variant, objects, target, ["-shared"])
    return target


def build_programs(name: str, only: str | None = None) -> dict[str, Path]:
    """The C programs of a variant (all, or the one named), brought up to date, by name."""
    variant = VARIANTS[name]
    out = build_dir(name)
    programs: dict[str, Path] = {}
    wanted = variant.programs or tuple(source.stem for source in program_sources())
    with _locked(out):
        core, new_core = _objects(variant, core_sources(), out)
        for source in program_sources():
            if only not in (None, source.stem) or source.stem not in wanted:
                continue
            target = out / source.stem
            objects, new = _objects(variant, [source], out)
            if new or new_core or not target.exists():
                _link(variant, core + objects, target, [])
            programs[source.stem] = target
    return programs


def main(argv: list[str]) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="build the core as a library for tests")
    parser.add_argument("variant", choices=sorted(VARIANTS))
    parser.add_argument("--programs", action="store_true", help="the C programs, not the library")
    args = parser.parse_args(argv)
    try:
        if args.programs:
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

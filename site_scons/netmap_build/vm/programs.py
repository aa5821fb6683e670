# SPDX-License-Identifier: BSD-2-Clause
"""Programs that go into the guest: compile our own, and find the libraries of any."""

from __future__ import annotations

import functools
import hashlib
import shlex
import shutil
import subprocess
from pathlib import Path

from ..errors import BuildError
from .elf import interpreter, is_elf64, is_static, machine, needed

_LIBGCC = "libgcc_s.so.1"
_FLAGS = ("-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror")


def shared_libraries(
    program: Path, library_dirs: tuple[Path, ...] = (), cc: str = "cc"
) -> dict[str, Path]:
    """Where in the guest, and from which file here, each library the program needs comes.

    The compiler says where its system's libraries lie: that holds for a cross compiler too.
    libgcc_s.so.1 is added for every dynamic program: pthread_exit loads it by name at run time.
    """
    data = program.read_bytes()
    if not is_elf64(data) or is_static(data):
        return {}
    loader = Path(interpreter(data))
    found: dict[str, Path] = {}
    missing: list[str] = []
    ahead = [loader.name, *needed(data), _LIBGCC]
    while ahead:
        name = ahead.pop()
        place = str(loader).lstrip("/") if name == loader.name else f"lib/{name}"
        if place in found:
            continue
        library = find_library(name, machine(data), library_dirs, cc)
        if library is not None:
            found[place] = library
            ahead += needed(library.read_bytes())
        elif name != _LIBGCC:
            missing.append(name)
    if missing:
        raise BuildError(
            f"{program.name}: shared libraries not found: {', '.join(sorted(missing))}",
            "type: ./sconsw, to build them first",
        )
    return found


def find_library(name: str, for_machine: int, folders: tuple[Path, ...], cc: str) -> Path | None:
    """That library, for that processor: in one of the folders, else where the compiler has it."""
    places = [folder / name for folder in folders]
    asked = compiler_file(name, cc)
    places += [asked] if asked is not None else []
    for place in places:
        if place.is_file():
            data = place.read_bytes()
            if is_elf64(data) and machine(data) == for_machine:
                return place
    return None


@functools.lru_cache(maxsize=256)
def compiler_file(name: str, cc: str) -> Path | None:
    """The file of that name among the compiler's libraries."""
    try:
        done = subprocess.run(
            [*shlex.split(cc), f"-print-file-name={name}"],
            text=True,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise no_compiler(cc) from error
    path = Path(done.stdout.strip())
    return path if path.is_absolute() else None


def no_compiler(cc: str) -> BuildError:
    return BuildError(f"no C compiler: {cc}", "type: ./sconsw cc=NAME, or install it")


def compile_program(
    sources: list[Path],
    output: Path,
    include_dirs: list[Path],
    cc: str = "cc",
    flags: tuple[str, ...] = (),
) -> Path:
    """Compile a guest program unless the same sources, headers and flags made it before."""
    headers = [h for d in include_dirs for h in sorted(d.rglob("*.h"))]
    headers += [h for d in sorted({s.parent for s in sources}) for h in sorted(d.glob("*.h"))]
    command = [*shlex.split(cc), *_FLAGS, *flags, *(f"-I{folder}" for folder in include_dirs)]
    command += [str(source) for source in sources] + ["-pthread", "-o", str(output)]
    digest = hashlib.sha256("\0".join(command).encode())
    for path in [*sources, *headers]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    stamp = output.with_name(output.name + ".stamp")
    if output.exists() and stamp.exists() and stamp.read_text() == digest.hexdigest():
        return output
    if shutil.which(command[0]) is None:
        raise no_compiler(cc)
    output.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"{output.name} does not compile:\n{done.stderr.rstrip()}")
    stamp.write_text(digest.hexdigest())
    return output

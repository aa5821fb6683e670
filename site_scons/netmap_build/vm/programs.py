# SPDX-License-Identifier: BSD-2-Clause
"""Programs that go into the guest: compile our own, and find the libraries of any."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from ..errors import BuildError
from .elf import is_elf64, is_static

_LDD_LINE = re.compile(r"^\s*(?:(\S+) => )?(/\S+) \(0x[0-9a-f]+\)$")
_FLAGS = ("-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror")


def shared_libraries(program: Path, library_dirs: tuple[Path, ...] = ()) -> dict[str, Path]:
    """Where in the guest, and from which file here, each library the program needs comes.

    libgcc_s.so.1 is added for every dynamic program: pthread_exit loads it by name at run time.
    """
    data = program.read_bytes()
    if not is_elf64(data) or is_static(data):
        return {}
    env = dict(os.environ)
    if library_dirs:
        env["LD_LIBRARY_PATH"] = ":".join(str(folder) for folder in library_dirs)
    done = subprocess.run(
        ["ldd", str(program)], env=env, text=True, capture_output=True, check=False
    )
    missing = [line.split()[0] for line in done.stdout.splitlines() if "not found" in line]
    if missing or done.returncode != 0:
        what = ", ".join(missing) or done.stderr.strip()
        raise BuildError(f"{program.name}: shared libraries not found: {what}", "build them first")
    found: dict[str, Path] = {}
    for line in done.stdout.splitlines():
        match = _LDD_LINE.match(line)
        if match is None:
            continue
        name, path = match.groups()
        if name is None or name.startswith("/"):
            found[(name or path).lstrip("/")] = Path(path)  # the loader keeps its absolute place
        else:
            found["lib/" + name] = Path(path)
    libgcc = _libgcc(found)
    if libgcc is not None:
        found["lib/libgcc_s.so.1"] = libgcc
    return found


def _libgcc(found: dict[str, Path]) -> Path | None:
    folders = [path.parent for path in found.values()]
    for folder in [*folders, Path("/lib/x86_64-linux-gnu"), Path("/lib64"), Path("/usr/lib64")]:
        if (folder / "libgcc_s.so.1").exists():
            return folder / "libgcc_s.so.1"
    return None


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
    command = [cc, *_FLAGS, *flags, *(f"-I{folder}" for folder in include_dirs)]
    command += [str(source) for source in sources] + ["-pthread", "-o", str(output)]
    digest = hashlib.sha256("\0".join(command).encode())
    for path in [*sources, *headers]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    stamp = output.with_name(output.name + ".stamp")
    if output.exists() and stamp.exists() and stamp.read_text() == digest.hexdigest():
        return output
    if shutil.which(cc) is None:
        raise BuildError(f"no C compiler: {cc}", "install gcc, or name one with cc=")
    output.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"{output.name} does not compile:\n{done.stderr.rstrip()}")
    stamp.write_text(digest.hexdigest())
    return output

# SPDX-License-Identifier: BSD-2-Clause
"""The headers, as cffi wants them: plain declarations, and the numbers of the macros."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
INCLUDE = HERE.parent.parent / "common" / "include"

_NAME = re.compile(r"^#define\s+((?:NETMAP|NS|NR|NI|NM)_\w+)[ \t]+\S", re.M)
_NUMBER = re.compile(r"^[\s0-9a-fA-FxX()<>|&~+*-]+$")
_MARKER = re.compile(r'^# \d+ "([^"]*)"')
_SUFFIX = re.compile(r"\b(0[xX][0-9a-fA-F]+|\d+)[uUlL]+\b")

# cffi lays structs out itself and does not know attributes: the one aligned member is
# given the hole before it by hand, and the harness compares with what the compiler says.
_ALIGNED = "__attribute__((__aligned__(128))) uint8_t sem[128];"
_BY_HAND = "uint8_t hole_[56]; uint8_t sem[128];"


def _preprocess(text: str) -> str:
    command = [os.environ.get("CC", "gcc"), "-E", f"-I{INCLUDE}", f"-I{HERE}", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def declarations() -> str:
    """Every struct, enum and function of netmap.h, its legacy part and hosted.h."""
    wanted: list[str] = ["struct timeval { long tv_sec; long tv_usec; };"]
    keep = False
    for line in _preprocess('#include "hosted.h"\n').splitlines():
        marker = _MARKER.match(line)
        if marker:
            keep = Path(marker[1]).name in ("netmap.h", "netmap_legacy.h", "hosted.h")
        elif keep and line.strip():
            wanted.append(line)
    text = "\n".join(wanted).replace("__extension__", "")
    return text.replace(_ALIGNED, _BY_HAND)


def constants() -> dict[str, int]:
    """The macros of the public headers that are plain numbers."""
    headers = [INCLUDE / "net" / name for name in ("netmap.h", "netmap_legacy.h")]
    names = [name for header in headers for name in _NAME.findall(header.read_text())]
    probe = "#include <net/netmap.h>\n" + "".join(f'"={name}=" {name}\n' for name in names)
    found: dict[str, int] = {}
    for line in _preprocess(probe).splitlines():
        if line.startswith('"='):
            name, _, value = line[2:].partition('=" ')
            value = _SUFFIX.sub(r"\1", value)
            if _NUMBER.match(value):
                found[name] = int(eval(value))  # digits and operators only, from our own header
    return found

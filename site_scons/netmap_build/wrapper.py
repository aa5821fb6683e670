# SPDX-License-Identifier: BSD-2-Clause
"""What ./sconsw does before SCons: check the checkout, make the venv, start SCons in it."""

from __future__ import annotations

import os
from pathlib import Path

from . import venvs
from .errors import BuildError, report

# Names the folder that a person stands in, where the relative paths they type begin.
TYPED_IN = "NETMAP_TYPED_IN"


def check_checkout(top: Path) -> None:
    """kbuild splits paths at blanks, so a checkout whose path has one can never build."""
    if any(c.isspace() for c in str(top)):
        raise BuildError(
            f"the path of this checkout has a space in it, which kbuild cannot handle: {top}",
            "type: mv the checkout to a path without spaces",
        )


def scons_command(python: Path, args: list[str]) -> list[str]:
    """SCons as a module, so that a moved venv's script headers never matter."""
    return [str(python), "-m", "SCons", "-Q", *args]


def installing_allowed(args: list[str]) -> bool:
    """no-install is read here too: the wrapper may have to install python3-venv."""
    allowed = True
    for arg in args:
        name, _, value = arg.lstrip("-").partition("=")
        if name == "no-install":
            allowed = value.lower() in ("0", "no", "off", "false")
    return allowed


def main(top_dir: str, args: list[str]) -> int:
    """Replace this process by SCons; returns only when that is impossible."""
    top = Path(top_dir)
    try:
        check_checkout(top)
        python = venvs.ensure(top, venvs.BUILD, may_install=installing_allowed(args))
    except BuildError as error:
        report(error)
        return 1
    command = scons_command(python, args)
    env = {**os.environ, TYPED_IN: str(Path.cwd())}
    os.chdir(top)
    os.execve(command[0], command, env)

# SPDX-License-Identifier: BSD-2-Clause
"""What ./sconsw does before SCons: read the words, get what they need, start SCons in .venv.

The words are read here first, so that a slip of the pen costs no download and help needs no
environment. Only the standard library is imported: the environment may not exist yet.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from . import cache, needs, network, options, ownership, scons_words, session, targets, venvs
from .errors import (
    FAILED,
    INTERRUPTED,
    USAGE,
    BuildError,
    from_os_error,
    report,
    report_interrupted,
    say,
)

# Names the folder that a person stands in, where the relative paths they type begin.
TYPED_IN = "NETMAP_TYPED_IN"
A_DAY = 24 * 3600


def check_checkout(top: Path) -> None:
    """kbuild splits paths at blanks, so a checkout whose path has one can never build."""
    if any(c.isspace() for c in str(top)):
        raise BuildError(
            f"the path of this checkout has a space in it, which kbuild cannot handle: {top}",
            f"type: mv '{top}' /a/path/without/spaces",
        )


def check_writable(top: Path) -> None:
    """Before anything is fetched: what is made goes into the checkout."""
    for folder in (top, top / "build"):
        if folder.exists() and not os.access(folder, os.W_OK):
            raise BuildError(
                f"this checkout is read-only for you: {folder} cannot be written",
                f"type: cp -r {top} ~/netmap && cd ~/netmap, then the same again",
            )


def mention_clock(top: Path) -> None:
    """A clock that runs behind breaks signatures and certificates with messages of their own."""
    stamp = (top / "VERSION").stat().st_mtime
    if stamp > time.time() + A_DAY:
        say("netmap: note: files here are from the future; if downloads fail, set the clock: date")


def scons_command(python: Path, args: list[str]) -> list[str]:
    """SCons as a module, so that a moved venv's script headers never matter."""
    return [str(python), "-m", "SCons", "-Q", *args]


def scons_environment(python: Path) -> dict[str, str]:
    """The user's, but for what changes how Python runs; compiled modules stay in .venv.

    There even with PYTHONDONTWRITEBYTECODE: compiling SCons anew would double the time of a run.
    """
    kept = ("PYTHONUNBUFFERED",)
    env = {k: v for k, v in os.environ.items() if k in kept or not k.startswith("PYTHON")}
    compiled = str(python.parents[1] / "pycache")
    return {**env, "PYTHONPYCACHEPREFIX": compiled, TYPED_IN: str(Path.cwd())}


def main(top_dir: str, args: list[str]) -> int:
    """Replace this process by SCons; returns only when there is nothing for it to do."""
    top = Path(top_dir)
    try:
        return run(top, args)
    except BuildError as error:
        report(error)
    except OSError as error:
        report(from_os_error(error, top, cache.root()))
    except KeyboardInterrupt:
        report_interrupted()
        return INTERRUPTED
    return FAILED


def run(top: Path, args: list[str]) -> int:
    words = scons_words.split(args)
    check_checkout(top)
    try:
        line = options.parse(words.ours, Path.cwd(), lambda name: False)
        targets.check(line.targets, top)
        if words.scons & scons_words.HELP:
            say(session.help_text().rstrip())
            return 0
        given = options.merge(line.given, options.remembered(top / "build" / session.REMEMBERED))
        if line.targets and all(word in targets.IMMEDIATE for word in line.targets):
            return immediately(top, words.ours, line.targets)
    except BuildError as error:
        report(error)
        return USAGE
    network.set_offline(given.offline)
    if not words.scons & scons_words.ABOUT:
        check_writable(top)
    owner = ownership.foreign_owner(top)
    if not words.scons & (scons_words.ONLY_SAY | scons_words.ABOUT):
        mention_clock(top)
        needs.ensure_all(line.targets, given.arch, may_install=not given.no_install)
    if owner is not None:
        return ownership.run_as_owner(top, owner, args)
    python = venvs.ensure(top, venvs.BUILD, may_install=not given.no_install)
    command = scons_command(python, args)
    env = scons_environment(python)
    os.chdir(top)
    os.execve(command[0], command, env)


def immediately(top: Path, words: list[str], asked: list[str]) -> int:
    """Targets that need neither SCons nor an environment."""
    made = session.start(top, words, asked, Path.cwd(), lambda name: False)
    for word in asked:
        session.immediate(made, word)
    return 0

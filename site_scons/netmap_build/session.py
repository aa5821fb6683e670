# SPDX-License-Identifier: BSD-2-Clause
"""One run of the build: what was asked, what was remembered, where things go."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from . import arch as architectures
from . import install, kernels, layout, options, programs, targets
from .errors import BuildError, say
from .options import Options

REMEMBERED = "options.toml"
PARTS = ("vale", "pipe", "null")  # of the core, that can be left out


@dataclass(frozen=True)
class Session:
    """What the SConscripts need to know."""

    top: Path
    options: Options
    version: str
    summary: str

    @property
    def build(self) -> Path:
        return self.top / "build"

    @property
    def arch(self) -> architectures.Arch:
        """What is built for."""
        return architectures.chosen(self.options.arch)

    @property
    def cc(self) -> str:
        """The compiler of library and programs."""
        return self.options.cc or architectures.default_compiler(self.arch)

    def for_arch(self, name: str) -> Session:
        """The same for another architecture, by its own compiler."""
        return replace(self, options=replace(self.options, arch=name, cc="", ld=""))

    @property
    def user_build(self) -> Path:
        """Library and programs: one folder per system, architecture and compiler."""
        name = f"{self.options.os}-{self.arch.name}"
        tools = f"{self.cc} {self.options.ld}".strip()
        if tools != architectures.default_compiler(self.arch):
            name += f"-{kernels.short(tools)}"
        return self.build / name

    @property
    def module_words(self) -> tuple[str, ...]:
        """The words that shape the module, as the staged Makefile knows them."""
        words = self.options.kernel_opts.split()
        off = [part for part in PARTS if getattr(self.options, f"disable_{part}")]
        if off:
            words.append(f"NETMAP_DISABLE={' '.join(off)}")
        if self.options.mod_name != "netmap":
            words.append(f"NETMAP_MODNAME={self.options.mod_name}")
        return tuple(words)

    def kernel_build(self, choice: kernels.Choice) -> Path:
        """One folder per system, architecture, kernel and kbuild words."""
        name = f"{self.options.os}-{choice.arch}-{choice.name}"
        if self.module_words:
            name += f"-{kernels.short(' '.join(self.module_words))}"
        return self.build / name

    @property
    def order(self) -> install.Order:
        """Where install and uninstall work."""
        chosen = self.options
        places = layout.Places(chosen.prefix, chosen.libdir, chosen.install_mod_path)
        return install.Order(places, chosen.destdir)

    def first_line(self) -> str:
        line = f"netmap {self.version} for {self.options.os} {self.arch.name}"
        return f"{line}, {self.summary}" if self.summary else line


def start(
    top: Path,
    words: Iterable[str],
    asked: Iterable[str],
    launched_from: Path,
    is_scons_option: Callable[[str], bool],
) -> Session:
    """Read the command line; words are its options, asked its targets."""
    line = options.parse(words, launched_from, is_scons_option)
    targets.check(asked, top)
    before = options.remembered(top / "build" / REMEMBERED)
    merged = options.merge(line.given, before)
    version = (top / "VERSION").read_text().strip()
    return Session(top, merged, version, options.summary(line.given, before))


def remember(session: Session) -> None:
    """Keep the options for the next run."""
    values = {row.identifier: getattr(session.options, row.identifier) for row in options.TABLE}
    options.remember(session.build / REMEMBERED, values)


def clean(top: Path) -> None:
    """Remove what was built; the remembered options, and locks that others may hold, stay."""
    build = top / "build"
    for path in sorted(build.glob("*")) if build.is_dir() else []:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != REMEMBERED and path.suffix != ".lock":
            path.unlink()
    (top / "compile_commands.json").unlink(missing_ok=True)


def reset(top: Path) -> None:
    """Forget the remembered options."""
    (top / "build" / REMEMBERED).unlink(missing_ok=True)


def immediate(session: Session, word: str) -> None:
    """The targets that need no nodes."""
    if word == "help":
        if not session.options.option:
            raise BuildError(
                "help explains one option; which?", "type: ./sconsw help option=kernel-dir"
            )
        say(options.help_option(session.options.option))
    elif word == "show-apps":
        say("\n".join(show_apps(session)))
    elif word == "uninstall":
        install.uninstall(session.order)
    elif word == "clean":
        clean(session.top)
        say("netmap: build/ is empty")
    elif word == "reset":
        reset(session.top)
        say("netmap: no options are remembered")


def show_apps(session: Session) -> list[str]:
    """The programs, those left out marked."""
    folder = session.top / "apps"
    chosen = programs.chosen(folder, session.options.apps, session.options.no_apps)
    return [f"{n}{'' if n in chosen else ' (left out)'}" for n in programs.known(folder)]


def what_next(session: Session) -> str:
    """Where everything is, and the first thing to do with it."""
    if session.options.os != "linux":
        return "netmap: built; the results are in build/current"
    return "netmap: built, see build/current; ./sconsw try shows packets in a small VM"


def help_text() -> str:
    return (
        "Type ./sconsw [target ...] [name=value ...]; --name=value means the same.\n\n"
        f"Targets (none: all):\n{targets.help_table()}\n\n"
        f"Options (more: ./sconsw help option=NAME):\n{options.help_table()}\n\n"
        "Options of SCons work too: -j N, -n (only say what would be done), -k, -s.\n"
        "Downloads and probe results are kept in ~/.cache/netmap-build;\n"
        "the variable NETMAP_BUILD_CACHE moves it.\n"
    )

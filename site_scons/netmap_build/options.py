# SPDX-License-Identifier: BSD-2-Clause
"""The option table, and reading a command line by it.

One row a name. SCons knows neither dashes in its variables nor typed values, so the command line
is read here: `name=value`, `--name=value` and `--name` all mean the same row. Rows that shape
what is built are remembered in build/options.toml until `reset`.
"""

from __future__ import annotations

import difflib
import json
import re
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path

from . import arch, suites
from .errors import BuildError

Value = str | bool | tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One option: the name people type, what kind of value, what it does."""

    name: str
    kind: str  # text, path, flag, list, paths
    default: Value
    help: str
    remembered: bool = True
    choices: tuple[str, ...] = ()
    more: str = ""
    normalise: Callable[[str], str] = str  # one spelling of the value is kept
    pattern: str = ""  # what the whole text must match
    also: str = ""  # another spelling of name=, as makefiles have it
    opposite: str = ""  # the flag that this one takes back

    @property
    def identifier(self) -> str:
        return self.name.replace("-", "_")


TABLE: tuple[Row, ...] = (
    Row(
        "os",
        "text",
        "linux",
        "system to build for",
        choices=("linux",),
        more="Only Linux can be built so far.",
    ),
    Row(
        "arch",
        "text",
        "",
        "architecture to build for: x86_64 or aarch64",
        more="Without it: this machine's. amd64 and arm64 mean the same two. For the other one the "
        "module is built for Debian's cloud kernel of that architecture unless kernel-dir= names "
        "a tree, and `try` and `test-vm` boot an emulated machine.",
        normalise=lambda word: arch.chosen(word).name if word else "",
    ),
    Row(
        "kernel-dir",
        "path",
        "",
        "kernel headers, or a prepared kernel tree, to build netmap.ko for",
        more="The folder that holds .config and Module.symvers; an O= output folder works too. "
        "Without it: kernel=, else the running kernel, else the newest installed one, else the "
        "distribution's cloud kernel, fetched through apt into the build cache.",
    ),
    Row(
        "kernel",
        "text",
        "",
        "kernel to build for: an installed version, `default`, or debian:SUITE",
        more="A folder name of /lib/modules, such as 6.1.0-40-amd64. `default` means the "
        "distribution's cloud kernel even where the running kernel has headers. debian:trixie "
        "fetches that suite's cloud kernel through apt into the build cache, and builds in a "
        f"container where this system lacks its compiler; suites: {', '.join(suites.names())}.",
    ),
    Row(
        "kernel-version",
        "text",
        "",
        "release that the kernel headers must be for",
        more="With kernel-dir= or kernel= it is a check: another release is refused. Alone it "
        "names an installed kernel, as kernel= does.",
    ),
    Row(
        "kernel-sources",
        "paths",
        (),
        "whole kernel source trees, comma separated",
        more="Drivers of the kernel are taken from there, so one of them must be of the series of "
        "the kernel to build for (6.12 for 6.12.5). A tree in which the kernel was built is also "
        "the kernel to build for where nothing else names one.",
    ),
    Row(
        "kernel-opts",
        "text",
        "",
        "more words for kbuild's make, such as KCFLAGS=-g",
    ),
    Row(
        "cc",
        "text",
        "",
        "C compiler for the library, the programs and the tests",
        more="Without it: gcc, or Debian's cross compiler such as aarch64-linux-gnu-gcc where "
        "arch= is not this machine's. It must build for arch=.",
    ),
    Row("ld", "text", "", "program that links the library and the programs (cc if not given)"),
    Row(
        "mod-name",
        "text",
        "netmap",
        "name of the kernel module",
        more="netmap_dev makes netmap_dev.ko, which modprobe and lsmod know by that name. The "
        "device stays /dev/netmap, so only one of them can be loaded.",
        pattern="[A-Za-z0-9_-]+",
    ),
    Row("disable-vale", "flag", False, "a module without the VALE switch"),
    Row("disable-pipe", "flag", False, "a module without pipes"),
    Row("disable-null", "flag", False, "a module without null ports"),
    Row(
        "apps",
        "list",
        (),
        "programs to build, comma separated (all of them if not given)",
    ),
    Row("no-apps", "flag", False, "build no programs"),
    Row(
        "prefix",
        "path",
        "/usr/local",
        "folder that install puts programs, headers, library and manual pages into",
        also="PREFIX",
    ),
    Row(
        "libdir",
        "text",
        "lib",
        "folder of the library, in prefix or absolute, such as lib64 or lib/x86_64-linux-gnu",
    ),
    Row(
        "destdir",
        "path",
        "",
        "root to install into instead of this machine's",
        remembered=False,
        more="Every path below it is as it would be on the machine: packagers make their packages "
        "of such a tree. Nothing outside of it is touched.",
        also="DESTDIR",
    ),
    Row(
        "install-mod-path",
        "path",
        "",
        "folder above lib/modules for the module alone, below destdir if both are given",
        remembered=False,
        also="INSTALL_MOD_PATH",
    ),
    Row(
        "no-install",
        "flag",
        False,
        "never install system packages, even as root: name them and stop",
        remembered=False,
    ),
    Row(
        "offline",
        "flag",
        False,
        "never use the network; `./sconsw fetch` with the same options got it all before",
        remembered=False,
    ),
    Row("verbose", "flag", False, "show whole command lines", remembered=False),
    Row(
        "pytest-args",
        "text",
        "",
        "more arguments for pytest in the test targets, such as '-k mac -x'",
        remembered=False,
    ),
    Row(
        "bench-args",
        "text",
        "",
        "arguments for the bench target (bench-args=-h lists them)",
        remembered=False,
    ),
    Row(
        "fuzz-args",
        "text",
        "",
        "arguments for the fuzz target, such as '--time 600 --target ring' (-h lists them)",
        remembered=False,
    ),
    Row("try-args", "text", "", "arguments for the try target", remembered=False),
    Row("option", "text", "", "the option that `help` explains", remembered=False),
)


# Names without a value of their own: enable-X takes back disable-X.
ALIASES: tuple[Row, ...] = tuple(
    Row(
        row.name.replace("disable-", "enable-"),
        "flag",
        False,
        f"take back {row.name}",
        remembered=False,
        opposite=row.name,
    )
    for row in TABLE
    if row.name.startswith("disable-")
)
# Parts of the older netmap that are not here yet: there is nothing to leave out.
ABSENT: tuple[Row, ...] = tuple(
    Row(f"{verb}-{part}", "flag", False, f"there is no {part} yet: always off", remembered=False)
    for part in ("monitor", "generic", "ptnetmap", "sink", "extmem")
    for verb in ("disable", "enable")
)
ROWS = (*TABLE, *ALIASES, *ABSENT)

# They come with the drivers; README files of the older netmap name them.
DRIVER_OPTIONS = (
    *("drivers", "no-drivers", "driver-suffix", "no-ext-drivers", "select-version"),
    *("fail-on-driver-errors", "show-drivers", "show-ext-drivers"),
)


@dataclass(frozen=True)
class Options:
    """The table's values, typed."""

    os: str = "linux"
    arch: str = ""
    kernel_dir: str = ""
    kernel: str = ""
    kernel_version: str = ""
    kernel_sources: tuple[str, ...] = ()
    kernel_opts: str = ""
    cc: str = ""
    ld: str = ""
    mod_name: str = "netmap"
    disable_vale: bool = False
    disable_pipe: bool = False
    disable_null: bool = False
    apps: tuple[str, ...] = ()
    no_apps: bool = False
    prefix: str = "/usr/local"
    libdir: str = "lib"
    destdir: str = ""
    install_mod_path: str = ""
    no_install: bool = False
    offline: bool = False
    verbose: bool = False
    pytest_args: str = ""
    bench_args: str = ""
    fuzz_args: str = ""
    try_args: str = ""
    option: str = ""


@dataclass
class CommandLine:
    """A command line taken apart."""

    given: dict[str, Value] = field(default_factory=dict)
    targets: list[str] = field(default_factory=list)


def closest(word: str, known: Iterable[str]) -> str:
    """The known word most like this one, or nothing."""
    match = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return match[0] if match else ""


def row_named(name: str) -> Row | None:
    return next((row for row in ROWS if name and name in (row.name, row.also)), None)


def unknown_option(name: str) -> BuildError:
    if name in DRIVER_OPTIONS:
        return BuildError(
            f"{name} belongs to the drivers of NICs, which are not there yet: none is built",
            f"type the same without {name}",
        )
    like = closest(name, [row.name for row in ROWS])
    return BuildError(
        f"there is no option {name}" + (f"; the closest is {like}" if like else ""),
        f"type: ./sconsw help option={like}" if like else "type: ./sconsw -h",
    )


def convert(row: Row, text: str | None, base: Path) -> Value:
    """Turn what was typed into the row's type; text is None for a bare --name."""
    if row.kind == "flag":
        word = "1" if text is None else text.lower()
        if word in ("1", "yes", "on", "true"):
            return True
        if word in ("0", "no", "off", "false", ""):
            return False
        raise BuildError(f"{row.name} is a flag, not {text!r}", f"type: {row.name}=1 or =0")
    if text is None:
        raise BuildError(f"{row.name} needs a value", f"type: {row.name}=VALUE")
    if row.kind == "list":
        return tuple(word for word in text.split(",") if word)
    if row.kind == "paths":
        words = [word for word in text.split(",") if word]
        return tuple(str((base / Path(word).expanduser()).absolute()) for word in words)
    if row.kind == "path" and text:
        return str((base / Path(text).expanduser()).absolute())
    if row.pattern and not re.fullmatch(row.pattern, text):
        raise BuildError(
            f"{row.name}={text} is not possible: letters, digits, - and _ alone",
            f"type: ./sconsw help option={row.name}",
        )
    if row.choices and text not in row.choices:
        raise BuildError(
            f"{row.name}={text} is not possible yet; possible: {', '.join(row.choices)}",
            f"type: ./sconsw help option={row.name}",
        )
    return row.normalise(text)


def take(line: CommandLine, row: Row, value: Value) -> None:
    """Note what was typed under the row that holds it."""
    if row in ABSENT:
        if value is (row.name.startswith("enable-")):
            part = row.name.partition("-")[2]
            raise BuildError(
                f"{row.name} is not possible: there is no {part} yet, it is always off",
                f"type the same without {row.name}",
            )
        return
    target = row_named(row.opposite) if row.opposite else None
    if target is not None:
        line.given[target.identifier] = not value
    else:
        line.given[row.identifier] = value


def parse(
    args: Iterable[str], base: Path, is_scons_option: Callable[[str], bool] = lambda _: False
) -> CommandLine:
    """Take a command line apart; SCons's own options are left to SCons.

    base is where relative paths start: the folder the person stands in.
    """
    line = CommandLine()
    for arg in args:
        if arg.startswith("--"):
            name, equals, text = arg[2:].partition("=")
            row = row_named(name)
            if row is None:
                if is_scons_option(f"--{name}"):
                    continue
                raise unknown_option(name)
            take(line, row, convert(row, text if equals else None, base))
        elif arg.startswith("-"):
            continue
        elif "=" in arg:
            name, _, text = arg.partition("=")
            row = row_named(name)
            if row is None:
                raise unknown_option(name)
            take(line, row, convert(row, text, base))
        else:
            line.targets.append(arg)
    return line


def to_toml(values: dict[str, Value]) -> str:
    """Lines of TOML; strings, flags and lists of strings are the same in JSON."""
    lines = ["# Options that ./sconsw remembers; `./sconsw reset` clears them."]
    for row in TABLE:
        if row.identifier in values:
            value = values[row.identifier]
            lines.append(
                f"{row.name} = {json.dumps(list(value) if isinstance(value, tuple) else value)}"
            )
    return "\n".join(lines) + "\n"


def from_toml(text: str) -> dict[str, Value]:
    """Read what to_toml wrote (Python 3.10 has no tomllib); lines that do not fit are dropped."""
    values: dict[str, Value] = {}
    for line in text.splitlines():
        name, equals, rest = line.partition(" = ")
        row = row_named(name.strip())
        if not equals or row is None:
            continue
        try:
            value = json.loads(rest)
        except ValueError:
            continue
        value = tuple(value) if isinstance(value, list) else value
        if type(value) is type(row.default):
            values[row.identifier] = value
    return values


def remembered(file: Path) -> dict[str, Value]:
    try:
        return from_toml(file.read_text())
    except OSError:
        return {}


def remember(file: Path, values: dict[str, Value]) -> None:
    """Write the rows worth remembering; a value set back to its default is forgotten."""
    kept = {
        row.identifier: values[row.identifier]
        for row in TABLE
        if row.remembered and values.get(row.identifier, row.default) != row.default
    }
    if kept == remembered(file):
        return
    if kept:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(to_toml(kept))
    else:
        file.unlink(missing_ok=True)


def merge(given: dict[str, Value], before: dict[str, Value]) -> Options:
    """What was typed goes over what was remembered."""
    values = {**before, **given}
    known = {f.name for f in fields(Options)}
    return Options(**{k: v for k, v in values.items() if k in known})  # type: ignore[arg-type]


def typed(row: Row, value: Value) -> str:
    """How a person would type this value."""
    if isinstance(value, tuple):
        return f"{row.name}={','.join(value)}"
    return f"{row.name}={int(value) if isinstance(value, bool) else value}"


def summary(given: dict[str, Value], before: dict[str, Value]) -> str:
    """The options in force, with those remembered from before marked, for the first line."""
    words = []
    for row in TABLE:
        if row.identifier in given:
            if given[row.identifier] != row.default:
                words.append(typed(row, given[row.identifier]))
        elif row.identifier in before:
            words.append(f"{typed(row, before[row.identifier])} (remembered)")
    return ", ".join(words)


def columns(rows: Iterable[tuple[str, str]]) -> str:
    """Names and what they mean, within the 80 columns of a terminal."""
    lines = list(rows)
    indent = " " * (max(len(name) for name, _ in lines) + 4)
    return "\n".join(
        textwrap.fill(
            text,
            79,
            initial_indent=f"  {name}".ljust(len(indent)),
            subsequent_indent=indent,
            break_on_hyphens=False,
        )
        for name, text in lines
    )


def help_table() -> str:
    """The table as -h shows it."""
    return columns((row.name, row.help) for row in TABLE)


def help_option(name: str) -> str:
    """One row in full."""
    row = row_named(name)
    if row is None:
        raise unknown_option(name)
    default = typed(row, row.default).partition("=")[2]
    lines = textwrap.wrap(f"{row.name}: {row.help}", 79) + textwrap.wrap(row.more, 79)
    lines.append(f"kind: {row.kind}; default: {default or 'none'}")
    if row.choices:
        lines.append(f"one of: {', '.join(row.choices)}")
    lines.append("remembered until `./sconsw reset`" if row.remembered else "for this command only")
    return "\n".join(lines)

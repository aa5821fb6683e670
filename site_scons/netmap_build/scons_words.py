# SPDX-License-Identifier: BSD-2-Clause
"""SCons's own options, known before SCons can be imported; a test compares them with SCons."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

# They take the next word as their value, unless it is joined to them.
WITH_VALUE = (
    "-C --directory --cache-debug --config --debug --diskcheck --duplicate --experimental -f --file"
    " --makefile --sconstruct --hash-chunksize --md5-chunksize --hash-format -I --include-dir -j"
    " --jobs --max-drift --profile --site-dir --stack-size --taskmastertrace --tree --warn"
    " --warning -Y --repository --srcdir -l --load-average --max-load -o --old-file --assume-old"
    " --override --write-filenames -W --new-file --assume-new --what-if"
)
WITHOUT_VALUE = (
    "-b -d -e -m -S -t -w --environment-overrides --no-keep-going --no-print-directory"
    " --print-directory --stop --touch -c --clean --remove --cache-disable --no-cache --cache-force"
    " --cache-populate --cache-readonly --cache-show -D --enable-virtualenv -h --help -H"
    " --help-options -i --ignore-errors --ignore-virtualenv --implicit-cache"
    " --implicit-deps-changed --implicit-deps-unchanged --interact --interactive -k --keep-going -n"
    " --no-exec --just-print --dry-run --recon --no-site-dir -q --question -Q --random -s --silent"
    " --quiet -u --up --search-up -U -v --version --list-actions --list-derived --list-where -p -r"
    " -R --no-builtin-rules --no-builtin-variables --warn-undefined-variables"
)
TAKING = frozenset(WITH_VALUE.split())
KNOWN = TAKING | frozenset(WITHOUT_VALUE.split())
HELP = {"-h", "--help"}
ONLY_SAY = {"-n", "--no-exec", "--just-print", "--dry-run", "--recon", "-q", "--question"}
ABOUT = {"-H", "--help-options", "-v", "--version"}


@dataclass
class Words:
    """A command line: what is SCons's, what is ours."""

    ours: list[str] = field(default_factory=list)
    scons: set[str] = field(default_factory=set)  # names, without values


def split(args: Iterable[str]) -> Words:
    """Take SCons's options, and the values of those, out of a command line."""
    words = Words()
    value_follows = False
    for arg in args:
        if value_follows:
            value_follows = False
        elif arg.startswith("--"):
            name, equals, _ = arg.partition("=")
            if name in KNOWN:
                words.scons.add(name)
                value_follows = name in TAKING and not equals
            else:
                words.ours.append(arg)
        elif arg.startswith("-") and arg != "-":
            value_follows = cluster(arg, words)
        else:
            words.ours.append(arg)
    return words


def cluster(arg: str, words: Words) -> bool:
    """Letters behind one dash; True where the last of them waits for its value."""
    for index, letter in enumerate(arg[1:], 2):
        words.scons.add(f"-{letter}")
        if f"-{letter}" in TAKING:
            return index == len(arg)
    return False

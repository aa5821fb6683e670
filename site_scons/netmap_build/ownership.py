# SPDX-License-Identifier: BSD-2-Clause
"""`sudo ./sconsw` in somebody's checkout: root's rights for packages and for installing only.

Everything that writes into the checkout or its owner's cache runs as the owner. What needs root
is noted by that run, by `as_root`, and done by the wrapper when the owner's part has succeeded.
"""

from __future__ import annotations

import importlib
import json
import os
import pwd
import signal
import subprocess
import tempfile
from pathlib import Path

from .errors import BuildError

NOTES = "NETMAP_ROOT_NOTES"


def foreign_owner(top: Path) -> int | None:
    """The owner's uid when root works in a checkout that is not root's."""
    owner = top.stat().st_uid
    return owner if os.geteuid() == 0 and owner != 0 else None


def as_root(module: str, args: list[str]) -> int:
    """Run main(args) of a module: at once, or after this run where the wrapper waits as root.

    The module must be of netmap_build and need only the standard library.
    """
    notes = os.environ.get(NOTES)
    if notes:
        with Path(notes).open("a") as out:
            out.write(json.dumps([module, args]) + "\n")
        return 0
    return call(module, args)


def call(module: str, args: list[str]) -> int:
    return int(importlib.import_module(f"netmap_build.{module}").main(args))


def environment(uid: int, top: Path) -> dict[str, str]:
    """The owner's environment, as far as it is known."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "PYTHON", "SUDO_"))}
    try:
        account = pwd.getpwuid(uid)
    except KeyError:
        return {**env, "HOME": str(top / "build/home")}
    return {**env, "HOME": account.pw_dir, "USER": account.pw_name, "LOGNAME": account.pw_name}


def groups(uid: int, gid: int) -> list[int]:
    try:
        return os.getgrouplist(pwd.getpwuid(uid).pw_name, gid)
    except KeyError:
        return [gid]


def run_as_owner(top: Path, uid: int, args: list[str]) -> int:
    """The same command line as the checkout's owner, then what was noted for root."""
    gid = top.stat().st_gid
    with tempfile.NamedTemporaryFile(prefix="netmap-root-") as notes:
        os.chown(notes.name, uid, gid)
        try:
            child = subprocess.Popen(
                [str(top / "sconsw"), *args],
                env={**environment(uid, top), NOTES: notes.name},
                user=uid,
                group=gid,
                extra_groups=groups(uid, gid),
            )
        except OSError as error:
            raise BuildError(
                f"this checkout belongs to uid {uid}, who cannot start {top}/sconsw: "
                f"{error.strerror}",
                "type: the same as that user, or in a checkout of your own",
            ) from None
        code = patiently(child)
        for line in Path(notes.name).read_text().splitlines() if code == 0 else ():
            code = code or call(*json.loads(line))
    return code


def patiently(child: subprocess.Popen[bytes]) -> int:
    """Wait for a child that gets Ctrl-C itself and says what there is to say."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return child.wait()
    finally:
        signal.signal(signal.SIGINT, before)

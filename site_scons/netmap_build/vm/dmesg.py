# SPDX-License-Identifier: BSD-2-Clause
"""Judge a kernel log: which lines mean that something is broken."""

from __future__ import annotations

import re

STEP_MARK = "@@step "

_TROUBLE = re.compile(
    r"""
      \bBUG\b | \bWARNING: | \bOops\b | \bKASAN\b | \bUBSAN\b | \bKCSAN\b | \bKFENCE\b
    | (?i:
        kernel\ panic | general\ protection\ fault | unable\ to\ handle | refcount_t
      | kmemleak | \bleak(s|ed|ing)?\b | use-after-free | double\ free | corruption
      | sleeping\ function\ called | scheduling\ while\ atomic | Bad\ page\ (state|map)
      | possible\ (recursive|circular)\ locking | inconsistent\ lock\ state | suspicious\ RCU
      | rcu.*\bstall | soft\ lockup | hard\ LOCKUP | blocked\ for\ more\ than
      | page\ allocation\ failure | out\ of\ memory | oom-kill | \bsegfault\ at\b | \btraps:
      | unknown\ symbol | disagrees\ about\ version
      )
    """,
    re.VERBOSE,
)
_PREFIX = re.compile(r"^(<\d+>)?\[\s*\d+\.\d+\](\[[^]]*\])?\s*")


def problems(log: str) -> list[str]:
    """The lines that no healthy run prints, each with the step it happened in.

    What was logged before the first step is the kernel's own start-up and is not judged.
    """
    lines = log.splitlines()
    first = next((i for i, line in enumerate(lines) if STEP_MARK in line), None)
    step = "start-up"
    found: list[str] = []
    for line in lines[first or 0 :]:
        _, mark, name = line.partition(STEP_MARK)
        if mark:
            step = name.strip()
        elif _TROUBLE.search(_PREFIX.sub("", line)):
            found.append(f"in {step}: {line.strip()}")
    return found

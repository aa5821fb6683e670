# SPDX-License-Identifier: BSD-2-Clause
"""What the guest says on its results line, and how it is read.

The guest's agent writes to the second serial port, so that kernel messages never fall in between:

    @@<token> boot
    @@<token> begin <step> <uptime>
    ... whatever the step prints ...
    @@<token> end <step> <rc> <uptime>
    @@<token> log            the kernel's log follows
    @@<token> done

The token is new for every run: no program's output can be mistaken for the agent. A line that
begins with "result " holds key=value pairs. The text may stop anywhere, because a guest can crash.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

STEP_NAME = re.compile(r"[A-Za-z0-9_.:+-]+")
KILLED = (137, 143)


@dataclass
class StepResult:
    """One step as far as it got: rc is None when the guest stopped in the middle of it."""

    name: str
    rc: int | None = None
    seconds: float = 0.0
    lines: list[str] = field(default_factory=list)
    began: float = 0.0

    @property
    def ok(self) -> bool:
        """True when the step ran to its end and ended with 0."""
        return self.rc == 0

    @property
    def output(self) -> str:
        """All that the step printed."""
        return "\n".join(self.lines)

    @property
    def rows(self) -> list[dict[str, str]]:
        """Each "result key=value ..." line as a dictionary."""
        return [
            dict(pair.split("=", 1) for pair in line.split()[1:] if "=" in pair)
            for line in self.lines
            if line.startswith("result ")
        ]

    @property
    def values(self) -> dict[str, str]:
        """All result lines together; a later line wins."""
        merged: dict[str, str] = {}
        for row in self.rows:
            merged.update(row)
        return merged

    def number(self, key: str) -> int:
        """The value of that key as an integer; KeyError, with the output, when it was not given."""
        if key not in self.values:
            raise KeyError(f"step {self.name} printed no {key}=: {self.output!r}")
        return int(self.values[key], 0)

    def describe(self) -> str:
        """How it ended, in words, with the end of its output."""
        if self.rc is None:
            how = "never ended"
        elif self.rc in KILLED:
            how = f"was killed after {self.seconds:.0f} s"
        else:
            how = f"ended with {self.rc}"
        tail = "\n".join("    " + line for line in self.lines[-30:])
        return f"step {self.name} {how}\n{tail}"


@dataclass
class Parser:
    """Reads the results line bit by bit."""

    token: str
    on_line: Callable[[str, str], None] | None = None
    booted: bool = False
    done: bool = False
    steps: dict[str, StepResult] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    stray: list[str] = field(default_factory=list)
    _current: StepResult | None = None
    _in_log: bool = False
    _rest: bytes = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes; whole lines are worked through at once."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for raw in lines:
            self._line(raw)

    def finish(self) -> None:
        """No more will come: a last line without its end counts too."""
        if self._rest:
            self._line(self._rest)
            self._rest = b""

    def _line(self, raw: bytes) -> None:
        text = raw.decode("utf-8", "replace").rstrip("\r")
        before, mark, message = text.partition(f"@@{self.token} ")
        if before or not mark:
            self._say(before)
        if mark:
            self._message(message.split())

    def _say(self, text: str) -> None:
        if self._in_log:
            self.log.append(text)
        elif self._current is not None:
            self._current.lines.append(text)
            if self.on_line is not None:
                self.on_line(self._current.name, text)
        else:
            self.stray.append(text)

    def _message(self, words: list[str]) -> None:
        if words[:1] == ["boot"]:
            self.booted = True
        elif words[:1] == ["begin"] and len(words) == 3:
            step = StepResult(words[1], began=_seconds(words[2]))
            self.steps[step.name] = self._current = step
        elif words[:1] == ["end"] and len(words) == 4:
            ended = self.steps.get(words[1])
            if ended is not None and words[2].isdigit():
                ended.rc = int(words[2])
                ended.seconds = max(0.0, _seconds(words[3]) - ended.began)
            self._current = None
        elif words == ["log"]:
            self._in_log = True
        elif words == ["done"]:
            self.done = True
            self._in_log = False


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0

# SPDX-License-Identifier: BSD-2-Clause
"""The guest's /init: a busybox shell script that runs the steps and reports on the results line."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from .dmesg import STEP_MARK
from .protocol import STEP_NAME


@dataclass(frozen=True)
class Step:
    """A named shell script to run in the guest, and the guest seconds it may take."""

    name: str
    script: str
    timeout: int = 60

    def __post_init__(self) -> None:
        if not STEP_NAME.fullmatch(self.name):
            raise ValueError(f"not a step name: {self.name!r}")


_INIT = """\
#!/bin/busybox sh
# The first process of a test machine. The second serial port carries the results.
export PATH=/bin:/sbin LD_LIBRARY_PATH=/lib HOME=/tmp
/bin/busybox mkdir -p /proc /sys /dev /tmp /run /sbin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /tmp
mkdir -p /dev/shm && mount -t tmpfs tmpfs /dev/shm
ln -s /proc/self/fd /dev/fd
stty -F /dev/%(results)s raw -echo
exec </dev/null >/dev/%(results)s 2>&1
ip link set lo up
echo 30 >/proc/sys/kernel/hung_task_timeout_secs
T=%(token)s
echo "@@$T boot"
for module in %(modules)s; do
	insmod "/lib/modules/$module.ko" || echo "could not load $module"
done
%(settle)s
cd /tmp
while read -r number limit name; do
	echo "<4>%(mark)s$name" >/dev/kmsg
	read -r now _ </proc/uptime
	echo "@@$T begin $name $now"
	timeout -s KILL "$limit" sh "/steps/$number"
	rc=$?
	# Nothing of this step may live on into the next one.
	kill -9 -1 2>/dev/null
	wait
	read -r now _ </proc/uptime
	echo "@@$T end $name $rc $now"
done </steps/list
echo "@@$T log"
dmesg -r
echo "@@$T done"
poweroff -f
"""


def init_script(token: str, modules: list[str], settle_seconds: int, results: str) -> str:
    """The text of /init; results is the device of the results line.

    The settling time lets the kernel's start-up work pass before step one.
    """
    return _INIT % {
        "token": token,
        "results": results,
        "modules": " ".join(shlex.quote(name) for name in modules),
        "settle": f"sleep {settle_seconds}" if settle_seconds else ":",
        "mark": STEP_MARK,
    }


def step_list(steps: list[Step]) -> str:
    """The table that /init reads: file, limit, name."""
    return "".join(f"{i:03d} {step.timeout} {step.name}\n" for i, step in enumerate(steps))

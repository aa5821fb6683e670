# SPDX-License-Identifier: BSD-2-Clause
"""vale-ctl against the real module: it lists what programs have open, and tells refusals."""

from __future__ import annotations

import pytest
from netmap_build.vm import StepResult

pytestmark = pytest.mark.timeout(1500)

# Two ports of one switch and one of another; all are there once the list has three lines.
_LIST = """\
pkt-gen -i vale7:a -f rx -w 0 >/tmp/a 2>&1 &
a=$!
pkt-gen -i vale7:b@conf:rx-rings=2,tx-slots=512 -f rx -w 0 >/tmp/b 2>&1 &
b=$!
pkt-gen -i valex_7:c -f rx -w 0 >/tmp/c 2>&1 &
c=$!
n=0
while [ "$(vale-ctl -l | grep -c '^vale[x_]*7:')" != 3 ]; do
    n=$((n + 1))
    [ $n -lt 1000 ] || exit 9
done
echo "all $(vale-ctl | grep '7:' | sort | cut -d ' ' -f 1 | tr '\\n' ' ')"
echo "one $(vale-ctl -l vale7 | cut -d ' ' -f 1 | sort | tr '\\n' ' ')"
echo "port $(vale-ctl -l vale7:b)"
echo "size $(vale-ctl -g vale7:b)"
vale-ctl -g vale7:none 2>&1
echo "none $?"
vale-ctl -d vale7:a 2>&1
echo "detach $?"
kill -INT $a $b $c
wait $a; wait $b; wait $c
echo "end $(vale-ctl -l | grep -c '7:')"
"""

_REFUSALS = """\
vale-ctl -n v0 2>&1
echo "new $?"
vale-ctl -r v0 2>&1
echo "remove $?"
vale-ctl -p vale7:eth0 2>&1
echo "poll $?"
vale-ctl -P vale7:eth0 2>&1
echo "unpoll $?"
vale-ctl -a vale7:nosuchif 2>&1
echo "attach $?"
vale-ctl -h vale7:lo 2>&1
echo "attach-host $?"
vale-ctl -l vale7 2>&1
echo "list $?"
"""


@pytest.mark.guest(_LIST)
def test_vale_ctl_shows_the_ports_that_programs_have_open(step: StepResult) -> None:
    lines = step.output.splitlines()
    assert "all vale7:a vale7:b valex_7:c " in lines
    assert "one vale7:a vale7:b " in lines
    port = next(line for line in lines if line.startswith("port "))
    assert port.startswith("port vale7:b switch=")
    size = next(line for line in lines if line.startswith("size "))
    assert size.startswith(f"size {port.removeprefix('port ')} tx-rings=1 rx-rings=2 ")
    assert " tx-slots=512 rx-slots=1024 " in size
    assert "none 1" in lines
    assert "detach 1" in lines
    assert "the port of a program" in step.output
    assert "end 0" in lines


@pytest.mark.guest(_REFUSALS)
def test_vale_ctl_tells_what_this_kernel_refuses_and_why(step: StepResult) -> None:
    lines = step.output.splitlines()
    for word in ("new", "remove", "poll", "unpoll", "attach", "attach-host", "list"):
        assert f"{word} 1" in lines
    assert sum("this netmap has no persistent ports" in line for line in lines) == 2
    assert sum("this netmap has no polling threads" in line for line in lines) == 2
    assert any("there is no such interface" in line for line in lines)
    assert any("its driver does not support netmap" in line for line in lines)
    assert any("there is no such switch or port" in line for line in lines)

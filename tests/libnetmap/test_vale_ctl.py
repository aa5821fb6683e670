# SPDX-License-Identifier: BSD-2-Clause
"""vale-ctl on the pretended device: what it asks of the kernel, byte by byte, and what it says."""

from __future__ import annotations

import errno
import os
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from ctests import HERE, LIBRARY, ROOT, SANITIZERS, build, sources

VALE_CTL = ROOT / "apps" / "vale-ctl"
SWITCHES = "0 1 vale0:a,0 3 vale0:b,2 0 valex:c"
INFO, ATTACH, DETACH, LIST, NEWIF, DELIF, POLL, UNPOLL = 2, 3, 4, 5, 8, 9, 10, 11
SIZES = (
    " tx-rings=2 rx-rings=3 host-tx-rings=1 host-rx-rings=4 tx-slots=512 rx-slots=256"
    " region=5 bytes=8192"
)


@dataclass(frozen=True)
class Request:
    """One request as it reached the kernel."""

    version: int
    type: int
    name: str
    options: bool
    body: bytes | None


@dataclass(frozen=True)
class Outcome:
    """What the program did."""

    code: int
    out: str
    err: str
    requests: list[Request]


Run = Callable[..., Outcome]


def read_request(line: str) -> Request:
    header, options, body = line.split()
    version, reqtype, reserved, name = struct.unpack("=HHI64s", bytes.fromhex(header))
    assert reserved == 0
    assert name.rstrip(b"\0").count(b"\0") == 0
    text = name.rstrip(b"\0").decode()
    raw = None if body == "none" else bytes.fromhex(body)
    return Request(version, reqtype, text, options == "1", raw)


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = [HERE / "fake_netmap.c", *sources(LIBRARY), *sources(VALE_CTL)]
    return build(
        tmp_path_factory.mktemp("vale-ctl") / "vale-ctl", files, f"-I{VALE_CTL}", *SANITIZERS
    )


@pytest.fixture
def run(program: Path, tmp_path: Path) -> Run:
    log = tmp_path / "log"

    def call(*words: str, **env: str) -> Outcome:
        log.write_text("")
        settings = {"FAKE_NETMAP_SWITCHES": SWITCHES, "FAKE_NETMAP_LOG": str(log), "LC_ALL": "C"}
        done = subprocess.run(
            [program, *words], capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, **settings, **env},
        )  # fmt: skip
        requests = [read_request(line) for line in log.read_text().splitlines()]
        return Outcome(done.returncode, done.stdout, done.stderr, requests)

    return call


def only(outcome: Outcome, reqtype: int, name: str) -> bytes | None:
    """The body of the one request that was made, after its header was checked."""
    assert outcome.code == 0, outcome.err
    assert len(outcome.requests) == 1
    request = outcome.requests[0]
    assert (request.version, request.type, request.name) == (14, reqtype, name)
    assert not request.options
    return request.body


def attach_body(mode: int, region: int = 0) -> bytes:
    return struct.pack("=QQIIHHHHHHIIIQII", 0, 0, 0, 0, 0, 0, 0, 0, region, 0, mode, 0, 0, 0, 0, 0)


# --- what is asked, and the line on stdout


@pytest.mark.parametrize(("letter", "mode", "host"), [("-a", 1, 0), ("-h", 3, 1)])
def test_attach_asks_for_nic_rings_or_for_host_rings_too(
    run: Run, letter: str, mode: int, host: int
) -> None:
    done = run(letter, "vale0:eth0")
    body = only(done, ATTACH, "vale0:eth0")
    assert body is not None
    assert len(body) == 64
    assert body == attach_body(mode)[:64]
    assert done.out == f"vale0:eth0 attached port=7 host={host}\n"
    assert done.err == ""


@pytest.mark.parametrize("words", [["-a", "vale0:eth0", "-m", "9"], ["-m9", "-avale0:eth0"]])
def test_attach_may_name_a_region(run: Run, words: list[str]) -> None:
    assert only(run(*words), ATTACH, "vale0:eth0") == attach_body(1, 9)[:64]


def test_detach(run: Run) -> None:
    done = run("-d", "vale0:eth0")
    assert only(done, DETACH, "vale0:eth0") == bytes(8)
    assert done.out == "vale0:eth0 detached port=7\n"


@pytest.mark.parametrize(
    ("words", "slots", "rings", "region"),
    [
        ([], (0, 0), (0, 0), 0),
        (["-C", "512"], (512, 512), (0, 0), 0),
        (["-C", "512,256"], (512, 256), (0, 0), 0),
        (["-C", "512,256,4"], (512, 256), (4, 4), 0),
        (["-C", "512,256,4,65535"], (512, 256), (4, 65535), 0),
        (["-m", "65535"], (0, 0), (0, 0), 65535),
    ],
)
def test_a_persistent_port_has_the_sizes_of_its_spec(
    run: Run, words: list[str], slots: tuple[int, int], rings: tuple[int, int], region: int
) -> None:
    done = run("-n", "v0", *words)
    assert only(done, NEWIF, "v0") == struct.pack("=IIHHHH", *slots, *rings, region, 0)
    tx, rx = (n or 1024 for n in slots)
    txr, rxr = (n or 1 for n in rings)
    assert done.out == (
        f"v0 created tx-rings={txr} rx-rings={rxr} tx-slots={tx} rx-slots={rx}"
        f" region={region or 9}\n"
    )


def test_removing_a_persistent_port_has_no_body(run: Run) -> None:
    done = run("-r", "v0")
    assert only(done, DELIF, "v0") is None
    assert done.out == "v0 removed\n"


@pytest.mark.parametrize(
    ("spec", "mode", "cpu", "threads"),
    [([], 1, 0, 1), (["-C", "0,3"], 1, 3, 1), (["-C", "0,3,1"], 1, 3, 1),
     (["-C", "1,2"], 2, 2, 1), (["-C", "1,2,4"], 2, 2, 4)],
)  # fmt: skip
def test_polling_by_one_thread_or_by_one_a_ring(
    run: Run, spec: list[str], mode: int, cpu: int, threads: int
) -> None:
    done = run("-p", "vale0:eth0", *spec)
    assert only(done, POLL, "vale0:eth0") == struct.pack("=IIII", mode, cpu, threads, 0)
    assert done.out == f"vale0:eth0 polled threads={threads} first-cpu={cpu}\n"


def test_polling_stops(run: Run) -> None:
    done = run("-P", "vale0:eth0")
    assert only(done, UNPOLL, "vale0:eth0") == bytes(16)
    assert done.out == "vale0:eth0 not polled\n"


@pytest.mark.parametrize("words", [[], ["-l"], ["-l", ""]])
def test_the_list_has_all_ports_in_order(run: Run, words: list[str]) -> None:
    done = run(*words)
    assert done.code == 0
    assert done.out == (
        "vale0:a switch=0 port=1\nvale0:b switch=0 port=3\nvalex:c switch=2 port=0\n"
    )
    assert done.err == ""
    asked = [struct.unpack("=HHI", request.body or b"") for request in done.requests]
    assert asked == [(0, 0, 0), (0, 0, 2), (0, 0, 4), (2, 0, 1)]
    assert all(request.type == LIST and request.name == "" for request in done.requests)


def test_the_list_of_one_switch_and_of_one_port(run: Run) -> None:
    assert run("-l", "vale0").out == "vale0:a switch=0 port=1\nvale0:b switch=0 port=3\n"
    assert run("-l", "valex").out == "valex:c switch=2 port=0\n"
    one = run("-l", "vale0:b")
    assert only(one, LIST, "vale0:b") == bytes(8)
    assert one.out == "vale0:b switch=0 port=3\n"


def test_an_empty_list_is_no_error(run: Run) -> None:
    done = run("-l", FAKE_NETMAP_SWITCHES="")
    assert (done.code, done.out, done.err) == (0, "", "")


@pytest.mark.parametrize("words", [["-l", "-v"], ["-v", "-l"], ["-v"], ["-vl"]])
def test_verbose_adds_sizes_and_tells_each_request(run: Run, words: list[str]) -> None:
    done = run(*words)
    assert done.code == 0
    assert done.out.splitlines()[1] == "vale0:b switch=0 port=3" + SIZES
    assert "vale-ctl: PORT_INFO_GET vale0:b: done\n" in done.err
    assert done.err.endswith('vale-ctl: VALE_LIST "": No such file or directory\n')


def test_the_sizes_of_a_port(run: Run) -> None:
    done = run("-g", "valex:c")
    assert done.out == "valex:c switch=2 port=0" + SIZES + "\n"
    assert [(r.type, r.name) for r in done.requests] == [(LIST, "valex:c"), (INFO, "valex:c")]
    assert done.requests[1].body == bytes(32)


def test_a_port_that_is_not_there_is_not_made_to_be_described(run: Run) -> None:
    done = run("-g", "vale0:none")
    assert done.code == 1
    assert [request.type for request in done.requests] == [LIST]
    assert "vale0:none" in done.err


def test_a_port_that_leaves_while_it_is_listed_is_passed_over(run: Run) -> None:
    done = run("-v", FAKE_NETMAP_REFUSE=f"{INFO}={errno.ENXIO}")
    assert (done.code, done.out) == (0, "")


def test_a_name_cannot_break_the_lines_of_the_list(run: Run) -> None:
    done = run("-l", FAKE_NETMAP_SWITCHES="0 0 vale0:a b\\\n\x01é")
    assert done.out == "vale0:a\\x20b\\x5c\\x0a\\x01\\xc3\\xa9 switch=0 port=0\n"


def test_output_that_cannot_be_written_is_an_error(program: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [program, "-r", "v0"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert "cannot write" in done.stderr


# --- refusals of the kernel


@pytest.mark.parametrize(
    ("words", "reqtype", "number", "why"),
    [
        (["-a", "vale0:nosuch0"], ATTACH, errno.ENXIO, "no such interface"),
        (["-a", "vale0:lo"], ATTACH, errno.ENXIO, "the interface is there"),
        (["-a", "vale0:eth0"], ATTACH, errno.EBUSY, "attached already"),
        (["-a", "vale0:eth0"], ATTACH, errno.EINVAL, "native netmap support"),
        (["-h", "vale0:eth0"], ATTACH, errno.ENOMEM, "the kernel log says which"),
        (["-h", "vale0:eth0"], ATTACH, errno.EOPNOTSUPP, "this netmap does not do that"),
        (["-d", "vale0:eth0"], DETACH, errno.ENXIO, "not attached"),
        (["-d", "vale0:a"], DETACH, errno.EINVAL, "the port of a program"),
        (["-d", "vale0:eth0"], DETACH, errno.EBUSY, "stop that first with -P"),
        (["-n", "v0"], NEWIF, errno.EOPNOTSUPP, "no persistent ports"),
        (["-n", "v0"], NEWIF, errno.EEXIST, "choose another"),
        (["-r", "v0"], DELIF, errno.EOPNOTSUPP, "no persistent ports"),
        (["-r", "v0"], DELIF, errno.ENXIO, "no interface of that name"),
        (["-r", "v0"], DELIF, errno.EINVAL, "no persistent port of netmap"),
        (["-r", "v0"], DELIF, errno.EBUSY, "in use"),
        (["-p", "vale0:eth0"], POLL, errno.EOPNOTSUPP, "no polling threads"),
        (["-p", "vale0:eth0"], POLL, errno.EINVAL, "check -C"),
        (["-P", "vale0:eth0"], UNPOLL, errno.EOPNOTSUPP, "no polling threads"),
        (["-g", "vale0:a"], INFO, errno.ENXIO, "no such port"),
        (["-l", "vale0:a"], LIST, errno.ENOENT, "no such switch or port"),
        (["-l"], LIST, errno.EPERM, "run as root"),
        (["-a", "vale0:eth0"], ATTACH, errno.ERANGE, os.strerror(errno.ERANGE)),
    ],
)
def test_a_refusal_is_one_line_with_what_why_and_what_to_do(
    run: Run, words: list[str], reqtype: int, number: int, why: str
) -> None:
    done = run(*words, FAKE_NETMAP_REFUSE=f"{reqtype}={number}")
    assert done.code == 1
    assert done.out == ""
    assert done.err.startswith("vale-ctl: cannot ")
    assert done.err.count("\n") == 1
    assert os.strerror(number) in done.err
    assert why in done.err
    assert (words[1] if len(words) > 1 else "ports") in done.err


def test_a_kernel_of_another_version_is_named(run: Run) -> None:
    done = run("-r", "v0", FAKE_NETMAP_VERSION="11")
    assert done.code == 1
    assert "speaks version 11" in done.err


@pytest.mark.parametrize(
    ("number", "hint"),
    [(errno.ENOENT, "modprobe netmap"), (errno.EACCES, "run as root"), (errno.EMFILE, "Too many")],
)
def test_a_device_that_cannot_be_opened_says_why(run: Run, number: int, hint: str) -> None:
    done = run("-l", FAKE_NETMAP_ERRNO=str(number))
    assert (done.code, done.out) == (1, "")
    assert "cannot open /dev/netmap" in done.err
    assert hint in done.err


# --- the command line


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["-x"], "-x: there is no such option"),
        (["--verbose"], "--verbose: there is no such option"),
        (["--helpme"], "--helpme: there is no such option"),
        (["-a"], "-a: needs a value"),
        (["-h"], "-h: needs a value"),
        (["-a", "-v"], "-a -v: needs a value"),
        (["-a", ""], "needs a value"),
        (["stray"], "only options are expected"),
        (["-l", "vale0", "stray"], "only options are expected"),
        (["-a", "vale0:e", "-d", "vale0:e"], "one action at a time"),
        (["-l", "-l"], "one action at a time"),
        (["-a", "eth0"], "needs SWITCH:PORT"),
        (["-a", "vale0"], "needs SWITCH:PORT"),
        (["-a", "val0:e"], "needs SWITCH:PORT"),
        (["-a", "vale-0:e"], "needs SWITCH:PORT"),
        (["-a", "netmap:vale0:e"], "needs SWITCH:PORT"),
        (["-a", "vale0:"], "not the name of a port"),
        (["-a", "vale0:e e"], "not the name of a port"),
        (["-a", "vale0:" + "e" * 16], "15 characters"),
        (["-a", "vale0:e/x"], "not the name of an interface"),
        (["-d", "vale0:e:0"], "not the name of an interface"),
        (["-g", "vale0:" + "e" * 58], "63 characters"),
        (["-g", "eth0"], "needs SWITCH:PORT"),
        (["-l", "eth0"], "needs SWITCH:PORT"),
        (["-l", "vale" + "0" * 60], "63 characters"),
        (["-n", "vale0"], "belong to switches"),
        (["-n", "vale0:a"], "belong to switches"),
        (["-n", "e" * 16], "15 characters"),
        (["-r", "a b"], "not the name of an interface"),
        (["-n", "v0", "-C", ""], "needs a value"),
        (["-n", "v0", "-C", ","], "one to four numbers"),
        (["-n", "v0", "-C", "1,"], "one to four numbers"),
        (["-n", "v0", "-C", "1,2,3,4,5"], "one to four numbers"),
        (["-n", "v0", "-C", "1x"], "one to four numbers"),
        (["-n", "v0", "-C", "+1"], "one to four numbers"),
        (["-n", "v0", "-C", "4294967296"], "one to four numbers"),
        (["-n", "v0", "-C", "1,1,65536"], "65535 rings"),
        (["-n", "v0", "-C", "1", "-C", "2"], "given twice"),
        (["-p", "vale0:e", "-C", "0"], "with -p it is"),
        (["-p", "vale0:e", "-C", "2,0"], "with -p it is"),
        (["-p", "vale0:e", "-C", "1,2,3,4"], "with -p it is"),
        (["-p", "vale0:e", "-C", "0,2,2"], "one thread"),
        (["-p", "vale0:e", "-C", "1,2,0"], "at least one"),
        (["-P", "vale0:e", "-C", "0,2"], "only -n and -p"),
        (["-l", "-C", "2"], "only -n and -p"),
        (["-C", "2"], "only -n and -p"),
        (["-n", "v0", "-m", "0"], "1 to 65535"),
        (["-n", "v0", "-m", "65536"], "1 to 65535"),
        (["-n", "v0", "-m", "1x"], "1 to 65535"),
        (["-n", "v0", "-m", "1", "-m", "1"], "given twice"),
        (["-r", "v0", "-m", "1"], "only -a, -h and -n"),
        (["-m", "1"], "only -a, -h and -n"),
    ],
)  # fmt: skip
def test_a_wrong_command_line_is_refused_before_the_kernel_is_asked(
    run: Run, words: list[str], why: str
) -> None:
    done = run(*words)
    assert done.code == 2
    assert done.out == ""
    assert done.err.count("\n") == 1
    assert why in done.err
    assert done.err.endswith("for help type: vale-ctl --help\n")
    assert done.requests == []


@pytest.mark.parametrize("words", [["--help"], ["-v", "--help"]])
def test_help_goes_to_stdout_and_names_every_option(run: Run, words: list[str]) -> None:
    done = run(*words)
    assert done.requests == []
    assert (done.code, done.err) == (0, "")
    for letter in "ahdnrgpPCmvl":
        assert f"\n  -{letter} " in done.out
